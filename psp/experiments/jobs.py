"""Runs side by side, in processes of their own, each in a folder of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from psp.config import Config
from psp.errors import UserError
from psp.run import Result, Stopped, run
from psp.train import Training

_TELL_EVERY = 0.2  # seconds between two messages of one run

Told = Callable[[Path, int], None]  # of a run's folder, and the steps it has done

_stop: Event
_progress: Any


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # a run loses nothing at any moment, and another process may go on with its folder soon


def _enter(stop: Event, progress: Any) -> None:
    global _stop, _progress
    _stop, _progress = stop, progress
    threading.Thread(target=_follow_parent, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent says when to stop
        signal.signal(number, signal.SIG_IGN)


def _run(config: Config, folder: Path, data: Path | None, download: bool) -> Result:
    told = 0.0

    def on_step(training: Training) -> bool:
        nonlocal told
        if time.monotonic() - told > _TELL_EVERY:
            told = time.monotonic()
            _progress.put((folder, training.step))
        return _stop.is_set()

    if _stop.is_set():
        raise Stopped
    return run(config, folder, data, download, resume=True, on_step=on_step)


def run_all(
    runs: dict[Path, Config],
    jobs: int,
    data: Path | None = None,
    download: bool = False,
    on_progress: Told | None = None,
    asked_to_stop: Callable[[], bool] = lambda: False,
) -> dict[Path, Result]:
    """Train every configuration in its folder, ``jobs`` at a time; what a folder holds already goes on from there.

    Args:
        runs: folders and what is trained in each.
        jobs: processes side by side; each takes the threads of its configuration.
        data: the folder that datasets are read from.
        download: whether to fetch missing data.
        on_progress: called now and then with a folder and the steps that its run has done.
        asked_to_stop: once True, every run stops after the step in flight, and the checkpoints are written.

    Raises:
        Stopped: ``asked_to_stop`` said so.
        UserError: of the first run that raises, or one was killed; the others stop, resumably.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process whose torch has threads may hang
    stop, progress = context.Event(), context.Queue()
    found: dict[Path, Result] = {}
    with ProcessPoolExecutor(jobs, context, _enter, (stop, progress)) as pool:
        waiting: dict[Future[Result], Path] = {
            pool.submit(_run, config, folder, data, download): folder for folder, config in runs.items()
        }
        failure: BaseException | None = None
        while waiting:
            done, _ = wait(waiting, timeout=_TELL_EVERY, return_when=FIRST_COMPLETED)
            if asked_to_stop():
                stop.set()
            while not progress.empty():
                folder, step = progress.get()
                if on_progress is not None:
                    on_progress(folder, step)
            for future in done:
                folder = waiting.pop(future)
                error = future.exception()
                if error is None:
                    found[folder] = future.result()
                    if on_progress is not None:
                        on_progress(folder, runs[folder].total)
                elif failure is None or isinstance(failure, Stopped):
                    failure = error
                    stop.set()
        if isinstance(failure, BrokenProcessPool):
            raise UserError("a run was killed: the same command with --resume goes on") from failure
        if failure is not None:
            raise failure
    return found
