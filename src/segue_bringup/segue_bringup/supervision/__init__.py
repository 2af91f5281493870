"""Starts, watches and stops the processes of a graph where the ROS `launch` package is not installed."""
