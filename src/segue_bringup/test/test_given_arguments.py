"""Laws of what a command makes of the words it is given."""

from __future__ import annotations

import pytest

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import load_graph


@pytest.mark.parametrize(("task", "robot"), [("push_button", "franka"), ("drawer", "dual_arm")])
def test_a_task_alone_is_done_by_its_robot(task: str, robot: str) -> None:
    """`./segue run task=push_button` was refused: the task is made for another robot than the usual one."""
    assert given_arguments(load_graph(), {"task": task})["robot"] == robot


def test_a_robot_that_is_named_stays() -> None:
    assert given_arguments(load_graph(), {"task": "push_button", "robot": "dual_arm"})["robot"] == "dual_arm"
