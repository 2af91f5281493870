"""Laws of how a node begins: nobody else has its name, and it hears the time. Every node is a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_domain import own_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from spinning import PATIENCE_S, spin_until

WORKER = Path(__file__).with_name("worker.py")
IN_SIMULATION = ("--ros-args", "-p", "use_sim_time:=true")
FORGETS_S = 20.0  # DDS, a process that was killed
UNHEARD_S = 3.0  # for so long nothing may happen


class Process:
    """A worker, and what it has said."""

    def __init__(self, domain: int, log: Path, *words: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, str(WORKER), *words],
                env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
                stdout=out,
                stderr=out,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def active(self) -> bool:
        return "active" in self.said.split()

    def ends(self) -> int:
        return self.popen.wait(PATIENCE_S)


Start = Callable[..., Process]


def _until(condition: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


@pytest.fixture
def domain() -> int:
    return own_domain()


@pytest.fixture
def start(domain: int, tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def begin(*words: str) -> Process:
        started.append(Process(domain, tmp_path / f"{len(started)}.log", *(words or ("--ros-args",))))
        return started[-1]

    yield begin
    for process in started:
        process.popen.kill()
        process.popen.wait()


@pytest.fixture
def clock(domain: int) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Tells the time ten times a second until a condition holds; the publisher stays."""
    context = Context()
    context.init(args=[], domain_id=domain)
    node = Node("clock", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    out, passed = node.create_publisher(Clock, "/clock", 10), [0]

    def tick() -> None:
        passed[0] += 1
        message = Clock()
        message.clock.sec = passed[0]
        out.publish(message)

    def tell(done: Callable[[], bool]) -> None:
        timer = node.create_timer(0.1, tick)
        spin_until(executor, done)
        node.destroy_timer(timer)

    yield tell
    node.destroy_node()
    context.try_shutdown()


def test_a_second_node_of_one_name_ends_and_says_which_process_was_there(start: Start) -> None:
    first = start()
    _until(lambda: first.active, "the first is active")
    second = start()
    assert second.ends() == 16
    assert "a node /worker is there already on ROS domain" in second.said
    assert f"process {first.popen.pid} on " in second.said and "namespace:=NAME" in second.said
    assert first.popen.poll() is None


def test_a_node_in_another_namespace_is_no_namesake(start: Start) -> None:
    first, second = start(), start("--ros-args", "-r", "__ns:=/left")
    _until(lambda: first.active and second.active, "both are active")


def test_of_two_that_begin_at_once_one_stays(start: Start) -> None:
    both = [start(), start()]
    _until(lambda: any(process.popen.poll() is not None for process in both), "one ends")
    _until(lambda: any(process.active for process in both), "one is active")
    assert sorted(process.popen.poll() or 0 for process in both) == [0, 16]


def test_a_namesake_that_was_killed_is_not_waited_for(start: Start) -> None:
    first = start()
    _until(lambda: first.active, "the first is active")
    first.popen.send_signal(signal.SIGKILL)
    first.ends()
    began_s, second = time.monotonic(), start()
    _until(lambda: second.active, "the second is active")
    assert time.monotonic() - began_s < FORGETS_S


def test_a_namesake_that_says_nothing_is_there_all_the_same(start: Start, domain: int) -> None:
    context = Context()
    context.init(args=[], domain_id=domain)
    other = Node("worker", context=context)
    process = start("0")
    assert process.ends() == 16
    assert (
        "a node /worker is there already on ROS domain" in process.said and "does not answer" in process.said
    )
    other.destroy_node()
    context.try_shutdown()


def test_in_simulation_a_node_is_active_once_it_hears_the_time(
    start: Start, clock: Callable[[Callable[[], bool]], None]
) -> None:
    process = start(*IN_SIMULATION)
    _until(lambda: "configured" in process.said, "it is configured")
    time.sleep(UNHEARD_S)
    assert not process.active
    clock(lambda: process.active)


def test_a_node_whose_ends_of_the_clock_were_not_matched_listens_anew_and_says_so(
    start: Start, clock: Callable[[Callable[[], bool]], None]
) -> None:
    process = start("2", *IN_SIMULATION)
    clock(lambda: process.active)
    assert process.said.count("nothing on /clock for") == 2 and "listening anew" in process.said


def test_a_node_that_never_hears_the_time_ends_and_says_so(
    start: Start, clock: Callable[[Callable[[], bool]], None]
) -> None:
    process = start("1000", *IN_SIMULATION)
    clock(lambda: process.popen.poll() is not None)
    assert process.ends() == 16
    assert (
        "606 ENVIRONMENT_INCOMPLETE" in process.said
        and "node /worker hears no simulated time" in process.said
    )
    assert not process.active
