"""One run of a task: the scheduler core between its inbox and the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.durations import whole_ticks
from segue_core.errors import WHAT_TO_DO, ErrorCode, SegueError, told_code
from segue_core.latency import Latency
from segue_core.lease import Lease
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo
from segue_core.scheduler_config import SchedulerConfig
from segue_core.wire import task_state_of
from segue_interfaces.msg import ActionChunk
from segue_ros.perception_status import Unseen
from segue_scheduler import bounded_corrector as correction
from segue_scheduler import termination
from segue_scheduler.node.inbox import Inbox, Mail
from segue_scheduler.node.watches import ClockWatch
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.termination.base import Evidence
from segue_scheduler.tick import Outcome, Phase, TickOutput

_DISARMED = (
    f"the robot is not armed any more. {WHAT_TO_DO} see who disarmed it (segue/arm), then send the goal again"
)
_GUARD_SILENT_S = 3.0  # of the robot's time that nothing is heard of the guard
_GUARD_SILENT_WALL_S = 10.0  # and of the steady clock, as a simulated one may wait for whoever is silent

Pictures = Callable[[], Mapping[str, NDArray[np.uint8]]]


def _no_pictures() -> Mapping[str, NDArray[np.uint8]]:
    return {}


@dataclass(frozen=True)
class RunSpec:
    """What a goal asked for, checked. `latency` is injected into the delivery of answers, if there is one."""

    run_id: str
    task: str
    instruction: str
    seed: int
    config: SchedulerConfig
    latency: Latency | None = None


@dataclass
class Session:
    """Feeds a `ChunkScheduler` once per tick; ends it when its client, its clock, the robot or its guard is lost.

    Args:
        state_timeout_s: no command is for a measured state that is so old: the run ends at the tick before.
        unseen: what perception says about it.
        waits: time waits for what a run needs, but only from its first command on: what a busy machine saw too late
            before that does not count.
    """

    spec: RunSpec
    space: ActionSpace
    info: PolicyInfo
    lease: Lease
    state_timeout_s: float
    unseen: Unseen = field(default_factory=Unseen)
    waits: bool = False
    inbox: Inbox = field(init=False)
    started_at: int | None = None
    outcome: Outcome | None = None
    last: TickOutput | None = None
    armed: bool = False
    takeovers: int = 0
    human_ticks: int = 0
    earlier_ticks: int = 0  # of the policy, before a person had the robot
    authority: str = "somebody"  # who said that a person has the robot
    _heard_guard: bool = False  # since the last look
    _resting: bool = False
    _refusal: Outcome | None = None

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.space, self.info.name)
        self.scheduler = ChunkScheduler(self.spec.config, self.space, self.info, self.spec.seed)
        self.correction = correction.create(self.spec.config, self.space, self.info)
        self._clock = ClockWatch(self.space.rate_hz)
        self._guard = Lease(_GUARD_SILENT_S, required=False, now_s=0.0)  # in the robot's time
        self._guard_wall = Lease(_GUARD_SILENT_WALL_S, required=False, now_s=0.0)
        self._rules_by_hand = termination.create(self.spec.config, self.space).by_hand()

    def step(
        self,
        tick: int,
        measured: NDArray[np.float64],
        measured_at: int,
        now_s: float,
        pictures: Pictures = _no_pictures,
    ) -> tuple[Mail, TickOutput]:
        """One tick, at `measured` (D,); `pictures` gives what the cameras saw then, for a corrector that looks.

        The first one starts the run from its own measured state, so that a replay can do the same. The first one after
        a person had the robot starts it anew: what was planned before is about another pose.

        Raises:
            SegueError: the clock leapt or went back, or the scheduler cannot work with what it was given.
        """
        self._clock.see(tick, now_s)
        if self.started_at is None or self._resting:
            self.started_at = tick if self.started_at is None else self.started_at
            self.earlier_ticks += self.scheduler.stats.ticks
            self._resting = False
            self.inbox.forget()
            self.scheduler.start(tick, measured)
            if self.correction:
                self.correction.reset()
        mail = self.inbox.empty(tick, measured)
        output = self.scheduler.step(mail.inputs)
        if self.correction:
            shown = pictures() if self.correction.looks else {}
            seen = Observation(measured_at, measured.astype(np.float32), shown)
            output = self.correction.apply(output, seen)
        self.last = output
        if output.request and self.spec.latency:
            wait = self.spec.latency.ticks(output.request.sequence, output.request.delay)
            self.inbox.hold_back(output.request.sequence, tick, max(1, wait), self.info.horizon)
        self.outcome = (
            self.outcome or output.outcome or self._refusal or self._external_end(tick, measured_at, now_s)
        )
        return mail, output

    def rest(self, tick: int, measured: NDArray[np.float64], measured_at: int, now_s: float) -> TickOutput:
        """One tick, at `measured` (D,), in which a person has the robot.

        The run can still succeed, be cancelled or lose its client. Raises SchedulerError for a clock that leapt.
        """
        self._clock.see(tick, now_s)
        if not self._resting:
            self.takeovers += 1
            self._rules_by_hand.reset()
        self._resting = True
        self.human_ticks += 1
        self.started_at = tick if self.started_at is None else self.started_at
        self.outcome = (
            self.outcome or self._end_by_hand(tick, measured) or self._external_end(tick, measured_at, now_s)
        )
        self.last = TickOutput(tick, measured, Phase.PAUSED, outcome=self.outcome)
        return self.last

    def _end_by_hand(self, tick: int, measured: NDArray[np.float64]) -> Outcome | None:
        """What the rules say that hold for a person, too."""
        evidence = Evidence(
            elapsed=tick - (self.started_at or 0),
            waiting=False,
            measured=measured,
            task=task_state_of(self.inbox.task) if self.inbox.task else None,
            progress=None,
            policy_stop=False,
            stop_requested=self.inbox.stop_requested,
        )
        outcome = self._rules_by_hand.check(evidence)
        if outcome is None or not outcome.success:
            return outcome
        return replace(outcome, reason=f"done while a person had the robot: {outcome.reason}")

    def receive(self, chunk: ActionChunk) -> None:
        """An answer of the policy; one of another action space ends the run at its next tick, unexecuted."""
        try:
            self.inbox.add_chunk(chunk)
        except SegueError as error:
            self.judge_policy(error)

    def judge_policy(self, error: SegueError | None) -> None:
        """What became of the policy that the run began with; the run ends at its next tick."""
        if error is not None:
            self._refusal = Outcome(False, "fault", error.carried, error.code)

    def judge_safety(self, armed: bool, code: int, text: str) -> None:
        """What the safety guard says; a run whose robot may not move any more is over."""
        self._heard_guard = True
        self.armed = self.armed or armed
        if armed or not (self.armed or code) or self.outcome is not None:
            return
        told, text = told_code(code, ErrorCode.CONTROL_NOT_ARMED), text or _DISARMED
        if self._resting and told is ErrorCode.CONTROL_COMMAND_STALE:
            told = ErrorCode.CONTROL_FOREIGN_COMMAND
            text = f"{self.authority} took the robot (it says 'human' on segue/authority) and commands nothing: {text}"
        self.outcome = Outcome(False, "safety", text, told)

    def judge_silence(self, tick: int, now_s: float) -> None:
        """A run whose guard has fallen silent is over: nobody knows what the robot does."""
        robot_s = tick / self.space.rate_hz
        if self._heard_guard:
            self._heard_guard = False
            self._guard.renew(robot_s)
            self._guard_wall.renew(now_s)
        silent = (self._guard.expired(robot_s), self._guard_wall.expired(now_s))
        if any(silent) and self.outcome is None:
            most_s = _GUARD_SILENT_S if silent[0] else _GUARD_SILENT_WALL_S
            text = f"the controller is silent: nothing on segue/safety for more than {most_s:g} s"
            self.outcome = Outcome(False, "safety", text, ErrorCode.PROCESS_FAILED)

    def _external_end(self, tick: int, measured_at: int, now_s: float) -> Outcome | None:
        if self.lease.expired(now_s):
            text = f"the client of the goal is gone: silent for more than {self.lease.duration_s:g} s"
            return Outcome(False, "lease", text, ErrorCode.TASK_LEASE_EXPIRED)
        began_at = self.started_at if self.waits and self.started_at is not None else measured_at
        age = tick - max(measured_at, began_at)
        if age >= whole_ticks(self.state_timeout_s, self.space.rate_hz):
            age_s = age / self.space.rate_hz
            text = f"no observation for {age_s:.2f} s ({age} ticks; {self.state_timeout_s:g} s is too old)"
            why = self.unseen.because(text)
            return Outcome(False, "fault", why.carried, why.code)
        return None
