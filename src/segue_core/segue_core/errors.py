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
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


class ErrorCode(IntEnum):
    """Every failure that crosses a module or a ROS interface; `0` is success."""

    OK = 0

    SCHEDULER_INFEASIBLE = 101  # (d, s, r) do not fit the horizon
    SCHEDULER_CAPABILITY = 102  # the policy cannot serve the continuation method
    SCHEDULER_POLICY_MISMATCH = 103  # horizon, action space or rate differ from the policy's
    CHUNK_NOT_FINITE = 104
    CHUNK_WRONG_SHAPE = 105
    CHUNK_WRONG_START = 106  # answers for another tick than the one asked
    SCHEDULER_BAD_INPUT = 107  # measured state not finite or of the wrong width
    SCHEDULER_TICK_ORDER = 108  # a tick came twice or went backwards
    SCHEDULER_STARVED = 109  # no action left for too many ticks
    SCHEDULER_BAD_CHUNKS = 110  # too many refused chunks in a row
    SCHEDULER_REQUESTS_FAILED = 111  # too many failed or unanswered requests in a row
    TASK_BUSY = 112  # another goal is running
    TASK_CANCELLED = 113
    TASK_LEASE_EXPIRED = 114  # the client of the running goal is gone

    POLICY_NOT_READY = 201
    POLICY_OBSERVATION_MISSING = 202
    POLICY_BUSY = 203
    POLICY_FAILED = 204
    POLICY_OUT_OF_MEMORY = 205
    POLICY_TIMEOUT = 206
    POLICY_BAD_REQUEST = 207
    POLICY_UNSUPPORTED_METHOD = 208
    POLICY_NOT_FINITE = 209
    CHECKPOINT_MISSING = 210
    CHECKPOINT_CORRUPT = 211
    CHECKPOINT_MISMATCH = 212  # other action space, horizon or number of denoising steps
    TRAINING_FAILED = 213

    CONTROL_NOT_FINITE = 301
    CONTROL_WRONG_SHAPE = 302
    CONTROL_LIMIT = 303
    CONTROL_WORKSPACE = 304
    CONTROL_COMMAND_STALE = 305
    CONTROL_STATE_STALE = 306
    CONTROL_EMERGENCY_STOP = 307
    CONTROL_NOT_ARMED = 308
    CONTROL_KINEMATICS = 309
    CONTROL_OVERRUN = 310
    CONTROL_FOREIGN_COMMAND = 311
    CONTROL_HARDWARE = 312
    CONTROL_COLLISION = 313  # a planned move, or one of its ends, would touch something

    DATA_RECORDING_ACTIVE = 401
    DATA_NOT_RECORDING = 402
    DATA_DISK = 403
    DATA_BAG_CORRUPT = 404
    DATA_BAG_INCOMPLETE = 405
    DATA_DATASET_INVALID = 406
    DATA_CONVERSION = 407
    DATA_PATH_REFUSED = 408

    FRAME_MISSING = 501
    FRAME_STALE = 502
    FRAME_FROZEN = 503
    FRAME_CORRUPT = 504
    FRAME_SKEWED = 505
    FRAME_ENCODING = 506
    STATE_MISSING = 507
    STATE_CORRUPT = 508

    CONFIG_UNKNOWN_NAME = 601
    CONFIG_UNKNOWN_KEY = 602
    CONFIG_INVALID_VALUE = 603
    CONFIG_UNREADABLE = 604
    CONFIG_CONFLICT = 605
    ENVIRONMENT_INCOMPLETE = 606
    PROCESS_FAILED = 607
    ADDRESS_IN_USE = 608  # port, ROS domain or a second instance
    SIMULATION_FAILED = 609


def told_code(number: int, otherwise: ErrorCode) -> ErrorCode:
    """The code of a number that another process told; `otherwise` for success, and for one that there is not."""
    return ErrorCode(number) if number and number in set(ErrorCode) else otherwise


_LONGEST = 400  # letters of what came from outside; a text of megabytes would fill logs and hold up nodes
_LONGEST_NAME = 100


def clipped(value: object, longest: int = _LONGEST) -> str:
    """What somebody gave, as text that fits into a sentence."""
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} letters)"


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
    ) -> None:
        self.code = code
        self.text = _describe(text, got, expected, allowed) or code.name
        super().__init__(self.text)

    def __str__(self) -> str:
        return f"[{int(self.code)} {self.code.name}] {self.text}"

    def __reduce__(self) -> tuple[type["SegueError"], tuple[ErrorCode, str]]:
        """Pickle by code and text, so that errors cross process pools."""
        return type(self), (self.code, self.text)


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
