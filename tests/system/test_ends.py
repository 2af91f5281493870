"""However a run is ended, no process is left. That the arm stops first: row 29 of the fault suite."""

import os
import signal
from collections.abc import Callable

import pytest
from own_domain import own_domain

from segue_core.exit_status import ExitStatus

from .conftest import SPEEDS, Segue, wait_until

pytestmark = [pytest.mark.system, pytest.mark.slow]

# Slower than time, so that no guard ends a run before the test does.
_HOLD = ("run", "policy:=hold", "time_limit_s:=120", f"real_time_factor:={SPEEDS[-1]}", "--no-report")
Start = Callable[..., Segue]


def test_a_second_instance_is_refused_and_a_killed_first_one_leaves_nothing(segue: Start) -> None:
    domain = str(own_domain())
    first = segue(*_HOLD, domain=domain)
    first.wait_for("running")
    second = segue(*_HOLD, domain=domain)
    assert second.wait() == ExitStatus.CONFLICT
    assert f"process {first.process.pid}" in second.output
    assert len(first.nodes()) >= 5
    first.process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not first.nodes()), first.nodes()


@pytest.mark.parametrize("name", ["policy", "simulator"])
def test_the_end_of_a_required_node_ends_the_run_and_names_the_node(segue: Start, name: str) -> None:
    run = segue(*_HOLD)
    run.wait_for("running")
    pid = next(pid for pid, command in run.nodes().items() if f"__node:={name}" in command)
    os.kill(pid, signal.SIGKILL)
    assert run.wait() == ExitStatus.NODE_FAILED
    assert f"node '{name}' ended (killed by SIGKILL)" in run.output
    assert run.nodes() == {}


def test_a_run_that_takes_too_long_is_given_up(segue: Start) -> None:
    run = segue(*_HOLD, "--timeout", "0.5")
    assert run.wait() == ExitStatus.TIMEOUT
    assert run.nodes() == {}
