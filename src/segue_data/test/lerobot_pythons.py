"""Interpreters that have LeRobot, for tests that need one: `LEROBOT_PYTHONS=A/bin/python:B/bin/python`."""

import os

import pytest

PYTHONS = tuple(filter(None, os.environ.get("LEROBOT_PYTHONS", "").split(os.pathsep)))
_SKIP = pytest.mark.skip(reason="LEROBOT_PYTHONS names no interpreter that has LeRobot, see docs/training.md")

each_lerobot = pytest.mark.parametrize("python", PYTHONS or [pytest.param("", marks=_SKIP, id="none")])
"""A test's argument `python`, once for every LeRobot that is there."""
