"""The ROS nodes: controller, mover, hardware."""
