"""How long a policy goes on as if nothing had happened, when an object is moved in the middle of a chunk.

    tick           o         o+d              T                    T + reaction
    undisturbed    asks ---> | chunk ---------------------------------------
    disturbed      the same  | the same ------| object moved ------| commands part

Both episodes have one seed and are equal, bit for bit, up to T; so what parts them later is the object. It is the one
nearest to a hand that holds nothing, and is moved across the way to it. Nothing is asked between T and the next
request, so with a stride s a reaction takes about s / 2 + d ticks at the least, and longer where a new chunk is held
to the old one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats
from segue_core.blending import difference
from segue_core.errors import ConfigError, ErrorCode
from segue_data.contracts import load_robot, load_task
from segue_eval.build import Runner, Setup, SimulatedRunner
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.statistics import estimate
from segue_scheduler.tick import TickInput, TickOutput
from segue_sim.world import World

_TURNED = {
    ChannelKind.POSITION: 0.01,
    ChannelKind.JOINT: 0.03,
}  # [m], [rad]: commands that far apart have turned
_UNDER_WAY_TICKS = 20  # an arm that has hardly left home has nothing to turn from
_WATCHED_S = 4.0


@dataclass(frozen=True)
class Reaction:
    """Of one seed: `moved` at `tick`, and `ticks` until the arm turned (None: not while it was watched, 4 s)."""

    seed: int
    moved: str
    tick: int
    ticks: int | None
    rate_hz: float
    time_to_first_action_s: float


def middle_of_a_chunk(stride: int, delay: int) -> int:
    """A tick halfway between two answers' first actions, with the arm under way."""
    tick = delay + stride // 2
    return tick + stride * max(0, math.ceil((_UNDER_WAY_TICKS - tick) / stride))


def reactions(setup: Setup, seeds: Sequence[int], shift_m: float) -> Iterator[Reaction]:
    """Every seed undisturbed and disturbed by `shift_m` [m].

    Raises:
        ConfigError: the task has no object that could be moved, or no two episodes of the setup are equal.
    """
    task = load_task(setup.task)
    if not task.objects:
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, f"task {setup.task!r} has no loose object to move")
    if setup.latency == "measured":
        text = "a measured latency is never twice the same, and nothing but the object may part two episodes"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="give latency=TICKS")
    lengths, rate_hz = setup.scheduler, load_robot(setup.robot).tick_rate_hz
    at = middle_of_a_chunk(int(lengths["stride"]), int(lengths["delay"]))
    limit_s = min(task.time_limit_s, at / rate_hz + _WATCHED_S)
    runner = SimulatedRunner(replace(setup, scheduler={**lengths, "time_limit_s": limit_s}))()
    for seed in seeds:
        yield _react(runner, seed, at, shift_m)


def _react(runner: Runner, seed: int, at: int, shift_m: float) -> Reaction:
    plain = runner(seed)
    mover = _Mover(runner.plant, at, shift_m)
    moved = runner(seed, on_tick=mover)
    ticks = parted(runner.space, plain.actions[at:], moved.actions[at:])
    return Reaction(seed, mover.name, at, ticks, runner.space.rate_hz, plain.first_action_s)


def parted(space: ActionSpace, first: Floats, second: Floats) -> int | None:
    """The first row in which two streams of commands (n, D) have turned away from each other."""
    rows = min(len(first), len(second))
    gap = difference(space, first[:rows], second[:rows])
    apart = np.zeros(rows, dtype=bool)
    for channel in space.channels:
        if channel.kind in _TURNED:
            apart |= np.linalg.norm(gap[:, space.slice(channel.name)], axis=1) > _TURNED[channel.kind]
    return int(np.argmax(apart)) if apart.any() else None


class _Mover:
    """Moves the object nearest to an empty hand, once; watches a rollout."""

    def __init__(self, plant: object, at: int, shift_m: float) -> None:
        assert isinstance(plant, SimulatedPlant)
        self._world, self._at, self._shift_m = plant.world, at, shift_m
        self.name = ""

    def __call__(self, inputs: TickInput, output: TickOutput) -> None:
        """One tick, before it is carried out."""
        if inputs.tick == self._at:
            self.name, way = nearest(self._world)
            across = np.array([-way[1], way[0], 0.0])
            length = max(float(np.linalg.norm(across)), 1e-9)
            self._world.shift_object(self.name, across * (self._shift_m / length))


def nearest(world: World) -> tuple[str, Floats]:
    """The object nearest to a hand that holds nothing, by name, and the way to it (3,) [m]."""
    held = world.touched()
    hands = [
        world.tool_position(arm.name)
        for arm, gripper in zip(world.robot.arms, world.robot.gripper_names, strict=True)
        if held[gripper] is None
    ]
    ways = {
        (name, index): world.object_position(name) - hand
        for name in world.task.objects
        if name not in held.values()
        for index, hand in enumerate(hands)
    }
    if not ways:
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT, "every object is held already", do="give a smaller stride"
        )
    chosen = min(ways, key=lambda key: float(np.linalg.norm(ways[key])))
    return chosen[0], ways[chosen]


def table(found: Sequence[Reaction]) -> str:
    """A line per seed, then what they say together."""
    lines = [f"{'seed':>8}  {'moved':<14}{'at tick':>8}{'reaction [ticks]':>18}{'[s]':>8}"]
    for one in found:
        ticks, seconds = (
            ("-", "-") if one.ticks is None else (str(one.ticks), f"{one.ticks / one.rate_hz:.2f}")
        )
        lines.append(f"{one.seed:>8}  {one.moved:<14}{one.tick:>8}{ticks:>18}{seconds:>8}")
    known = estimate(one.ticks / one.rate_hz for one in found if one.ticks is not None)
    first = estimate(one.time_to_first_action_s for one in found)
    return "\n".join([
        *lines,
        "",
        f"reaction time [s]: {known.text()}, median {known.median:.2f}; none within {_WATCHED_S:g} s: "
        f"{len(found) - known.count} of {len(found)}",
        f"time_to_first_action_s: {first.text(3)}",
    ])  # fmt: skip
