"""A standing graph whose policy is a rogue, and what becomes of a run when it does as it is told."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import KeyValue
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient

from segue_ros import qos

from .live import Live, module
from .mischief import DONE, TOLD, How, Mischief

AS_USUAL = {"stride": 30, "delay": 8, "delay_mode": "constructed", "max_action_age_s": 0.0}


class Misled(Live):
    """`Live` with `rogue_policy` in the place of the policy."""

    def __init__(self, folder: Path, robot: str, **arguments: Any) -> None:
        super().__init__(folder, robot, instead={"policy": module("rogue_policy")}, **arguments)
        self._done = ""

    def open(self, stack: ExitStack) -> None:
        """Start the graph and join it."""
        super().open(stack)
        self._told = self.node.create_publisher(KeyValue, TOLD, qos.LATCHED)
        self.node.create_subscription(KeyValue, DONE, self._on_done, qos.LATCHED)
        self._parameters = AsyncParameterClient(self.node, "scheduler")

    def misbehave(self, how: How, count: int = 1, value: float = 0.0) -> None:
        """Have it done to the next answers."""
        self._done = ""
        self._told.publish(KeyValue(value=Mischief(how, count, value).to_json()))

    def until_done(self, how: How, count: int = 1) -> None:
        """Wait until it was done so often."""
        said = f"{how.value} {count}"
        self.until(lambda: self._done == said, f"the policy has done {said}, not only {self._done!r}")

    def set(self, **values: Any) -> None:
        """Change parameters of the scheduler, between runs."""
        self.until(self._parameters.services_are_ready, "the scheduler's parameters can be set")
        asked = [Parameter(name, value=value) for name, value in values.items()]
        answer: Any = self._parameters.set_parameters_atomically(asked)
        self.until(answer.done, "the scheduler has answered")
        assert answer.result().result.successful, answer.result().result.reason

    def as_usual(self) -> None:
        """Whatever a test before wanted: no mischief, and the usual parameters."""
        self.misbehave(How.LATE, count=0)
        self.set(**AS_USUAL)

    def answered(self) -> None:
        """Wait until a good answer is executed, or the run is over."""
        since, states = len(self.witness.states), self.witness.states
        self.until(lambda: self.task.over or any(s.spliced for s in states[since:]), "a chunk is spliced in")

    def metric(self, name: str) -> float:
        """A number of the result that has come."""
        return dict(zip(self.task.result.metric_names, self.task.result.metric_values, strict=True))[name]

    def _on_done(self, message: KeyValue) -> None:
        self._done = f"{message.key} {message.value}"
