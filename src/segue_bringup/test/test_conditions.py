"""Laws of the environment's conditions: what cannot work is said before anything starts, by all in the same words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segue_bringup.environment import conditions, ros_conditions
from segue_bringup.environment.errors import EXIT_ENVIRONMENT, EnvironmentProblem
from segue_bringup.environment.lock import exclusive
from segue_bringup.environment.ros import find_ros
from segue_bringup.environment.variables import run_environment
from segue_bringup.environment.workspace import Workspace
from segue_core.disk_room import RECORDING_MB
from segue_data.node.recorder_node import RecorderParameters

ROOT = Path(__file__).parents[3]
WORKSPACE = Workspace(ROOT)
PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"
BAD = {
    "middleware": ({"RMW_IMPLEMENTATION": "rmw_nobody_cpp"}, "rmw_nobody_cpp, which is not installed"),
    "assertion": (
        {"RCL_ASSERT_RMW_ID_MATCHES": "rmw_zenoh_cpp"},
        "RCL_ASSERT_RMW_ID_MATCHES is rmw_zenoh_cpp",
    ),
    "range": ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "cannot find each other"),
    "unknown range": (
        {"ROS_AUTOMATIC_DISCOVERY_RANGE": "localhost"},
        "'localhost', which ROS 2 does not know",
    ),
    "peers": ({"ROS_STATIC_PEERS": "127.0.0.1;###"}, "ROS_STATIC_PEERS names ###"),
    "profile": ({"FASTDDS_DEFAULT_PROFILES_FILE": "/nowhere.xml"}, "/nowhere.xml: No such file"),
    "security": (
        {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce", "ROS_SECURITY_KEYSTORE": ""},
        "ROS_SECURITY_",
    ),
    "logs": ({"ROS_LOG_DIR": "/proc/logs"}, "no place for its logs: /proc/logs"),
    "renderer": ({"MUJOCO_GL": "nonsense"}, "MUJOCO_GL is 'nonsense'; allowed: egl, osmesa, glfw"),
    "off": ({"MUJOCO_GL": "disable"}, "turns rendering off"),
    "window": ({"MUJOCO_GL": "glfw", "DISPLAY": "", "WAYLAND_DISPLAY": ""}, "needs a display"),
    "platforms": ({"MUJOCO_GL": "egl", "PYOPENGL_PLATFORM": "osmesa"}, "PYOPENGL_PLATFORM is osmesa"),
}
PLAIN = {
    k: v for k, v in os.environ.items() if k not in ("ROS_STATIC_PEERS", "ROS_LOG_DIR", "PYOPENGL_PLATFORM")
}


def found(changed: dict[str, str]) -> list[str]:
    checks = conditions.examine({**PLAIN, **changed}, (*conditions.ANYWHERE, *conditions.GRAPH))
    return [check.found for check in checks if check.status == "missing"]


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_work_is_named_with_what_to_do(name: str) -> None:
    changed, said = BAD[name]
    assert len(found(changed)) == 1 and said in found(changed)[0]


def test_an_environment_that_says_nothing_odd_has_no_conditions() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    ("text", "said"), [("<dds><broken", "not XML"), ("<html/>", "root is <html>"), ("", "not XML")]
)
def test_a_profile_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """Fast DDS printed an error in red for every node, and took its defaults."""
    (tmp_path / "profile.xml").write_text(text)
    assert said in found({"FASTDDS_DEFAULT_PROFILES_FILE": str(tmp_path / "profile.xml")})[0]


def test_little_shared_memory_is_a_note_and_none_at_all_too(tmp_path: Path) -> None:
    check = ros_conditions.shared_memory({}, tmp_path / "none")
    assert check is not None and (check.status, "0 MB are free" in check.found) == ("warning", True)
    assert ros_conditions.shared_memory({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp"}, tmp_path / "none") is None


def test_a_temporary_folder_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    checks = conditions.examine({"TMPDIR": str(tmp_path / "none")}, conditions.ANYWHERE)
    assert [check.status for check in checks] == ["warning"]


@pytest.mark.parametrize("home", [None, "/proc"])
def test_without_a_home_that_can_be_written_logs_go_to_the_workspace(
    home: str | None, tmp_path: Path
) -> None:
    """Rclpy raised RCLError: failed to initialize logging."""
    environment = {"HOME": home} if home else {}
    filled = conditions.fill_in(environment, Workspace(tmp_path))
    assert filled == {"ROS_LOG_DIR": str(tmp_path / "log" / "ros")}
    assert ros_conditions.log_folder({**environment, **filled}) is None


def test_a_place_for_logs_that_somebody_chose_is_never_replaced() -> None:
    assert conditions.fill_in({"ROS_LOG_DIR": "/proc/logs"}, WORKSPACE) == {}


@pytest.mark.parametrize("name", ["middleware", "window"])
def test_the_command_line_refuses_before_anything_starts(name: str, tmp_path: Path) -> None:
    changed, said = BAD[name]
    done = subprocess.run(
        [sys.executable, "-m", "segue_bringup.cli", "run", "--out", str(tmp_path / "runs")], cwd=ROOT,
        env={**PLAIN, **changed}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (EXIT_ENVIRONMENT, False)
    assert said in done.stderr and "What to do: " in done.stderr
    assert not (tmp_path / "runs").exists()


def test_doctor_says_what_the_commands_say() -> None:
    names = ("middleware", "window", "logs")
    environment = {**PLAIN, **{k: v for name in names for k, v in BAD[name][0].items()}}
    done = subprocess.run(
        [sys.executable, "-m", "segue_bringup.environment", "doctor"], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == EXIT_ENVIRONMENT
    assert all(BAD[name][1] in done.stdout for name in names), done.stdout
    assert "rm -rf .venv" not in done.stdout


def test_a_run_and_its_recorder_refuse_below_the_same_room(tmp_path: Path) -> None:
    """Between 100 and 500 MB the run went on without its recording, and succeeded."""
    assert conditions.RECORDING_MB == RECORDING_MB == RecorderParameters(robot_file="").min_free_mb
    free_mb = shutil.disk_usage(tmp_path).free / 1e6
    assert (conditions.room(tmp_path) is None) == (free_mb >= RECORDING_MB)


def test_no_room_is_said_with_what_is_free(tmp_path: Path) -> None:
    assert conditions.room(tmp_path / "not" / "made" / "yet") is None
    full = conditions.room(tmp_path, needed_mb=10**12)
    assert full is not None and "MB are free" in full.found and "--out" in full.cure


def test_what_a_terminal_cannot_show_is_printed_as_a_question_mark() -> None:
    environment = {**PLAIN, "PYTHONIOENCODING": "ascii"}
    work = "finish(lambda: print(chr(215)) or 0)"
    code = f"import sys; from segue_bringup.environment.endings import finish; sys.exit({work})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "?\n")


@pytest.mark.parametrize(
    ("changed", "profile"),
    [
        ({}, "this_machine.xml"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "large_images.xml"),
        ({"ROS_STATIC_PEERS": "192.0.2.7"}, "large_images.xml"),
        (
            {"ROS_STATIC_PEERS": "192.0.2.7", PROFILE: str(WORKSPACE.dds_profiles / "this_machine.xml")},
            "large_images.xml",
        ),
    ],
)
def test_other_machines_are_heard_only_where_some_are_named(changed: dict[str, str], profile: str) -> None:
    bare = {k: v for k, v in PLAIN.items() if k not in (PROFILE, "ROS_AUTOMATIC_DISCOVERY_RANGE")}
    ros = find_ros(WORKSPACE, bare)
    child = run_environment(WORKSPACE, ros, {**bare, **changed})
    assert child[PROFILE] == str(WORKSPACE.dds_profiles / profile)
    said = ros_conditions.listens(child)
    if profile == "this_machine.xml":
        assert said.status == "ok" and "loopback interface alone" in said.found
    else:
        assert said.status == "warning" and "all interfaces" in said.found and "firewall" in said.cure
        assert all(f"{name}={value}" in said.found for name, value in changed.items() if name != PROFILE)


def test_only_middlewares_are_offered_as_middlewares(tmp_path: Path) -> None:
    """The library of a message package was once advised: rclpy then ended with 102."""
    (tmp_path / "lib").mkdir()
    for name in ("fastrtps_cpp", "zenoh_cpp", "dds_common__rosidl_typesupport_cpp", "fastrtps_shared_cpp"):
        (tmp_path / "lib" / f"librmw_{name}.so").touch()
    given = {"AMENT_PREFIX_PATH": str(tmp_path)}
    assert ros_conditions.middlewares(given) == ["rmw_fastrtps_cpp", "rmw_zenoh_cpp"]


@pytest.mark.parametrize(
    ("library", "keystore", "said"),
    [
        (b"plain", True, "built without DDS security"),
        (b"..builtin.PKI-DH..", False, "names no folder"),
        (b"..builtin.PKI-DH..", True, ""),
    ],
)
def test_security_that_is_asked_for_is_there(
    library: bytes, keystore: bool, said: str, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libfastdds.so").write_bytes(library)
    asked = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce"}
    asked["ROS_SECURITY_KEYSTORE"] = str(tmp_path if keystore else tmp_path / "none")
    check = ros_conditions.security({"AMENT_PREFIX_PATH": str(tmp_path), **asked})
    assert said in check.found if check else not said


def test_an_empty_renderer_is_as_good_as_none() -> None:
    empty = {**PLAIN, "MUJOCO_GL": ""}
    assert run_environment(WORKSPACE, find_ros(WORKSPACE, empty), empty)["MUJOCO_GL"]


def test_a_profile_of_the_users_own_is_kept(tmp_path: Path) -> None:
    own = {**PLAIN, PROFILE: str(tmp_path / "mine.xml")}
    assert run_environment(WORKSPACE, find_ros(WORKSPACE, own), own)[PROFILE] == own[PROFILE]


def test_a_workspace_of_somebody_else_that_is_not_set_up_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no folder can be made here, whoever asks")
    with (
        pytest.raises(
            EnvironmentProblem, match=r"(?s)not set up for this user, who cannot write .*What to do"
        ),
        exclusive(tmp_path / "log/setup/lock"),
    ):
        raise AssertionError("not locked")
