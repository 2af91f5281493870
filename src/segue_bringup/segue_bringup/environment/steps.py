"""The steps of set-up as data, and the loop that does those that are not done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue_bringup.environment.progress import Progress
from segue_bringup.environment.stamps import StampStore, digest


@dataclass(frozen=True)
class Step:
    """One resumable step.

    Args:
        key: name of its stamp and log.
        title: what the progress line says.
        inputs: digest of everything that the result depends on, besides the steps before.
        run: does it; safe to call again after it was interrupted anywhere.
        outputs: files that must exist for the step to count as done.
    """

    key: str
    title: str
    inputs: str
    run: Callable[[Progress], None]
    outputs: tuple[Path, ...] = ()


def chained_digests(steps: Sequence[Step]) -> list[str]:
    """One digest per step; each contains the ones before, so a change makes all later steps stale."""
    chain: list[str] = []
    for step in steps:
        chain.append(digest(chain[-1] if chain else "", step.key, step.inputs))
    return chain


def pending(steps: Sequence[Step], stamps: StampStore) -> list[tuple[Step, str]]:
    """The steps to do, in order, with the stamp that each will get: the first stale one and all after it."""
    pairs = list(zip(steps, chained_digests(steps), strict=True))
    for index, (step, wanted) in enumerate(pairs):
        if stamps.read(step.key) != wanted or not all(path.exists() for path in step.outputs):
            return pairs[index:]
    return []


def run_pending(steps: Sequence[Step], stamps: StampStore, progress: Callable[[int], Progress]) -> int:
    """Do what is not done; return how many steps that were. Every error leaves finished steps finished."""
    todo = pending(steps, stamps)
    for step, _ in todo:
        stamps.forget(step.key)
    if not todo:
        return 0
    shown = progress(len(todo))
    for step, stamp in todo:
        shown.start(step.title)
        try:
            step.run(shown)
        except BaseException:
            shown.end_line()
            raise
        stamps.write(step.key, stamp)
        shown.finish()
    return len(todo)
