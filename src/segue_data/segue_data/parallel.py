"""Independent jobs in a few processes, with a progress bar; in this process when one worker is enough."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import TypeVar

from tqdm import tqdm

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_all(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int,
    label: str,
    unit: str,
    progress: bool,
) -> list[Result]:
    """Results in the order of `jobs`; the first failure cancels what has not begun and is raised here."""
    results = dict(as_done(function, jobs, workers=workers, label=label, unit=unit, progress=progress))
    return [results[index] for index in range(len(jobs))]


def as_done(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    workers: int,
    label: str,
    unit: str,
    progress: bool,
) -> Iterator[tuple[int, Result]]:
    """(index of the job, result) as jobs finish. Several workers need a picklable function and jobs."""
    done = _here(function, jobs) if min(workers, len(jobs)) < 2 else _pool(function, jobs, workers)
    yield from tqdm(done, label, len(jobs), disable=not progress, unit=unit)


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


def _here(function: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
    return ((index, function(job)) for index, job in enumerate(jobs))


def _pool(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[int, Result]]:
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
    ) as pool:
        running: dict[Future[Result], int] = {
            pool.submit(function, job): index for index, job in enumerate(jobs)
        }
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
