"""ROS messages to and from a robot's driver, whichever messages those are."""
