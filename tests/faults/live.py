"""A standing graph in its own processes, whose nodes can be killed, stopped, replaced and started again."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from own_domain import own_domain

from segue_bringup.graph import Respawn, load_graph
from segue_bringup.resolution import NodePlan, make_plan
from segue_bringup.run.readiness import Readiness
from segue_bringup.supervision.commands import (
    make_fork_server,
    node_command,
    node_environment,
    write_parameters,
)
from segue_bringup.supervision.supervisor import Job, Supervisor
from segue_bringup.supervision.urgency import make_urgent

from .hands import TASKS, Hands
from .relay import UPSTREAM, Relay


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set for as long; others stay what they are, whoever changes them meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class Live(Hands):
    """A graph that stands until the context is left. Use it from the main thread.

    It sways by default, is not recorded, and nobody restarts or misses a node that ends.

    Args:
        here: names of the nodes to start; all by default. The others run elsewhere, and are waited for alike.
        domain: of ROS; a free one by default.
        instead: another command (without ROS arguments) for a node of the graph, by its name; it gets the node's
            own name and parameters.
        through: topics of the simulator that reach the graph by `relays`, which the test may spoil. The witness
            still hears where the joints truly are.
        arguments: launch arguments, by name.
    """

    def __init__(
        self,
        folder: Path,
        robot: str = "franka",
        instead: Mapping[str, Sequence[str]] | None = None,
        here: Sequence[str] = (),
        domain: int | None = None,
        through: Mapping[str, type] | None = None,
        **arguments: Any,
    ) -> None:
        self._through, joints = dict(through or {}), "joint_states"
        joints = f"{UPSTREAM}{joints}" if joints in self._through else joints
        super().__init__(own_domain() if domain is None else domain, robot, joints)
        self.folder = folder
        given: dict[str, Any] = {
            "robot": robot,
            "task": TASKS[robot],
            "policy": "sway",
            "record": False,
            "frames": False,
        }
        self._given = given | {"time_limit_s": 600.0, "runs": str(folder / "bags")} | arguments
        self._instead, self._here = dict(instead or {}), tuple(here)
        self._urgent = False
        self.said: list[str] = []

    def open(self, stack: ExitStack) -> None:
        """Start the graph and join it."""
        if self._urgent:
            stack.callback(os.sched_setscheduler, 0, os.sched_getscheduler(0), os.sched_getparam(0))
            make_urgent()  # a witness that reads late loses what it has not read
        own = {"ROS_DOMAIN_ID": str(self.domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
        stack.enter_context(_environment(own))
        self.plan = make_plan(load_graph(), self._given)
        usual = self.plan.nodes[0].environment
        stack.enter_context(_environment({name: usual[name] for name in usual if name not in os.environ}))
        server = stack.enter_context(make_fork_server(self.plan))  # as `segue run` starts them
        self.supervisor = stack.enter_context(Supervisor(self.said.append, server=server))
        self._here = self._here or tuple(node.name for node in self.plan.nodes)
        self.start_nodes()
        super().open(stack)
        self.relays = {topic: Relay(self.node, topic, kind) for topic, kind in self._through.items()}
        readiness = Readiness(self.node, [node for node in self.plan.nodes if node.required])
        self.until(lambda: not readiness.pending(), "the graph is ready")
        self.until(self.task.available, "the action server is there")
        self.until(self.witness.hears, "joint states and safety states are heard")

    def urgent(self) -> "Live":
        """Itself, before it is opened: every process of it, and this one, as urgent as a loop nobody waits for."""
        self._urgent = True
        return self

    def start_nodes(self) -> None:
        """All that run here."""
        for name in self._here:
            self.start(name)

    def plan_of(self, name: str) -> NodePlan:
        """The plan of a node."""
        return next(node for node in self.plan.nodes if node.name == name)

    def start(self, name: str, instead: Sequence[str] | None = None, called: str = "") -> None:
        """Start a node of the graph, for the first time or again; nothing restarts it by itself.

        With `called` it is a process of its own beside the one that may be there.
        """
        node = self.plan_of(name)
        command = node_command(node, write_parameters(node, self.folder / "parameters"))
        if other := instead or self._instead.get(name):
            command = [*other, *command[1:]]
        if name == "simulator":
            command += [word for topic in self._through for word in ("-r", f"{topic}:={UPSTREAM}{topic}")]
        environment = node_environment(node, os.environ)
        log = self.folder / "logs" / f"{called or name}.log"
        self.supervisor.start(
            Job(
                called or name,
                command,
                environment,
                log,
                False,
                Respawn(),
                node.nice,
                node.urgent or self._urgent,
            )
        )

    def start_beside(self, name: str, command: Sequence[str]) -> None:
        """Start a process that is no node of the graph; it ends with the graph, or by its name as a node does."""
        log = self.folder / "logs" / f"{name}.log"
        environment = node_environment(self.plan.nodes[0], os.environ)
        self.supervisor.start(Job(name, command, environment, log, urgent=self._urgent))

    def kill(self, name: str) -> float:
        """Kill a node's process and bury it; the moment (steady clock) of its death."""
        killed = self.signal(name, signal.SIGKILL)
        self.until(lambda: self.supervisor.poll() or name not in self.supervisor.pids, f"{name} is dead")
        return killed

    def start_again(self, name: str) -> None:
        """Start a node that was killed, and come back when it is ready."""
        self.start(name)
        self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Come back when a node is ready, for those that a graph needs not."""
        readiness = Readiness(self.node, [self.plan_of(name)])
        self.until(lambda: not readiness.pending(), f"{name} is ready")

    def names(self) -> list[str]:
        """Full names of all nodes of the domain; of two with the same name both."""
        return [str(name) for name in self.node.get_fully_qualified_node_names()]

    @property
    def stands(self) -> bool:
        """Whether every node of the graph runs, and no dead or second one of its name is heard of."""
        self.supervisor.poll()
        names = self.names()
        alone = all(names.count(node.full_name) == 1 for node in self.plan.nodes)
        return alone and self._expected == set(self.supervisor.pids)

    @property
    def _expected(self) -> set[str]:
        """Processes of a graph that is whole."""
        return set(self._here)

    def pid(self, name: str) -> int:
        """Process id of a node."""
        return self.supervisor.pids[name]

    def signal(self, name: str, number: signal.Signals) -> float:
        """Signal a node's process; the moment (steady clock) at which it was done."""
        os.kill(self.pid(name), number)
        return time.monotonic()

    def log(self, name: str) -> str:
        """What a node has printed."""
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def logs(self) -> str:
        """The ends of all logs, for the text of a failed assertion."""
        return "\n".join("\n".join((f"--- {name}", *self.log(name).splitlines()[-8:])) for name in self._here)


def module(name: str, *arguments: str) -> list[str]:
    """The command of a module of these tests, to stand `instead` of a node of the graph."""
    return [sys.executable, "-m", f"tests.faults.{name}", *arguments]
