"""Laws of the teleoperation node when a bag is at the controls, and nobody is there to see what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_domain import own_domain
from spinning import spin_until

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
pytest.importorskip("segue_interfaces.srv", reason="needs the built workspace")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402

from segue_core.contracts.robot import RobotConfig  # noqa: E402
from segue_data.contracts import config_folder  # noqa: E402
from segue_data.node.teleop_node import TeleopNode  # noqa: E402
from segue_data.recording.stage import Demonstration  # noqa: E402
from segue_ros import qos  # noqa: E402


def test_a_replay_that_cannot_begin_is_over_and_says_why(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    """On a full disk the recorder refused, and `segue replay` waited for ever. Here nobody can arm the robot."""
    config = config_folder()
    given = {
        "robot_file": config / "robots" / "dual_arm.yaml", "teleop_file": config / "teleop" / "replay.yaml",
        "replay": recorded[0], "root": tmp_path, "autostart": "false",
    }  # fmt: skip
    options = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["test", "--ros-args", *options], domain_id=own_domain())
    teleop, peer, executor = TeleopNode(), Node("peer", use_global_arguments=False), SingleThreadedExecutor()
    told: dict[str, str] = {}

    def take(message: DiagnosticArray) -> None:
        told.update({pair.key: pair.value for status in message.status for pair in status.values})

    try:
        for node in (teleop, peer):
            executor.add_node(node)
        joints = JointState(name=[*robot.joint_names, *robot.gripper_names])
        joints.position = [*(q for arm in robot.arms for q in arm.home_rad), 1.0, 1.0]
        joints_out = peer.create_publisher(JointState, "joint_states", qos.SENSOR_SOURCE)
        peer.create_subscription(DiagnosticArray, "diagnostics", take, 10)
        peer.create_timer(0.05, lambda: joints_out.publish(joints))
        teleop.trigger_configure()
        teleop.trigger_activate()
        spin_until(executor, lambda: told.get("stage") == "starting")
        spin_until(executor, lambda: told.get("stage") == "done")
        assert "nobody offers the service segue/arm" in told["note"], told
    finally:
        teleop.end()
        teleop.destroy_node()
        peer.destroy_node()
        rclpy.shutdown()
