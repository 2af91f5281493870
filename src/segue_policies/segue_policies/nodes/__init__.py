"""Policies as ROS 2 nodes: one executable per method over one base."""
