"""What the chunk scheduler does when the policy, the robot or the caller misbehaves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.chunk import ActionChunk
from segue_core.errors import ErrorCode, SchedulerError
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.faults import give_up
from segue_scheduler.ledger import RequestLedger
from segue_scheduler.replay import commands
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import Misbehaviour, ScriptedPolicy
from segue_scheduler.tick import Phase, TickInput, TickOutput

UNUSABLE = [
    (Misbehaviour.NOT_FINITE, "CHUNK_NOT_FINITE"),
    (Misbehaviour.WRONG_HORIZON, "CHUNK_WRONG_SHAPE"),
    (Misbehaviour.WRONG_WIDTH, "CHUNK_WRONG_SHAPE"),
    (Misbehaviour.EMPTY, "CHUNK_WRONG_SHAPE"),
    (Misbehaviour.WRONG_START, "CHUNK_WRONG_START"),
]


@pytest.mark.parametrize(("how", "code"), UNUSABLE)
def test_an_unusable_chunk_is_refused_whole_and_the_one_before_continues(
    how: Misbehaviour, code: str
) -> None:
    machine, policy = scheduler(shortest=0), ScriptedPolicy(SPACE, misbehaviour={1: how})
    outputs, _ = drive(machine, policy, SPACE, 60)
    assert machine.stats.refused_chunks == 1
    assert machine.stats.starved_ticks == 0
    assert any(code in note for output in outputs for note in output.notes)
    assert [o.action.item() for o in outputs[8:50]] == [policy.row(tick).item() for tick in range(42)]
    assert [request.start_tick for request in policy.requests] == [0, 38, 42]


@pytest.mark.parametrize(("how", "code"), UNUSABLE)
def test_three_unusable_chunks_in_a_row_are_a_fault(how: Misbehaviour, code: str) -> None:
    policy = ScriptedPolicy(SPACE, misbehaviour={1: how, 2: how, 3: how})
    outputs, _ = drive(scheduler(shortest=0), policy, SPACE, 60)
    outcome = outputs[-1].outcome
    assert outcome is not None
    assert not outcome.success
    assert outcome.rule == "fault"
    assert outcome.code is ErrorCode.SCHEDULER_BAD_CHUNKS
    assert code in outcome.reason


def test_two_unusable_chunks_and_a_good_one_are_no_fault() -> None:
    bad = Misbehaviour.NOT_FINITE
    policy = ScriptedPolicy(SPACE, misbehaviour={1: bad, 2: bad, 4: bad, 5: bad})
    machine = scheduler()
    outputs, _ = drive(machine, policy, SPACE, 150)
    assert outputs[-1].outcome is None
    assert machine.stats.refused_chunks == 4


def test_a_shorter_chunk_is_welcome_from_a_policy_of_variable_length() -> None:
    machine = scheduler()
    drive(machine, ScriptedPolicy(SPACE, misbehaviour={1: Misbehaviour.WRONG_HORIZON}), SPACE, 60)
    assert machine.stats.refused_chunks == 0
    assert machine.stats.chunks == 2


def test_a_chunk_shorter_than_the_policy_s_shortest_is_refused() -> None:
    machine = scheduler(shortest=8)
    drive(machine, ScriptedPolicy(SPACE, horizon=8), SPACE, 20)
    assert machine.stats.refused_chunks == 0 and machine.stats.chunks > 0
    machine = scheduler(shortest=9)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE, horizon=8), SPACE, 20)
    assert machine.stats.chunks == 0
    assert any("expected (9 to 60, 1)" in note for output in outputs for note in output.notes)


def test_a_failed_request_is_asked_again_and_counted() -> None:
    machine = scheduler(retry_s=0.1)
    policy = ScriptedPolicy(SPACE, misbehaviour={1: Misbehaviour.FAILURE})
    outputs, _ = drive(machine, policy, SPACE, 60)
    assert [request.start_tick for request in policy.requests] == [0, 38, 42]
    assert machine.stats.failed_requests == 1
    assert outputs[-1].outcome is None
    assert outputs[39].notes == ("request failed: scripted failure",)


def test_failures_with_answers_between_them_do_not_add_up_to_a_fault() -> None:
    machine = scheduler(max_failed_requests=2)
    policy = ScriptedPolicy(SPACE, misbehaviour=dict.fromkeys((1, 3, 5), Misbehaviour.FAILURE))
    outputs, _ = drive(machine, policy, SPACE, 200)
    assert machine.stats.failed_requests == 3
    assert outputs[-1].outcome is None


def test_a_policy_that_only_fails_is_given_up() -> None:
    policy = ScriptedPolicy(SPACE, misbehaviour=dict.fromkeys(range(50), Misbehaviour.FAILURE))
    outputs, _ = drive(scheduler(max_failed_requests=4), policy, SPACE, 100)
    outcome = outputs[-1].outcome
    assert outcome is not None
    assert outcome.code is ErrorCode.SCHEDULER_REQUESTS_FAILED
    assert "4 failed requests in a row: request failed: scripted failure" in outcome.reason
    assert len(policy.requests) == 4


def test_an_unanswered_request_times_out_and_its_late_answer_is_dropped() -> None:
    machine = scheduler(request_timeout_s=1.0, delay_mode="adaptive")
    policy = ScriptedPolicy(SPACE)
    outputs, _ = drive(machine, policy, SPACE, 100, lambda number: 50 if number == 0 else 5)
    assert [request.start_tick for request in policy.requests][:2] == [0, 33]
    assert machine.stats.timeouts == 1
    assert machine.stats.dropped_chunks == 1
    assert outputs[38].action.item() == policy.row(33).item()


def test_starving_for_too_long_is_a_fault_and_the_last_action_is_held() -> None:
    machine = scheduler(max_starved_s=20 / 30)
    policy = ScriptedPolicy(SPACE, misbehaviour={1: Misbehaviour.SILENCE})
    outputs, _ = drive(machine, policy, SPACE, 200)
    starved = [output for output in outputs if output.starved]
    assert len(starved) == 20 == machine.stats.starved_ticks == machine.stats.longest_starvation
    assert {output.action.item() for output in outputs[68:]} == {policy.row(59).item()}
    outcome = outputs[-1].outcome
    assert outcome is not None
    assert outcome.code is ErrorCode.SCHEDULER_STARVED


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 50.0])
def test_starving_is_borne_for_the_same_time_and_a_request_repeated_as_soon_at_any_rate(
    rate_hz: float,
) -> None:
    """Both were ticks: an arm with 10 of them in a second stood for three seconds before anybody said so."""
    ledger = RequestLedger(SchedulerConfig(), rate_hz, 0)
    ledger.fail(100)
    again = next(tick for tick in range(100, 200) if ledger.may_ask(tick))
    assert (again - 100) / rate_hz == pytest.approx(0.1)
    assert give_up(SchedulerConfig(), rate_hz, ledger, round(rate_hz) - 1, []) is None
    given_up = give_up(SchedulerConfig(), rate_hz, ledger, round(rate_hz), [])
    assert given_up is not None and given_up.code is ErrorCode.SCHEDULER_STARVED


def _executed(hangs: int, **config: float) -> tuple[list[TickOutput], int]:
    """A run whose second answer comes `hangs` ticks after its request, and its aged ticks."""
    machine = scheduler(**config)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 90, delays=lambda n: hangs if n == 1 else 8)
    return outputs, machine.stats.aged_ticks


def test_actions_of_an_old_observation_are_held_and_counted_while_a_policy_hangs() -> None:
    """Fault 2: with rows left in its chunk, a policy that hung for 1.6 s once went on driving."""
    outputs, aged = _executed(hangs=45, max_action_age_s=0.0)
    held = [output.tick for output in outputs if output.starved]
    assert held == list(range(8 + 30 + 8 + 15 + 1, 38 + 45)), "from the bound to the answer"
    assert aged == 68 - held[0]
    assert any("more than 53 ticks old" in note for output in outputs for note in output.notes)
    assert outputs[-1].phase is Phase.RUNNING, "and the late answer goes on from its own ticks"


def test_the_age_of_an_executed_action_can_be_bounded_by_hand() -> None:
    outputs, aged = _executed(hangs=20, max_action_age_s=1.5)
    assert [output.tick for output in outputs if output.starved] == list(range(8 + 45 + 1, 38 + 20))
    assert aged == 4


def test_a_policy_that_is_always_slow_is_not_held_back() -> None:
    machine = scheduler(delay_mode="adaptive", when_infeasible="shorten", max_action_age_s=0.0)
    drive(machine, ScriptedPolicy(SPACE), SPACE, 300, delays=lambda _: 25)
    assert machine.stats.aged_ticks == 0


def test_starvations_that_end_in_time_do_not_add_up_to_a_fault() -> None:
    machine = scheduler(delay_mode="adaptive", max_starved_s=25 / 30)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 400, lambda number: 40)
    assert machine.stats.longest_starvation == 20
    assert machine.stats.starved_ticks > 100
    assert outputs[-1].outcome is None


def test_inference_slower_than_the_horizon_holds_between_chunks_and_then_faults() -> None:
    machine = scheduler(delay_mode="adaptive", max_starved_s=40 / 30)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 400, lambda number: 70)
    assert (np.diff(commands(outputs)[:, 0]) >= 0).all()
    outcome = outputs[-1].outcome
    assert outcome is not None
    assert outcome.code is ErrorCode.SCHEDULER_STARVED


def test_a_chunk_wholly_in_the_past_is_dropped_and_asked_again_at_once() -> None:
    machine = scheduler(delay_mode="adaptive", max_starved_s=100 / 30)
    policy = ScriptedPolicy(SPACE)
    drive(machine, policy, SPACE, 150, lambda number: 65 if number == 1 else 5)
    assert machine.stats.late_chunks == 1
    assert [request.start_tick for request in policy.requests][1:3] == [35, 100]


def test_answers_of_another_source_are_not_executed() -> None:
    machine = scheduler(request_timeout_s=1.0)
    policy = ScriptedPolicy(SPACE, misbehaviour={1: Misbehaviour.FOREIGN})
    drive(machine, policy, SPACE, 60)
    assert machine.stats.dropped_chunks == 1
    assert machine.stats.chunks == 1


def test_a_flood_of_chunks_is_bounded_and_counted() -> None:
    machine, policy = scheduler(), ScriptedPolicy(SPACE)
    machine.start(0, np.zeros(1))
    request = machine.step(TickInput(0, np.zeros(1))).request
    assert request is not None
    (chunk,), _ = policy.answer(request)
    flood = tuple(replace(chunk, sequence=number % 7) for number in range(1000))
    machine.step(TickInput(1, np.zeros(1), flood))
    assert machine.stats.dropped_chunks == 999


def test_an_answer_from_before_a_restart_is_never_executed() -> None:
    machine, policy = scheduler(delay=1), ScriptedPolicy(SPACE)
    machine.start(0, np.zeros(1))
    old = machine.step(TickInput(0, np.zeros(1))).request
    machine.start(0, np.ones(1))
    machine.step(TickInput(0, np.ones(1)))
    assert old is not None
    output = machine.step(TickInput(1, np.ones(1), policy.answer(old)[0]))
    assert output.phase is Phase.WAITING
    assert output.action.item() == 1.0
    assert machine.stats.dropped_chunks == 1


@pytest.mark.parametrize("pose", [[np.nan], [0.0, 0.0], [np.inf]])
def test_a_pose_that_is_not_one_cannot_start_a_run(pose: list[float]) -> None:
    with pytest.raises(SchedulerError) as caught:
        scheduler().start(0, pose)
    assert caught.value.code is ErrorCode.SCHEDULER_BAD_INPUT


def test_a_bad_measurement_ends_the_run_and_keeps_the_last_command() -> None:
    machine = scheduler()
    machine.start(0, np.array([0.25]))
    output = machine.step(TickInput(0, np.array([np.nan])))
    assert output.outcome is not None
    assert output.outcome.code is ErrorCode.SCHEDULER_BAD_INPUT
    assert output.action.tolist() == [0.25]
    assert output.request is None


@pytest.mark.parametrize("tick", [5, 4, -1])
def test_a_tick_that_is_not_later_is_refused(tick: int) -> None:
    machine = scheduler()
    machine.start(5, np.zeros(1))
    machine.step(TickInput(5, np.zeros(1)))
    with pytest.raises(SchedulerError, match="more than 5") as caught:
        machine.step(TickInput(tick, np.zeros(1)))
    assert caught.value.code is ErrorCode.SCHEDULER_TICK_ORDER


@given(st.integers(0, 120), st.sampled_from(["synchronous", "naive_async", "legato"]), st.integers(1, 40))
def test_a_stop_at_any_moment_gives_exactly_one_terminal_state(at: int, method: str, delay: int) -> None:
    machine = scheduler(continuation=method, delay_mode="adaptive")
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 140, lambda number: delay, stop_at=at)
    assert all(output.outcome is None for output in outputs[:at])
    after = outputs[at:]
    assert {output.outcome for output in after} == {after[0].outcome}
    assert after[0].outcome is not None
    assert after[0].outcome.rule == "operator"
    assert {output.phase for output in after} == {Phase.FINISHED}
    assert not any(output.request or output.remaining for output in after)
    assert len({output.action.item() for output in after}) == 1


def test_bad_progress_is_not_progress() -> None:
    progress = {0: float("nan"), 1: 7.0}
    outputs, _ = drive(scheduler(), ScriptedPolicy(SPACE, progress=progress), SPACE, 60)
    assert outputs[20].progress is None
    assert outputs[50].progress == 1.0


def test_a_chunk_that_was_never_asked_for_is_not_executed() -> None:
    machine = scheduler()
    machine.start(0, np.zeros(1))
    stray = ActionChunk(np.ones((60, 1), dtype=np.float32), 0, "scripted", 99)
    for tick in range(20):
        output = machine.step(TickInput(tick, np.zeros(1), (stray,)))
        assert output.action.tolist() == [0.0]
    assert machine.stats.dropped_chunks == 20
