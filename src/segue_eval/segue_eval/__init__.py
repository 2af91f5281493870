"""Lockstep rollouts, metrics, tables, plots and reports."""

import os
import sys

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads this when it is first imported, whoever does it
