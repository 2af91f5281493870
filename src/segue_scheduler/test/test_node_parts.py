"""The parts of the scheduler node that need no graph: time keeping, the inbox, and messages that replay exactly."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from builtin_interfaces.msg import Time

from segue_core.action_space import action_space
from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.contracts.plain import from_plain
from segue_core.errors import ConfigError, ErrorCode, SchedulerError
from segue_core.latency import injected_latency, parse_latency
from segue_core.lateness import is_late
from segue_core.lease import Lease
from segue_core.policy import PolicyInfo
from segue_core.scheduler_config import RunSettings, SchedulerConfig
from segue_core.wire import info_of
from segue_interfaces.msg import Progress, TaskState
from segue_ros.conversions import chunk_to_msg, goal_to_msg, info_to_msg
from segue_scheduler.node.diagnosis import diagnosis
from segue_scheduler.node.inbox import Inbox
from segue_scheduler.node.messages import input_to_msg, state_to_msg
from segue_scheduler.node.results import failure, result
from segue_scheduler.node.session import RunSpec, Session
from segue_scheduler.node.settings import check, scheduler_config
from segue_scheduler.node.watches import TickWatch
from segue_scheduler.replay import Recording, commands, replay
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import Estimate, Phase, TickInput, TickOutput
from segue_scheduler.wire import estimate_of, input_of

SPACE = action_space("dual_arm_ee")
INFO = PolicyInfo(
    name="test",
    action_space=SPACE,
    horizon=60,
    num_steps=5,
    rate_hz=30.0,
    cameras=("head",),
    image_size=(96, 72),
    capabilities=frozenset({"per_step_guidance"}),
    max_delay=10,
    max_ramp=50,
)
POSE = np.linspace(0.1, 0.5, SPACE.dim)


def _session(lease: Lease | None = None) -> Session:
    spec = RunSpec("run", "task", "", 7, SchedulerConfig(time_limit_s=3.0))
    return Session(spec, SPACE, INFO, lease or Lease(1.0, required=False, now_s=0.0), state_timeout_s=0.5)


def _chunk(start_tick: int, sequence: int) -> ActionChunk:
    rows = POSE + 0.001 * np.random.default_rng(sequence).standard_normal((60, SPACE.dim))
    return ActionChunk(rows.astype(np.float32), start_tick, "test", sequence)


def test_every_tick_is_seen_once_and_skipped_ones_are_counted_exactly() -> None:
    watch = TickWatch()
    seen = [watch.advance(tick, 0.1 * index) for index, tick in enumerate([5, 5, 6, 9, 9, 10])]
    assert seen == [True, False, True, True, False, True]
    assert watch.skipped == 2
    assert watch.longest_s == pytest.approx(0.2)


def test_a_pause_is_neither_slowness_nor_a_long_tick() -> None:
    """A run that was paused for a minute once "ran at 0.1 of real time: this machine is slower"."""
    watch = TickWatch()
    for tick in range(31):
        watch.advance(tick, tick / 30)
    watch.stand(True, 1.01)
    watch.stand(True, 30.0)
    watch.stand(False, 61.01)
    for tick in range(31, 61):
        watch.advance(tick, 60 + tick / 30)
    assert watch.speed(30.0) == pytest.approx(1.0) and watch.longest_s == pytest.approx(1 / 30)
    watch.stand(False, 62.0)  # nothing had been paused
    assert watch.speed(30.0) == pytest.approx(1.0)


def test_a_clock_set_back_starts_a_new_count_and_skips_nothing() -> None:
    watch = TickWatch()
    assert [watch.advance(tick, 0.0) for tick in (100, 3)] == [True, True]
    assert watch.skipped == 0


def test_a_client_that_renewed_once_must_go_on_and_one_that_never_did_is_left_alone() -> None:
    lease = Lease(1.0, required=False, now_s=0.0)
    assert not lease.expired(99.0)
    lease.renew(99.0)
    assert [lease.expired(now) for now in (99.9, 100.1)] == [False, True]
    required = Lease(1.0, required=True, now_s=0.0)
    assert [required.expired(now) for now in (0.6, 1.1)] == [False, True]


def test_a_scheduler_that_stood_still_does_not_blame_its_client() -> None:
    """Stopped for 12 s it once said that the client was gone; the client was there."""
    lease = Lease(1.0, required=True, now_s=0.0)
    assert [lease.expired(now) for now in (0.5, 12.5, 12.9, 13.2)] == [False, False, False, True]


def test_a_run_whose_client_is_gone_ends_with_the_lease_as_its_rule() -> None:
    lease = Lease(1.0, required=True, now_s=0.0)
    session = _session(lease)
    session.step(10, POSE, 10, now_s=0.5)
    assert session.outcome is None
    session.step(11, POSE, 11, now_s=1.5)
    assert session.outcome is not None
    assert (session.outcome.rule, session.outcome.code) == ("lease", ErrorCode.TASK_LEASE_EXPIRED)


def test_a_run_that_sees_the_robot_no_more_ends() -> None:
    session = _session()
    session.step(10, POSE, 10, now_s=0.0)
    session.step(26, POSE, 10, now_s=0.0)
    assert session.outcome is not None and session.outcome.code == ErrorCode.STATE_MISSING


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 50.0])
def test_no_command_is_for_an_observation_of_half_a_second_whatever_the_rate(rate_hz: float) -> None:
    """Fault 12: the limit was 15 ticks, and robots with 10 of them in a second went on for 1.57 s."""
    space = replace(SPACE, rate_hz=rate_hz)
    spec = RunSpec("run", "task", "", 7, SchedulerConfig(time_limit_s=3.0))
    info = replace(INFO, action_space=space, rate_hz=rate_hz)
    session = Session(spec, space, info, Lease(1.0, required=False, now_s=0.0), state_timeout_s=0.5)
    for tick in range(10, 60):
        session.step(tick, POSE, 10, now_s=0.0)
        if session.outcome is not None:
            break
    assert (tick - 10) / rate_hz == 0.5
    assert session.outcome is not None and "no observation for 0.50 s" in session.outcome.reason


def test_where_time_waits_a_run_is_not_ended_by_what_was_seen_too_late_before_it_began() -> None:
    """Time passes while the robot is armed: on a busy machine "no observation for 20 ticks" ended runs at once."""
    session = replace(_session(), waits=True)
    session.step(30, POSE, 10, now_s=0.0)
    assert session.outcome is None
    session.step(44, POSE, 10, now_s=0.0)
    assert session.outcome is None
    session.step(45, POSE, 10, now_s=0.0)
    assert session.outcome is not None and session.outcome.code == ErrorCode.STATE_MISSING
    robot = _session()
    robot.step(30, POSE, 10, now_s=0.0)
    assert robot.outcome is not None, "nothing waits for a robot"


@pytest.mark.parametrize(("armed", "ends"), [([False], False), ([False, True], False), ([True, False], True)])
def test_a_run_ends_when_the_guard_takes_the_permission_away(armed: list[bool], ends: bool) -> None:
    session = _session()
    for value in armed:
        session.judge_safety(value, 0, "")
    assert (session.outcome is not None) == ends


def test_a_run_ends_when_the_guard_latches_a_fault() -> None:
    session = _session()
    session.judge_safety(False, 307, "emergency stop")
    assert session.outcome is not None
    assert (session.outcome.rule, session.outcome.code) == ("safety", ErrorCode.CONTROL_EMERGENCY_STOP)


def test_what_a_fault_advises_reaches_the_result_once_behind_the_notes() -> None:
    """The end by a fault of the clock, or by a world that was reset, advised what any end with its code does."""
    session = _session()
    session.judge_safety(False, 308, "the world was put back. What to do: send the goal again")
    told = result(session, TickWatch(), SPACE.rate_hz, cancelled=False, notes="no bag")
    assert told.reason == "the world was put back (no bag). What to do: send the goal again"
    assert told.error_text == "the world was put back. What to do: send the goal again"
    clock = SchedulerError(
        ErrorCode.SCHEDULER_TICK_ORDER, "the clock leapt", do="see who else tells the time"
    )
    assert failure(clock).reason == "the clock leapt. What to do: see who else tells the time"
    session = _session()
    session.judge_safety(True, 0, "")
    session.judge_safety(False, 0, "")
    assert (
        "see who disarmed it" in result(session, TickWatch(), SPACE.rate_hz, cancelled=False, notes="").reason
    )


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_clock_that_leaps_ends_the_run_as_a_fault_of_the_clock_and_no_task_fails_by_it(
    by_hand: bool,
) -> None:
    """A foreign /clock of 2^31 s was once a "failure: no success within 6 s" in the statistics."""
    session = _session()
    go_on = session.rest if by_hand else session.step
    for tick in (10, 11):
        go_on(tick, POSE, tick, tick / 30)
    go_on(11 + 30 * 60, POSE, 11 + 30 * 60, 11 / 30 + 60.0)  # a scheduler that was stopped for a minute
    session = _session()
    go_on = session.rest if by_hand else session.step
    go_on(10, POSE, 10, 0.0)
    with pytest.raises(SchedulerError, match="the clock leapt ahead; got 60.0 s within 0.1 s") as leapt:
        go_on(10 + 30 * 60, POSE, 10 + 30 * 60, 0.1)
    assert leapt.value.code is ErrorCode.SCHEDULER_TICK_ORDER and "/clock" in str(leapt.value)
    assert session.outcome is None


def test_a_run_whose_guard_falls_silent_ends_and_names_the_controller() -> None:
    """A controller that was deactivated once left the scheduler commanding nobody for more than 45 s."""
    session = _session()
    session.judge_safety(True, 0, "")
    for tick in range(0, 91, 10):
        session.judge_silence(tick, 0.0)
    assert session.outcome is None
    session.judge_silence(91, 0.0)
    assert session.outcome is not None and session.outcome.code is ErrorCode.PROCESS_FAILED
    assert "the controller is silent: nothing on segue/safety for more than 3 s" in session.outcome.reason


def test_while_the_clock_waits_a_silent_guard_is_noticed_by_the_steady_clock() -> None:
    session = _session()
    session.judge_safety(True, 0, "")
    for second in range(11):
        session.judge_silence(5, float(second))
    assert session.outcome is None
    session.judge_silence(5, 11.0)
    assert session.outcome is not None and "for more than 10 s" in session.outcome.reason


def test_a_scheduler_that_stood_still_does_not_call_the_guard_silent() -> None:
    session = _session()
    session.judge_safety(True, 0, "")
    session.judge_silence(0, 0.0)
    session.judge_silence(900, 30.0)
    session.judge_safety(True, 0, "")
    session.judge_silence(901, 30.1)
    assert session.outcome is None


def test_who_took_the_robot_and_commands_nothing_is_named_and_no_core_is_blamed() -> None:
    session = _session()
    session.authority = "node /console"
    session.judge_safety(True, 0, "")
    session.rest(10, POSE, 10, 0.0)
    session.judge_safety(False, 305, "no fresh command")
    assert session.outcome is not None and session.outcome.code is ErrorCode.CONTROL_FOREIGN_COMMAND
    assert "node /console took the robot" in session.outcome.reason and not is_late(session.outcome.code)


def test_an_answer_that_cannot_be_read_is_a_failure_not_an_exception() -> None:
    inbox = Inbox(SPACE, "test")
    message = chunk_to_msg(_chunk(0, 0), SPACE, Time())
    message.horizon = 61
    inbox.add_chunk(message)
    mail = inbox.empty(1, POSE)
    assert mail.inputs.chunks == () and len(mail.inputs.failures) == 1
    assert "61 rows" in mail.inputs.failures[0]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("action_space", "0123", SPACE.name),
        ("action_space_fingerprint", "0123", SPACE.fingerprint()),
        ("source", "0123", "'test'"),
        ("rate_hz", 10.0, "30 Hz"),
    ],
)
def test_a_chunk_of_another_action_space_rate_or_policy_ends_the_run_with_103_and_is_not_executed(
    field: str, value: object, expected: str
) -> None:
    session = _session()
    for tick in range(12):
        _, output = session.step(tick, POSE, tick, now_s=0.0)
        if output.request:
            message = chunk_to_msg(_chunk(tick, output.request.sequence), SPACE, Time())
            setattr(message, field, value)
            session.receive(message)
        np.testing.assert_array_equal(output.action, POSE)
    assert session.outcome is not None
    assert session.outcome.code is ErrorCode.SCHEDULER_POLICY_MISMATCH
    assert f"{value}".removesuffix(".0") in session.outcome.reason and expected in session.outcome.reason


def test_a_flood_of_chunks_is_bounded_the_newest_stay_and_the_lost_are_counted() -> None:
    inbox = Inbox(SPACE, "test")
    for sequence in range(1000):
        inbox.add_chunk(chunk_to_msg(_chunk(0, sequence), SPACE, Time()))
    chunks = inbox.empty(1, POSE).inputs.chunks
    assert [chunks[0].sequence, chunks[-1].sequence] == [1000 - len(chunks), 999]
    assert inbox.lost == 1000 - len(chunks)


def test_policy_information_survives_the_wire() -> None:
    assert info_of(info_to_msg(INFO, "test", Time())) == INFO


@pytest.mark.parametrize("rate_hz", [float("nan"), 0.0, -1.0, 1e308])
def test_a_policy_whose_rate_cannot_be_is_refused_with_what_came(rate_hz: float) -> None:
    message = info_to_msg(INFO, "test", Time())
    message.rate_hz = rate_hz
    with pytest.raises(ConfigError, match="rate_hz; got .*; expected more than 0, at most 1000"):
        info_of(message)


@pytest.mark.parametrize("progress", [float("nan"), float("inf"), -0.01, 1.01])
def test_an_estimate_that_is_no_share_of_a_task_is_refused(progress: float) -> None:
    with pytest.raises(SchedulerError, match=r"estimated progress; got .*; expected a number in \[0, 1\]"):
        estimate_of(Progress(source="looker", progress=progress))
    with pytest.raises(SchedulerError, match="without a source"):
        estimate_of(Progress(progress=0.5))


def test_an_estimate_is_taken_in_once_and_the_newest_counts() -> None:
    inbox = Inbox(SPACE, "test")
    for progress in (0.1, 0.2):
        inbox.estimate = Estimate("looker", progress)
    assert inbox.empty(1, POSE).inputs.estimate == Estimate("looker", 0.2)
    assert inbox.empty(2, POSE).inputs.estimate is None


def test_a_run_replayed_from_its_messages_gives_byte_identical_commands() -> None:
    session, recorded, live = _session(), [], []
    for tick in range(40, 160):
        output = None
        mail, output = session.step(tick, POSE + 1e-3 * np.sin(tick), tick, now_s=0.0)
        recorded.append(input_to_msg(mail.inputs, mail.chunks, mail.task, "run", Time()))
        live.append(output.action)
        if output.request:
            goal = goal_to_msg(output.request, instruction="go")
            assert goal.instruction == "go"
            session.inbox.add_chunk(
                chunk_to_msg(_chunk(int(goal.start_tick), int(goal.sequence)), SPACE, Time())
            )
        if tick == 100:
            session.inbox.add_failure("a failure")
    inputs: list[TickInput] = [input_of(message) for message in recorded]
    fresh = ChunkScheduler(session.spec.config, SPACE, INFO, session.spec.seed)
    again = commands(replay(fresh, Recording(inputs[0].tick, inputs[0].measured, inputs)))
    assert again.tobytes() == np.stack(live).tobytes()
    assert len({row.tobytes() for row in again}) > 50


def test_what_is_executed_and_how_old_it_is_can_be_watched_live() -> None:
    session, asked = _session(), 0
    ages, reported = [], []
    for tick in range(20):
        _, output = session.step(tick, POSE, tick, now_s=0.0)
        if output.request:
            asked = tick
            session.inbox.add_chunk(chunk_to_msg(_chunk(tick, output.request.sequence), SPACE, Time()))
        ages.append(state_to_msg(output, session.scheduler.stats, "legato", "run", Time()).action_age_ticks)
        values = diagnosis(session, TickWatch(), INFO).status[0].values
        reported.append(next(int(pair.value) for pair in values if pair.key == "action_age_ticks"))
    assert ages[:8] == [-1] * 8  # constructed delay 8: nothing is executed before
    assert ages[8:] == [tick - asked for tick in range(8, 20)]
    assert reported == ages


def _arrival_ages(latency: str, answered_at_once: bool) -> list[int]:
    """Ticks between a request and its delivery to the scheduler, for the first requests of a run."""
    config = SchedulerConfig(time_limit_s=20.0, delay_mode="adaptive", when_infeasible="shorten")
    spec = RunSpec("run", "task", "", 7, config, injected_latency(latency, 7))
    session = Session(spec, SPACE, INFO, Lease(1.0, required=False, now_s=0.0), state_timeout_s=0.5)
    asked, late, ages = -1, 0 if answered_at_once else 12, []
    answers: dict[int, ActionChunk] = {}
    for tick in range(300):
        if tick in answers:
            session.inbox.add_chunk(chunk_to_msg(answers.pop(tick), SPACE, Time()))
        mail, output = session.step(tick, POSE, tick, now_s=0.0)
        ages += [tick - asked for _ in mail.inputs.chunks]
        if output.request:
            asked = tick
            answers[tick + 1 + late] = _chunk(output.request.start_tick, output.request.sequence)
    return ages


def test_an_injected_latency_holds_answers_back_by_exactly_its_ticks() -> None:
    ages = _arrival_ages("6", answered_at_once=True)
    assert len(ages) > 5
    assert set(ages) == {6}


def test_a_jittering_latency_is_the_one_of_lockstep() -> None:
    ages = _arrival_ages("3:9", answered_at_once=True)
    jitter = parse_latency("3:9", 7)
    assert ages == [jitter.ticks(sequence, 0) for sequence in range(len(ages))]
    assert len(set(ages)) > 2


def test_an_injected_latency_cannot_make_a_slow_answer_faster() -> None:
    assert set(_arrival_ages("6", answered_at_once=False)) == {13}


def test_without_an_injected_latency_answers_are_delivered_as_they_come() -> None:
    assert set(_arrival_ages("measured", answered_at_once=True)) == {1}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"termination": "task_detector, stal"}, "did you mean 'stall'"),
        ({"rule_options": "{stall: {window: 3}}"}, "did you mean 'window_s'"),
        ({"rule_options": "{stall"}, "rule_options: not valid YAML"),
        ({"continuation": "legatto"}, "did you mean 'legato'"),
        ({"continuation_options": "{x: 1}"}, "continuation_options of legato"),
        ({"latency": "soon"}, "latency.*LOW:HIGH"),
        ({"delay_mode": "sometimes"}, "delay_mode"),
    ],
)
def test_a_scheduler_node_that_no_run_could_start_with_is_refused(
    parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check(parse_model(parameters, RunSettings, "parameters"), SPACE)


def test_run_parameters_mean_what_the_scheduler_calls_so() -> None:
    values = {
        "termination": "stall , time_limit",
        "rule_options": "{stall: {window_s: 3.0}}",
        "ramp": -1,
        "delay": 5,
    }
    given = parse_model(from_plain(values, RunSettings), RunSettings, "parameters")
    config = scheduler_config(given, "naive_async", 9.0)
    assert (config.continuation, config.ramp, config.delay, config.time_limit_s) == (
        "naive_async",
        None,
        5,
        9.0,
    )
    assert config.termination == ("stall", "time_limit")
    assert config.rule_options == {"stall": {"window_s": 3.0}}


def _run(session: Session, ticks: range, pose: np.ndarray) -> list[TickOutput]:
    """Ticks with a policy that answers within one tick."""
    outputs = []
    for tick in ticks:
        _, output = session.step(tick, pose, tick, now_s=0.0)
        outputs.append(output)
        if output.request:
            chunk = _chunk(output.request.start_tick, output.request.sequence)
            session.inbox.add_chunk(chunk_to_msg(chunk, SPACE, Time()))
    return outputs


def test_after_a_person_had_the_robot_the_policy_starts_anew_from_where_it_is() -> None:
    session = _session()
    before = _run(session, range(40), POSE)
    paused = [session.rest(tick, POSE + 0.2, tick, now_s=0.0) for tick in range(40, 60)]
    after = _run(session, range(60, 100), POSE + 0.2)
    assert before[-1].phase is Phase.RUNNING and {output.phase for output in paused} == {Phase.PAUSED}
    assert after[0].phase is Phase.WAITING
    np.testing.assert_allclose(after[0].action, POSE + 0.2)
    assert after[-1].phase is Phase.RUNNING and after[0].request is not None
    assert (session.takeovers, session.human_ticks, session.earlier_ticks) == (1, 20, 40)


def test_a_task_done_by_a_person_ends_the_run_as_a_success() -> None:
    session = _session()
    _run(session, range(10), POSE)
    session.inbox.task = TaskState(success=True, text="all in the box")
    for tick in range(10, 10 + session.spec.config.task_hold_ticks):
        assert session.rest(tick, POSE, tick, now_s=0.0).outcome == session.outcome
    assert session.outcome and session.outcome.success and "person" in session.outcome.reason


def test_success_in_a_persons_hands_must_hold_as_long_as_in_the_policys() -> None:
    """A jar that only passed over the box ended the run: the rule was written a second time, without its hold."""
    session = _session()
    hold = session.spec.config.task_hold_ticks
    _run(session, range(10), POSE)
    session.inbox.task = TaskState(success=True)
    held = [session.rest(10 + tick, POSE, 10 + tick, now_s=0.0).outcome for tick in range(hold)]
    assert hold > 1 and held[:-1] == [None] * (hold - 1) and held[-1] is not None


def test_parts_of_an_answer_are_held_back_for_as_long_as_their_rows_take() -> None:
    """Live as in lockstep: with a latency of 12 ticks a third of the rows is there after 4."""
    inbox = Inbox(SPACE, "test")
    inbox.hold_back(0, tick=100, wait=12, rows=60)
    whole = _chunk(100, 0)
    for rows in (20, 40, 60):
        part = replace(whole, actions=whole.actions[:rows], complete=rows == 60)
        inbox.add_chunk(chunk_to_msg(part, SPACE, Time()))
    came = {tick: inbox.empty(tick, POSE).inputs.chunks for tick in range(101, 114)}
    assert {tick: chunks[0].horizon for tick, chunks in came.items() if chunks} == {104: 20, 108: 40, 112: 60}


def test_a_streamed_run_replayed_from_its_messages_gives_byte_identical_commands() -> None:
    info = replace(INFO, capabilities=INFO.capabilities | {"streaming"})
    config = SchedulerConfig(time_limit_s=20.0, delay_mode="adaptive", when_infeasible="shorten")
    lease = Lease(1.0, required=False, now_s=0.0)
    session = Session(RunSpec("run", "task", "", 7, config), SPACE, info, lease, state_timeout_s=0.5)
    recorded, live, due = [], [], dict[int, ActionChunk]()
    for tick in range(40, 160):
        if tick in due:
            session.receive(chunk_to_msg(due[tick], SPACE, Time()))
        mail, output = session.step(tick, POSE, tick, now_s=0.0)
        recorded.append(input_to_msg(mail.inputs, mail.chunks, mail.task, "run", Time()))
        live.append(output.action)
        if output.request:
            whole = _chunk(output.request.start_tick, output.request.sequence)
            for number in (1, 2, 3):
                rows = whole.actions[: 20 * number]
                due[tick + 4 * number] = replace(whole, actions=rows, complete=number == 3)
    inputs = [input_of(message) for message in recorded]
    assert {chunk.complete for given in inputs for chunk in given.chunks} == {True, False}
    fresh = ChunkScheduler(config, SPACE, info, session.spec.seed)
    again = commands(replay(fresh, Recording(inputs[0].tick, inputs[0].measured, inputs)))
    assert again.tobytes() == np.stack(live).tobytes() and session.scheduler.stats.starved_ticks == 0
