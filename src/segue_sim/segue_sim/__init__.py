"""MuJoCo worlds, robots, tasks with scores, scripted experts and the simulator node."""

import os

# MuJoCo picks its OpenGL back end when it is first imported; without a display only off-screen ones work.
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")
