"""Reproduce a figure or table: train what it needs, side by side, then draw it and say what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from psp.config import Config, needs_resnet
from psp.errors import UserError
from psp.experiments import EXPERIMENTS, base, jobs
from psp.run import check_folder, finished

TRAINED = "trained"  # the folder of all runs, which figures share


def planned(
    name: str, quick: bool, seeds: int, out: Path, changes: Mapping[str, Any] | None = None
) -> dict[str, dict[Path, Config]]:
    """What a figure needs trained: a label's folders, one a seed, and their configurations, with ``changes``.

    Raises:
        UserError: an unknown name, less than one seed, or a change of what the figure compares.
    """
    if name not in EXPERIMENTS:
        raise UserError(f"unknown figure or table {name}: known are {', '.join(EXPERIMENTS)}")
    if seeds < 1:
        raise UserError(f"seeds must be at least 1, got {seeds}")
    entries = EXPERIMENTS[name].entries(quick)
    changes = changes or {}
    for field in changes:
        values = {str(getattr(config, field)): None for config in entries.values()}
        if field == "seed" or len(values) > 1:
            raise UserError(f"{name} compares runs by their {field} ({', '.join(values)}): it cannot be set for all")
    plan = {}
    for label, config in entries.items():
        fields = dict(changes)
        if needs_resnet(fields.get("stream", config.stream), fields.get("network", config.network)):
            fields.setdefault("hidden", None)  # that of the figure's MLP
        configs = [dataclasses.replace(config, **fields, seed=seed) for seed in range(1, seeds + 1)]
        plan[label] = {out / TRAINED / base.folder(config): config for config in configs}
    return plan


def reproduce(
    name: str,
    quick: bool,
    seeds: int,
    side_by_side: int,
    out: Path,
    data: Path | None = None,
    download: bool = False,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    on_progress: jobs.Told | None = None,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> base.Found:
    """Train what the figure or table ``name`` needs, and write it into ``out/name``.

    ``changes`` are fields of every run's configuration, such as ``{"width": 256}``; what is written says so.
    Runs are kept in ``out/trained``, by their configuration: figures share them, and with ``resume`` go on with them.

    Raises:
        UserError: an unknown name, less than one job, a change of what the figure compares, folders that hold
            something else or, without ``resume``, a run begun already, data that cannot be read.
        Stopped: ``asked_to_stop`` said so.
    """
    if side_by_side < 1:
        raise UserError(f"jobs must be at least 1, got {side_by_side}")
    plan = planned(name, quick, seeds, out, changes)
    runs = {folder: config for configs in plan.values() for folder, config in configs.items()}
    for folder, config in runs.items():
        # A finished run of the same configuration is its result, whichever figure it was trained for.
        check_folder(config, folder, resume or finished(folder))
    results = jobs.run_all(runs, side_by_side, data, download, on_progress, asked_to_stop)
    found = {label: [results[folder] for folder in configs] for label, configs in plan.items()}
    base.write(EXPERIMENTS[name], found, quick, out / name, changes)
    return found
