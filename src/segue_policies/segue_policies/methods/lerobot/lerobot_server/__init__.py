"""Runs in LeRobot's own Python, from 3.10 on: LeRobot, torch, numpy and safetensors, nothing of Segue and no ROS.

The folder can be copied to another machine as it is; `python lerobot_server --help` says how it is started by hand.
"""
