"""Laws of translation: what goes through a message comes back the same, or not at all when corrupt."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image, JointState

from segue_core import wire
from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM
from segue_core.chunk import ActionChunk
from segue_core.contracts.files import load_robot
from segue_core.errors import ControlError, PerceptionError, PolicyError, SchedulerError
from segue_core.observation import Observation
from segue_core.pictures import LAYOUTS
from segue_core.policy import ChunkRequest
from segue_core.task_state import TaskState
from segue_interfaces.msg import TaskState as TaskStateMsg
from segue_ros import conversions, images, ticks
from segue_ros.joint_states import JointStateReader

ROBOT = load_robot(str(Path(__file__).parents[3] / "config" / "robots" / "dual_arm.yaml"))
NOW = ticks.stamp(123)
RNG = np.random.default_rng(0)


def _observation() -> Observation:
    image = RNG.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Observation(7, np.arange(14, dtype=np.float32), {"head": image, "left_wrist": image[::-1].copy()})


def _chunk(progress: float | None = 0.5) -> ActionChunk:
    actions = RNG.normal(size=(60, 14)).astype(np.float32)
    return ActionChunk(actions, 9, "policy", 3, progress, True, np.linspace(1, 0, 60, dtype=np.float32))


@given(st.integers(0, 10**6), st.sampled_from([10.0, 30.0, 50.0, 120.0, 1000.0]))
def test_a_tick_is_found_again_in_its_stamp(tick: int, rate_hz: float) -> None:
    time_ns = ticks.nanoseconds(ticks.stamp_of(tick, rate_hz))
    assert ticks.tick_of(time_ns, rate_hz) == ticks.nearest_tick(time_ns, rate_hz) == tick


def test_a_tick_is_ahead_of_its_clock_by_more_than_a_second_and_never_of_a_clock_that_nobody_has_heard() -> (
    None
):
    """Simulated time that has not come yet is 0: a run began with a warning about each observation."""
    assert [ticks.is_ahead(tick, 10**9, 30.0) for tick in (0, 60, 61, 2**60)] == [False, False, True, True]
    assert not ticks.is_ahead(44, 0, 30.0)


def test_the_time_before_the_first_tick_is_not_the_first_tick() -> None:
    assert ticks.tick_of(-30_000_000, 30.0) == -1
    assert [ticks.tick_of(time_ns, 30.0) for time_ns in (0, 32_000_000, 33_333_333)] == [0, 0, 1]


@pytest.mark.parametrize("seconds", [2**31, 2**40, -(2**31) - 1])
def test_a_time_that_no_stamp_can_hold_becomes_the_nearest_that_one_can(seconds: int) -> None:
    assert abs(ticks.stamp(seconds * 10**9).sec) >= 2**31 - 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tick": 2**60}, f"tick of an observation; got {2**60}; expected 0 to a second after tick 300"),
        ({"tick": -1}, "got -1; expected 0 to"),
        ({"state": [0.0] * 3}, "got 3 numbers; expected 14 finite numbers of dual_arm_ee"),
        ({"state": []}, "got 0 numbers"),
        ({"state": [float("nan")] * 14}, "got .nan"),
    ],
)
def test_an_observation_that_is_none_of_the_robot_now_is_refused(
    changed: dict[str, object], says: str
) -> None:
    """One without numbers, or of NaN, was taken for where the robot is."""
    message = conversions.observation_to_msg(
        _observation(), DUAL_ARM_EE, NOW, dict.fromkeys(("head", "left_wrist"), NOW), 0.0
    )
    conversions.check_observation(message, DUAL_ARM_EE, 10**10)
    for name, value in changed.items():
        setattr(message, name, value)
    with pytest.raises(PerceptionError, match=says):
        conversions.check_observation(message, DUAL_ARM_EE, 10**10)


def test_an_observation_comes_back_the_same() -> None:
    sent = _observation()
    stamps = dict.fromkeys(sent.images, NOW)
    got = conversions.observation_from_msg(
        conversions.observation_to_msg(sent, DUAL_ARM_EE, NOW, stamps, 0.0)
    )
    assert got.tick == sent.tick
    np.testing.assert_array_equal(got.state, sent.state)
    assert list(got.images) == list(sent.images)
    for name, image in sent.images.items():
        np.testing.assert_array_equal(got.images[name], image)


def test_an_observation_whose_names_and_pictures_disagree_is_refused() -> None:
    sent = _observation()
    message = conversions.observation_to_msg(sent, DUAL_ARM_EE, NOW, dict.fromkeys(sent.images, NOW), 0.0)
    message.cameras = ["head"]
    with pytest.raises(PerceptionError, match="1 names, 2 pictures"):
        conversions.observation_from_msg(message)


@pytest.mark.parametrize("progress", [None, 0.0, 0.5])
def test_a_chunk_comes_back_the_same(progress: float | None) -> None:
    sent = _chunk(progress)
    got = wire.chunk_of(conversions.chunk_to_msg(sent, DUAL_ARM_EE, NOW), DUAL_ARM_EE)
    np.testing.assert_array_equal(got.actions, sent.actions)
    np.testing.assert_array_equal(got.omega, sent.omega)
    assert (got.start_tick, got.source, got.sequence, got.progress, got.stop) == (
        9,
        "policy",
        3,
        progress,
        True,
    )


def test_a_chunk_of_another_action_space_is_refused() -> None:
    message = conversions.chunk_to_msg(_chunk(), DUAL_ARM_EE, NOW)
    with pytest.raises(SchedulerError, match=r"dual_arm_ee.*universal_dual_arm"):
        wire.chunk_of(message, UNIVERSAL_DUAL_ARM)


@pytest.mark.parametrize(("rows", "columns"), [(0, 14), (60, 13), (2**31, 2**31), (61, 14)])
def test_a_chunk_whose_size_lies_is_refused(rows: int, columns: int) -> None:
    message = conversions.chunk_to_msg(_chunk(), DUAL_ARM_EE, NOW)
    message.horizon, message.dim = rows, columns
    with pytest.raises(SchedulerError, match="disagree"):
        wire.chunk_of(message, DUAL_ARM_EE)


def test_a_request_comes_back_the_same() -> None:
    omega = np.linspace(1, 0, 60, dtype=np.float32)
    options = {"candidates": 16.0, "max_guidance_weight": 2.5}
    sent = ChunkRequest(7, 2, "legato", omega, _chunk().actions, 8, 2**40, options)
    goal = conversions.goal_to_msg(sent, instruction="go", run_id="run")
    got = conversions.request_from_goal(goal, [_observation()])
    assert (goal.guidance.ramp, goal.run_id) == (58, "run")
    np.testing.assert_array_equal(got.reference, sent.reference)
    np.testing.assert_array_equal(got.omega, sent.omega)
    assert (got.start_tick, got.sequence, got.sampling, got.delay, got.seed) == (7, 2, "legato", 8, 2**40)
    assert (got.options, got.instruction) == (options, "go")


def test_a_goal_with_an_option_without_value_is_refused() -> None:
    sent = ChunkRequest(7, 2, "plain", np.zeros(60, np.float32), _chunk().actions, 8, 0)
    goal = conversions.goal_to_msg(sent)
    goal.option_names = ["candidates"]
    with pytest.raises(PolicyError, match=r"0 values; expected one for each of \['candidates'\]|0 values"):
        conversions.request_from_goal(goal, [_observation()])


def test_a_goal_whose_sizes_disagree_is_refused() -> None:
    sent = ChunkRequest(7, 2, "plain", np.zeros(59, np.float32), _chunk().actions, 8, 0)
    with pytest.raises(PolicyError, match="59 weights"):
        conversions.request_from_goal(conversions.goal_to_msg(sent), [_observation()])


def test_a_command_keeps_double_precision() -> None:
    sent = wire.Command(5, "run", RNG.normal(size=14), False, True)
    got = wire.command_of(conversions.command_to_msg(sent, DUAL_ARM_EE, NOW), DUAL_ARM_EE)
    np.testing.assert_array_equal(got.action, sent.action)
    assert (got.tick, got.run_id, got.hold, got.starved) == (5, "run", False, True)
    with pytest.raises(ControlError, match="another action space"):
        wire.command_of(conversions.command_to_msg(sent, DUAL_ARM_EE, NOW), UNIVERSAL_DUAL_ARM)


def test_a_task_state_comes_back_the_same() -> None:
    sent = TaskState(True, 0.75, 2, 3, "two of three")
    assert wire.task_state_of(conversions.task_state_to_msg(sent, "t", 1, NOW)) == sent


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"score": float("nan")}, "score of a task state; got nan; expected a finite number"),
        ({"score": float("inf")}, "got inf"),
        ({"placed": 5, "total": 4}, "placed objects of a task state; got 5; expected 0 to 4"),
    ],
)
def test_a_task_state_that_no_detector_can_mean_is_refused(changed: dict[str, float], says: str) -> None:
    with pytest.raises(SchedulerError, match=says):
        wire.task_state_of(TaskStateMsg(**changed))


@pytest.mark.parametrize("encoding", [*images.ENCODINGS])
@given(height=st.integers(1, 9), width=st.integers(1, 9), padding=st.integers(0, 5), seed=st.integers(0, 99))
def test_a_picture_survives_padding_and_foreign_byte_order(
    encoding: str, height: int, width: int, padding: int, seed: int
) -> None:
    kind, channels = LAYOUTS[encoding]
    shape = (height, width, channels) if channels else (height, width)
    image = np.random.default_rng(seed).integers(0, 200, shape).astype(kind)
    message = images.to_message(image, encoding, NOW, "camera")
    swapped = image.astype(image.dtype.newbyteorder(">"))
    rows = swapped.reshape(height, -1).view(np.uint8)
    message.data = np.pad(rows, ((0, 0), (0, padding))).tobytes()
    message.step, message.is_bigendian = rows.shape[1] + padding, 1
    np.testing.assert_array_equal(images.to_array(message), image)


def test_colours_come_out_in_the_order_red_green_blue() -> None:
    pixel = {"rgb8": [1, 2, 3], "bgr8": [3, 2, 1], "rgba8": [1, 2, 3, 9], "bgra8": [3, 2, 1, 9]}
    for encoding, values in pixel.items():
        message = Image(height=1, width=1, step=len(values), encoding=encoding, data=values)
        np.testing.assert_array_equal(images.to_rgb(message), [[[1, 2, 3]]])
    grey = Image(height=1, width=1, step=1, encoding="mono8", data=[7])
    np.testing.assert_array_equal(images.to_rgb(grey), [[[7, 7, 7]]])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"encoding": "yuv422"}, "allowed: rgb8"),
        ({"height": 0}, "disagree"),
        ({"step": 2}, "step of at least 6"),
        ({"height": 3}, "18 bytes"),
        ({"encoding": "32FC1"}, "disagree"),
    ],
)
def test_a_corrupt_picture_is_refused(change: dict[str, object], text: str) -> None:
    fields: dict[str, object] = {"height": 2, "width": 2, "step": 6, "encoding": "rgb8", "data": [0] * 12}
    with pytest.raises(PerceptionError, match=text):
        images.to_rgb(Image(**(fields | change)))


def _joint_states(**changes: object) -> JointState:
    names = [*ROBOT.joint_names, *ROBOT.gripper_names, "somebody_elses_joint"]
    return JointState(**({"name": names[::-1], "position": [float(i) for i in range(17)]} | changes))


def test_joints_are_read_by_name_not_by_place() -> None:
    sample = JointStateReader(ROBOT).read(_joint_states())
    np.testing.assert_array_equal(sample.q, np.arange(16, 2, -1))
    np.testing.assert_array_equal(sample.grippers, [2, 1])


def test_joint_states_that_lack_a_joint_or_a_number_are_refused() -> None:
    reader = JointStateReader(ROBOT)
    alone = JointState(name=["left_joint1"], position=[0.0])
    alone.header.stamp.sec = 1
    assert reader.read(alone) is None  # others may be found yet
    alone.header.stamp.sec = 3
    with pytest.raises(PerceptionError, match="no message has left_joint2"):
        reader.read(alone)
    with pytest.raises(PerceptionError, match="nan for right_gripper"):
        reader.read(_joint_states(position=[0.0, float("nan"), *[0.0] * 15]))
    with pytest.raises(
        PerceptionError, match="got 1e.308 for right_gripper; expected finite positions within"
    ):
        reader.read(_joint_states(position=[0.0, 1e308, *[0.0] * 15]))
    with pytest.raises(PerceptionError, match="3 positions"):
        reader.read(_joint_states(position=[0.0] * 3))
    assert not reader.concerns(JointState(name=["wheel"], position=[0.0]))


@pytest.mark.parametrize("stamped", [True, False])
def test_whoever_falls_silent_of_several_publishers_is_named_before_joint_states_are_stale(
    stamped: bool,
) -> None:
    now_ns = 10**9
    reader = JointStateReader(ROBOT, lambda: now_ns)
    arms = JointState(name=ROBOT.joint_names, position=[0.0] * len(ROBOT.joint_names))
    grippers = JointState(name=ROBOT.gripper_names, position=[0.5] * len(ROBOT.gripper_names))
    arms.header.stamp.sec = grippers.header.stamp.sec = int(stamped)
    assert reader.read(arms) is None
    sample = reader.read(grippers)
    assert sample is not None and sample.grippers.tolist() == [0.5, 0.5] and sample.v is None
    for age_ms in range(10, 120, 10):
        now_ns = 10**9 + age_ms * 1_000_000
        arms.header.stamp.nanosec = age_ms * 1_000_000 * stamped
        assert (reader.read(arms) is None) == (age_ms > 37)
    now_ns += 10_000_000  # 90 ms after the last sample; from 100 ms on joint states are stale
    arms.header.stamp.nanosec = 120_000_000 * stamped
    with pytest.raises(PerceptionError, match="left_gripper, right_gripper last told 120 ms before"):
        reader.read(arms)
