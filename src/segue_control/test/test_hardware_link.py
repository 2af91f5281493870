"""Laws of what stands between the command wire and a real robot. Time is a number here."""

import every_robot
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_control.hardware.features import check_joints, trajectory_features
from segue_control.hardware.link import HardwareLink
from segue_control.hardware.mapping import gripper_axes, joint_axes
from segue_control.hardware.motion import Motion
from segue_control.hardware.settings import CommandTopic, DeviceJoint, GripperMap
from segue_control.hardware.states import StateAssembler
from segue_control.hardware.stopping import with_stop
from segue_control.hardware.velocity import follow
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits, joint_limits
from segue_core.contracts.base import parse_model
from segue_core.contracts.controller import Interface, JointVelocity
from segue_core.contracts.hardware import HardwareConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode

PERIOD_S = 1 / 120


@pytest.fixture(scope="module")
def limits(robot: RobotConfig, kinematics: Kinematics) -> JointLimits:
    return joint_limits(robot, kinematics.low, kinematics.high)


class Wire:
    """A link with a robot at home, and its clock."""

    def __init__(self, robot: RobotConfig, limits: JointLimits, home: np.ndarray) -> None:
        self.names = (*robot.joint_names, *robot.gripper_names)
        self._open = np.ones(len(robot.gripper_names))
        self._speeds = robot.control.interface is Interface.VELOCITY
        self.home, self.now_s = home, 100.0
        self.link = HardwareLink(robot, HardwareConfig(backend="topics"), limits)
        self.link.observe(home, self.now_s)

    def pass_time(self, seconds: float, *, states: bool = True) -> ControlError | None:
        self.now_s += seconds
        if states:
            self.link.observe(self.home, self.now_s)
        return self.link.must_stop(self.now_s)

    def command(self, q: np.ndarray, sender: bytes = b"") -> Motion:
        values = np.concatenate([q, self._open])
        speeds = np.zeros(len(values)) if self._speeds else None
        return self.link.receive(self.names, values, self.now_s, speeds, sender=sender)


@pytest.fixture
def wire(robot: RobotConfig, limits: JointLimits, kinematics: Kinematics) -> Wire:
    return Wire(robot, limits, kinematics.home)


def test_a_command_passes_unchanged_with_its_speed(wire: Wire) -> None:
    assert not wire.command(wire.home).dq.any()
    wire.pass_time(PERIOD_S)
    motion = wire.command(wire.home + 0.005)
    np.testing.assert_array_equal(motion.q, wire.home + 0.005)
    np.testing.assert_allclose(motion.dq, 0.6, rtol=1e-9)


def test_a_lost_command_does_not_double_the_speed(wire: Wire) -> None:
    wire.command(wire.home)
    wire.pass_time(2 * PERIOD_S)
    np.testing.assert_allclose(wire.command(wire.home + 0.01).dq, 0.6, rtol=1e-9)


def test_silence_stops_the_robot_once_within_its_own_timeout(wire: Wire) -> None:
    """Fault 17: the controller is killed; 40 ms is the robot's patience."""
    wire.command(wire.home)
    assert wire.pass_time(0.039) is None
    reason = wire.pass_time(0.002)
    assert reason is not None and reason.code is ErrorCode.CONTROL_COMMAND_STALE
    assert wire.pass_time(0.002) is None
    assert (wire.link.following, wire.link.fault, wire.link.counts["timeout"]) == (False, None, 1)


def test_states_that_stop_stop_the_robot_and_latch(wire: Wire) -> None:
    """Fault 13."""
    wire.command(wire.home)
    for _ in range(14):
        wire.pass_time(PERIOD_S, states=False)
        if wire.link.fault is None:
            wire.command(wire.home)
    assert wire.link.fault is not None and wire.link.fault.code is ErrorCode.CONTROL_STATE_STALE
    wire.pass_time(PERIOD_S)
    with pytest.raises(ControlError, match="too old"):
        wire.command(wire.home)
    wire.link.recover()
    wire.command(wire.home)


def test_states_that_are_not_finite_are_no_states(wire: Wire) -> None:
    wire.link.observe(np.full(14, np.nan), wire.now_s + 5)
    assert wire.command(wire.home).q.tolist() == wire.home.tolist()


def test_nothing_moves_before_the_robot_has_told_where_it_is(
    robot: RobotConfig, limits: JointLimits, kinematics: Kinematics
) -> None:
    link = HardwareLink(robot, HardwareConfig(backend="topics"), limits)
    names = (*robot.joint_names, *robot.gripper_names)
    with pytest.raises(ControlError, match="not told"):
        link.receive(names, np.concatenate([kinematics.home, [1.0, 1.0]]), 0.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [(0.1, "away from the measured pose"), (9.0, "above its limit"), (-9.0, "below its limit")],
)
def test_a_stream_begins_where_the_robot_is(wire: Wire, change: float, says: str) -> None:
    q = wire.home.copy()
    q[3] += change
    with pytest.raises(ControlError, match=f"left_joint4: {says}") as refused:
        wire.command(q)
    assert refused.value.code is ErrorCode.CONTROL_LIMIT


def test_a_foreign_jump_is_refused_and_the_stream_goes_on(wire: Wire) -> None:
    """Fault 15: a second publisher on the wire."""
    wire.command(wire.home)
    wire.pass_time(PERIOD_S)
    with pytest.raises(ControlError, match="step"):
        wire.command(wire.home + 0.05)
    motion = wire.command(wire.home + 0.001)
    np.testing.assert_allclose(motion.q, wire.home + 0.001)
    assert wire.link.counts["refused"] == 1


@pytest.mark.parametrize("name", every_robot.NAMES)
def test_a_foreign_stream_is_not_followed_however_smooth_and_does_not_keep_the_robot_going(name: str) -> None:
    """Fault 15, then 17: the owner falls silent while somebody else goes on. Every robot, positions or speeds."""
    robot = every_robot.contract(name)
    kinematics = Kinematics(robot)
    wire = Wire(robot, joint_limits(robot, kinematics.low, kinematics.high), kinematics.home)
    wire.command(wire.home, b"owner")
    periods = int(robot.safety.robot_timeout_s / PERIOD_S)
    for _ in range(periods):
        assert wire.pass_time(PERIOD_S) is None
        with pytest.raises(ControlError, match="second publisher"):
            wire.command(wire.home, b"other")
    reason = wire.pass_time(PERIOD_S)
    assert reason is not None and reason.code is ErrorCode.CONTROL_COMMAND_STALE
    assert wire.link.counts["refused"] == periods


def test_commands_that_are_refused_are_no_sign_of_life(wire: Wire) -> None:
    """They once kept the robot's patience from running out."""
    wire.command(wire.home)
    for _ in range(4):
        assert wire.pass_time(PERIOD_S) is None
        with pytest.raises(ControlError, match="step"):
            wire.command(wire.home + 0.5)
    reason = wire.pass_time(PERIOD_S)
    assert reason is not None and reason.code is ErrorCode.CONTROL_COMMAND_STALE


def test_a_robot_that_does_not_follow_is_stopped_with_the_joint_and_the_angle(wire: Wire) -> None:
    wire.command(wire.home)
    far = wire.home.copy()
    far[8] += 0.5
    assert wire.link.must_stop(wire.now_s, far) is None
    wire.link.observe(wire.home, wire.now_s + 0.26)
    wire.link._side.receive(wire.names, np.concatenate([far, [1.0, 1.0]]), wire.now_s + 0.26)
    reason = wire.link.must_stop(wire.now_s + 0.26, far)
    assert reason is not None and reason.code is ErrorCode.CONTROL_HARDWARE
    assert "right_joint2" in reason.text and "0.500 rad" in reason.text


_speeds = st.lists(st.floats(-2.0, 2.0), min_size=14, max_size=14).map(np.array)


@given(dq=_speeds)
def test_every_trajectory_ends_at_rest_inside_the_limits(
    limits: JointLimits, kinematics: Kinematics, dq: np.ndarray
) -> None:
    motion = Motion(kinematics.home, dq, np.ones(2))
    command, rest = with_stop(motion, PERIOD_S, limits)
    assert command.time_s == PERIOD_S < rest.time_s
    assert not rest.velocities.any()
    assert (rest.positions >= limits.low).all() and (rest.positions <= limits.high).all()
    braking = np.abs(dq) / (rest.time_s - command.time_s)
    assert (braking <= limits.acceleration * (1 + 1e-9)).all()


def test_speeds_keep_the_direction_of_the_path_when_one_joint_is_too_slow() -> None:
    motion = Motion(np.array([1.0, 0.5]), np.array([4.0, 2.0]), np.ones(1))
    speeds = follow(motion, np.array([0.0, 0.0]), 4.0, np.array([2.0, 2.0]))
    np.testing.assert_allclose(speeds, [2.0, 1.0])


def test_joints_are_renamed_turned_and_shifted_both_ways(robot: RobotConfig) -> None:
    axes = joint_axes(robot, {"left_joint1": DeviceJoint(name="j1", scale=-1.0, offset=0.5)})
    axis = axes["left_joint1"]
    assert (axis.theirs, axis.out(0.2), axes["left_joint2"].theirs) == ("j1", 0.3, "left_joint2")
    assert axis.back(axis.out(0.2)) == pytest.approx(0.2)


def test_a_misspelt_joint_and_a_double_name_are_refused(robot: RobotConfig) -> None:
    with pytest.raises(ConfigError, match="did you mean 'left_joint1'"):
        joint_axes(robot, {"left_jiont1": "j1"})
    with pytest.raises(ConfigError, match="several joints are mapped to j"):
        joint_axes(robot, {"left_joint1": "j", "left_joint2": "j"})


def test_measured_joints_of_several_messages_make_one_sample_and_an_old_one_none(robot: RobotConfig) -> None:
    gripper = GripperMap(joint="f", closed=0.0, open=0.04, command={"kind": "none"})  # type: ignore[arg-type]
    hands = gripper_axes(robot, {"left_gripper": gripper, "right_gripper": replace_joint(gripper, "g")})
    arms = joint_axes(robot, {})
    states = StateAssembler(list(arms.values()), list(hands.values()), max_age_s=0.1)
    states.take(dict.fromkeys(robot.joint_names[:7], 0.1), 1.0)
    states.take({"f": 0.02, "g": 0.05, "wheel": 3.0}, 1.0)
    assert states.sample(1.0) is None and states.missing(1.0)[0] == "right_joint1"
    states.take(dict.fromkeys(robot.joint_names[7:], 0.2), 1.05)
    sample = states.sample(1.06)
    assert sample is not None
    np.testing.assert_allclose(sample[0], [0.1] * 7 + [0.2] * 7)
    np.testing.assert_allclose(sample[1], [0.5, 1.0])
    assert states.sample(1.11) is None


def replace_joint(gripper: GripperMap, joint: str) -> GripperMap:
    return gripper.model_copy(update={"joint": joint})


def test_speeds_without_somebody_who_stops_are_refused() -> None:
    data = {"kind": "velocity_array", "topic": "/v/commands"}
    with pytest.raises(ConfigError, match="watchdog: true"):
        parse_model(data, CommandTopic, "test.yaml")
    assert parse_model({**data, "watchdog": True}, CommandTopic, "test.yaml").velocities


def test_numbers_told_apart_by_their_place_need_the_same_order() -> None:
    parameters = {"joints": ["b", "a"]}
    check_joints("/c", parameters, ["a", "b"], ordered=False)
    with pytest.raises(ConfigError, match="in this order; got a, b; expected b, a"):
        check_joints("/c", parameters, ["a", "b"], ordered=True)
    with pytest.raises(ConfigError, match="other joints"):
        check_joints("/c", parameters, ["a", "c"], ordered=False)


def test_a_controller_is_told_about_unless_it_begins_at_its_last_command_and_does_not_blend() -> None:
    """As measured with the real one, docs/adr/0011."""
    old = trajectory_features({"joints": ["a"]})
    assert not (old.splices or old.from_desired or old.upsamples)
    (note,) = old.notes("/c")
    assert note.startswith("/c begins") and "interpolate_from_desired_state: true" in note
    assert not trajectory_features({"interpolate_from_desired_state": True}).notes("/c")
    new = trajectory_features({"allow_trajectory_replacement": True, "positions_upsampling.enable": True})
    assert new.splices and new.upsamples and len(new.notes("/c")) == 3
    assert "allow_trajectory_replacement: false" in new.notes("/c")[1]


class _Speedy:
    """A robot whose controller commands speeds."""

    def __init__(self, robot: RobotConfig, limits: JointLimits, home: np.ndarray) -> None:
        robot = robot.model_copy(update={"controller": JointVelocity()})
        self.names, self.home = (*robot.joint_names, *robot.gripper_names), home
        self.link = HardwareLink(robot, HardwareConfig(backend="topics"), limits)
        self.link.observe(home, 0.0)

    def command(self, speed: float, now_s: float = 0.0) -> Motion:
        values = np.concatenate([self.home, [1.0, 1.0]])
        speeds = np.concatenate([np.full(14, speed), [0.0, 0.0]])
        return self.link.receive(self.names, values, now_s, speeds)


def test_commanded_speeds_pass_as_they_are_and_lead_positions_on_a_leash(
    robot: RobotConfig, limits: JointLimits, kinematics: Kinematics
) -> None:
    speedy = _Speedy(robot, limits, kinematics.home)
    motion = speedy.command(0.6)
    np.testing.assert_allclose(motion.q - kinematics.home, 0.6 * PERIOD_S)
    np.testing.assert_allclose(follow(motion, kinematics.home, 4.0, limits.velocity), 0.6)
    for _ in range(60):
        motion = speedy.command(0.6)
    np.testing.assert_allclose(motion.q - kinematics.home, 0.1)
    with pytest.raises(ControlError, match="speed; got 2.6000 rad/s"):
        speedy.command(2.6)


def test_a_driver_that_repeats_one_sample_while_the_robot_is_told_to_move_is_found_and_latched(
    robot: RobotConfig, limits: JointLimits, kinematics: Kinematics
) -> None:
    speedy = _Speedy(robot, limits, kinematics.home)
    for cycle in range(1, 60):
        speedy.command(0.3, cycle * PERIOD_S)
        speedy.link.observe(speedy.home, cycle * PERIOD_S)
        if reason := speedy.link.must_stop(cycle * PERIOD_S):
            break
    assert reason is not None and reason.code is ErrorCode.CONTROL_STATE_STALE and "is frozen" in str(reason)
    assert 20 <= cycle < 24  # 0.05 rad
    with pytest.raises(ControlError, match="is frozen"):
        speedy.command(0.3, cycle * PERIOD_S)
    speedy.link.recover()
    speedy.link.observe(speedy.home, cycle * PERIOD_S)
    speedy.command(0.3, cycle * PERIOD_S)
    assert speedy.link.must_stop(cycle * PERIOD_S) is None


def test_a_driver_that_measures_less_often_than_it_tells_is_not_frozen(
    robot: RobotConfig, limits: JointLimits, kinematics: Kinematics
) -> None:
    speedy = _Speedy(robot, limits, kinematics.home)
    for cycle in range(1, 240):
        measured_s = cycle // 10 * 10 * PERIOD_S  # told ten times as often as measured
        speedy.command(2.0, cycle * PERIOD_S)
        speedy.link.observe(speedy.home + 2.0 * measured_s, cycle * PERIOD_S)
        assert speedy.link.must_stop(cycle * PERIOD_S) is None
