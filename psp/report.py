"""One page of everything that was reproduced: figures, tables, configurations, versions."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path

from markdown_it import MarkdownIt

from psp import files
from psp.errors import UserError
from psp.experiments import EXPERIMENTS
from psp.run import versions

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1, h2 { line-height: 1.2; } img { width: 100%; } table { border-collapse: collapse; font-size: 0.85rem; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: left; } pre { font-size: 0.75rem; }
"""


def report(runs: Path) -> Path:
    """Write ``report.html`` into ``runs``, from what `psp reproduce` left there; nothing in it is read from elsewhere.

    Args:
        runs: the folder that holds a folder for every figure and table.

    Raises:
        UserError: there is none in it.
    """
    found = [(name, runs / name) for name in EXPERIMENTS if (runs / name / f"{name}.json").exists()]
    if not found:
        raise UserError(f"{runs} holds nothing reproduced: psp reproduce NAME --out {runs} comes first")
    parts = [_section(name, folder) for name, folder in found]
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>psp: the paper, reproduced</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>Superposition of many models into one, reproduced</h1>\n"
        f"<p>After Cheung et al., NeurIPS 2019. This page was made with {html.escape(made)}.</p>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )
    path = runs / "report.html"
    files.write_text(path, page)
    return path


def _section(name: str, folder: Path) -> str:
    image = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
    said = MarkdownIt("commonmark").enable("table").render((folder / f"{name}.md").read_text())
    described = json.loads((folder / f"{name}.json").read_text())
    configurations = html.escape(json.dumps(described, indent=1))
    return (
        f'<section id="{name}">\n{said.replace("<h1>", "<h2>").replace("</h1>", "</h2>")}\n'
        f'<img alt="{name}" src="data:image/png;base64,{image}">\n'
        f"<details><summary>configurations and versions</summary><pre>{configurations}</pre></details>\n</section>"
    )
