"""The chunk scheduler: one command per tick, a request when it is time, a splice when an answer comes.

    request  o                     o+s                   o+2s
    tick     |----- s ticks -------|----- s ticks -------|
    thinking |--d--|               |--d--|
    executed hold   c0 from row 0         c1 from row d

Pure: no clock, no input or output, no randomness beyond the seed. The same inputs give the same commands.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.action_space import ActionSpace
from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, SchedulerError, SegueError
from segue_core.policy import ChunkRequest, PolicyInfo
from segue_core.schedule import align_reference
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler import continuation, termination
from segue_scheduler.chunk_check import check_chunk, says_nothing_new, usable_progress
from segue_scheduler.continuation.base import InferenceStart
from segue_scheduler.faults import give_up
from segue_scheduler.feasibility import Lengths, check_policy, fit, plan
from segue_scheduler.ledger import RequestLedger
from segue_scheduler.run_state import Answer, RunState, new_run
from segue_scheduler.seam_report import seam_report
from segue_scheduler.statistics import Statistics
from segue_scheduler.termination.base import Evidence
from segue_scheduler.tick import Outcome, Phase, SeamReport, TickInput, TickOutput

# With r rows left and an answer that takes d ticks: asked now, the robot moves for r of the next d ticks; asked when it
# stands, it waits r ticks more and then has d rows more. Where it moves for a share m of the time, that is worth
# d (1 - m) - m r; with m = r / d, which asking now leads to, both are alike at the golden ratio.
_WORTH_IT = 0.5 * (math.sqrt(5.0) - 1.0)
_LATE_S = 0.5  # later than ever before: enough to ask once more after a refused answer


class ChunkScheduler:
    """Drive it from one thread: `start`, then `step` once per tick with everything that arrived since.

    Args:
        config: lengths, continuation and rules.
        space: action space of commands and chunks.
        policy_info: what the policy can do; anything that does not fit is refused here, before motion.
        seed: non-negative; with a request's number in the run it gives the seed of that request.

    Raises:
        SchedulerError: infeasible lengths, missing capability, other horizon, rate or action space.
        ConfigError: unknown continuation, rule or option.
    """

    def __init__(
        self, config: SchedulerConfig, space: ActionSpace, policy_info: PolicyInfo, seed: int = 0
    ) -> None:
        self._config = config
        self._space = space
        self._info = policy_info
        self._continuation = continuation.create(config.continuation, config.continuation_options)
        check_policy(config, space, policy_info, self._continuation)
        self._plan = plan(config, policy_info, self._continuation)
        self._rules = termination.create(config, space)
        self._ledger = RequestLedger(config, space.rate_hz, seed)
        self._run: RunState | None = None

    @property
    def config(self) -> SchedulerConfig:
        """As given."""
        return self._config

    @property
    def plan(self) -> Lengths:
        """Delay and ramp of a regular request, with notes on what was shortened."""
        return self._plan

    @property
    def stats(self) -> Statistics:
        """Counts of the present or last run, a copy."""
        stats = self._run.stats if self._run else Statistics()
        return replace(stats, delays=stats.delays.copy())

    def start(self, tick: int, measured: ArrayLike) -> None:
        """Begin a run at `tick` from the `measured` pose (D,), which is held until the first chunk comes.

        Everything from a run before is forgotten; its answers, should they still come, are dropped.

        Raises:
            SchedulerError: `measured` has the wrong width or is not finite.
        """
        pose = self._measured(measured)
        self._run = new_run(self._config, tick, pose)
        self._run.notes += self._plan.notes
        self._ledger.reset()
        self._continuation.reset()
        self._rules.reset()

    def step(self, inputs: TickInput) -> TickOutput:
        """Advance to `inputs.tick` and return its command.

        Bad answers and bad measurements are counted and may end the run with an outcome; they never raise.

        Raises:
            SchedulerError: SCHEDULER_TICK_ORDER when the tick is not larger than the last one.
        """
        run = self._run
        if run is None:
            return TickOutput(inputs.tick, np.array(inputs.measured, dtype=np.float64), Phase.IDLE)
        self._advance(run, inputs.tick)
        if run.outcome:
            return self._output(run, inputs.tick, Phase.FINISHED)
        self._receive(run, inputs)
        answer = self._take_usable(run, inputs.tick)
        seam = self._join(run, answer, inputs.tick) if answer else None
        due = self._due(run, inputs.tick)
        phase, starved = self._act(run, inputs.tick)
        joined = answer and run.current and answer.chunk.sequence == run.current.sequence
        run.outcome = self._judge(run, inputs, phase, answer if joined else None)
        if run.outcome:
            run.timeline.clear()
            return self._output(run, inputs.tick, Phase.FINISHED, starved, seam=seam)
        request = self._ask(run, inputs.tick) if due else None
        return self._output(run, inputs.tick, phase, starved, request, seam)

    def _measured(self, measured: ArrayLike) -> NDArray[np.float64]:
        try:
            return self._space.validate(np.array(measured, dtype=np.float64).reshape(-1), "measured state")
        except SchedulerError as error:
            raise SchedulerError(ErrorCode.SCHEDULER_BAD_INPUT, error.text) from error

    def _advance(self, run: RunState, tick: int) -> None:
        if tick <= run.last_tick:
            raise SchedulerError(
                ErrorCode.SCHEDULER_TICK_ORDER, "tick order", got=tick, expected=f"more than {run.last_tick}"
            )
        run.last_tick = tick
        run.notes = run.notes if run.stats.ticks == 0 else []  # those of the start belong to the first tick
        run.stats.ticks += 0 if run.outcome else 1

    def _receive(self, run: RunState, inputs: TickInput) -> None:
        """Sort what arrived into accepted, refused, dropped and failed."""
        for chunk in inputs.chunks:
            self._receive_chunk(run, chunk, inputs.tick)
        for text in inputs.failures:
            run.stats.failed_requests += 1
            run.notes.append(f"request failed: {text or 'no reason given'}")
        if inputs.failures and self._ledger.outstanding:
            self._ledger.fail(inputs.tick)
        if self._ledger.timed_out(inputs.tick):
            run.stats.timeouts += 1
            run.notes.append(f"request unanswered for {self._config.request_timeout_s:g} s")
            self._ledger.fail(inputs.tick)

    def _receive_chunk(self, run: RunState, chunk: ActionChunk, tick: int) -> None:
        request = self._ledger.outstanding
        if request is None or not self._ledger.answers(chunk):
            run.stats.dropped_chunks += 1
            return
        given = run.streamed if run.streamed and run.streamed.sequence == chunk.sequence else None
        if given and says_nothing_new(chunk, given):
            run.stats.dropped_chunks += 1
            return
        try:
            check_chunk(chunk, request, self._space, self._info, given)
        except SegueError as error:
            run.stats.refused_chunks += 1
            run.notes.append(f"chunk refused: {error}")
            self._ledger.refuse(tick)
            return
        run.streamed = None if chunk.complete else chunk
        if chunk.complete or self._continuation.streams:
            made = self._continuation.answered(chunk, request, self._space)
            run.pending = Answer(made, request, self._ledger.opened_at)
        self._ledger.accept(chunk, tick)

    def _take_usable(self, run: RunState, tick: int) -> Answer | None:
        """The pending answer, not before its own start nor before the constructed delay has passed."""
        answer = run.pending
        wait = self._config.delay if self._config.delay_mode == "constructed" else 0
        if answer is None or tick < max(answer.asked_at + wait, answer.chunk.start_tick):
            return None
        run.pending = None
        return answer

    def _join(self, run: RunState, answer: Answer, tick: int) -> SeamReport | None:
        """Splice an answer, or put what a stream has finished since behind the rows that it began with."""
        if run.current is None or run.current.sequence != answer.chunk.sequence:
            return self._splice(run, answer, tick)
        waited = max(
            0, tick - run.current.end_tick
        )  # the robot stood still for these rows, so they begin now
        run.timeline.extend(answer.chunk.actions[run.current.horizon :], tick)
        run.current = replace(answer.chunk, start_tick=run.current.start_tick + waited)
        return None

    def _splice(self, run: RunState, answer: Answer, tick: int) -> SeamReport | None:
        """Join an answer to the timeline; None when it is wholly in the past.

        Where the robot has stood still since the question (a first chunk, a continuation that waits, a chunk that was
        at its end) nothing of it has passed: it is dated to begin now. Otherwise rows are skipped by their own
        ticks, never by an estimate.
        """
        stood_still = self._stood_still(run, answer, tick)
        chunk = replace(answer.chunk, start_tick=tick) if stood_still else answer.chunk
        planned = run.timeline.action_at(tick)
        dropped = self._continuation.merge(run.timeline, chunk, tick, self._space)
        if dropped == chunk.horizon and not chunk.complete:  # later rows of the stream are of use
            return None
        run.delays.add(tick - answer.asked_at)
        if dropped == chunk.horizon:
            run.stats.late_chunks += 1
            run.notes.append(
                f"chunk {chunk.sequence} came {tick - answer.asked_at} ticks late: wholly in the past"
            )
            return None
        seam = seam_report(
            space=self._space,
            previous=run.current,
            answer=answer,
            planned=run.held if planned is None else planned,
            commanded=run.timeline.rows_from(tick)[0],
            tick=tick,
            dropped=dropped,
        )
        run.current, run.observed_at = chunk, answer.asked_at
        run.last_start = tick if stood_still else answer.asked_at
        run.stats.add_seam(seam)
        return seam

    def _stood_still(self, run: RunState, answer: Answer, tick: int) -> bool:
        """Whether the robot has not moved since the question, and what was seen then is not too old to be acted on."""
        if self._continuation.waits or run.moved_at is None:
            return True
        return run.moved_at < answer.asked_at and tick - answer.asked_at <= self._oldest(run)

    def _due(self, run: RunState, tick: int) -> bool:
        """Is a request due? A continuation that waits also stops here."""
        idle = run.pending is None and self._ledger.may_ask(tick)
        left = run.timeline.remaining(tick)
        due = idle and (
            run.current is None or left == 0 or self._may_go_on(run, run.current.horizon, left, tick)
        )
        if due and self._continuation.waits:
            run.timeline.clear()
        return due

    def _may_go_on(self, run: RunState, horizon: int, left: int, tick: int) -> bool:
        """Whether to ask while `left` rows are still executed, after a chunk of `horizon` rows.

        That is when the stride is over, and after a short chunk when the answer would come as its rows end. An answer
        that is no longer than the delay would be wholly in the past: better asked when the robot stands.
        """
        stride_over = tick - run.last_start >= self._config.stride
        if self._continuation.waits or horizon == self._config.horizon:
            return stride_over
        delay = self._expected_delay(run)
        return horizon > delay and (stride_over or _WORTH_IT * delay <= left <= delay)

    def _act(self, run: RunState, tick: int) -> tuple[Phase, bool]:
        """Choose the command of this tick into `run.held`; (phase, starved)."""
        row = run.timeline.action_at(tick)
        if row is not None and tick - run.last_start <= self._oldest(run):
            run.held, run.starved_in_a_row, run.moved_at = row, 0, tick
            if run.stats.first_action_ticks is None:
                run.stats.first_action_ticks = tick - run.start_tick
            return Phase.RUNNING, False
        if run.current is None:
            run.stats.waiting_ticks += 1
            return Phase.WAITING, False
        if self._continuation.waits:
            run.stats.thinking_ticks += 1
            return Phase.HOLDING, False
        if row is not None:
            run.stats.aged_ticks += 1
            if run.starved_in_a_row == 0:
                run.notes.append(f"actions are held: more than {self._oldest(run)} ticks old")
        run.starved_in_a_row += 1
        run.stats.starved_ticks += 1
        run.stats.longest_starvation = max(run.stats.longest_starvation, run.starved_in_a_row)
        return Phase.HOLDING, True

    def _oldest(self, run: RunState) -> float:
        """Ticks after its observation, or after the robot stood still for it, that a chunk may be executed."""
        rate_hz, given_s = self._space.rate_hz, self._config.max_action_age_s
        if given_s is None:
            return math.inf
        if given_s > 0.0:
            return round(given_s * rate_hz)
        slowest = max(self._expected_delay(run), *run.stats.delays)
        return self._config.stride + slowest + math.ceil(_LATE_S * rate_hz)

    def _judge(self, run: RunState, inputs: TickInput, phase: Phase, fresh: Answer | None) -> Outcome | None:
        """Faults of the run itself first, then the operator, then the configured rules."""
        progress = self._progress(run, inputs, fresh)
        run.progress = progress if progress is not None else run.progress
        try:
            measured = self._measured(inputs.measured)
        except SchedulerError as error:
            return Outcome(False, "fault", error.carried, error.code)
        fault = give_up(self._config, self._space.rate_hz, self._ledger, run.starved_in_a_row, run.notes)
        evidence = Evidence(
            elapsed=inputs.tick - run.start_tick,
            waiting=phase is Phase.WAITING,
            measured=measured,
            task=inputs.task,
            progress=progress,
            policy_stop=fresh is not None and fresh.chunk.stop,
            stop_requested=inputs.stop_requested,
            goal=run.current.actions[-1].astype(np.float64) if run.current else None,
        )
        return fault or self._rules.check(evidence)

    def _progress(self, run: RunState, inputs: TickInput, fresh: Answer | None) -> float | None:
        """What is new about progress at this tick."""
        if inputs.estimate is not None:
            run.estimator = inputs.estimate.source
            return usable_progress(inputs.estimate.progress)
        return usable_progress(fresh.chunk.progress) if fresh and not run.estimator else None

    def _lengths(self, run: RunState, rows: int) -> Lengths:
        """Delay and ramp of a request with `rows` left to execute; without any there is nothing to fit."""
        delay = self._expected_delay(run)
        if self._continuation.waits or rows == 0:
            return Lengths(delay, 0)
        return fit(self._config, self._info, self._continuation, delay, min(rows, self._config.horizon))

    def _expected_delay(self, run: RunState) -> int:
        return self._plan.delay if self._config.delay_mode == "constructed" else run.delays.value

    def _ask(self, run: RunState, tick: int) -> ChunkRequest:
        """Build the request of this tick; without rows to continue there is no guidance."""
        rows = run.timeline.rows_from(tick)
        lengths = self._lengths(run, len(rows))
        run.notes += lengths.notes
        run.stats.shortened_requests += 1 if lengths.notes else 0
        horizon = self._config.horizon
        moment = InferenceStart(tick, horizon, lengths.delay, lengths.ramp, self._config.ramp_kind, rows)
        known = rows if len(rows) else run.held[None]
        sequence, seed = self._ledger.next_identity()
        request = ChunkRequest(
            start_tick=self._continuation.start_tick(moment),
            sequence=sequence,
            sampling=self._continuation.sampling,
            omega=self._continuation.omega(moment) if len(rows) else np.zeros(horizon, dtype=np.float32),
            reference=align_reference(known, 0, horizon),
            delay=lengths.delay,
            seed=seed,
            options=self._continuation.sampling_options,
        )
        self._ledger.open(request, tick)
        run.stats.requests += 1
        return request

    def _output(
        self,
        run: RunState,
        tick: int,
        phase: Phase,
        starved: bool = False,
        request: ChunkRequest | None = None,
        seam: SeamReport | None = None,
    ) -> TickOutput:
        running = run.current if phase is Phase.RUNNING else None
        return TickOutput(
            tick=tick,
            action=run.held.copy(),
            phase=phase,
            starved=starved,
            request=request,
            seam=seam,
            outcome=run.outcome,
            remaining=run.timeline.remaining(tick + 1),
            delay=self._expected_delay(run),
            progress=run.progress,
            estimator=run.estimator,
            age=tick - run.observed_at if running else None,
            row=tick - running.start_tick if running else None,
            rows=running.horizon if running else 0,
            unanswered=self._ledger.outstanding.sequence if self._ledger.outstanding else None,
            notes=tuple(run.notes),
        )
