"""What one update of each kind of controller costs on each robot, and how punctual a Python loop around it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from segue_control.controller import RobotController
from segue_core.action_space import ACTION_SPACES
from segue_core.contracts.base import parse_model
from segue_core.contracts.controller import fitting, kind_of
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError
from segue_eval.bench.timing import Timing, timing

RATES_HZ = (100.0, 500.0, 1000.0)
_TICK_RATE_HZ = 20.0  # divides all of them
_LATE = 1.5  # a cycle that begins this many periods after the one before is late, as in segue_control.loop
_REALTIME_PRIORITY = 80
_BLOCKS = 4
_SELF_DISTANCE_M = 0.02


def robots_with_every_kind(robot: RobotConfig) -> dict[str, RobotConfig]:
    """The robot with every kind of controller that fits it, in its own action space where that is possible."""
    found: dict[str, RobotConfig] = {}
    data = robot.model_dump(mode="json", exclude_none=True)
    for space in sorted(ACTION_SPACES.values(), key=lambda s: s.name != robot.action_space_name):
        for kind in fitting(space):
            changed = data | {"controller": {"kind": kind_of(kind)}, "action_space_name": space.name}
            try:
                variant = parse_model(changed, RobotConfig, robot.name, robot.model.folder)
                found.setdefault(kind_of(kind), variant)
            except ConfigError:
                continue  # another number of arms or joints
    safety = robot.safety.model_copy(update={"min_self_distance_m": _SELF_DISTANCE_M})
    found[f"its own, {_SELF_DISTANCE_M * 100:.0f} cm from itself"] = robot.model_copy(
        update={"safety": safety}
    )
    return found


class MovingController:
    """A controller that is kept moving: every tick a new target near home, every update one measurement."""

    def __init__(self, robot: RobotConfig) -> None:
        self._controller = RobotController(robot)
        kinematics = self._controller.kinematics
        self._controller.reset(kinematics.home)
        self._home = kinematics.forward(kinematics.home, np.ones(len(robot.arms)))
        self._dt = 1.0 / robot.control_rate_hz
        self._per_tick = round(robot.control_rate_hz / robot.tick_rate_hz)
        self._updates = 0
        self._still = np.zeros_like(kinematics.home)

    def target(self) -> None:
        """Takes the target of the next tick."""
        tick = self._updates // self._per_tick
        action = self._home.copy()
        action[:3] += 0.02 * np.sin(0.3 * tick + np.arange(3))
        self._controller.set_target(action, tick)

    def update(self) -> None:
        """One control period, with the target of the tick where one begins."""
        if self._updates % self._per_tick == 0:
            self.target()
        self._updates += 1
        self._controller.observe(self._controller.guard.position, v=self._still)
        self._controller.update(self._dt)


def bench_updates(
    robots: Sequence[RobotConfig], updates: int = 400, realtime: bool = False
) -> dict[str, Timing]:
    """CPU time of one update, guard included, by `robot/kind`.

    Each controller runs on its own, as it does in a loop, in blocks that take turns: what else the machine does
    meanwhile hits all of them.
    """
    moving = {
        f"{robot.name}/{kind}": MovingController(variant)
        for robot in robots
        for kind, variant in robots_with_every_kind(robot).items()
    }
    samples: dict[str, list[float]] = {name: [] for name in moving}
    for _ in range(_BLOCKS):
        for name, controller in moving.items():
            with _priority(realtime):
                controller.update()
                samples[name] += [_seconds(controller.update) for _ in range(max(updates // _BLOCKS, 1))]
    return {name: timing(values) for name, values in samples.items()}


def _seconds(call: Callable[[], object]) -> float:
    began = time.thread_time()
    call()
    return time.thread_time() - began


@dataclass(frozen=True)
class Punctuality:
    """How late the cycles of a loop began after they were due [s], and how many were not run at all."""

    rate_hz: float
    cycles: int
    median_s: float
    p99_s: float
    worst_s: float
    missed: int

    @property
    def held(self) -> bool:
        """Whether no cycle was missed."""
        return self.missed == 0


@contextmanager
def _priority(realtime: bool) -> Iterator[None]:
    """Real-time scheduling of this thread while it lasts; raises PermissionError where the system does not allow it."""
    if not realtime:
        yield
        return
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME_PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, parameters)


def punctuality(
    work: Callable[[], object],
    rate_hz: float,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Punctuality:
    """Runs `work` at a rate and sleeps in between; a loop that is late goes on from where it is, as the node's does."""
    period = 1.0 / rate_hz
    late: list[float] = []
    missed = 0
    due = clock() + period
    end = due + seconds
    while due < end:
        sleep(max(due - clock(), 0.0))
        late.append(clock() - due)
        work()
        behind = (clock() - due) / period
        skipped = round(behind) if behind > _LATE else 1
        missed += skipped - 1
        due += period * skipped
    median, p99 = np.percentile(late, [50, 99])
    return Punctuality(rate_hz, len(late), float(median), float(p99), float(max(late)), missed)


def bench_loops(robot: RobotConfig, seconds: float, realtime: bool = False) -> dict[float, Punctuality]:
    """Punctuality of the robot's own controller at each of the rates."""
    found = {}
    for rate in RATES_HZ:
        changed = robot.model_copy(update={"control_rate_hz": rate, "tick_rate_hz": _TICK_RATE_HZ})
        moving = MovingController(changed)
        with _priority(realtime):
            found[rate] = punctuality(moving.update, rate, seconds)
    return found


def update_table(timings: Mapping[str, Timing]) -> str:
    """Plain text: kinds as rows, robots as columns, median and 99th percentile in microseconds."""
    robots = list(dict.fromkeys(name.split("/")[0] for name in timings))
    kinds = list(dict.fromkeys(name.split("/")[1] for name in timings))
    lines = [f"{'one update, median / p99 [us]':32}" + "".join(f"{robot:>16}" for robot in robots)]
    for kind in kinds:
        cells = (timings.get(f"{robot}/{kind}") for robot in robots)
        texts = ["-" if t is None else f"{t.median_s * 1e6:.0f} / {t.p99_s * 1e6:.0f}" for t in cells]
        lines.append(f"{kind:32}" + "".join(f"{text:>16}" for text in texts))
    return "\n".join(lines)


def loop_table(robot: str, loops: Mapping[float, Punctuality]) -> str:
    """Plain text: one line per rate, and what follows from it."""
    lines = [f"{'loop of ' + robot:20}{'cycles':>8}{'late p50':>11}{'p99':>11}{'worst':>11}{'missed':>9}"]
    for rate, loop in loops.items():
        times = "".join(f"{value * 1e6:8.0f} us" for value in (loop.median_s, loop.p99_s, loop.worst_s))
        lines.append(f"{rate:15.0f} Hz  {loop.cycles:8}{times}{loop.missed:9}")
    held = [f"{rate:.0f}" for rate, loop in loops.items() if loop.held]
    lines.append(
        f"no cycle missed at: {', '.join(held) + ' Hz' if held else 'none of them'}. Python promises none of this:"
    )
    lines.append(
        "what must never be late (torques at 1 kHz) belongs in the robot's own controller, see docs/control.md"
    )
    return "\n".join(lines)
