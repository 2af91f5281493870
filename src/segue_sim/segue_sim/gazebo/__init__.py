"""Gazebo files from the same contracts as the MuJoCo world: robot, world, bridge, controllers, hardware settings.

Generated, never edited: names, poses, rates and topics cannot drift from the contract. Not run: Gazebo is in no Python
registry. What was checked instead is in docs/gazebo.md.
"""
