"""Kinematics, command streaming, the safety guard and the arm and gripper controllers."""
