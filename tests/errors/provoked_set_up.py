"""600s: configuration, environment, processes, simulation."""

import os
import sys
import time
from pathlib import Path
from unittest.mock import patch

import mujoco

from segue_bringup.catalogue import path_of
from segue_bringup.supervision.commands import executable_path
from segue_bringup.supervision.instance import acquire_domain
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_core.contracts.base import load_mapping, load_yaml
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import check_robot
from segue_core.errors import ErrorCode
from segue_data.contracts import load_task
from segue_sim.gazebo.links import links_of

from .provoking import provokes

ROBOT = Path(__file__).parents[2] / "config" / "robots" / "dual_arm.yaml"


@provokes(ErrorCode.CONFIG_UNKNOWN_NAME, "'pick_plaice'", "did you mean 'pick_place'", "allowed: ")
def a_task_that_does_not_exist(_: Path) -> None:
    path_of("tasks", "pick_plaice")


@provokes(ErrorCode.CONFIG_UNKNOWN_KEY, "a file: ", "'tick_rate'", "did you mean 'tick_rate_hz'")
def a_key_that_does_not_exist(_: Path) -> None:
    load_yaml(ROBOT.read_text(encoding="utf-8") + "\ntick_rate: 30.0\n", RobotConfig, "a file")


@provokes(ErrorCode.CONFIG_INVALID_VALUE, "a file: tick_rate_hz: got -30.0", "greater than")
def a_value_that_is_not_allowed(_: Path) -> None:
    text = ROBOT.read_text(encoding="utf-8").replace("tick_rate_hz: 30", "tick_rate_hz: -30")
    load_yaml(text, RobotConfig, "a file")


@provokes(ErrorCode.CONFIG_UNREADABLE, "a file: top level", "got list", "expected a mapping")
def a_file_that_is_a_list(_: Path) -> None:
    load_mapping("- 1\n", "a file")


@provokes(ErrorCode.CONFIG_CONFLICT, "task 'pick_place'", "got jaco2", "expected dual_arm")
def a_task_of_another_robot(_: Path) -> None:
    check_robot(load_task("pick_place"), "jaco2")


@provokes(ErrorCode.ENVIRONMENT_INCOMPLETE, "package 'no_such_package' is not installed")
def a_package_that_is_not_built(_: Path) -> None:
    executable_path("no_such_package", "node")


@provokes(ErrorCode.PROCESS_FAILED, "node 'policy' ended (exit code 3)", "the last words")
def a_node_that_ends(folder: Path) -> None:
    words = [sys.executable, "-S", "-c", "print('the last words'); raise SystemExit(3)"]
    with Supervisor(lambda _: None) as supervisor:
        supervisor.start(Job("policy", words, dict(os.environ), folder / "policy.log", required=True))
        end = time.monotonic() + 60.0
        while time.monotonic() < end:
            supervisor.poll()
            time.sleep(0.01)


@provokes(ErrorCode.ADDRESS_IN_USE, "another segue graph runs on ROS domain 77", "(process ")
def a_second_graph_on_a_domain(folder: Path) -> None:
    with patch("tempfile.tempdir", str(folder)):
        lock = acquire_domain({"ROS_DOMAIN_ID": "77"})
        try:
            acquire_domain({"ROS_DOMAIN_ID": "77"})
        finally:
            lock.release()


@provokes(ErrorCode.SIMULATION_FAILED, "joint 'shoulder'", "only hinges and slides")
def a_ball_joint_for_gazebo(_: Path) -> None:
    body = '<body name="arm"><joint name="shoulder" type="ball"/><geom size="0.1"/></body>'
    model = mujoco.MjModel.from_xml_string(f"<mujoco><worldbody>{body}</worldbody></mujoco>")
    links_of(model, [1], "world", {})
