"""Many episodes over many seeds, in parallel processes, resumable; the order they end in changes nothing."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_eval.progress import ProgressBar
from segue_eval.result import EpisodeResult
from segue_eval.rows import RowFile

EpisodeRunner = Callable[[int], EpisodeResult]  # seed -> result
RunnerFactory = Callable[[], EpisodeRunner]  # picklable; called once in every worker process

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """An episode that raised; exceptions do not travel between processes reliably, text does."""

    seed: int
    text: str


class _Worker:
    """One process's runner, made at the first episode so that its errors are reported like any other."""

    factory: RunnerFactory
    runner: EpisodeRunner | None = None


def _start(factory: RunnerFactory) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _Worker.factory = factory


def _episode(seed: int) -> EpisodeResult | Failure:
    try:
        if _Worker.runner is None:
            _Worker.runner = _Worker.factory()
        return _Worker.runner(seed)
    except SegueError as error:
        return Failure(seed, str(error))
    except Exception:
        return Failure(seed, traceback.format_exc())


def _accept(outcome: EpisodeResult | Failure) -> EpisodeResult:
    if isinstance(outcome, Failure):
        raise ConfigError(ErrorCode.PROCESS_FAILED, f"episode of seed {outcome.seed} failed: {outcome.text}")
    return outcome


def _here(factory: RunnerFactory, seeds: Sequence[int]) -> Iterator[EpisodeResult]:
    runner = factory()
    for seed in seeds:
        yield runner(seed)


def _in_processes(factory: RunnerFactory, seeds: Sequence[int], workers: int) -> Iterator[EpisodeResult]:
    """Results as they finish. Processes are spawned: forked ones would share renderer and thread pools."""
    for name in _ONE_THREAD:  # workers x threads = cores; children read these when they load their libraries
        os.environ.setdefault(name, "1")
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (factory,))
    try:
        futures: list[Future[EpisodeResult | Failure]] = [pool.submit(_episode, seed) for seed in seeds]
        for future in as_completed(futures):
            yield _accept(future.result())
    except BrokenProcessPool as error:
        raise ConfigError(
            ErrorCode.PROCESS_FAILED, "a worker process died; out of memory? Try fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def default_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    count = max(1, min(workers, len(missing)))
    stream = _here(factory, missing) if count == 1 else _in_processes(factory, missing, count)
    for result in stream if missing else ():
        rows.add(result)
        if bar is not None:
            bar.step(f"seed {result.seed}: {'success' if result.success else result.rule}")
    return [rows.results[seed] for seed in seeds]
