"""The rehearsal robot's cameras tell pictures and calibration together, as a simulated or a real robot's do."""

from pathlib import Path

import rclpy
from own_domain import own_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from spinning import spin_until

from segue_ros import qos
from segue_sim.node.rehearsal_node import RehearsalRobot

CONFIG = Path(__file__).parents[3] / "config"


def test_every_picture_comes_with_the_calibration_of_its_camera() -> None:
    """A bag of the rehearsal once had pictures without any."""
    given = (
        f"robot_file:={CONFIG}/robots/franka.yaml", f"task_file:={CONFIG}/tasks/push_button.yaml", "cameras:=true",
        "autostart:=false",
    )  # fmt: skip
    arguments = ["test", "--ros-args", *(part for text in given for part in ("-p", text))]
    rclpy.init(args=arguments, domain_id=own_domain())
    robot, peer, executor = RehearsalRobot(), Node("peer"), SingleThreadedExecutor()
    robot.trigger_configure()
    robot.trigger_activate()
    images: list[Image] = []
    infos: list[CameraInfo] = []
    peer.create_subscription(Image, "wrist_camera/image_raw", images.append, qos.SENSOR)
    peer.create_subscription(CameraInfo, "wrist_camera/camera_info", infos.append, qos.SENSOR)
    executor.add_node(robot)
    executor.add_node(peer)
    spin_until(executor, lambda: bool(images) and bool(infos))
    assert (infos[-1].width, infos[-1].height) == (images[-1].width, images[-1].height)
    assert infos[-1].header.frame_id == images[-1].header.frame_id
    robot.end()
    robot.destroy_node()
    peer.destroy_node()
    rclpy.shutdown()
