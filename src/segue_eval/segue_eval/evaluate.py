"""Many episodes over many seeds, in parallel processes, resumable; the order they end in changes nothing."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_data.parallel import end_with_parent, held
from segue_eval.progress_bar import ProgressBar
from segue_eval.result import EpisodeResult
from segue_eval.rows import RowFile

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
JobRunner = Callable[[JobT], ResultT]
EpisodeRunner = JobRunner[int, EpisodeResult]  # seed -> result
RunnerFactory = Callable[[], EpisodeRunner]  # picklable; called once in every worker process

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """An episode that raised; exceptions do not travel between processes reliably, text does."""

    text: str


Finished = tuple[JobT, ResultT | Failure]


class _Worker:
    """One process's runner, made at the first episode so that its errors are reported like any other."""

    factory: Callable[[], JobRunner[Any, Any]]
    runner: JobRunner[Any, Any] | None = None


def _start(factory: Callable[[], JobRunner[Any, Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    end_with_parent()
    _Worker.factory = factory


def _attempt(runner: JobRunner[JobT, ResultT], job: JobT) -> ResultT | Failure:
    try:
        return runner(job)
    except SegueError as error:
        return Failure(str(error))
    except Exception:
        return Failure(traceback.format_exc())


def _episode(job: Any) -> Any:
    def runner(job: Any) -> Any:
        if _Worker.runner is None:
            _Worker.runner = _Worker.factory()
        return _Worker.runner(job)

    return _attempt(runner, job)


def _here(
    factory: Callable[[], JobRunner[JobT, ResultT]], jobs: Sequence[JobT]
) -> Iterator[Finished[JobT, ResultT]]:
    runner = factory()
    for job in jobs:
        yield job, _attempt(runner, job)


def _in_processes(
    factory: Callable[[], JobRunner[JobT, ResultT]], jobs: Sequence[JobT], workers: int
) -> Iterator[Finished[JobT, ResultT]]:
    """Results as they finish. Processes are spawned: forked ones would share renderer and thread pools."""
    for name in _ONE_THREAD:  # workers x threads = cores; children read these when they load their libraries
        os.environ.setdefault(name, "1")
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (factory,))
    try:
        with held():  # no worker is there to be interrupted before `_start`
            futures = {pool.submit(_episode, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise ConfigError(
            ErrorCode.PROCESS_FAILED,
            "a worker process died",
            do="try fewer --workers (it may have had no memory)",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_jobs(
    factory: Callable[[], JobRunner[JobT, ResultT]], jobs: Sequence[JobT], workers: int
) -> Iterator[Finished[JobT, ResultT]]:
    """Run all jobs in up to `workers` processes (in this one for 1); every job with its outcome, as they finish.

    Args:
        factory: makes a runner inside each worker process; it and the jobs travel there by pickle.

    Raises:
        ConfigError: a worker process died.
    """
    count = max(1, min(workers, len(jobs)))
    if not jobs:
        return iter(())
    return _here(factory, jobs) if count == 1 else _in_processes(factory, jobs, count)


def evaluate(
    factory: RunnerFactory, seeds: Sequence[int], rows: RowFile, workers: int, bar: ProgressBar | None = None
) -> list[EpisodeResult]:
    """Run the seeds that `rows` lacks and return the results of all `seeds`, in their order.

    Args:
        factory: makes a runner inside each worker process (inside this one when `workers` is 1).
        rows: finished episodes are read from it and appended to it as they finish.

    Raises:
        ConfigError: an episode failed or a worker died; finished episodes are kept in `rows`.
    """
    missing = [seed for seed in seeds if seed not in rows.results]
    for seed, outcome in run_jobs(factory, missing, workers):
        if isinstance(outcome, Failure):
            raise ConfigError(ErrorCode.PROCESS_FAILED, f"episode of seed {seed} failed: {outcome.text}")
        rows.add(outcome)
        if bar is not None:
            bar.step(f"seed {seed}: {'success' if outcome.success else outcome.rule}")
    return [rows.results[seed] for seed in seeds]
