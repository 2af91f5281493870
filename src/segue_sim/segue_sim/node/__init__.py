"""The ROS nodes: simulator, state publisher, rehearsal robot."""
