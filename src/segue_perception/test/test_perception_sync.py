"""Laws of synchronisation: only what belongs together becomes an observation."""

import numpy as np
import pytest
from every_robot import CASES, Case

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ErrorCode, PerceptionError
from segue_perception.camera import CameraFrame
from segue_perception.testing import TICK_NS, CameraFault, SensorRig

PERIOD = round(TICK_NS)


def _code(rig: SensorRig, tick: int, later_ns: int = 0) -> ErrorCode:
    with pytest.raises(PerceptionError) as refusal:
        rig.sync.assemble(tick, rig.now_ns + later_ns)
    assert refusal.value.text
    return refusal.value.code


def test_punctual_sensors_make_one_complete_observation_per_tick(rig: SensorRig) -> None:
    for tick in range(5):
        rig.run(tick, tick, move=0.01)
        assert rig.sync.complete(tick)
        assert not rig.sync.complete(tick + 1)
        sample = rig.sync.assemble(tick, rig.now_ns)
        assert sample.observation.tick == tick
        assert sample.skew_ns == 0
        np.testing.assert_allclose(sample.observation.state, rig.state, rtol=1e-6)
        assert {image.shape for image in sample.observation.images.values()} == {(72, 96, 3)}


def test_pictures_are_as_large_as_the_policy_reads_them_and_never_of_two_sizes(rig: SensorRig) -> None:
    rig.run(0, 0)
    rig.sync.show_at((96, 72))  # as before: nothing is lost
    assert rig.sync.complete(0)
    rig.sync.show_at((48, 40))
    assert not rig.sync.complete(0)
    rig.run(1, 1)
    images = rig.sync.assemble(1, rig.now_ns).observation.images
    assert {image.shape for image in images.values()} == {(40, 48, 3)}


def test_a_later_sample_never_gets_into_an_earlier_tick(rig: SensorRig) -> None:
    rig.run(0, 3, move=0.01)
    before = rig.sync.assemble(2, rig.now_ns)
    assert set(before.stamps_ns.values()) == {2 * PERIOD} or max(before.stamps_ns.values()) <= 2 * TICK_NS + 1
    np.testing.assert_allclose(before.observation.state, np.full(14, 0.03), rtol=1e-6)


def test_a_late_camera_is_waited_for_then_its_last_frame_stands_in(rig: SensorRig) -> None:
    rig.run(0, 3)
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(4, 4)
    assert not rig.sync.complete(4)
    sample = rig.sync.assemble(4, rig.now_ns)
    assert sample.skew_ns == pytest.approx(TICK_NS, abs=2)


def test_an_unplugged_camera_is_refused_before_the_first_and_after_the_last_frame(rig: SensorRig) -> None:
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(0, 3)
    assert _code(rig, 3) is ErrorCode.FRAME_MISSING
    rig.cameras["head"].fault = CameraFault.NONE
    rig.run(4, 5)
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(6, 8)
    assert _code(rig, 8) is ErrorCode.FRAME_SKEWED
    rig.run(9, 15)
    assert _code(rig, 15) is ErrorCode.FRAME_STALE


@pytest.mark.parametrize("camera", ["head", "left_wrist", "right_wrist"])
def test_a_frozen_camera_is_found_within_a_second_of_motion(rig: SensorRig, camera: str) -> None:
    rig.run(0, 30, move=0.01)
    rig.cameras[camera].fault = CameraFault.FROZEN
    rig.run(31, 60, move=0.01)
    assert _code(rig, 60) is ErrorCode.FRAME_FROZEN


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_frozen_camera_is_found_in_every_action_space_that_fits_a_robot(case: Case) -> None:
    rig = SensorRig(case.robot())
    camera = next(iter(rig.cameras))
    rig.run(0, 10, move=0.01)
    assert rig.sync.assemble(10, rig.now_ns)
    rig.cameras[camera].fault = CameraFault.FROZEN
    a_second_later = 11 + max(30, round(case.robot().tick_rate_hz))
    rig.run(11, a_second_later, move=0.01)
    assert _code(rig, a_second_later) is ErrorCode.FRAME_FROZEN


def test_a_frozen_camera_is_found_within_a_second_of_motion_to_and_fro(rig: SensorRig) -> None:
    """The arm never went 0.1 m from where it was when the picture stopped, but 0.1 m it went."""
    rig.run(0, 30, move=0.01)
    rig.cameras["head"].fault = CameraFault.FROZEN
    rig.run(31, 36, move=0.01)
    rig.run(37, 48, move=-0.01)
    rig.run(49, 60, move=0.01)
    assert _code(rig, 60) is ErrorCode.FRAME_FROZEN


def test_a_robot_that_rests_is_not_refused_for_what_moved_long_ago(rig: SensorRig) -> None:
    """Joints of a second publisher had seemed to move: a camera before a robot at rest was frozen for ever."""
    rig.cameras["head"].fault = CameraFault.FROZEN
    rig.run(0, 40, move=0.01)
    rig.run(41, 90)
    assert _code(rig, 90) is ErrorCode.FRAME_FROZEN
    rig.run(91, 105)
    assert rig.sync.assemble(105, rig.now_ns)
    rig.run(106, 135, move=0.01)
    assert _code(rig, 135) is ErrorCode.FRAME_FROZEN


def test_a_still_picture_of_a_still_robot_is_not_frozen(rig: SensorRig) -> None:
    rig.cameras["left_wrist"].fault = CameraFault.FROZEN
    rig.run(0, 90)
    assert rig.sync.assemble(90, rig.now_ns)


def test_a_wrist_camera_may_stand_still_while_the_other_arm_moves(rig: SensorRig) -> None:
    rig.cameras["left_wrist"].fault = CameraFault.FROZEN
    for tick in range(90):
        rig.state[7:13] += 0.01
        rig.run(tick, tick)
    assert rig.sync.assemble(89, rig.now_ns)


def test_skewed_stamps_are_refused(rig: SensorRig) -> None:
    rig.run(0, 3)
    rig.cameras["right_wrist"].fault = CameraFault.SKEWED
    for tick in range(4, 20):
        with pytest.raises(PerceptionError, match=r"'right_wrist'.* behind .*got 500 ms") as refusal:
            rig.run(tick, tick)
        rig.sync.refused("right_wrist", refusal.value, rig.now_ns)
    assert _code(rig, 19) is ErrorCode.FRAME_SKEWED


@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
@pytest.mark.parametrize("shift_s", [-0.3, 0.3])
def test_a_camera_that_is_0_3_s_off_is_refused_at_any_rate(
    robot: RobotConfig, rate_hz: float, shift_s: float
) -> None:
    """At 10 Hz 0.3 s are three ticks: the pictures were taken for punctual ones, of what the arm did not do yet."""
    rig = SensorRig(robot.model_copy(update={"tick_rate_hz": rate_hz}))
    rig.run(0, 20)
    stamp_ns = rig.now_ns + round(shift_s * 1e9)
    with pytest.raises(
        PerceptionError, match=rf"'head'.*got 300 ms; expected at most {250 if shift_s < 0 else 150} ms"
    ) as refusal:
        rig.sync.compare("head", stamp_ns, rig.now_ns)
    assert refusal.value.code is ErrorCode.FRAME_SKEWED


@pytest.mark.parametrize("shift_s", [-0.3, 0.3])
@pytest.mark.parametrize("after", ["reset", "silence"])
def test_a_picture_that_came_without_joint_states_is_judged_when_they_come(
    rig: SensorRig, after: str, shift_s: float
) -> None:
    """After a reset one picture of a camera on another clock got into an observation, and a run began with it."""
    rig.run(0, 20 if after == "reset" else 10)
    if after == "reset":
        rig.sync.clear()
    rig.now_ns = round(21 * TICK_NS)
    for name in rig.cameras:
        stamp_ns = rig.now_ns + (round(shift_s * 1e9) if name == "head" else 0)
        rig.sync.add_frame(name, CameraFrame(np.zeros((192, 256, 3), np.uint8), stamp_ns), rig.now_ns)
    rig.sync.add_state(rig.state, rig.now_ns, rig.now_ns)
    assert not rig.sync.complete(21)
    for tick in range(22, 32):
        rig.sync.add_state(rig.state, round(tick * TICK_NS), round(tick * TICK_NS))
    assert not rig.sync.complete(30) and not rig.sync.complete(12)


def test_a_silent_camera_is_named_before_any_tick_is_missed(rig: SensorRig) -> None:
    """In a simulation at 10 Hz it was named together with the end of the run, or after it."""
    assert rig.sync.silence(0) is None
    rig.run(0, 3)
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(4, 9)
    assert rig.sync.silence(rig.now_ns) is None
    rig.run(10, 10)
    silence = rig.sync.silence(rig.now_ns)
    assert silence is not None and silence.code is ErrorCode.FRAME_STALE and "'head'" in silence.text


def test_a_clock_that_is_set_back_hides_neither_a_silent_nor_a_frozen_camera(rig: SensorRig) -> None:
    """The clock of a simulation begins anew when it is started again."""
    rig.run(300, 310, move=0.01)
    rig.sync.clear()
    rig.cameras["head"].fault = CameraFault.FROZEN
    rig.run(0, 40, move=0.01)
    assert _code(rig, 40) is ErrorCode.FRAME_FROZEN
    rig.run(300, 310, move=0.01)
    rig.sync.clear()
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(0, 4)
    assert _code(rig, 4) is ErrorCode.FRAME_SKEWED
    rig.run(5, 12)
    assert _code(rig, 12) is ErrorCode.FRAME_STALE


def test_a_frame_of_another_size_is_refused_and_not_used(rig: SensorRig) -> None:
    rig.run(0, 2)
    rig.cameras["head"].fault = CameraFault.WRONG_SIZE
    with pytest.raises(PerceptionError, match=r"256x191.*256x192") as refusal:
        rig.run(3, 3)
    assert refusal.value.code is ErrorCode.FRAME_CORRUPT


def test_pictures_that_cannot_be_used_are_said_to_be_so_and_not_that_none_came(rig: SensorRig) -> None:
    short = PerceptionError(ErrorCode.FRAME_CORRUPT, "camera 'head': 1200 bytes")
    rig.run(0, 3)
    rig.cameras["head"].fault = CameraFault.UNPLUGGED
    rig.run(4, 4)
    rig.sync.refused("head", short, rig.now_ns)
    assert rig.sync.assemble(4, rig.now_ns).stamps_ns["head"] == round(3 * TICK_NS), (
        "one is missed as if it were late"
    )
    for tick in (6, 15):
        rig.run(tick, tick)
        rig.sync.refused("head", short, rig.now_ns)
        assert _code(rig, tick, 100_000_000) is ErrorCode.FRAME_CORRUPT
    assert _code(rig, 15, 300_000_000) is ErrorCode.FRAME_STALE, "unplugged since"
    rig.cameras["head"].fault = CameraFault.NONE
    rig.run(25, 25)
    assert rig.sync.assemble(25, rig.now_ns)


def test_joint_states_that_stop_are_refused(rig: SensorRig) -> None:
    rig.run(0, 3)
    rig.silent_joints = True
    rig.run(4, 6)
    assert _code(rig, 6) is ErrorCode.FRAME_SKEWED
    rig.run(7, 12)
    assert _code(rig, 12) is ErrorCode.STATE_MISSING


def test_frames_out_of_order_are_dropped(rig: SensorRig) -> None:
    rig.run(0, 5)
    old = CameraFrame(np.zeros((192, 256, 3), np.uint8), 2 * PERIOD)
    rig.sync.add_frame("head", old, rig.now_ns)
    assert rig.sync.assemble(5, rig.now_ns).stamps_ns["head"] == pytest.approx(5 * TICK_NS, abs=1)


def test_a_new_episode_begins_without_the_samples_of_the_old_one(rig: SensorRig) -> None:
    rig.run(100, 110)
    rig.sync.clear()
    rig.run(0, 0)
    assert rig.sync.assemble(0, rig.now_ns).observation.tick == 0


def test_a_tick_from_before_the_first_pictures_of_a_size_is_nobodys_fault(rig: SensorRig) -> None:
    """A policy that says its size, or a reset, made a warning of every tick that was on its way."""
    for tick in range(3):
        rig.run(tick, tick, move=0.01)
    assert not rig.sync.begins_after(0)
    rig.sync.show_at((40, 30))
    rig.run(3, 3, move=0.01)
    assert rig.sync.begins_after(2) and not rig.sync.begins_after(3)
    rig.sync.clear()
    assert not rig.sync.begins_after(0)


def test_a_tick_that_is_older_than_all_that_is_kept_is_nobodys_fault(rig: SensorRig) -> None:
    """A clock that came late on a busy machine made a warning of it, as if joint states were missing."""
    for tick in range(30):
        rig.run(tick, tick, move=0.01)
    assert not rig.sync.begins_after(29)
    assert rig.sync.begins_after(5)
