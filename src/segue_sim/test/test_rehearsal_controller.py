"""The trajectory controller of the rehearsal robot does what ros2_controllers' own does.

`trajectory_controller_runs.json` is what their C++ commanded, 1000 times a second, for these messages (docs/adr/0011):
one joint [rad] that follows perfectly, in each of the four ways to begin a trajectory.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue_sim.rehearsal.trajectory_controller import Knot, TrajectoryController

ZERO, PERIOD_S = np.zeros(1), 0.001
RUNS = json.loads((Path(__file__).parent / "trajectory_controller_runs.json").read_text())
MODES = {  # splices, from_desired
    "measured": (False, False),
    "desired": (False, True),
    "blending": (True, False),
    "blending, desired": (True, True),
}


def _knot(time_s: float, q: float, v: float) -> Knot:
    return Knot(time_s, np.array([q]), np.array([v]))


def _controller(mode: str) -> TrajectoryController:
    splices, from_desired = MODES[mode]
    return TrajectoryController(ZERO, PERIOD_S, splices=splices, from_desired=from_desired)


def _commands(mode: str, messages: list[Any], until_s: float) -> dict[int, float]:
    """Commands by millisecond, for a joint that is at once where it is told to be."""
    controller, left = _controller(mode), list(messages)
    q, v, commands = ZERO, ZERO, {}
    for cycle in range(1, round(until_s / PERIOD_S) + 1):
        now_s = cycle * PERIOD_S
        while left and left[0][0] <= now_s + 1e-9:
            _, stamp_s, points = left.pop(0)
            controller.receive([_knot(*point) for point in points], stamp_s, now_s, Knot(now_s, q, v))
        there, _ = controller.sample(now_s)
        q, v = there, (there - q) / PERIOD_S
        commands[cycle] = float(q[0])
    return commands


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", RUNS)
def test_it_commands_what_theirs_did(case: str, mode: str) -> None:
    run = RUNS[case]
    commands = _commands(mode, run["messages"], run["times_s"][-1])
    ours = [commands[round(time_s / PERIOD_S)] for time_s in run["times_s"]]
    # Where two entries lie within one lead they draw a quintic between them: half a milliradian.
    exact = not ("stream" in case and "blending" in mode)
    np.testing.assert_allclose(ours, run["paths"][mode], atol=2e-6 if exact else 5e-4)


def test_beginning_at_the_last_command_forgets_how_far_the_arm_lags() -> None:
    """The reason for `interpolate_from_desired_state: true` in what we write and advise."""
    behind = {}
    for mode in ("measured", "desired"):
        controller = _controller(mode)
        controller.receive([_knot(1.0, 1.0, 0.0)], None, 0.0, _knot(0.0, 0.0, 0.0))
        before, _ = [controller.sample(now_s) for now_s in (0.498, 0.499)][-1]
        controller.receive([_knot(0.5, 1.0, 0.0)], None, 0.5, _knot(0.5, float(before[0]) - 0.1, 1.0))
        behind[mode] = float((before - controller.sample(0.5)[0])[0])
    assert behind["measured"] > 0.09 and -0.01 < behind["desired"] < 0.0


def test_before_the_first_trajectory_it_holds_and_one_of_the_past_changes_nothing() -> None:
    controller = _controller("blending")
    assert controller.sample(1.0)[0][0] == 0.0
    assert not controller.receive([_knot(0.1, 5.0, 0.0)], 1.0, 2.0, _knot(2.0, 0.0, 0.0))
    assert controller.sample(3.0)[0][0] == 0.0
