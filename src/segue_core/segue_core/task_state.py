"""What a task detector (simulator or perception) says about the task."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskState:
    """Success and sub-step score at one tick.

    Args:
        success: the task's predicate holds now.
        score: task completion score so far (scheme per task).
        placed, total: objects done, objects in all.
        text: one line for people.
    """

    success: bool
    score: float
    placed: int
    total: int
    text: str
