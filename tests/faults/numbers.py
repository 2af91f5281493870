"""Numbers and texts that nobody can mean, for everything that a graph takes from outside."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile
from rclpy.time_source import rosgraph_msgs
from sensor_msgs.msg import Image, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from unique_identifier_msgs.msg import UUID

from segue_control.node.scene_messages import scene_to_msg
from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_interfaces.msg import Observation, PolicyInfo, RobotCommand, SafetyState, TaskState
from segue_ros import qos

from .live import Live

_Clock = rosgraph_msgs.msg.Clock
LONG = 1_000_000
FAR, BEFORE = Time(sec=2**31 - 1, nanosec=999_999_999), Time(sec=-(2**31))


@dataclass(frozen=True)
class Wrong:
    """A message that must not be believed.

    Args:
        make: the message as it would be now on a graph.
        node, says: whose log must say what; empty for a message that is none of anybody's business.
        daily: whether it is tried every day.
    """

    name: str
    topic: str
    profile: QoSProfile
    make: Callable[[Live], Any]
    node: str = ""
    says: str = ""
    daily: bool = False


def _now(live: Live) -> Time:
    whole, part = divmod(live.witness.sim_s, 1.0)
    return Time(sec=int(whole), nanosec=int(part * 1e9))


def _stamped(live: Live, message: Any, given: Mapping[str, Any]) -> Any:
    message.header.stamp = _now(live)
    for name, value in given.items():
        setattr(message.header if name == "stamp" else message, name, value)
    return message


def _observation(**given: Any) -> Callable[[Live], Observation]:
    def make(live: Live) -> Observation:
        config = live.witness.config
        space, tick = config.action_space, int(live.witness.sim_s * config.tick_rate_hz)
        return _stamped(live, Observation(tick=tick, action_space=space.name, state=[0.0] * space.dim), given)

    return make


def _info(**given: Any) -> Callable[[Live], PolicyInfo]:
    def make(live: Live) -> PolicyInfo:
        config = live.witness.config
        usual = PolicyInfo(
            source="rogue", name="rogue", action_space=config.action_space.name,
            action_space_fingerprint=config.action_space.fingerprint(), horizon=60, num_steps=1,
            rate_hz=float(config.tick_rate_hz), cameras=list(config.cameras), image_width=96, image_height=72,
        )  # fmt: skip
        return _stamped(live, usual, given)

    return make


def _task(**given: Any) -> Callable[[Live], TaskState]:
    return lambda live: _stamped(live, TaskState(task="rogue"), given)


def _command(**given: Any) -> Callable[[Live], RobotCommand]:
    def make(live: Live) -> RobotCommand:
        space, tick = live.witness.config.action_space, int(live.witness.sim_s * 30)
        usual = RobotCommand(
            tick=tick, run_id="rogue", action_space=space.name,
            action_space_fingerprint=space.fingerprint(), action=[0.3] * space.dim,
        )  # fmt: skip
        return _stamped(live, usual, given)

    return make


def _names(live: Live) -> list[str]:
    return [*live.witness.config.joint_names, *live.witness.config.gripper_names]


def _joints(**given: Any) -> Callable[[Live], JointState]:
    def make(live: Live) -> JointState:
        q = [*live.witness.joints[-1].q, *[0.5] * len(live.witness.config.gripper_names)]
        return _stamped(live, JointState(name=_names(live), position=q, velocity=[0.0] * len(q)), given)

    return make


def _all_joints(value: float) -> Callable[[Live], JointState]:
    return lambda live: _joints(position=[value] * len(_names(live)))(live)


def _joint_command(value: float = 0.0, points: int = 1, **given: Any) -> Callable[[Live], JointTrajectory]:
    def make(live: Live) -> JointTrajectory:
        point = JointTrajectoryPoint(positions=[value] * len(_names(live)))
        return _stamped(live, JointTrajectory(joint_names=_names(live), points=[point] * points), given)

    return make


def _safety(**given: Any) -> Callable[[Live], SafetyState]:
    return lambda live: _stamped(live, SafetyState(armed=True), given)


def _image(**given: Any) -> Callable[[Live], Image]:
    return lambda live: _stamped(live, Image(width=60000, height=60000, step=180000, encoding="rgb8"), given)


def _scene(size: float, count: int = 1) -> Callable[[Live], Any]:
    scene = Scene((Obstacle("rogue", Shape.BOX, (1.0, 1.0, 1.0), (9.0, 0.0, 0.0)),))

    def make(_: Live) -> Any:
        message = scene_to_msg(scene, "rogue", Time())
        message.markers[1].scale.x = size
        message.markers = message.markers[1:] * count
        return message

    return make


def _clock(time: Time | float) -> Callable[[Live], Any]:
    """That time, or so many seconds from now."""

    def make(live: Live) -> Any:
        if isinstance(time, Time):
            return _Clock(clock=time)
        now = _now(live)
        return _Clock(clock=Time(sec=now.sec + int(time), nanosec=now.nanosec))

    return make


_O, _I, _T, _C = "segue/observation", "segue/policy_info", "segue/task_state", "segue/command"
_S, _J, _W = "segue/safety", "joint_states", "joint_command"
_BIG = [0.0] * 10_000

IGNORED: Sequence[Wrong] = (
    Wrong("observation of tick 2^60", _O, qos.OBSERVATION, _observation(tick=2**60), "scheduler",
          "tick of an observation; got 1152921504606846976; expected 0 to a second after tick", daily=True),
    Wrong("observation of tick -1", _O, qos.OBSERVATION, _observation(tick=-1), "policy",
          "tick of an observation; got -1; expected 0 to"),
    Wrong("observation of three numbers", _O, qos.OBSERVATION, _observation(state=[0.0] * 3), "scheduler",
          "state of an observation; got 3 numbers; expected"),
    Wrong("observation of no numbers", _O, qos.OBSERVATION, _observation(state=[]), "policy",
          "state of an observation; got 0 numbers; expected", daily=True),
    Wrong("observation of NaN", _O, qos.OBSERVATION, _observation(state=[math.nan] * 7), "scheduler",
          "state of an observation; got [nan, nan"),
    Wrong("observation of 10,000 numbers", _O, qos.OBSERVATION, _observation(state=_BIG), "scheduler",
          "state of an observation; got 10000 numbers; expected"),
    Wrong("horizon of 2^31 - 1", _I, qos.LATCHED, _info(horizon=2**31 - 1), "scheduler",
          "horizon; got 2147483647; expected 1 to 1024", daily=True),
    Wrong("pictures of 60,000 x 60,000", _I, qos.LATCHED, _info(image_width=60000, image_height=60000), "perception",
          "image width; got 60000; expected 1 to 4096", daily=True),
    Wrong("pictures of no size", _I, qos.LATCHED, _info(image_width=0), "perception",
          "image width; got 0; expected 1 to 4096"),
    Wrong("rate of NaN", _I, qos.LATCHED, _info(rate_hz=math.nan), "scheduler",
          "rate_hz; got nan; expected more than 0"),
    Wrong("rate of 1e308", _I, qos.LATCHED, _info(rate_hz=1e308), "perception",
          "rate_hz; got 1e+308; expected more than 0"),
    Wrong("delay of 2^32 - 1", _I, qos.LATCHED, _info(max_delay=2**32 - 1), "scheduler",
          "max_delay; got 4294967295; expected 0 to 1024"),
    Wrong("1,000 cameras", _I, qos.LATCHED, _info(cameras=["c"] * 1000), "perception",
          "number of cameras; got 1000; expected 0 to 16"),
    Wrong("a name of a million letters", _I, qos.LATCHED, _info(action_space="x" * LONG), "scheduler",
          f"({LONG} letters)'; allowed: "),
    Wrong("score of NaN", _T, qos.STATE, _task(score=math.nan), "scheduler",
          "score of a task state; got nan; expected a finite number", daily=True),
    Wrong("four billion objects of one", _T, qos.STATE, _task(placed=2**32 - 1, total=1), "scheduler",
          "placed objects of a task state; got 4294967295; expected 0 to 1"),
    Wrong("task text of a million letters", _T, qos.STATE, _task(text="t" * LONG)),
    Wrong("task state of the far future", _T, qos.STATE, _task(stamp=FAR)),
    Wrong("command for tick 2^62", _C, qos.COMMAND, _command(tick=2**62), "controller", "got 'rogue'; expected"),
    Wrong("command of NaN", _C, qos.COMMAND, _command(action=[math.nan] * 7), "controller", "got 'rogue'; expected"),
    Wrong("command of 10,000 numbers", _C, qos.COMMAND, _command(action=_BIG), "controller", "got 'rogue'; expected"),
    Wrong("run of a million letters", _C, qos.COMMAND, _command(run_id="r" * LONG), "controller", "letters)"),
    Wrong("joint command of NaN", _W, qos.COMMAND, _joint_command(math.nan), "simulator",
          "joint command of a second publisher", daily=True),
    Wrong("joint command without a point", _W, qos.COMMAND, _joint_command(points=0), "simulator",
          "joint command; got 0 points; expected one point"),
    Wrong("joint command of 2,000 points", _W, qos.COMMAND, _joint_command(points=2000), "simulator",
          "joint command; got 2000 points; expected one point"),
    Wrong("joint command of the far future", _W, qos.COMMAND, _joint_command(stamp=FAR), "simulator",
          "joint command of a second publisher"),
    Wrong("an answer to the far future", "sim/answered", qos.COMMAND, _clock(FAR)),
    Wrong("an answer to the time before zero", "sim/answered", qos.COMMAND, _clock(BEFORE)),
    Wrong("a clock before zero", "/clock", qos.COMMAND, _clock(BEFORE), "scheduler",
          "/clock dropped: got -2147483648 s, expected 0 or more", daily=True),
    Wrong("joints of another robot", _J, qos.JOINT_SOURCE, _joints(name=["rogue"] * 8, position=[1e308] * 8)),
    Wrong("guard with ages of NaN", _S, qos.STATE, _safety(command_age_s=math.nan, count_names=["a"] * 1000)),
    Wrong("guard with an unknown code", _S, qos.STATE, _safety(error_code=65535)),
    Wrong("picture of 60,000 x 60,000", "front_camera/image_raw", qos.SENSOR_SOURCE, _image(), "perception",
          "got"),
    Wrong("picture of the far future", "front_camera/image_raw", qos.SENSOR_SOURCE,
          _image(width=8, height=8, step=24, data=bytes(192), stamp=FAR), "perception",
          "frame size; got 8x8; expected"),
    Wrong("obstacle of NaN", "segue/scene", qos.LATCHED, _scene(math.nan), "mover",
          "scene refused: [603 CONFIG_INVALID_VALUE] obstacle 'rogue'; got [nan"),
    Wrong("obstacle of -1 m", "segue/scene", qos.LATCHED, _scene(-1.0), "mover", "size of obstacle 'rogue'; got"),
    Wrong("2,000 obstacles", "segue/scene", qos.LATCHED, _scene(0.1, 2000), "mover",
          "scene; got 2000 markers; expected 1000 or fewer"),
    Wrong("lease of nobody", "segue/lease", qos.STATE, lambda _: UUID(uuid=[255] * 16)),
)  # fmt: skip
"""What changes nothing of a run that is under way."""

STOPPING: Sequence[Wrong] = (
    Wrong("joints at 1e308 rad", _J, qos.JOINT_SOURCE, _all_joints(1e308), "controller",
          "got 1e+308 for", daily=True),
    Wrong("joints at NaN", _J, qos.JOINT_SOURCE, _all_joints(math.nan), "controller", "got nan for"),
    Wrong("joints with too few numbers", _J, qos.JOINT_SOURCE, _joints(position=[0.0] * 3), "controller",
          "got 3 positions for 8 names"),
    Wrong("joints of the far future", _J, qos.JOINT_SOURCE, _joints(stamp=FAR)),
    Wrong("guard that stopped for an unknown reason", _S, qos.STATE, _safety(armed=False, error_code=65535)),
    Wrong("guard with a text of a million letters", _S, qos.STATE,
          _safety(armed=False, error_code=307, error_text="t" * LONG)),
    Wrong("clock of an hour later", "/clock", qos.COMMAND, _clock(3600.0)),
    Wrong("clock of the far future", "/clock", qos.COMMAND, _clock(FAR)),
    Wrong("clock of zero", "/clock", qos.COMMAND, _clock(Time())),
)  # fmt: skip
"""What may stop a run, and must do it as any fault does."""
