"""The closed family of errors: a code from a documented range, and a text that is never empty.

=========  ==================  =============================================
range      class               raised by
=========  ==================  =============================================
100-199    `SchedulerError`    chunk scheduler, chunks, schedules
200-299    `PolicyError`       policies, checkpoints, training
300-399    `ControlError`      kinematics, controllers, safety guard
400-499    `DataError`         recording, conversion, datasets
500-599    `PerceptionError`   cameras, synchronisation, observations
600-699    `ConfigError`       configuration, environment, bring-up, processes
=========  ==================  =============================================
"""

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar, Final

from segue_core.error_codes import ErrorCode as ErrorCode

WHAT_TO_DO: Final = "What to do:"


_LONGEST = 400  # letters of what came from outside; a text of megabytes would fill logs and hold up nodes
_LONGEST_NAME = 100


def clipped(value: object, longest: int = _LONGEST) -> str:
    """What somebody gave, as text that fits into a sentence."""
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} letters)"


def told_code(number: int, otherwise: ErrorCode) -> ErrorCode:
    """The code of a number that another process told; `otherwise` for success, and for one that there is not."""
    return ErrorCode(number) if number and number in set(ErrorCode) else otherwise


def _describe(text: str, got: object, expected: object, allowed: Iterable[str]) -> str:
    names = ", ".join(allowed)
    parts = [text.strip()]
    parts += [f"got {clipped(got)}"] if got is not None else []
    parts += [f"expected {expected}"] if expected is not None else []
    parts += [f"allowed: {names}"] if names else []
    return "; ".join(part for part in parts if part)


class SegueError(Exception):
    """Base of all errors raised on purpose.

    Args:
        code: what failed, from the range of the subclass.
        text: one sentence; the code's name stands in when it is empty.
        got, expected, allowed: appended to the text when given.
        do: what a person does next; by default what the code says, unless the text tells it of an error inside.
    """

    codes: ClassVar[range] = range(700)

    def __init__(
        self,
        code: ErrorCode,
        text: str,
        *,
        got: object = None,
        expected: object = None,
        allowed: Iterable[str] = (),
        do: str = "",
    ) -> None:
        self.code = code
        self.text = _describe(text, got, expected, allowed) or code.name
        self.next_step = do or ("" if WHAT_TO_DO in self.text else code.next_step)
        super().__init__(self.text)

    @property
    def advised(self) -> str:
        """The text and what to do next: for whoever must act, over ROS as on the terminal."""
        return f"{self.text.rstrip('.')}. {WHAT_TO_DO} {self.next_step}" if self.next_step else self.text

    @property
    def carried(self) -> str:
        """The text, and what to do next where its code alone does not say so: for messages of code and text."""
        return self.text if self.next_step == self.code.next_step else self.advised

    def __str__(self) -> str:
        return f"[{int(self.code)} {self.code.name}] {self.advised}"

    def __reduce__(self) -> tuple[Callable[..., "SegueError"], tuple[ErrorCode, str]]:
        """Pickle by code and text, so that errors cross process pools."""
        return partial(type(self), do=self.next_step), (self.code, self.text)


class SchedulerError(SegueError):
    """The chunk scheduler, a chunk or a schedule is at fault."""

    codes = range(100, 200)


class PolicyError(SegueError):
    """A policy, its checkpoint or its training is at fault."""

    codes = range(200, 300)


class ControlError(SegueError):
    """Kinematics, a controller or the safety guard refused."""

    codes = range(300, 400)


class DataError(SegueError):
    """A recording, a conversion or a dataset is at fault."""

    codes = range(400, 500)


class PerceptionError(SegueError):
    """A camera frame, a state sample or their synchronisation is at fault."""

    codes = range(500, 600)


class ConfigError(SegueError):
    """Configuration, environment or bring-up is at fault."""

    codes = range(600, 700)


def nearest_name(got: str, allowed: Iterable[str]) -> str | None:
    """The valid name that `got` most likely meant, or None when nothing is close."""
    if len(got) > _LONGEST_NAME:  # comparing takes time that grows with the square
        return None
    matches = difflib.get_close_matches(got, list(allowed), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown_name(kind: str, got: str, allowed: Iterable[str]) -> ConfigError:
    """Build (not raise) the error for an unknown `kind` such as "task" or "policy"."""
    names = sorted(allowed)
    near = nearest_name(got, names)
    hint = f" (did you mean {near!r}?)" if near else ""
    return ConfigError(
        ErrorCode.CONFIG_UNKNOWN_NAME,
        f"unknown {kind} {clipped(got, _LONGEST_NAME)!r}{hint}",
        allowed=names or ("(none)",),
    )
