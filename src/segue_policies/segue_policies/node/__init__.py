"""The ROS nodes of the policies."""
