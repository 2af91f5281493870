"""Core types to and from segue_interfaces messages. Whatever comes off the wire is checked here, once."""

from array import array
from dataclasses import dataclass
from math import isfinite

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import ArrayLike, NDArray

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.errors import ControlError, ErrorCode, PerceptionError, PolicyError, SchedulerError
from segue_core.observation import Observation
from segue_core.policy import ChunkRequest, PredictRequest
from segue_core.task_state import TaskState
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import GuidanceSchedule as GuidanceScheduleMsg
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import RobotCommand as RobotCommandMsg
from segue_interfaces.msg import TaskState as TaskStateMsg
from segue_ros import images, ticks

MAX_CHUNK_VALUES = 1_000_000  # rows times columns; far above any policy, far below harm


def float32_array(values: ArrayLike) -> array:
    """Values of any shape, row-major, as rclpy takes them fastest."""
    return array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())


def float64_array(values: ArrayLike) -> array:
    """Values of any shape, row-major, as rclpy takes them fastest."""
    return array("d", np.ascontiguousarray(values, dtype=np.float64).tobytes())


def observation_to_msg(
    observation: Observation, space: ActionSpace, stamp: Time, stamps: dict[str, Time], skew_s: float
) -> ObservationMsg:
    """The message of an observation; `stamps` are the exposure times of its pictures."""
    message = ObservationMsg(tick=observation.tick, action_space=space.name, skew_s=skew_s)
    message.header.stamp = stamp
    message.state = float32_array(observation.state)
    message.cameras = list(observation.images)
    message.images = [
        images.to_message(image, "rgb8", stamps[name], f"{name}_camera_optical_frame")
        for name, image in observation.images.items()
    ]
    return message


def observation_from_msg(message: ObservationMsg) -> Observation:
    """The observation; pictures are views into the message.

    Raises:
        PerceptionError: names and pictures disagree, a picture is corrupt, or the state is not finite.
    """
    if len(message.cameras) != len(message.images):
        got = f"{len(message.cameras)} names, {len(message.images)} pictures"
        raise PerceptionError(ErrorCode.FRAME_CORRUPT, "observation: names and pictures disagree", got=got)
    pictures = {
        name: images.to_rgb(image) for name, image in zip(message.cameras, message.images, strict=True)
    }
    return Observation(int(message.tick), np.array(message.state, dtype=np.float32), pictures)


def check_observation(message: ObservationMsg, space: ActionSpace, now_ns: int) -> None:
    """Refuse an observation that is none of the robot now, before anybody keeps it; its pictures are not looked at.

    Raises:
        PerceptionError: STATE_CORRUPT for a tick that cannot be, or a state of another length or with numbers that are
            not finite.
    """
    tick, now = int(message.tick), ticks.tick_of(now_ns, space.rate_hz)
    if tick < 0 or ticks.is_ahead(tick, now_ns, space.rate_hz):
        expected = f"0 to a second after tick {now}, which it is now"
        raise PerceptionError(ErrorCode.STATE_CORRUPT, "tick of an observation", got=tick, expected=expected)
    state = np.asarray(message.state)
    if state.size != space.dim or not np.isfinite(state).all():
        got = f"{state.size} numbers" if state.size != space.dim else state.tolist()
        expected = f"{space.dim} finite numbers of {space.name}"
        raise PerceptionError(ErrorCode.STATE_CORRUPT, "state of an observation", got=got, expected=expected)


def chunk_to_msg(
    chunk: ActionChunk, space: ActionSpace, stamp: Time, inference_s: float = 0.0
) -> ActionChunkMsg:
    """The message of a chunk."""
    message = ActionChunkMsg(
        start_tick=chunk.start_tick,
        sequence=chunk.sequence,
        source=chunk.source,
        action_space=space.name,
        action_space_fingerprint=space.fingerprint(),
        rate_hz=float(space.rate_hz),
        horizon=chunk.horizon,
        dim=int(chunk.actions.shape[1]),
        has_progress=chunk.progress is not None,
        progress=float(chunk.progress or 0.0),
        stop=chunk.stop,
        inference_s=float(inference_s),
    )
    message.header.stamp = stamp
    message.actions = float32_array(chunk.actions)
    message.omega = float32_array([] if chunk.omega is None else chunk.omega)
    return message


def chunk_from_msg(message: ActionChunkMsg, space: ActionSpace | None = None) -> ActionChunk:
    """The chunk; with `space`, one for another action space or rate is refused. The scheduler checks the values.

    Raises:
        SchedulerError: CHUNK_WRONG_SHAPE, or SCHEDULER_POLICY_MISMATCH.
    """
    speaks = (message.action_space, message.action_space_fingerprint)
    if space is not None and speaks != (space.name, space.fingerprint()):
        got, expected = _space_text(message), f"{space.name} {space.fingerprint()}"
        raise SchedulerError(
            ErrorCode.SCHEDULER_POLICY_MISMATCH, "chunk for another action space", got=got, expected=expected
        )
    if space is not None and message.rate_hz != np.float32(space.rate_hz):
        got, expected = f"{message.rate_hz:g} Hz", f"{space.rate_hz:g} Hz"
        raise SchedulerError(
            ErrorCode.SCHEDULER_POLICY_MISMATCH, "chunk for another rate", got=got, expected=expected
        )
    actions = _matrix(message.actions, message.horizon, message.dim)
    omega = np.array(message.omega, dtype=np.float32) if len(message.omega) else None
    progress = float(message.progress) if message.has_progress else None
    return ActionChunk(
        actions,
        int(message.start_tick),
        message.source,
        int(message.sequence),
        progress,
        bool(message.stop),
        omega,
    )


def _matrix(values: ArrayLike, rows: int, columns: int) -> NDArray[np.float32]:
    flat = np.array(values, dtype=np.float32)
    if rows < 1 or columns < 1 or rows * columns > MAX_CHUNK_VALUES or flat.size != rows * columns:
        got = f"{rows} rows x {columns} columns with {flat.size} values"
        raise SchedulerError(ErrorCode.CHUNK_WRONG_SHAPE, "chunk size and data disagree", got=got)
    return flat.reshape(rows, columns)


def _space_text(message: ActionChunkMsg | RobotCommandMsg) -> str:
    return f"{message.action_space or '(none)'} {message.action_space_fingerprint or '(no fingerprint)'}"


def task_state_to_msg(state: TaskState, task: str, seed: int, stamp: Time) -> TaskStateMsg:
    """The message of a task state."""
    message = TaskStateMsg(
        task=task,
        seed=seed,
        success=state.success,
        score=float(state.score),
        placed=state.placed,
        total=state.total,
    )
    message.header.stamp, message.text = stamp, state.text
    return message


def task_state_from_msg(message: TaskStateMsg) -> TaskState:
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
        bool(message.success), float(message.score), int(message.placed), int(message.total), message.text
    )


def goal_to_msg(
    request: ChunkRequest,
    *,
    kind: str = "linear",
    reset: bool = False,
    instruction: str = "",
    run_id: str = "",
) -> PredictChunk.Goal:
    """The goal for a request; the policy node has the observation."""
    rows, columns = request.reference.shape
    goal = PredictChunk.Goal(
        start_tick=request.start_tick,
        sequence=request.sequence,
        method=request.method,
        horizon=rows,
        dim=columns,
        seed=request.seed,
        reset=reset,
        instruction=instruction,
        run_id=run_id,
    )
    goal.option_names = list(request.options)
    goal.option_values = [float(value) for value in request.options.values()]
    goal.reference = float32_array(request.reference)
    ramp = int(np.count_nonzero((request.omega > 0) & (request.omega < 1)))
    goal.guidance = GuidanceScheduleMsg(kind=kind, delay=request.delay, ramp=ramp)
    goal.guidance.omega = float32_array(request.omega)
    return goal


def check_goal(goal: PredictChunk.Goal) -> None:
    """Raises PolicyError (POLICY_BAD_REQUEST) when sizes of a goal disagree or a value is not finite."""
    reference = np.array(goal.reference, dtype=np.float32)
    omega = np.array(goal.guidance.omega, dtype=np.float32)
    if reference.size != goal.horizon * goal.dim or omega.size != goal.horizon or goal.horizon < 1:
        got = f"{reference.size} values and {omega.size} weights"
        expected = f"{goal.horizon} rows x {goal.dim} columns"
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, "reference and schedule", got=got, expected=expected)
    if not (np.isfinite(reference).all() and np.isfinite(omega).all()):
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, "reference or schedule is not finite")
    if len(goal.option_names) != len(goal.option_values):
        got, expected = f"{len(goal.option_values)} values", f"one for each of {len(goal.option_names)} names"
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, "options", got=got, expected=expected)


def request_from_goal(goal: PredictChunk.Goal, observation: Observation) -> PredictRequest:
    """The request that a goal makes together with the observation of its tick; raises PolicyError as `check_goal`."""
    check_goal(goal)
    names, values = list(goal.option_names), [float(value) for value in goal.option_values]
    return PredictRequest(
        observation=observation,
        start_tick=int(goal.start_tick),
        sequence=int(goal.sequence),
        method=goal.method,
        omega=np.array(goal.guidance.omega, dtype=np.float32),
        reference=np.array(goal.reference, dtype=np.float32).reshape(goal.horizon, goal.dim),
        delay=int(goal.guidance.delay),
        seed=int(goal.seed),
        options=dict(zip(names, values, strict=True)),
        instruction=goal.instruction,
    )


@dataclass(frozen=True, eq=False)
class Command:
    """One tick's command as it came: `action` (D,) float64, not yet checked for values."""

    tick: int
    run_id: str
    action: NDArray[np.float64]
    hold: bool
    starved: bool


def command_to_msg(command: Command, space: ActionSpace, stamp: Time) -> RobotCommandMsg:
    """The message of a command."""
    message = RobotCommandMsg(
        tick=command.tick,
        run_id=command.run_id,
        action_space=space.name,
        action_space_fingerprint=space.fingerprint(),
        starved=command.starved,
        hold=command.hold,
    )
    message.header.stamp = stamp
    message.action = float64_array(command.action)
    return message


def command_from_msg(message: RobotCommandMsg, space: ActionSpace) -> Command:
    """The command; raises ControlError (CONTROL_WRONG_SHAPE) when it is for another action space."""
    if message.action_space_fingerprint != space.fingerprint():
        got, expected = _space_text(message), f"{space.name} {space.fingerprint()}"
        raise ControlError(
            ErrorCode.CONTROL_WRONG_SHAPE, "command for another action space", got=got, expected=expected
        )
    action = np.array(message.action, dtype=np.float64)
    return Command(int(message.tick), message.run_id, action, bool(message.hold), bool(message.starved))
