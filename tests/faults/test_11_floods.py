"""11: a thousand chunks, or other messages, per second. Memory stays as it is, and what is foreign is counted.

Not here: the inbox of the scheduler alone (test_node_parts.py), foreign commands beyond a flood (row 15).
"""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_core.errors import ErrorCode

from .figures import Figures
from .live import Live, module
from .mischief import How
from .misled import Misled

pytestmark = [pytest.mark.system, pytest.mark.slow]

_SECONDS = 3.0  # of the wall clock
_GROWTH_MB = 8.0
_PAGE_MB = 4096 / 2**20
_TOPICS = {
    "segue/command": "segue_interfaces/msg/RobotCommand",
    "segue/chunk": "segue_interfaces/msg/ActionChunk",
    "segue/observation": "segue_interfaces/msg/Observation",
    "segue/policy_info": "segue_interfaces/msg/PolicyInfo",
    "segue/safety": "segue_interfaces/msg/SafetyState",
    "segue/task_state": "segue_interfaces/msg/TaskState",
    "joint_states": "sensor_msgs/msg/JointState",
}


def _memory_mb(graph: Live) -> dict[str, float]:
    """What scheduler and controller hold."""
    names = ("scheduler", "controller")
    pages = {
        name: Path(f"/proc/{graph.pid(name)}/statm").read_text(encoding="ascii").split() for name in names
    }
    return {name: int(words[1]) * _PAGE_MB for name, words in pages.items()}


def _check(graph: Live, figures: Figures, fault: str, before: dict[str, float], note: str) -> None:
    after = _memory_mb(graph)
    grown = {name: after[name] - before[name] for name in before}
    told = ", ".join(f"{name} {mb:+.1f} MB" for name, mb in grown.items())
    result = graph.task.result
    figures.add(11, fault, graph.robot, code=result.error_code if result else 0, note=f"{note}; {told}")
    assert max(grown.values()) < _GROWTH_MB
    if result:
        assert result.error_code in set(ErrorCode) - {ErrorCode.OK} and result.error_text
    assert graph.witness.bad_commands() == []


def test_a_thousand_answers_per_second_that_nobody_asked_for_are_not_kept_nor_executed(
    misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled("franka")
    graph.move()
    graph.answered()
    before = _memory_mb(graph)
    graph.misbehave(How.REPEAT, value=_SECONDS)
    graph.until_done(How.REPEAT)
    sent = int(re.findall(r"sent (\d+) answers again", graph.log("policy"))[-1])
    executed = [state.chunk_sequence for state in graph.witness.states if state.spliced]
    _check(graph, figures, "answers that nobody asked for", before, f"{sent / _SECONDS:.0f} per second")
    assert sent > 100 * _SECONDS
    assert executed == sorted(set(executed)) and not graph.task.over
    assert graph.witness.armed


@pytest.mark.thorough
@pytest.mark.parametrize("topic", _TOPICS)
def test_a_flood_of_a_topic_moves_nothing_wrongly_and_is_not_kept(
    topic: str, misled: Callable[[str], Misled], figures: Figures
) -> None:
    graph = misled("franka")
    graph.move()
    before = _memory_mb(graph)
    graph.start_beside("flood", module("flood", topic, _TOPICS[topic], "1000"))
    graph.until(lambda: "it begins" in graph.log("flood"), "the flood begins")
    time.sleep(_SECONDS)
    graph.signal("flood", signal.SIGTERM)
    graph.until(lambda: _sent(graph) is not None, "the flood is over")
    sent, seconds = _sent(graph) or (0, 0.0)
    dropped = graph.witness.counted("foreign")
    _check(
        graph, figures, f"a flood of {topic}", before, f"{sent / seconds:.0f} per second, {dropped} foreign"
    )
    assert sent > 100 * seconds
    if topic == "segue/command":
        assert dropped > 0
    graph.end()
    graph.until(lambda: graph.stands, "the flood is forgotten")
    graph.works_again()


def _sent(graph: Live) -> tuple[int, float] | None:
    """Messages and seconds, once the flood has told."""
    told = re.search(r"sent (\d+) in ([0-9.]+) s", graph.log("flood"))
    return (int(told[1]), float(told[2])) if told else None
