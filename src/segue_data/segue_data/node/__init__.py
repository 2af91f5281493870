"""The ROS nodes: recorder and teleoperation."""
