"""21: two goals at once, and fifty. One is worked on, every other client is told why not, as is who asks absurd things.

Not here: the same against the scheduler node alone (test_scheduler_goals.py).
"""

import json
import subprocess
from collections.abc import Callable

import pytest

from segue_core.errors import ErrorCode

from .busy import hogs, processor_s
from .figures import Figures
from .live import Live, module

pytestmark = [pytest.mark.system, pytest.mark.slow]

_EACH_S = 0.05  # of the scheduler's processor time, the ticks beside it and a busy machine's caches included
_PATIENCE_S = 300.0  # about a second on a quiet machine; how long is told, and no law


@pytest.mark.parametrize("count", [2, 50])
def test_of_many_clients_one_has_its_task_and_the_others_a_reason_soon(
    count: int, standing: Callable[[str], Live], figures: Figures
) -> None:
    graph = standing("franka")
    crowd = subprocess.Popen(module("crowd", str(count)), stdout=subprocess.PIPE, text=True)
    try:
        output, _ = crowd.communicate(timeout=_PATIENCE_S)
    finally:
        crowd.kill()
    told, owner = (json.loads(line) for line in output.splitlines())
    figures.add(
        21, f"{count} clients at once", "franka", code=told["codes"][0],
        note=f"{told['refused']} refused, the last after {told['longest_s']:.2f} s of wall time, "
        f"{told['asked_again']} asked again",
    )  # fmt: skip
    assert told["refused"] == count - 1 and told["codes"] == [ErrorCode.TASK_BUSY]
    assert all("another task is running" in text for text in told["texts"])
    assert owner == {"outcome": "cancelled"}
    graph.rest()
    assert graph.witness.was_armed(0.0) and not graph.witness.armed
    assert graph.witness.bad_commands() == []


@pytest.mark.thorough
@pytest.mark.parametrize("count", [20, 100])
def test_absurd_goals_are_refused_each_with_its_reason_soon(
    count: int, standing: Callable[[str], Live], figures: Figures
) -> None:
    """On a busy machine none of twenty had one in three seconds: each read the files of all packages."""
    graph = standing("franka")
    with hogs():
        asking = subprocess.Popen(module("absurd", str(count)), stdout=subprocess.PIPE, text=True)
        try:
            assert asking.stdout is not None and asking.stdout.readline()
            before_s = processor_s(graph.pid("scheduler"))
            output, _ = asking.communicate(timeout=_PATIENCE_S)
            used_s = processor_s(graph.pid("scheduler")) - before_s
        finally:
            asking.kill()
    told = json.loads(output)
    figures.add(
        21, f"{count} absurd goals at once, busy machine", "franka",
        note=f"the last reason after {told['longest_s']:.2f} s of wall time, {used_s:.2f} s of the scheduler's",
    )  # fmt: skip
    assert told["refused"] == told["reasons"] == count
    assert used_s / count < _EACH_S
    graph.works_again()
    assert graph.witness.bad_commands() == []
