"""Scheduler and policy anew on recorded observations: what each continuation would have made of them.

    recorded   tick o: measured state, images ---------------------------- tick o+d ...
    rerun      request --> policy (same observation for every continuation) ---> its own chunk, its own seam

Open loop: the commands are computed and never executed, the observations are those of the recorded run. So seams of
several continuations can be compared on equal footing, and how a task would have gone on cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue_core.latency import parse_latency
from segue_core.observation import Observation
from segue_core.policy import Policy
from segue_core.scheduler_config import SchedulerConfig
from segue_data.contracts import load_robot, load_task
from segue_eval.compare.cameras import RecordedCameras
from segue_eval.compare.recorded import RecordedRun
from segue_eval.observation_feed import ObservationFeed
from segue_eval.rollout import Mailbox
from segue_eval.smoothness import Smoothness, smoothness
from segue_policies.deployment import Deployment
from segue_policies.method import find_method, method_names
from segue_policies.policy_loading import load_policy, make_policy
from segue_policies.runtime import Runtime
from segue_scheduler import bounded_corrector as correction
from segue_scheduler.continuation import create
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import SeamReport, TickInput, TickOutput

_RULES = ("operator",)  # nothing moves, so nothing can be done or fail: the run ends with its recording


@dataclass(frozen=True, eq=False)
class Rerun:
    """One continuation on one recording. Seams and commands (T, D) are by recorded ticks."""

    continuation: str
    checkpoint: str
    commands: NDArray[np.float64]
    ticks: NDArray[np.int64]
    seams: tuple[SeamReport, ...]
    starved: int
    smooth: Smoothness
    waits: bool = False  # the continuation stands still while the policy thinks
    notes: tuple[str, ...] = ()


@dataclass
class Setting:
    """What all continuations of a comparison share: the recording, its pictures, and when answers come."""

    run: RecordedRun
    cameras: RecordedCameras
    latency: str = "planned"
    changes: dict[str, object] | None = None

    def observation(self, tick: int) -> Observation:
        """What was seen at a recorded tick."""
        return self.cameras.observation(tick, self.run.stamps[tick], self.run.measured_at(tick))

    def config(self, continuation: str) -> SchedulerConfig:
        """The recorded configuration with another continuation; options belong to the one they were written for."""
        changes = dict(self.changes or {})
        if continuation != self.run.continuation:
            changes["continuation_options"] = {}
        return self.run.config(**changes, continuation=continuation, termination=_RULES, rule_options={})


def rerun(setting: Setting, continuation: str, policy: Policy, checkpoint: Path | None) -> Rerun:
    """Give the recorded observations to `policy` under `continuation`.

    Raises:
        SegueError: the policy cannot serve the continuation, the lengths do not fit, or the recording has a hole.
    """
    run, space = setting.run, policy.info.action_space
    scheduler = ChunkScheduler(setting.config(continuation), space, policy.info, run.settings.seed)
    latency, mailbox = parse_latency(setting.latency, run.settings.seed, space.rate_hz), Mailbox()
    onlooker = ObservationFeed(policy, setting.observation)
    onlooker.begin(run.recording.start_tick)
    scheduler.start(run.recording.start_tick, run.recording.measured)
    corrector = correction.create(scheduler.config, space, policy.info)
    if corrector:
        corrector.reset()
    outputs: list[TickOutput] = []
    for recorded in run.recording.inputs:
        chunks, failures = mailbox.take(recorded.tick)
        output = scheduler.step(TickInput(recorded.tick, recorded.measured, chunks, failures))
        if corrector:
            seen = onlooker.glance(recorded.tick, recorded.measured, corrector.looks)
            output = corrector.apply(output, seen)
        outputs.append(output)
        onlooker.look(recorded.tick)
        if output.request is not None:
            told = run.settings.instruction
            mailbox.fetch(onlooker, output.request, recorded.tick, latency, told)
        if recorded.tick in run.witnesses:
            onlooker.did(recorded.tick, run.witnesses[recorded.tick].action)
    waits = create(continuation, {}).waits
    return _result(continuation, checkpoint, policy, outputs, waits)


def _result(
    continuation: str, checkpoint: Path | None, policy: Policy, outputs: list[TickOutput], waits: bool
) -> Rerun:
    commands = np.stack([output.action for output in outputs])
    seams = tuple(output.seam for output in outputs if output.seam is not None)
    first = outputs[0].tick
    notes = dict.fromkeys(note for output in outputs for note in output.notes)
    return Rerun(
        continuation=continuation,
        checkpoint=checkpoint.name if checkpoint else "",
        commands=commands,
        ticks=np.array([output.tick for output in outputs]),
        seams=seams,
        starved=sum(output.starved for output in outputs),
        smooth=smoothness(commands, policy.info.action_space, [seam.tick - first for seam in seams]),
        waits=waits,
        notes=tuple(notes),
    )


def needs_no_checkpoint(run: RecordedRun) -> bool:
    """Whether the policy that ran can be made from robot and task alone."""
    name = run.info.name
    method = find_method(name) if name in method_names() else None
    return method is not None and not method.checkpoint and not method.privileged


def served_by(checkpoint: Path | None, run: RecordedRun) -> Policy:
    """The policy in a checkpoint, or without one that of the recorded method, on one thread."""
    runtime, settings = Runtime(threads=1), run.settings
    if checkpoint is not None:
        return load_policy(checkpoint, runtime=runtime)
    made_from = Deployment(robot=load_robot(settings.robot), task=load_task(settings.task), runtime=runtime)
    return make_policy(find_method(run.info.name), made_from)
