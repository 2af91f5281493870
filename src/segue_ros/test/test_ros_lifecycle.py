"""Laws of the lifecycle base, with real nodes in this process."""

import os
import signal

import pytest
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.errors import ConfigError, ErrorCode
from segue_ros import parameters
from segue_ros.lifecycle import LifecycleComponent, exit_status, run
from segue_ros.waiting import until

STEPS: list[str] = []


class Settings(StrictModel):
    """Parameters of the node under test."""

    rate_hz: float = Field(default=30.0, ge=1, le=100, description="a rate")
    count: int = Field(default=3, ge=1, le=100, description="how many")
    names: tuple[str, ...] = Field(default=("a", "b"), description="some names")
    path: str = Field(default="", description="a required path")


class Component(LifecycleComponent):
    """Notes its steps and ends itself as a user would."""

    def __init__(self) -> None:
        super().__init__("component")

    def setup(self) -> None:
        self.settings = parameters.declare(self, Settings)
        STEPS.append(f"setup {self.settings.rate_hz}")

    def start(self) -> None:
        STEPS.append("start")
        os.kill(os.getpid(), signal.SIGTERM)

    def stop(self) -> None:
        STEPS.append("stop")

    def teardown(self) -> None:
        STEPS.append("teardown")


class Broken(Component):
    """Fails when it is activated."""

    def start(self) -> None:
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, "does not want to")


class Busy(Component):
    """Is in the middle of something when it is ended."""

    def start(self) -> None:
        assert self.executor is not None
        self.executor.create_task(self._work)
        super().start()

    async def _work(self) -> None:
        await until(self, lambda: not self.is_active, 5.0)
        await until(self, lambda: False, 0.2)
        STEPS.append("done")


def _run(component: type[Component], *arguments: str) -> int:
    STEPS.clear()
    return run(component, ["test", "--ros-args", *arguments])


def test_a_component_starts_by_itself_and_goes_down_in_order_on_sigterm() -> None:
    assert _run(Component, "-p", "rate_hz:=50") == 0
    assert STEPS == ["setup 50.0", "start", "stop", "teardown"]


@pytest.mark.parametrize("given", ["rate_hz:='50'", "rate_hz:=5e1"])
def test_a_parameter_is_the_same_however_its_number_is_spelt(given: str) -> None:
    assert _run(Component, "-p", given, "-p", "count:='4'") == 0
    assert STEPS[0] == "setup 50.0"


def test_what_is_under_way_when_a_node_is_ended_comes_to_its_end_before_the_node_is_taken_down() -> None:
    """A goal's coroutine once met a node that was gone: a traceback, and no result for its client."""
    assert _run(Busy) == 0
    assert STEPS == ["setup 30.0", "start", "stop", "done", "teardown"]


def test_a_refused_activation_is_the_exit_status_and_is_undone() -> None:
    assert _run(Broken) == 16
    assert STEPS == ["setup 30.0", "teardown"]


@pytest.mark.parametrize(
    "argument",
    [
        "rate:=3.0",
        "rate_hz:=300.0",
        "rate_hz:=fast",
        "rate_hz:=true",
        "count:=yes",
        "count:=4.5",
        "names:=[1, 2]",
    ],
)
def test_an_unknown_or_impossible_parameter_is_refused(argument: str) -> None:
    assert _run(Component, "-p", argument) == 16
    assert STEPS == []


def test_exit_statuses_tell_the_families_of_errors_apart() -> None:
    assert exit_status(None) == 0
    assert exit_status(ValueError("x")) == 1
    assert exit_status(ConfigError(ErrorCode.CONFIG_CONFLICT, "x")) == 16


def test_a_contract_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_robot("/nowhere.yaml")
    with pytest.raises(ConfigError, match="no robot file given"):
        load_robot("")
