"""A figure that is killed at random moments goes on to the same numbers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

KILLS = int(os.environ.get("PSP_KILLS", "2"))
ROOT = Path(__file__).parent.parent.parent


def start(out: Path) -> subprocess.Popen[bytes]:
    words = ["reproduce", "small", "--seeds", "1", "--jobs", "2", "--resume", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.psp.small", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_a_killed_figure_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    taken = time.monotonic() - begun
    draw = random.Random(0)
    for kill in range(KILLS):
        child = start(tmp_path / "killed")
        time.sleep(taken * draw.uniform(0.3, 1))
        # Every other time the processes that train are killed as well: else they end by themselves.
        (os.killpg if kill % 2 else os.kill)(child.pid, signal.SIGKILL)
        child.wait()
    deadline = time.monotonic() + 60
    while (child := start(tmp_path / "killed")).wait() != 0:
        assert time.monotonic() < deadline
    for name in ("small.csv", "small.json"):
        whole, killed = ((tmp_path / run / "small" / name).read_text() for run in ("whole", "killed"))
        assert whole == killed
