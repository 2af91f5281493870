"""The faults of rows 16, 17, 19, 20, 22 and 34 while the mover takes the arms to a pose, in place of a policy.

Not here: what a move is and how it is planned (test_planning.py, test_mover_goals.py, test_move.py).
"""

import subprocess
import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from segue_core.errors import ErrorCode
from segue_interfaces.action import MoveTo

from .busy import hold_up
from .figures import Figures
from .hands import EACH_ROBOT
from .live import Live, module
from .witness import rest_bound_s

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.thorough]

_SPEED = 0.5  # of the contract's share of the limits
_MOVING_RAD_S = 0.1
_MOMENTS = 8


class Move:
    """One goal of segue/move, to home or aside, where the arms are not."""

    def __init__(self, graph: Live) -> None:
        self.graph, self.client = graph, graph.client(MoveTo, "segue/move")
        graph.until(self.client.available, "the mover is there")
        self.client.send(MoveTo.Goal(pose=other_pose(graph), speed=_SPEED))

    def in_motion(self) -> "Move":
        """Itself, when the arms move."""
        self.graph.until(lambda: self.client.over or moves(self.graph), "the arms move")
        assert not self.client.over, f"ended before it moved: {self.client.result}\n{self.graph.logs()}"
        return self

    def result(self) -> Any:
        """Its result."""
        self.graph.until(lambda: self.client.over, "the move is over")
        return self.client.result

    def works(self) -> None:
        """It arrives."""
        result = self.result()
        assert result is not None and result.success, f"{result}\n{self.graph.logs()}"


def other_pose(graph: Live) -> str:
    """Of home and aside the one where the arms are not."""
    q, config = graph.witness.joints[-1].q, graph.witness.config
    away = {name: np.abs(q - config.pose_rad(name)).max() for name in ("home", "aside")}
    return max(away, key=lambda name: float(away[name]))


def moves(graph: Live) -> bool:
    """Whether the arms do."""
    return graph.witness.armed and graph.witness.speed > _MOVING_RAD_S


def at_rest(graph: Live) -> None:
    """Come back when the guard is not armed and nothing moves; then it recovers."""
    graph.until(lambda: not graph.witness.armed, "the guard is not armed")
    graph.rest()
    assert graph.witness.bad_commands() == []
    graph.nothing_moves(graph.witness.sim_s)
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")


@EACH_ROBOT
def test_a_move_that_is_stopped_by_anybody_ends_with_arms_at_rest_and_the_next_one_arrives(
    robot: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live(robot, planned_moves=True)
    witness = graph.witness

    move, since_s = Move(graph).in_motion(), witness.sim_s
    graph.emergency_stop()
    result = move.result()
    at_rest(graph)
    stop_s, rest_s, bound_s = (
        witness.stopped_after(since_s),
        witness.rested_after(since_s),
        rest_bound_s(robot),
    )
    figures.add(
        19, "emergency stop of a planned move", robot,
        stop_ms=1e3 * stop_s, rest_ms=1e3 * rest_s, bound_ms=1e3 * (stop_s + bound_s), code=int(result.error_code),
    )  # fmt: skip
    assert (
        result.error_code == ErrorCode.CONTROL_EMERGENCY_STOP
        and "the guard stopped the move" in result.error_text
    )
    assert stop_s <= 0.15 and rest_s <= stop_s + bound_s

    move = Move(graph).in_motion()
    graph.send()  # a task comes while a move is under way: who has the robot keeps it, or is told that it was taken
    moved, done = move.result(), None
    if not moved.success:
        assert moved.error_text
    graph.until(lambda: graph.task.over or moves(graph), "the task is answered")
    done = graph.end()
    assert done.error_code == 0 or done.error_text
    at_rest(graph)

    graph.move()
    refused = Move(graph).result()
    assert refused is None or "a task runs" in refused.error_text, "a move while a task runs"
    assert not graph.task.over, "the task goes on"
    graph.end()
    at_rest(graph)
    Move(graph).works()


def _client_of_a_move(graph: Live) -> "subprocess.Popen[bytes]":
    client = subprocess.Popen(module("client", "move", other_pose(graph)))
    graph.until(lambda: moves(graph), "the arms move")
    return client


def test_a_move_whose_client_is_killed_stops_when_its_lease_is_over(
    live: Callable[..., Live], figures: Figures
) -> None:
    """It once went on to its end, with nobody there to cancel it."""
    graph = live("franka", planned_moves=True)
    client = _client_of_a_move(graph)
    client.kill()
    gone_s = time.monotonic()
    client.wait()
    graph.until(lambda: not graph.witness.armed, "the arms are stopped")
    waited_s = graph.witness.unarmed_at(gone_s) - gone_s
    at_rest(graph)
    figures.add(22, "client of a move killed", "franka", note=f"stop after {waited_s:.2f} s of wall time")
    assert 0.6 < waited_s < 2.0
    assert "its client is gone" in graph.log("mover")
    Move(graph).works()


def test_a_move_that_is_cancelled_at_any_moment_has_one_end_and_arms_at_rest(
    live: Callable[..., Live], figures: Figures
) -> None:
    graph, random, ends = live("franka", planned_moves=True), Random(20), []
    for _ in range(_MOMENTS):
        move, end = Move(graph), time.monotonic() + random.uniform(0.0, 4.0)
        graph.until(
            lambda end=end, move=move: move.client.over or time.monotonic() > end, "the moment has come"
        )  # type: ignore[misc]
        move.client.cancel()
        move.client.cancel()
        result = move.result()
        ends.append("arrived" if result.success else "cancelled")
        assert result.success or "cancelled" in result.error_text, result
        at_rest(graph)
    figures.add(
        20, "moves cancelled", "franka", note=f"{_MOMENTS} moments: {ends.count('cancelled')} cancelled"
    )
    Move(graph).works()


@pytest.mark.parametrize("name", ["mover", "controller"])
def test_a_mover_or_controller_that_is_killed_in_a_move_leaves_arms_at_rest(
    name: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live("franka", planned_moves=True)
    witness = graph.witness
    Move(graph).in_motion()
    killed_s = witness.at(graph.kill(name))
    graph.until(lambda: witness.sim_s > killed_s + 1.0, "time goes on")
    graph.rest()
    rest_s = witness.rested_after(killed_s)
    bound_s = rest_bound_s("franka") + (0.2 if name == "mover" else witness.config.safety.robot_timeout_s)
    figures.add(
        16 if name == "mover" else 17, f"{name} killed in a move", "franka",
        rest_ms=1e3 * rest_s, bound_ms=1e3 * bound_s, code=witness.error_code,
    )  # fmt: skip
    assert rest_s <= bound_s
    since_s = witness.sim_s
    graph.start_again(name)
    graph.nothing_moves(since_s)
    graph.until(lambda: bool(graph.recover().success), "the guard recovers")
    graph.until(lambda: graph.stands, f"the dead {name} is forgotten")
    Move(graph).works()
    assert witness.bad_commands() == []


@pytest.mark.parametrize("name", ["mover", "controller"])
def test_a_mover_or_controller_that_is_stopped_for_long_in_a_move_resumes_nothing(
    name: str, live: Callable[..., Live], figures: Figures
) -> None:
    graph = live("franka", planned_moves=True)
    move = Move(graph).in_motion()
    _, woke = hold_up([graph.pid(name)], 8.0)
    result = move.result()
    at_rest(graph)
    figures.add(34, f"{name} stopped for 8 s in a move", "franka", code=int(result.error_code))
    assert not result.success and result.error_text
    assert graph.witness.rested_after(graph.witness.at(woke)) == 0.0, f"moved when the {name} woke up"
    Move(graph).works()
