"""What messages say, as plain fields and as core types: written once for ROS and for bags, which only build them.

    core type -- *_fields --> {field: value} -- a ROS message (`segue_ros.conversions`) or one of a bag
    core type <---- *_of ---- either of them     (`segue_data.bags.messages.build`)

Names and units of the fields are those of segue_interfaces; headers are the builder's. Arrays are flat and row-major.
Whatever comes off the wire is checked here. A field that a recording of before does not have has its default.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.action_space import ActionSpace, action_space
from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError, ControlError, ErrorCode, SchedulerError, clipped
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState

MAX_CHUNK_VALUES = 1_000_000  # rows times columns; far above any policy, far below harm
_FASTEST_HZ = 1000.0


def chunk_fields(chunk: ActionChunk, space: ActionSpace, inference_s: float = 0.0) -> dict[str, Any]:
    """Fields of segue_interfaces/ActionChunk, all but the header."""
    rows, columns = chunk.actions.shape
    return {
        "start_tick": chunk.start_tick,
        "sequence": chunk.sequence,
        "source": chunk.source,
        **_space_fields(space),
        "rate_hz": float(space.rate_hz),
        "horizon": rows,
        "dim": columns,
        "actions": _flat(chunk.actions, np.float32),
        "omega": _flat([] if chunk.omega is None else chunk.omega, np.float32),
        "has_progress": chunk.progress is not None,
        "progress": float(chunk.progress or 0.0),
        "stop": chunk.stop,
        "inference_s": float(inference_s),
        "partial": not chunk.complete,
    }


def chunk_of(message: Any, space: ActionSpace | None = None) -> ActionChunk:
    """The chunk, bit by bit; with `space`, one for another action space or rate is refused. Values are not checked.

    Raises:
        SchedulerError: CHUNK_WRONG_SHAPE, or SCHEDULER_POLICY_MISMATCH.
    """
    if space is not None:
        _check_speaks(message, space)
    return ActionChunk(
        _matrix(message.actions, int(message.horizon), int(message.dim)),
        int(message.start_tick),
        str(message.source),
        int(message.sequence),
        float(message.progress) if message.has_progress else None,
        bool(message.stop),
        np.array(message.omega, dtype=np.float32) if len(message.omega) else None,
        complete=not getattr(message, "partial", False),
    )


def _check_speaks(message: Any, space: ActionSpace) -> None:
    speaks = (message.action_space, message.action_space_fingerprint)
    if speaks != (space.name, space.fingerprint()):
        got, expected = _space_text(message), f"{space.name} {space.fingerprint()}"
        raise SchedulerError(
            ErrorCode.SCHEDULER_POLICY_MISMATCH, "chunk for another action space", got=got, expected=expected
        )
    if message.rate_hz != np.float32(space.rate_hz):
        got, expected = f"{message.rate_hz:g} Hz", f"{space.rate_hz:g} Hz"
        raise SchedulerError(
            ErrorCode.SCHEDULER_POLICY_MISMATCH, "chunk for another rate", got=got, expected=expected
        )


def _matrix(values: ArrayLike, rows: int, columns: int) -> NDArray[np.float32]:
    flat = np.array(values, dtype=np.float32)
    if rows < 1 or columns < 1 or rows * columns > MAX_CHUNK_VALUES or flat.size != rows * columns:
        got = f"{rows} rows x {columns} columns with {flat.size} values"
        raise SchedulerError(ErrorCode.CHUNK_WRONG_SHAPE, "chunk size and data disagree", got=got)
    return flat.reshape(rows, columns)


@dataclass(frozen=True, eq=False)
class Command:
    """One tick's command as it came: `action` (D,) float64, not yet checked for values.

    `correction` (D,) is what a corrector added to it; None where nothing corrects.
    """

    tick: int
    run_id: str
    action: NDArray[np.float64]
    hold: bool
    starved: bool
    correction: NDArray[np.float64] | None = None


def command_fields(command: Command, space: ActionSpace) -> dict[str, Any]:
    """Fields of segue_interfaces/RobotCommand, all but the header."""
    return {
        "tick": command.tick,
        "run_id": command.run_id,
        **_space_fields(space),
        "action": _flat(command.action, np.float64),
        "starved": command.starved,
        "hold": command.hold,
        "correction": _flat([] if command.correction is None else command.correction, np.float64),
    }


def command_of(message: Any, space: ActionSpace) -> Command:
    """The command; raises ControlError (CONTROL_WRONG_SHAPE) when it is for another action space."""
    if message.action_space_fingerprint != space.fingerprint():
        got, expected = _space_text(message), f"{space.name} {space.fingerprint()}"
        raise ControlError(
            ErrorCode.CONTROL_WRONG_SHAPE, "command for another action space", got=got, expected=expected
        )
    action = np.array(message.action, dtype=np.float64)
    hold, starved, corrected = bool(message.hold), bool(message.starved), correction_of(message)
    return Command(int(message.tick), str(message.run_id), action, hold, starved, corrected)


def correction_of(message: Any) -> NDArray[np.float64] | None:
    """What a corrector added to a command (D,), if there was one."""
    added = np.array(getattr(message, "correction", ()), dtype=np.float64)
    return added if added.size else None


def task_state_fields(state: TaskState, task: str, seed: int) -> dict[str, Any]:
    """Fields of segue_interfaces/TaskState, all but the header."""
    return {
        "task": task,
        "seed": seed,
        "success": state.success,
        "score": float(state.score),
        "placed": state.placed,
        "total": state.total,
        "text": state.text,
    }


def task_state_of(message: Any) -> TaskState:
    """The task state; raises SchedulerError (SCHEDULER_BAD_INPUT) for numbers that no detector can mean."""
    if not isfinite(message.score):
        text = "score of a task state"
        raise SchedulerError(
            ErrorCode.SCHEDULER_BAD_INPUT, text, got=message.score, expected="a finite number"
        )
    if message.placed > message.total:
        got, expected = message.placed, f"0 to {message.total}, its total"
        text = "placed objects of a task state"
        raise SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, text, got=got, expected=expected)
    return TaskState(
        bool(message.success),
        float(message.score),
        int(message.placed),
        int(message.total),
        str(message.text),
    )


def info_fields(info: PolicyInfo, source: str) -> dict[str, Any]:
    """Fields of segue_interfaces/PolicyInfo, all but the header; `source` is the policy instance."""
    width, height = info.image_size
    return {
        "source": source,
        "name": info.name,
        **_space_fields(info.action_space),
        "horizon": info.horizon,
        "num_steps": info.num_steps,
        "rate_hz": float(info.rate_hz),
        "cameras": list(info.cameras),
        "image_width": width,
        "image_height": height,
        "capabilities": sorted(info.capabilities),
        "max_delay": info.max_delay,
        "max_ramp": info.max_ramp,
        "shortest": info.shortest,
        "history": np.array([] if info.history == (0,) else info.history, dtype=np.int32),
        "observe_every": info.observe_every,
    }


def info_of(message: Any) -> PolicyInfo:
    """What the policy is and can do.

    Raises:
        ConfigError: an action space or a capability that this workspace does not know, or a number out of its bounds.
        SchedulerError: an action space of that name with other contents.
    """
    if not 0.0 < message.rate_hz <= _FASTEST_HZ:
        text = f"policy {clipped(str(message.name))!r}: rate_hz"
        expected = f"more than 0, at most {_FASTEST_HZ:g}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=message.rate_hz, expected=expected)
    space = action_space(str(message.action_space), float(message.rate_hz))
    if message.action_space_fingerprint != space.fingerprint():
        text = f"policy {clipped(str(message.name))!r} speaks another action space {space.name!r}"
        got, expected = message.action_space_fingerprint, space.fingerprint()
        raise SchedulerError(ErrorCode.SCHEDULER_POLICY_MISMATCH, text, got=got, expected=expected)
    return PolicyInfo(
        name=str(message.name),
        action_space=space,
        horizon=int(message.horizon),
        num_steps=int(message.num_steps),
        rate_hz=float(message.rate_hz),
        cameras=tuple(str(name) for name in message.cameras),
        image_size=(int(message.image_width), int(message.image_height)),
        capabilities=frozenset(str(name) for name in message.capabilities),
        max_delay=int(message.max_delay),
        max_ramp=int(message.max_ramp),
        shortest=int(getattr(message, "shortest", 0)),
        history=tuple(int(offset) for offset in getattr(message, "history", ())) or (0,),
        observe_every=int(getattr(message, "observe_every", 0)),
    )


def _space_fields(space: ActionSpace) -> dict[str, str]:
    return {"action_space": space.name, "action_space_fingerprint": space.fingerprint()}


def _space_text(message: Any) -> str:
    return f"{message.action_space or '(none)'} {message.action_space_fingerprint or '(no fingerprint)'}"


def _flat(values: ArrayLike, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=dtype).reshape(-1)
