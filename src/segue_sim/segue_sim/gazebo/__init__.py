"""Gazebo files from the same contracts as the MuJoCo world: robot, world, bridge, controllers, hardware settings.

Generated, never edited: names, poses, rates and topics cannot drift from the contract. Run in Gazebo's physics engine,
not in the whole of Gazebo: docs/gazebo.md says what was checked and how.
"""
