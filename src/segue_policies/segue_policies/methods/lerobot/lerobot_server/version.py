"""Whether this interpreter has a LeRobot that can be used. Needs only Python, so that it can be asked of any."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from importlib.util import find_spec

KNOWN = ("0.4.4", "0.6.1")
"""Versions of LeRobot that this was run with; the last needs Python 3.12."""

OLDEST = (0, 4)
"""The first series that has processors beside the network."""


def installed() -> str:
    """Version of LeRobot; empty without one."""
    try:
        return metadata.version("lerobot")
    except metadata.PackageNotFoundError:
        return ""


def problem(version: str) -> str:
    """Why it cannot be used, and what to do; empty when it can."""
    fits = KNOWN[-1] if sys.version_info >= (3, 12) else KNOWN[0]
    install = f"install it there: {sys.executable} -m pip install lerobot=={fits}"
    if not _is_for_lerobot():  # LeRobot's pins would undo what is installed here
        install = "make an environment of its own for it"
    install = f"or {install}"
    if not version:
        text = f"{sys.executable} has no LeRobot; name the Python of an environment that has it (docs/training.md)"
        return f"{text}, {install}"
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    known = f"known to work are {' and '.join(KNOWN)}"
    return (
        "" if numbers >= OLDEST else f"LeRobot {version} of {sys.executable} is too old; {known}, {install}"
    )


def _is_for_lerobot() -> bool:
    """Whether this is a virtual environment, and not the one that ROS and Segue live in."""
    return sys.prefix != sys.base_prefix and find_spec("rclpy") is None


def untested(version: str) -> str:
    """What to add to sentences about a version that this was not run with."""
    return "" if version in KNOWN else f" (not tested with it; tested: {', '.join(KNOWN)})"
