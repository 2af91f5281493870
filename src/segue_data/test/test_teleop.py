"""Laws of teleoperation: real bytes of input events through a pipe, real keys through a pseudo terminal."""

from __future__ import annotations

import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from evdev import UInput, ecodes

from segue_core.contracts.base import load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, PerceptionError
from segue_data.bags.manifest import FILE_NAME, Manifest
from segue_data.contracts import config_folder
from segue_data.teleop.config import LeaderConfig, TeleopConfig
from segue_data.teleop.episodes import Episodes, SessionStage
from segue_data.teleop.evdev_device import EvdevDevice
from segue_data.teleop.events import DeviceGone, InputEvent
from segue_data.teleop.inputs import Inputs
from segue_data.teleop.leader_arm import Leader
from segue_data.teleop.pilot import Pilot
from segue_data.teleop.terminal import TerminalKeys, key_names

FULL, CENTRE = 32767, 0


def config(name: str) -> TeleopConfig:
    return load_yaml((config_folder() / "teleop" / f"{name}.yaml").read_text(), TeleopConfig, name)


def event_bytes(name: str, value: int) -> bytes:
    """`struct input_event` of a change and the report that ends it, as the kernel writes them."""
    kind = ecodes.EV_ABS if name.startswith("ABS_") else ecodes.EV_KEY
    change = struct.pack("llHHi", 1, 2, kind, ecodes.ecodes[name], value)
    return change + struct.pack("llHHi", 1, 2, ecodes.EV_SYN, ecodes.SYN_REPORT, 0)


class Pipe:
    """A gamepad whose events go through a FIFO."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.reader = EvdevDevice(path, [*config("gamepad").controls, *config("gamepad").actions])
        self.writer = os.open(path, os.O_WRONLY)

    def send(self, name: str, value: int) -> None:
        os.write(self.writer, event_bytes(name, value))


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pipe]:
    pipe = Pipe(tmp_path / "event0")
    yield pipe
    pipe.reader.close()


def _home(robot: RobotConfig) -> np.ndarray:
    home = np.zeros(14)
    home[[0, 7]], home[[1, 8]], home[[2, 9]], home[[6, 13]] = 0.4, (0.3, -0.3), 0.25, 1.0
    return home


def _drive(pilot: Pilot, pad: Pipe, robot: RobotConfig, ticks: int) -> np.ndarray:
    action = _home(robot)
    for _ in range(ticks):
        for event in pad.reader.read(0.0):
            pilot.event(event)
        action = pilot.tick(action)
    return action


def test_a_stick_pushed_forward_moves_the_tool_forward_at_its_speed(pad: Pipe, robot: RobotConfig) -> None:
    pilot = Pilot(config("gamepad"), robot, {})
    pad.send("ABS_Y", -32768)
    moved = _drive(pilot, pad, robot, 30) - _home(robot)
    assert moved[0] == pytest.approx(config("gamepad").speed_m_s, rel=0.01)
    np.testing.assert_allclose(np.delete(moved, 0), 0.0, atol=1e-12)


def test_a_pad_is_looked_at_ten_times_a_second_as_in_action_stream(pad: Pipe, robot: RobotConfig) -> None:
    pilot = Pilot(config("gamepad"), robot, {})
    _drive(pilot, pad, robot, 1)
    pad.send("ABS_Y", -32768)
    still = _drive(pilot, pad, robot, 2)
    assert still[0] == pytest.approx(0.4)  # the next look is at tick 3
    assert _drive(pilot, pad, robot, 1)[0] > 0.4


def test_half_events_wait_for_their_rest_and_unknown_codes_do_not_matter(pad: Pipe) -> None:
    data = event_bytes("BTN_A", 1)
    os.write(pad.writer, struct.pack("llHHi", 0, 0, ecodes.EV_MSC, 4, 9) + data[:10])
    assert pad.reader.read(0.0) == []
    os.write(pad.writer, data[10:])
    assert pad.reader.read(0.0) == [InputEvent("BTN_A", 1.0)]


def test_an_unplugged_device_is_noticed(pad: Pipe) -> None:
    os.close(pad.writer)
    with pytest.raises(DeviceGone, match="event0"):
        pad.reader.read(0.0)


@pytest.mark.skipif(not os.access("/dev/uinput", os.W_OK), reason="needs a writable /dev/uinput")
def test_a_virtual_device_of_the_kernel_is_read_as_a_pipe_is() -> None:
    names = ["BTN_A"]
    with UInput({ecodes.EV_KEY: [ecodes.ecodes["BTN_A"]]}, name="segue test pad") as device:
        reader = EvdevDevice(Path(device.device.path), names)
        device.write(ecodes.EV_KEY, ecodes.ecodes["BTN_A"], 1)
        device.syn()
        assert reader.read(0.0) == [InputEvent("BTN_A", 1.0)]
        reader.close()


def test_a_button_toggles_the_gripper_of_the_chosen_arm_only(pad: Pipe, robot: RobotConfig) -> None:
    pilot = Pilot(config("gamepad"), robot, {})
    _drive(pilot, pad, robot, 1)
    for name in ("BTN_TR", "BTN_A"):
        pad.send(name, 1)
        pad.send(name, 0)
    action = _drive(pilot, pad, robot, 1)
    assert (pilot.arm, action[6], action[13]) == ("right", 1.0, 0.0)


def test_the_target_never_runs_ahead_of_a_blocked_tool(pad: Pipe, robot: RobotConfig) -> None:
    pilot, measured = Pilot(config("gamepad"), robot, {}), _home(robot)
    pad.send("ABS_RY", -32768)
    for event in pad.reader.read(0.0):
        pilot.event(event)
    ahead = [pilot.tick(measured)[2] - measured[2] for _ in range(90)]
    assert max(ahead) == pytest.approx(config("gamepad").leash_m)


def test_the_target_stays_in_the_workspace(pad: Pipe, robot: RobotConfig) -> None:
    pilot = Pilot(config("gamepad"), robot, {})
    pad.send("ABS_RY", FULL)  # down, into the table
    assert _drive(pilot, pad, robot, 120)[2] == pytest.approx(robot.workspace.low[2])


def test_a_turn_about_the_vertical_adds_up(pad: Pipe, robot: RobotConfig) -> None:
    pilot = Pilot(config("gamepad"), robot, {})
    pad.send("ABS_RX", -32768)
    turned = _drive(pilot, pad, robot, 30)[3:6]
    np.testing.assert_allclose(turned, [0.0, 0.0, config("gamepad").turn_rad_s], atol=0.01)


def test_a_robot_that_speaks_joints_is_refused_by_name(robot: RobotConfig) -> None:
    joints = robot.model_copy(update={"action_space_name": "dual_arm_joints_7"})
    with pytest.raises(ConfigError, match="dual_arm_joints_7"):
        Pilot(config("gamepad"), joints, {})


@pytest.fixture
def terminal() -> Iterator[tuple[int, Path]]:
    """(our end, path of the other end) of a pseudo terminal."""
    ours, theirs = pty.openpty()
    yield ours, Path(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


def test_keys_of_a_terminal_are_presses_that_end_by_themselves(terminal: tuple[int, Path]) -> None:
    keys = TerminalKeys(terminal[1], hold_s=0.25)
    os.write(terminal[0], b"w")
    assert keys.read(0.0) == [InputEvent("KEY_W", 1.0)]
    os.write(terminal[0], b"w")  # the terminal repeats a held key
    assert keys.read(0.2) == []
    assert keys.read(0.4) == []
    assert keys.read(0.5) == [InputEvent("KEY_W", 0.0)]
    keys.close()


def test_a_terminal_is_left_as_it_was(terminal: tuple[int, Path]) -> None:
    other = os.open(terminal[1], os.O_RDONLY | os.O_NOCTTY)
    before = termios.tcgetattr(other)
    keys = TerminalKeys(terminal[1], hold_s=0.25)
    assert termios.tcgetattr(other)[3] != before[3]
    keys.close()
    assert termios.tcgetattr(other) == before
    os.close(other)


def test_arrows_and_unknown_bytes_do_not_become_letters() -> None:
    assert key_names("\x1b[Aé\x1b") == ["KEY_UP", "KEY_ESC"]


def test_a_keyboard_moves_the_tool_and_the_same_terminal_ends_the_episode(
    terminal: tuple[int, Path], robot: RobotConfig
) -> None:
    inputs = Inputs(config("keyboard"), robot, "", str(terminal[1]))
    pilot = Pilot(config("keyboard"), robot, inputs.ranges)
    os.write(terminal[0], b"ay")
    assert inputs.read(0.0, pilot.event) == ["success"]
    assert pilot.tick(_home(robot))[1] == pytest.approx(0.3 + 0.15 / 30)
    inputs.close()


def test_a_file_that_is_no_terminal_is_refused(tmp_path: Path, robot: RobotConfig) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="terminal"):
        TerminalKeys(tmp_path / "file", 0.2)


def test_a_leader_elsewhere_is_approached_and_then_followed(robot: RobotConfig) -> None:
    names = [*robot.joint_names, *robot.gripper_names]
    leader = Leader(LeaderConfig(approach_m_s=0.3), robot, lambda q, g: _home(robot) + 0.1 * q[0])
    leader.observe(names, [1.0] * len(names), now_s=0.0)
    measured = _home(robot)
    first = leader.tick(measured)
    assert np.linalg.norm((first - measured)[:3]) == pytest.approx(0.3 / 30)
    for _ in range(60):
        last = leader.tick(measured)
    np.testing.assert_allclose(last, _home(robot) + 0.1)
    leader.observe(names, [0.5] * len(names), now_s=1.0)
    np.testing.assert_allclose(leader.tick(measured), _home(robot) + 0.05)
    assert not leader.fresh(now_s=1.3)


def test_a_leader_without_a_joint_is_refused_by_its_name(robot: RobotConfig) -> None:
    leader = Leader(LeaderConfig(joints={"left_joint1": "j1"}), robot, lambda q, g: q)
    with pytest.raises(PerceptionError, match="j1"):
        leader.observe(list(robot.joint_names), [0.0] * 14, 0.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, -101.0])
def test_a_leader_that_is_nowhere_is_refused_and_the_last_place_stands(
    value: float, robot: RobotConfig
) -> None:
    """The tool's pose at 1e30 rad is finite, and random."""
    names = [*robot.joint_names, *robot.gripper_names]
    leader = Leader(LeaderConfig(), robot, lambda q, g: _home(robot) + 0.0 * q[0])
    leader.observe(names, [0.0] * len(names), 0.0)
    with pytest.raises(PerceptionError, match="leader/joint_states; got .* expected finite numbers, 100 rad"):
        leader.observe(names, [value, *[0.0] * (len(names) - 1)], 0.1)
    assert leader.fresh(0.2) and not leader.fresh(0.25)


def test_of_two_leaders_the_first_is_followed_until_it_is_silent(robot: RobotConfig) -> None:
    """The arm went to and fro between two that published on one topic."""
    names = [*robot.joint_names, *robot.gripper_names]
    leader = Leader(LeaderConfig(), robot, lambda q, g: _home(robot) + 0.01 * q[0])
    leader.observe(names, [0.0] * len(names), 0.0, b"one")
    with pytest.raises(PerceptionError, match="a second leader on leader/joint_states") as refused:
        leader.observe(names, [1.0] * len(names), 0.1, b"two")
    assert "ros2 topic info -v" in refused.value.next_step
    np.testing.assert_allclose(leader.tick(_home(robot)), _home(robot))
    leader.observe(names, [1.0] * len(names), 0.3, b"two")
    np.testing.assert_allclose(leader.tick(_home(robot)), _home(robot) + 0.01)


def test_a_leader_that_jumps_is_approached_anew_and_not_followed_at_once(robot: RobotConfig) -> None:
    names = [*robot.joint_names, *robot.gripper_names]
    leader = Leader(LeaderConfig(), robot, lambda q, g: _home(robot) + 0.1 * q[0])
    leader.observe(names, [0.0] * len(names), 0.0)
    leader.tick(_home(robot))
    assert leader.aligned
    leader.observe(names, [5.0] * len(names), 0.03)
    moved = leader.tick(_home(robot)) - _home(robot)
    assert np.linalg.norm(moved[:3]) == pytest.approx(0.15 / 30) and not leader.aligned


def test_a_session_started_again_numbers_its_episodes_on(tmp_path: Path) -> None:
    for number, outcome, extra in (
        (0, "success", {}),
        (1, "failure", {}),
        (4, "success", {"problems": ["x"]}),
    ):
        (tmp_path / f"episode_{number:06d}").mkdir()
        facts = Manifest(task="t", robot="r", outcome=outcome, extra=extra)
        (tmp_path / f"episode_{number:06d}" / FILE_NAME).write_text(facts.to_json())
    episodes = Episodes(tmp_path, wanted=2, first_seed=100)
    episodes.look()
    assert (episodes.name, episodes.seed, episodes.good, episodes.doubtful) == ("episode_000005", 105, 1, 1)
    episodes.look()
    assert (episodes.name, episodes.good, episodes.doubtful) == ("episode_000005", 1, 1)
    episodes.closed(kept=True, success=True, doubts="")
    assert episodes.stage is SessionStage.DONE


def test_a_discarded_episode_keeps_its_number_and_seed(tmp_path: Path) -> None:
    episodes = Episodes(tmp_path, wanted=0, first_seed=7)
    episodes.stage = SessionStage.RECORDING
    episodes.closed(kept=False, success=False, doubts="")
    assert (episodes.number, episodes.seed, episodes.stage) == (0, 7, SessionStage.READY)
    assert episodes.allows("start") and not episodes.allows("success")
