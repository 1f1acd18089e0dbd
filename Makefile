# `make demo` and `make test` are the two commands of the README; both build .venv where it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

# Resumes: a second call shows the table again.
demo: .venv/installed
	$(BIN)/psp run permuted-digits --tasks 10 --steps 300 --threads 1 --width 256 --hidden 2 --seed 1 \
		--context identity --context binary --context complex --context onepower \
		--context rotation --context signed-permutation --out runs/demo --resume

test: .venv/installed
	$(BIN)/pytest -n auto

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/pytest tests/benchmarks --benchmark-only

clean:
	rm -rf .venv runs/demo

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@
