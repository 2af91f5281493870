"""ROS messages of core types; what messages of bags are, too, is named and read by `segue_core.wire`."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import ArrayLike

from segue_core import wire
from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, PerceptionError, PolicyError
from segue_core.observation import Observation
from segue_core.policy import ChunkRequest, PolicyInfo, PredictRequest
from segue_core.task_state import TaskState
from segue_core.wire import Command
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import GuidanceSchedule as GuidanceScheduleMsg
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg
from segue_interfaces.msg import RobotCommand as RobotCommandMsg
from segue_interfaces.msg import TaskState as TaskStateMsg
from segue_ros import images, ticks

MessageT = TypeVar("MessageT")


def float32_array(values: ArrayLike) -> array:
    """Values of any shape, row-major, as rclpy takes them fastest."""
    return array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())


def build(kind: type[MessageT], stamp: Time, fields: Mapping[str, Any]) -> MessageT:
    """A message with a header at `stamp`, and `fields` as `segue_core.wire` names them."""
    message = kind(**{name: _as_rclpy_takes_it(value) for name, value in fields.items()})
    message.header.stamp = stamp  # type: ignore[attr-defined]
    return message


def _as_rclpy_takes_it(value: Any) -> Any:
    return array(value.dtype.char, value.tobytes()) if isinstance(value, np.ndarray) else value


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
    return build(ActionChunkMsg, stamp, wire.chunk_fields(chunk, space, inference_s))


def task_state_to_msg(state: TaskState, task: str, seed: int, stamp: Time) -> TaskStateMsg:
    """The message of a task state."""
    return build(TaskStateMsg, stamp, wire.task_state_fields(state, task, seed))


def info_to_msg(info: PolicyInfo, source: str, stamp: Time) -> PolicyInfoMsg:
    """What a policy node says about its policy."""
    return build(PolicyInfoMsg, stamp, wire.info_fields(info, source))


def command_to_msg(command: Command, space: ActionSpace, stamp: Time) -> RobotCommandMsg:
    """The message of a command."""
    return build(RobotCommandMsg, stamp, wire.command_fields(command, space))


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
        sampling=request.sampling,
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


def request_from_goal(goal: PredictChunk.Goal, observations: Sequence[Observation]) -> PredictRequest:
    """The request that a goal makes together with the observation of its tick; raises PolicyError as `check_goal`."""
    check_goal(goal)
    names, values = list(goal.option_names), [float(value) for value in goal.option_values]
    return PredictRequest(
        observations=tuple(observations),
        start_tick=int(goal.start_tick),
        sequence=int(goal.sequence),
        sampling=goal.sampling,
        omega=np.array(goal.guidance.omega, dtype=np.float32),
        reference=np.array(goal.reference, dtype=np.float32).reshape(goal.horizon, goal.dim),
        delay=int(goal.guidance.delay),
        seed=int(goal.seed),
        options=dict(zip(names, values, strict=True)),
        instruction=goal.instruction,
    )
