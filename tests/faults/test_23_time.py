"""23: a node that does not hear the simulated time, which has been seen on a machine with far too much to do.

Jumps of the wall clock are in test_23_clocks.py, resets and pauses in row 31.
"""

from collections.abc import Callable

import pytest
from std_srvs.srv import SetBool

from .figures import Figures
from .hands import MOVING_RAD_S
from .live import Live, module

pytestmark = [pytest.mark.system, pytest.mark.slow]

_NODES = {
    "scheduler": "segue_scheduler.node.scheduler_node",
    "controller": "segue_control.node.controller_node",
    "perception": "segue_perception.node.perception_node",
    "policy": "segue_policies.node.policy",
}
_NAMES = [pytest.param(name, marks=[] if name == "scheduler" else [pytest.mark.thorough]) for name in _NODES]


@pytest.mark.parametrize("name", _NAMES)
def test_a_node_that_nobody_has_matched_with_the_clock_listens_anew_and_the_task_runs(
    name: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live(instead={name: module("deaf", _NODES[name], "1")})
    assert "nothing on /clock for" in graph.log(name) and "listening anew" in graph.log(name)
    graph.move()
    speed = graph.witness.speed
    graph.end()
    figures.add(23, f"{name} not matched with the clock", "franka", note="listens anew")
    assert speed > MOVING_RAD_S and graph.witness.bad_commands() == []


@pytest.mark.thorough
def test_a_node_that_begins_while_the_world_is_paused_is_ready(live: Callable[..., Live]) -> None:
    graph = live()
    assert graph.call("sim/pause", SetBool.Request(data=True)).success
    graph.kill("scheduler")
    graph.start_again("scheduler")
    assert graph.call("sim/pause", SetBool.Request(data=False)).success
    graph.works_again()
