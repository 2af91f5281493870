"""The ROS nodes: perception and cameras."""
