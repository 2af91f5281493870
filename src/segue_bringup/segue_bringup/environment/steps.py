"""The steps of set-up as data, and the loop that does those that are not done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue_bringup.environment.setup_display import SetupDisplay
from segue_bringup.environment.stamps import StampStore, digest


@dataclass(frozen=True)
class Step:
    """One resumable step.

    Args:
        key: name of its stamp and log.
        title: what the line says.
        inputs: digest of everything that the result depends on, besides the steps before.
        run: does it; safe to call again after it was interrupted anywhere.
        outputs: files that must exist for the step to count as done.
        after: keys of the steps whose result it is made from; None: the one before it, and so what that is made from.
    """

    key: str
    title: str
    inputs: str
    run: Callable[[SetupDisplay], None]
    outputs: tuple[Path, ...] = ()
    after: tuple[str, ...] | None = None


def chained_digests(steps: Sequence[Step]) -> dict[str, str]:
    """One digest per step, by key; it contains those of the steps that it is made from: their change makes it stale."""
    chain: dict[str, str] = {}
    for step in steps:
        last = list(chain.values())[-1] if chain else ""
        before = [last] if step.after is None else [chain[key] for key in step.after]
        chain[step.key] = digest(*before, step.key, step.inputs)
    return chain


def pending(steps: Sequence[Step], stamps: StampStore) -> list[tuple[Step, str]]:
    """The steps to do, in order, with the stamp that each will get: the stale ones, and what is made from these."""
    chain = chained_digests(steps)
    todo: dict[str, tuple[Step, str]] = {}
    for step in steps:
        wanted = chain[step.key]
        done = stamps.read(step.key) == wanted and all(path.exists() for path in step.outputs)
        if not done or (todo if step.after is None else todo.keys() & set(step.after)):
            todo[step.key] = step, wanted
    return list(todo.values())


def run_pending(steps: Sequence[Step], stamps: StampStore, display: Callable[[int], SetupDisplay]) -> int:
    """Do what is not done; return how many steps that were. Every error leaves finished steps finished."""
    todo = pending(steps, stamps)
    for step, _ in todo:
        stamps.forget(step.key)
    if not todo:
        return 0
    shown = display(len(todo))
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
