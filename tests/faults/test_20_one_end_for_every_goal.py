"""20: cancel, cancel twice and preempt at any moment. Every goal has exactly one end, and the arm rests after each.

Not here: a stop at any tick of any method (test_scheduler_faults.py, a property).
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from action_msgs.msg import GoalStatus, GoalStatusArray
from rclpy.qos import qos_profile_action_status_default

from segue_interfaces.action import RunTask

from .figures import Figures
from .live import Live

pytestmark = [pytest.mark.system, pytest.mark.slow]

_ENDS = {GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED}
_LIMIT_S = 2.0
_LONGEST_S = 3.5  # of a task, its preparation included, on a machine that has nothing else to do


class Lives:
    """What every goal of an action has been, in order."""

    def __init__(self, graph: Live) -> None:
        self.of: dict[bytes, list[int]] = defaultdict(list)
        status = "segue/run_task/_action/status"
        graph.node.create_subscription(GoalStatusArray, status, self._hear, qos_profile_action_status_default)

    def _hear(self, message: GoalStatusArray) -> None:
        for goal in message.status_list:
            life = self.of[bytes(goal.goal_info.goal_id.uuid)]
            if not life or life[-1] != goal.status:
                life.append(int(goal.status))

    def wrong(self) -> list[list[int]]:
        """Lives that do not end, go on after their end, or go back."""
        return [life for life in self.of.values() if life != sorted(life) or len(_ENDS & set(life)) != 1]


def _cancel_once(graph: Live) -> None:
    graph.task.cancel()


def _cancel_twice(graph: Live) -> None:
    graph.task.cancel()
    graph.task.cancel()


def _preempt(graph: Live) -> None:
    """Another client wants the robot; it is told no, and the first goes on until it is cancelled."""
    other = graph.client()
    graph.until(other.available, "the server is there")
    other.send(RunTask.Goal(seed=2))
    graph.until(lambda: other.over or graph.task.over, "the other client is answered")
    graph.task.cancel()
    graph.until(lambda: other.over or other.feedback is not None, "the other client is answered")
    other.cancel()
    graph.until(lambda: other.over, "the other goal is over")


@pytest.mark.parametrize("moments", [4, pytest.param(30, marks=pytest.mark.thorough)])
def test_a_goal_that_is_cancelled_or_preempted_at_any_moment_has_one_end_and_leaves_an_arm_at_rest(
    moments: int, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph, random = standing("franka"), Random(moments)
    lives = Lives(graph)
    outcomes: Counter[str] = Counter()
    for _ in range(moments):
        graph.send(time_limit_s=_LIMIT_S)
        _wait(graph, random)
        random.choice((_cancel_once, _cancel_twice, _preempt))(graph)
        result: Any = graph.result()
        outcomes[result.outcome] += 1
        graph.until(lambda: not graph.witness.armed, "disarmed")
        graph.rest()
        assert result.outcome in ("cancelled", "failure") and result.reason, (
            f"{result.reason}\n{graph.logs()}"
        )
    figures.add(20, "cancelled and preempted", "franka", note=f"{moments} moments: {dict(outcomes)}")
    graph.until(lambda: not lives.wrong(), "every goal has its one end")
    assert len(lives.of) >= moments
    assert graph.witness.error_code == 0 and graph.witness.bad_commands() == []


def _wait(graph: Live, random: Random) -> None:
    """Until a moment anywhere in the task: while it is prepared, under way, or at its last tick."""
    if random.random() < 0.3:
        tick = round(_LIMIT_S * graph.witness.config.tick_rate_hz) - random.randint(0, 2)

        def at_the_last() -> bool:
            states = graph.witness.states
            ticks = [state.tick for state in states if state.run_id and state.run_id == states[-1].run_id]
            return graph.task.over or bool(ticks and ticks[-1] - ticks[0] >= tick - 1)

        graph.until(at_the_last, "the last tick")
        return
    end = time.monotonic() + random.uniform(0.0, _LONGEST_S)
    graph.until(lambda: graph.task.over or time.monotonic() > end, "the moment has come")
