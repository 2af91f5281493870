"""What recorded live runs commanded, beside what lockstep commands for the same seeds: the clock must not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue_control.commands import JointCommand
from segue_core.arrays import Floats
from segue_core.contracts.base import load_mapping
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import load_config_mapping
from segue_data.bags.reader import read
from segue_data.contracts import load_robot
from segue_eval.build import Setup, SimulatedRunner
from segue_eval.report.bag import read_run
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.summary import explained

LIVE, LOCKSTEP = "live", "lockstep"


@dataclass(frozen=True)
class Motion:
    """What left the guard for the joints in one episode.

    Args:
        side: `live` or `lockstep`.
        seconds: length of the episode, by its own clock.
        interventions: what the guard changed.
        acceleration, jerk: root mean square over all joints, each in parts of that joint's limit.
        peak: largest acceleration of any joint, in parts of its limit.
    """

    side: str
    seed: int
    success: bool
    seconds: float
    interventions: int
    acceleration: float
    jerk: float
    peak: float


def motion(robot: RobotConfig, positions: Floats) -> tuple[float, float, float]:
    """Acceleration, jerk and peak acceleration, as in `Motion`, of joint commands (n, J) [rad] at the control rate."""
    rate = robot.control_rate_hz
    limits = robot.limits
    arms = len(robot.arms)
    acceleration = np.diff(positions, 2, axis=0) * rate**2 / np.tile(limits.acceleration_rad_s2, arms)
    jerk = np.diff(positions, 3, axis=0) * rate**3 / np.tile(limits.jerk_rad_s3, arms)
    return (
        float(np.sqrt(np.mean(acceleration**2))),
        float(np.sqrt(np.mean(jerk**2))),
        float(np.abs(acceleration).max()),
    )


def live(run: Path) -> Motion:
    """The motion of a recorded run, from its folder.

    Raises:
        SegueError: the folder has no configuration or no bag of a run.
    """
    arguments = _arguments(run)
    robot = load_robot(str(arguments["robot"]))
    bag = _bag(run)
    data = read_run(bag)
    wire = [record.message() for record in read(bag, frozenset({"/joint_command"}))]
    order = [wire[0].joint_names.index(name) for name in robot.joint_names]
    positions = np.array([np.asarray(message.points[0].positions)[order] for message in wire])
    return Motion(
        LIVE, int(arguments["seed"]), data.ending.success, data.duration_s, sum(data.safety_counts.values()),
        *motion(robot, positions),
    )  # fmt: skip


def lockstep(run: Path) -> Motion:
    """The motion of lockstep with the seed and the configuration of a recorded run."""
    arguments = _arguments(run)
    seed = int(arguments["seed"])
    runner = SimulatedRunner(setup_of(arguments))()
    plant: Any = runner.plant
    assert isinstance(plant, SimulatedPlant)
    commands = _Listener(plant)
    result = runner(seed)
    robot = load_robot(str(arguments["robot"]))
    return Motion(
        LOCKSTEP, seed, result.success, result.ticks / robot.tick_rate_hz, result.interventions,
        *motion(robot, np.array(commands.positions)),
    )  # fmt: skip


def setup_of(arguments: dict[str, Any]) -> Setup:
    """What `segue eval` calls the set-up that a run was started with."""
    scheduler = {
        name: arguments[name] for name in ("continuation", "stride", "delay", "ramp_kind", "delay_mode")
    }
    if int(arguments["ramp"]) >= 0:
        scheduler["ramp"] = arguments["ramp"]
    if arguments["continuation_options"]:
        scheduler["continuation_options"] = load_mapping(
            str(arguments["continuation_options"]), "continuation_options"
        )
    if float(arguments["time_limit_s"]):
        scheduler["time_limit_s"] = arguments["time_limit_s"]
    task, policy, checkpoint, robot = (
        str(arguments[name]) for name in ("task", "policy", "checkpoint", "robot")
    )
    return Setup(task, policy, checkpoint, robot, scheduler)


def table(motions: Iterable[Motion]) -> str:
    """One row per episode; equal seeds stand together."""
    head = f"{'seed':>7} {'':9} {'outcome':8} {'length s':>9} {'guard':>6} {'acc rms':>8} {'acc max':>8} {'jerk':>9}"
    rows = [
        f"{m.seed:7d} {m.side:9} {'success' if m.success else 'failure':8} {m.seconds:9.1f} {m.interventions:6d} "
        f"{m.acceleration:8.4f} {m.peak:8.3f} {m.jerk:9.5f}"
        for m in motions
    ]
    foot = "guard: interventions; acc, jerk (rms): acceleration and jerk in parts of each joint's limit"
    return "\n".join([head, *rows, foot, *explained("interventions")])


def compare(runs: Sequence[Path]) -> list[Motion]:
    """Live and lockstep of every run, in turn."""
    return [side(run) for run in runs for side in (live, lockstep)]


class _Listener:
    """Notes the joint positions that a plant's world is told, at every control period."""

    def __init__(self, plant: SimulatedPlant) -> None:
        self.positions: list[Floats] = []
        self._follow = plant.world.follow
        plant.world.follow = self._note  # type: ignore[method-assign]  # this world only

    def _note(self, command: JointCommand) -> None:
        self.positions.append(command.q.copy())
        self._follow(command)


def _arguments(run: Path) -> dict[str, Any]:
    file = run / "config.yaml"
    if not file.is_file():
        text, do = f"{run} is no run folder: it has no config.yaml", "give folders that `segue run` left"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=do)
    return dict(load_config_mapping(file)["arguments"])


def _bag(run: Path) -> Path:
    bags = sorted(path.parent for path in (run / "bag").glob("*/metadata.yaml"))
    if not bags:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"{run} has no recording", do="run it with record:=true"
        )
    return bags[-1]
