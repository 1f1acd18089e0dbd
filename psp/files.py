"""Files that are whole or not there: written aside, then renamed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

PART = ".part"  # ends the name of a file that is being written


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader, or a crash, meets the old file or the new one."""
    aside = path.with_name(path.name + PART)
    with open(aside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def write_text(path: Path, text: str) -> None:
    """:func:`write_bytes` of text."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """:func:`write_text` of JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write tensors and a JSON description to a safetensors file."""
    # A lazily conjugated tensor would be stored without its conjugation.
    plain = {name: t.detach().resolve_conj().resolve_neg().contiguous() for name, t in tensors.items()}
    aside = path.with_name(path.name + PART)
    save_file(plain, aside, {name: json.dumps(value) for name, value in metadata.items()})
    aside.replace(path)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`write_tensors` wrote."""
    with safe_open(path, framework="pt") as file:
        metadata = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
