"""From names to episodes: what `segue eval` evaluates, and the runner that a worker process makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.contracts.base import parse_model
from segue_core.contracts.lockstep import LockstepRobot, LockstepTask
from segue_core.contracts.search import config_files, is_world
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import read_bytes
from segue_core.latency import parse_latency
from segue_core.policy import Policy, PolicyInfo
from segue_core.progress.estimator import ProgressEstimator
from segue_core.scheduler_config import SchedulerConfig
from segue_core.world import Plant
from segue_data.contracts import config_folder, load_robot, load_task, lockstep_robot, lockstep_task
from segue_eval.result import EpisodeResult
from segue_eval.rollout import TickObserver, run_episode
from segue_eval.rows import CODE_DIGEST
from segue_eval.simulated_plant import SimulatedPlant
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.deployment import Deployment
from segue_policies.estimator_loading import check_estimator, doubt, make_estimator
from segue_policies.method import Method, find_method
from segue_policies.method_code import code_digest
from segue_policies.policy_entry import PolicyEntry, policy_entry, policy_names
from segue_policies.policy_loading import check_policy, make_policy
from segue_policies.runtime import Dtype, Runtime
from segue_scheduler import bounded_corrector as correction
from segue_scheduler.feasibility import Lengths
from segue_scheduler.scheduler import ChunkScheduler
from segue_sim.scripted.policy import WorldSource
from segue_sim.worlds import find_world

_USUAL: Mapping[str, object] = {
    "device": "auto",
    "dtype": "float32",
    "progress": "",
    "policy_options": {},
    "randomisation": {},
    "tries": 1,
}


@dataclass(frozen=True)
class Setup:
    """Everything that decides an episode besides its seed. Plain data: it travels to the worker processes.

    Args:
        scheduler: fields of `SchedulerConfig` other than its defaults; horizon and time limit are the
            policy's and the task's unless given.
        latency: `planned`, `measured`, ticks, or `LOW:HIGH`, see `segue_core.latency`.
        progress: folder of the progress estimator that looks on; empty: none.
        policy_options: how the policy answers, what is not the usual of its method.
        randomisation: what changes with the seed besides poses, where it is not as the task has it.
        tries: attempts at each seed with other noise of the policy, until one succeeds: 5 gives Pass@5.
        device, dtype: where and in what precision the policy computes, see `segue_policies.runtime`.
    """

    task: str
    policy: str
    checkpoint: str
    robot: str = "dual_arm"
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    latency: str = "planned"
    device: str = "auto"
    dtype: Dtype = "float32"
    progress: str = ""
    policy_options: Mapping[str, Any] = field(default_factory=dict)
    randomisation: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 1

    def contracts(self) -> tuple[LockstepRobot, LockstepTask]:
        """Robot, and task with what this setup randomises; raises ConfigError for what there is not."""
        robot = lockstep_robot(self.robot, self.task)
        if is_world(self.task):
            _refuse_randomisation(self.task, self.randomisation)
            return robot, lockstep_task(self.task)
        return robot, load_task(self.task).randomised(self.randomisation)

    def plant(self) -> tuple[Plant, object]:
        """The world, slow to make, and what a privileged policy is told of it; raises as `contracts`."""
        if is_world(self.task):
            self.contracts()
            world = find_world(self.task).plant(True)
            return world, world
        task = load_task(self.task).randomised(self.randomisation)
        plant = SimulatedPlant(load_robot(self.robot), task)
        return plant, WorldSource(plant.world)

    def to_dict(self) -> dict[str, object]:
        """Plain data with digests of checkpoint and code, so that a policy that was changed is another setup."""
        plain = asdict(self) | {
            "scheduler": dict(self.scheduler),
            "policy_options": dict(self.policy_options),
            "randomisation": dict(self.randomisation),
            "checkpoint_digest": digest(Path(self.checkpoint)) if self.checkpoint else "",
        }
        if code := _code(self.policy):
            plain[CODE_DIGEST] = code
        if self.progress:
            plain["progress_digest"] = digest(Path(self.progress))
        for name, usual in _USUAL.items():
            if plain[name] == usual:
                del plain[name]  # rows of before there was a choice stay valid
        return plain


def _refuse_randomisation(task: str, given: Mapping[str, Any]) -> None:
    if given:
        text = f"randomisation: what changes with the seed in {task} is that world's own business"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=dict(given), do="leave it out")


def _code(policy: str) -> str:
    """The digest of a policy's code; empty where its checkpoint decides, and for one that a program makes itself."""
    installed = policy in policy_names(config_files("policies", config_folder()))
    return code_digest(method_for(policy)) if installed else ""


_MAX_WEIGHTS = 2**36  # bytes of one file; the largest policies are cut into smaller ones


def digest(folder: Path) -> str:
    """16 hexadecimal digits over the names and bytes of a checkpoint's files; empty when there are none."""
    files = sorted(path for path in folder.glob("*") if path.is_file() and path.suffix != ".md")
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + hashlib.sha256(read_bytes(path, _MAX_WEIGHTS)).digest())
    return total.hexdigest()[:16] if files else ""


def scheduler_config(overrides: Mapping[str, Any], info: PolicyInfo, task: LockstepTask) -> SchedulerConfig:
    """Scheduler configuration for a policy on `task`; raises ConfigError for an unknown or bad field."""
    values = {"horizon": info.horizon, "time_limit_s": task.time_limit_s} | dict(overrides)
    return parse_model(values, SchedulerConfig, "scheduler")


def entry_of(policy: str) -> PolicyEntry:
    """A policy by its name, as `segue run` takes it: a file of `config/policies`, or a method; else ConfigError."""
    return policy_entry(policy, config_files("policies", config_folder()))


def method_for(policy: str) -> Method:
    """The method of a policy.

    Raises:
        ConfigError: no such policy, or one that is a ROS node of another package, which lockstep cannot call.
    """
    entry = entry_of(policy)
    if entry.foreign:
        text = f"policy {policy!r} is a node of {entry.package}, which only the live graph can ask"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=f"segue run policy:={policy}")
    return find_method(entry.method)


def deployment(setup: Setup, robot: LockstepRobot, task: LockstepTask, world: object = None) -> Deployment:
    """What the policy of a setup is made from; `world` is what `Setup.plant` gives for a privileged one."""
    return Deployment(
        checkpoint=Path(setup.checkpoint) if setup.checkpoint else None,
        expected=Expected(action_space=robot.action_space),
        runtime=Runtime(setup.device, setup.dtype, threads=1),
        robot=robot,
        task=task,
        world=world,
        options=setup.policy_options,
    )


def policy_info(setup: Setup) -> PolicyInfo:
    """What the policy of a setup is and can do, without building it where that takes time; raises SegueError."""
    robot, task = setup.contracts()
    return check_policy(method_for(setup.policy), deployment(setup, robot, task))


def check(setup: Setup) -> tuple[str, ...]:
    """Refuse a setup that cannot run, before any process starts; returns what is shortened to make it run.

    Raises:
        SegueError: what is wrong, with the valid names or values.
    """
    robot, task = setup.contracts()
    info = policy_info(setup)
    parse_latency(setup.latency, 0, robot.tick_rate_hz)
    config = scheduler_config(setup.scheduler, info, task)
    correction.create(config, robot.action_space, info)
    return (*ChunkScheduler(config, robot.action_space, info).plan.notes, *_doubts(setup, robot, task))


def _doubts(setup: Setup, robot: LockstepRobot, task: LockstepTask) -> tuple[str, ...]:
    if not setup.progress:
        return ()
    doubts = doubt(check_estimator(Path(setup.progress), tuple(robot.cameras)), task.instruction)
    return (doubts,) if doubts else ()


class Runner:
    """One setup, ready to run any seed. Everything that is slow to make is made once."""

    def __init__(
        self,
        robot: LockstepRobot,
        task: LockstepTask,
        policy: Policy,
        plant: Plant,
        setup: Setup,
        estimator: ProgressEstimator | None = None,
    ) -> None:
        self.config = scheduler_config(setup.scheduler, policy.info, task)
        self.space = robot.action_space
        self.plant = plant
        self._policy, self._estimator = policy, estimator
        self._corrector = correction.create(self.config, self.space, policy.info)
        self._latency, self._instruction = setup.latency, task.instruction
        self._tries = setup.tries
        self._max_ticks = round(self.config.time_limit_s * self.space.rate_hz) + self.config.horizon

    @property
    def policy_info(self) -> PolicyInfo:
        """What the policy is and can do."""
        return self._policy.info

    @property
    def policy(self) -> Policy:
        """The policy itself."""
        return self._policy

    @property
    def lengths(self) -> Lengths:
        """Delay and ramp of a regular request."""
        return ChunkScheduler(self.config, self.space, self._policy.info).plan

    def __call__(self, seed: int, on_tick: TickObserver | None = None) -> EpisodeResult:
        """The first attempt at a seed that succeeds, or the last; `on_tick` sees that one only."""
        for number in range(1, self._tries + 1):
            watched = on_tick if self._tries == 1 else None
            result = replace(self._attempt(seed, number, watched), tries=number)
            if result.success:
                break
        if on_tick is not None and self._tries > 1:
            self._attempt(seed, result.tries, on_tick)  # once more: nobody knew that it would be this one
        return result

    def _attempt(self, seed: int, number: int, on_tick: TickObserver | None) -> EpisodeResult:
        """An episode with a fresh scheduler; the world is that of the seed, the policy's noise that of the attempt."""
        noise = seed if number == 1 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        scheduler = ChunkScheduler(self.config, self.space, self._policy.info, seed=noise)
        latency = parse_latency(self._latency, seed, self.space.rate_hz)
        return run_episode(
            self.plant,
            self._policy,
            scheduler,
            self.space,
            seed,
            latency=latency,
            instruction=self._instruction,
            max_ticks=self._max_ticks,
            on_tick=on_tick,
            corrector=self._corrector,
            estimator=self._estimator,
        )


@dataclass(frozen=True)
class SimulatedRunner:
    """Factory of runners in a simulated world (picklable)."""

    setup: Setup

    def __call__(self) -> Runner:
        """Load the contracts and the policy, build the world; raises SegueError naming what is wrong."""
        robot, task = self.setup.contracts()
        plant, told = self.setup.plant()
        policy = make_policy(method_for(self.setup.policy), deployment(self.setup, robot, task, told))
        return Runner(robot, task, policy, plant, self.setup, estimator_for(self.setup, robot))


def estimator_for(setup: Setup, robot: LockstepRobot) -> ProgressEstimator | None:
    """The progress estimator of a setup that has one; raises SegueError naming what is wrong."""
    runtime = Runtime(setup.device, setup.dtype, threads=1)
    return make_estimator(Path(setup.progress), runtime, tuple(robot.cameras)) if setup.progress else None
