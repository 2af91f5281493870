"""Gazebo alone, with the robot and its controllers, beside `segue run sim:=gazebo` or a graph of your own.

ros2 launch segue_bringup gazebo.launch.py robot:=franka task:=open_drawer
"""

from launch import LaunchDescription

from segue_bringup.launching import gazebo_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return gazebo_description()
