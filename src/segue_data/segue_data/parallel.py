"""Independent jobs in a few processes, with a progress bar; in this process when one worker is enough.

Ctrl-C reaches every process of a terminal. The jobs under way end as if they were here, jobs that wait in a worker are
not begun, and workers that have none, or have not started yet, print no trace of their own.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

from tqdm import tqdm

from segue_core.errors import ConfigError, ErrorCode

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_all(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int,
    label: str,
    unit: str,
    bar: bool,
) -> list[Result]:
    """Results in the order of `jobs`; the first failure cancels what has not begun, and is raised once no job runs."""
    results = dict(as_done(function, jobs, workers=workers, label=label, unit=unit, bar=bar))
    return [results[index] for index in range(len(jobs))]


def as_done(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int,
    label: str,
    unit: str,
    bar: bool,
) -> Iterator[tuple[int, Result]]:
    """(index of the job, result) as jobs finish. Several workers need a picklable function and jobs.

    Raises:
        ConfigError: a worker died.
    """
    done = _here(function, jobs) if min(workers, len(jobs)) < 2 else _pool(function, jobs, workers)
    yield from tqdm(done, label, len(jobs), disable=not bar, unit=unit)


def end_with_parent() -> None:
    """Initialiser of a worker process: it ends at once when its parent does, even by SIGKILL.

    Otherwise it would work off the jobs that it was given, for nobody.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="end with parent", daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


class _Shift:
    """Of a worker process."""

    working = False
    interrupted = False


def _on_interrupt(*_: object) -> None:
    _Shift.interrupted = True
    if _Shift.working:
        raise KeyboardInterrupt


def _begin_worker() -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, _on_interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # see `held`


def _work(function: Callable[[Job], Result], job: Job) -> Result:
    if _Shift.interrupted:
        raise KeyboardInterrupt
    _Shift.working = True
    try:
        return function(job)
    finally:
        _Shift.working = False


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C waits, here until the end of the block, and in processes that are started in it until they are ready."""
    resource_tracker.ensure_running()  # it ends the hold when it has to start
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _here(function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
    return ((index, function(job)) for index, job in enumerate(jobs))


def _pool(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[int, Result]]:
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
    ) as pool:
        with held():
            running: dict[Future[Result], int] = {
                pool.submit(_work, function, job): index for index, job in enumerate(jobs)
            }
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BrokenProcessPool as error:
            do = "take fewer workers (it may have had no memory); in a script of your own call this below "
            do += "`if __name__ == '__main__':`"
            raise ConfigError(ErrorCode.PROCESS_FAILED, "a worker process died", do=do) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # whoever clears up now has the files for itself
            raise
