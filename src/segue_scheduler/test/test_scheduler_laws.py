"""What the chunk scheduler promises, whatever the delays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.schedule import guidance_schedule
from segue_scheduler import continuation
from segue_scheduler.replay import commands, replay
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import Misbehaviour, ScriptedPolicy
from segue_scheduler.tick import Phase, TickOutput

ASYNCHRONOUS = ["naive_async", "temporal_ensemble", "linear_blend", "rtc", "legato"]
MOVING_ON = [name for name in continuation.available() if not continuation.create(name, {}).waits]
METHODS = ["synchronous", *ASYNCHRONOUS]
delay_lists = st.lists(st.integers(1, 80), min_size=1, max_size=12)
misbehaviours = st.dictionaries(st.integers(0, 8), st.sampled_from(Misbehaviour), max_size=4)


def cycled(delays: list[int]) -> Callable[[int], int]:
    """Delays by number of the request, over and over."""
    return lambda number: delays[number % len(delays)]


def seams(outputs: list[TickOutput]) -> list[TickOutput]:
    return [output for output in outputs if output.seam]


@pytest.mark.parametrize("method", METHODS)
def test_the_first_chunk_has_no_prefix_and_skips_nothing(method: str) -> None:
    policy = ScriptedPolicy(SPACE)
    outputs, _ = drive(scheduler(continuation=method), policy, SPACE, 40)
    assert not policy.requests[0].omega.any()
    assert [output.phase for output in outputs[:8]] == [Phase.WAITING] * 8
    assert not any(output.starved for output in outputs)
    for row, output in enumerate(outputs[8:30]):
        np.testing.assert_array_equal(output.action, policy.row(row))
    assert outputs[8].seam is not None
    assert outputs[8].seam.dropped_rows == 0


@pytest.mark.parametrize("method", METHODS)
def test_while_waiting_for_the_first_chunk_the_measured_pose_is_held(method: str) -> None:
    machine = scheduler(continuation=method)
    policy = ScriptedPolicy(SPACE, misbehaviour={0: Misbehaviour.SILENCE})
    outputs, _ = drive(machine, policy, SPACE, 100)
    assert {output.action.item() for output in outputs} == {0.0}
    assert machine.stats.waiting_ticks == 100
    assert machine.stats.starved_ticks == 0


def test_requests_are_a_stride_apart_and_claim_the_configured_lengths() -> None:
    policy = ScriptedPolicy(SPACE)
    drive(scheduler(), policy, SPACE, 200)
    assert [request.start_tick for request in policy.requests] == [0, 38, 68, 98, 128, 158, 188]
    for request in policy.requests[1:]:
        assert request.delay == 8
        assert request.sampling == "legato"
        np.testing.assert_array_equal(request.omega, guidance_schedule(60, 8, 22))


@given(delay_lists, st.sampled_from(ASYNCHRONOUS))
def test_a_reference_says_what_is_executed_until_the_answer_comes(delays: list[int], method: str) -> None:
    policy = ScriptedPolicy(SPACE, disagreement=3.0)
    machine = scheduler(continuation=method, delay_mode="adaptive", max_starved_s=300.0)
    outputs, _ = drive(machine, policy, SPACE, 400, cycled(delays))
    spliced = {output.seam.sequence: output.tick for output in outputs if output.seam}
    for request in policy.requests:
        end = spliced.get(request.sequence, request.start_tick)
        for tick in range(request.start_tick, min(end, request.start_tick + 60)):
            row = request.reference[tick - request.start_tick]
            np.testing.assert_array_equal(outputs[tick].action.astype(np.float32), row)


@given(delay_lists, st.sampled_from(ASYNCHRONOUS), st.sampled_from(["adaptive", "constructed"]))
def test_a_late_chunk_never_moves_the_arm_backwards(delays: list[int], method: str, mode: str) -> None:
    machine = scheduler(continuation=method, delay_mode=mode, max_starved_s=300.0)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 400, cycled(delays))
    assert (np.diff(commands(outputs)[:, 0]) >= 0).all()


@given(delay_lists, misbehaviours)
def test_rows_are_executed_at_their_own_ticks(delays: list[int], wrong: dict[int, Misbehaviour]) -> None:
    policy = ScriptedPolicy(SPACE, misbehaviour=wrong)
    machine = scheduler(delay_mode="adaptive", max_starved_s=300.0, max_bad_chunks=100, request_timeout_s=2)
    outputs, _ = drive(machine, policy, SPACE, 400, cycled(delays))
    asked = {output.request.sequence: output.tick for output in outputs if output.request}
    shift, moved_at = 0, -1
    for output in outputs:
        if output.seam:  # of a robot that has stood still since the question nothing has passed
            asked_at = asked[output.seam.sequence]
            shift = output.tick - asked_at if moved_at < asked_at else 0
        if output.phase is Phase.RUNNING:
            np.testing.assert_array_equal(output.action, policy.row(output.tick - shift))
            moved_at = output.tick


def _moving(horizon: int, delay: int) -> float:
    """The largest share of ticks in which a robot can move: rows per cycle of moving, and of standing for an answer."""
    if horizon <= delay:
        return horizon / (horizon + delay)  # one chunk, then the whole delay
    on = min((horizon - delay) / delay, 1.0)  # asked again at every seam
    both = (2 * horizon - delay) / (2 * horizon)  # one chunk, its successor in time, then the whole delay
    return max(on, both)


@pytest.mark.parametrize("method", MOVING_ON)
@pytest.mark.parametrize("horizon", [5, 8, 12, 15, 20, 40])
def test_chunks_shorter_than_the_horizon_keep_the_robot_moving_as_much_as_can_be(
    method: str, horizon: int
) -> None:
    machine, ticks = scheduler(continuation=method), 2000
    outputs, _ = drive(machine, ScriptedPolicy(SPACE, horizon), SPACE, ticks, lambda number: 8)
    assert outputs[-1].outcome is None
    moving = sum(output.phase is Phase.RUNNING for output in outputs) / ticks
    assert moving >= 0.98 * _moving(horizon, 8)
    assert machine.stats.late_chunks == 0


@given(delay_lists, misbehaviours)
def test_starvation_is_counted_exactly(delays: list[int], wrong: dict[int, Misbehaviour]) -> None:
    patient: dict[str, Any] = {"max_starved_s": 300.0, "max_bad_chunks": 100, "request_timeout_s": 2}
    machine = scheduler(shortest=0, delay_mode="adaptive", **patient)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE, misbehaviour=wrong), SPACE, 400, cycled(delays))
    first: int | None = None
    covered: set[int] = set()
    for output in seams(outputs):
        assert output.seam is not None
        first = output.tick if first is None else first
        rows_left = 60 - output.seam.dropped_rows
        covered = {tick for tick in covered if tick < output.tick} | set(
            range(output.tick, output.tick + rows_left)
        )
    starved = [tick for tick in range(400) if first is not None and tick >= first and tick not in covered]
    assert [output.tick for output in outputs if output.starved] == starved
    assert machine.stats.starved_ticks == len(starved)


@given(delay_lists, st.sampled_from(METHODS), misbehaviours)
def test_replaying_the_inputs_gives_byte_identical_commands(
    delays: list[int], method: str, wrong: dict[int, Misbehaviour]
) -> None:
    policy = ScriptedPolicy(SPACE, disagreement=0.37, misbehaviour=wrong)
    outputs, recording = drive(scheduler(continuation=method, seed=5), policy, SPACE, 200, cycled(delays))
    again = replay(scheduler(continuation=method, seed=5), recording)
    assert commands(again).tobytes() == commands(outputs).tobytes()
    assert [o.outcome for o in again] == [o.outcome for o in outputs]
    assert [o.request.omega.tobytes() for o in again if o.request] == [
        r.omega.tobytes() for r in policy.requests
    ]
    assert [o.request.seed for o in again if o.request] == [request.seed for request in policy.requests]


@given(st.integers(1, 8), st.sampled_from(METHODS))
def test_duplicates_change_nothing_and_are_counted(number: int, method: str) -> None:
    clean, noisy = scheduler(continuation=method), scheduler(continuation=method)
    twice = dict.fromkeys(range(number), Misbehaviour.TWICE)
    expected, _ = drive(clean, ScriptedPolicy(SPACE, disagreement=1.0), SPACE, 300)
    outputs, _ = drive(noisy, ScriptedPolicy(SPACE, disagreement=1.0, misbehaviour=twice), SPACE, 300)
    assert commands(outputs).tobytes() == commands(expected).tobytes()
    assert noisy.stats.dropped_chunks == min(number, noisy.stats.requests)


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_constructed_delay_is_kept_and_never_shortened(arrival: int, delay: int) -> None:
    machine = scheduler(delay=delay)
    outputs, _ = drive(machine, ScriptedPolicy(SPACE), SPACE, 200, lambda number: arrival)
    delays = {output.seam.delay for output in outputs if output.seam}
    assert delays == {max(arrival, delay)} == set(machine.stats.delays)
    assert all(o.seam.dropped_rows == o.seam.delay for o in seams(outputs)[1:] if o.seam)


@given(st.lists(st.integers(1, 25), min_size=4, max_size=20))
def test_an_adaptive_request_claims_the_largest_delay_in_the_window(delays: list[int]) -> None:
    policy = ScriptedPolicy(SPACE)
    machine = scheduler(delay_mode="adaptive", buffer=3, warmup=1)
    outputs, _ = drive(machine, policy, SPACE, 400, cycled(delays))
    measured: list[int] = []
    for output in outputs:
        measured += [output.seam.delay] if output.seam else []
        if output.request and output.request.sequence > 0:
            assert output.request.delay == max(measured[1:][-3:], default=8)


def test_a_slow_first_inference_is_not_in_the_delay_estimate_and_makes_no_jump() -> None:
    policy = ScriptedPolicy(SPACE)
    machine = scheduler(delay_mode="adaptive", warmup=1)
    outputs, _ = drive(machine, policy, SPACE, 300, lambda number: 100 if number == 0 else 5)
    assert [request.delay for request in policy.requests] == [8, 8, 5, 5, 5, 5, 5]
    assert outputs[100].action.item() == policy.row(0).item()
    assert machine.stats.starved_ticks == 0


@given(delay_lists, misbehaviours, st.sampled_from(METHODS))
def test_only_one_request_is_outstanding(
    delays: list[int], wrong: dict[int, Misbehaviour], method: str
) -> None:
    policy = ScriptedPolicy(SPACE, misbehaviour=wrong)
    outputs, recording = drive(scheduler(continuation=method), policy, SPACE, 400, cycled(delays))
    outstanding: int | None = None
    for inputs, output in zip(recording.inputs, outputs, strict=True):
        answered = any(chunk.sequence == outstanding for chunk in inputs.chunks) or bool(inputs.failures)
        outstanding = None if answered else outstanding
        if output.request:
            unanswered_for_10_s = (
                outstanding is not None and output.tick - policy_tick(policy, outstanding) >= 300
            )
            assert outstanding is None or unanswered_for_10_s
            outstanding = output.request.sequence


def policy_tick(policy: ScriptedPolicy, sequence: int) -> int:
    return next(request.start_tick for request in policy.requests if request.sequence == sequence)


def test_synchronous_stands_still_to_think_and_then_executes_a_stride_from_row_zero() -> None:
    policy = ScriptedPolicy(SPACE, disagreement=1.0)
    machine = scheduler(continuation="synchronous")
    outputs, _ = drive(machine, policy, SPACE, 8 + 30 + 8 + 30)
    first, thinking, second = outputs[8:38], outputs[38:46], outputs[46:]
    assert [o.action.item() for o in first] == [policy.row(tick).item() for tick in range(30)]
    assert {o.action.item() for o in thinking} == {policy.row(29).item()}
    assert {o.phase for o in thinking} == {Phase.HOLDING}
    assert not any(o.starved for o in outputs)
    np.testing.assert_allclose(
        [o.action.item() for o in second], [policy.row(t, 1).item() for t in range(38, 68)]
    )
    assert machine.stats.thinking_ticks == 8
    assert machine.stats.starved_ticks == 0


def test_naive_async_takes_over_row_d_of_the_new_chunk() -> None:
    policy = ScriptedPolicy(SPACE, disagreement=1.0)
    outputs, _ = drive(scheduler(continuation="naive_async"), policy, SPACE, 60)
    assert outputs[45].action.item() == policy.row(37, 0).item()  # first chunk, dated 8 ticks later
    assert outputs[46].action.item() == np.float32(policy.row(46, 1).item())
    assert not any(request.omega.any() for request in policy.requests)


def test_a_seam_reports_overlap_jump_and_rows_really_dropped() -> None:
    policy = ScriptedPolicy(SPACE, disagreement=1.0)
    outputs, _ = drive(scheduler(continuation="naive_async"), policy, SPACE, 200)
    first, _, third = (output.seam for output in seams(outputs)[:3])
    assert first is not None
    assert first.overlap_rmse is None
    assert third is not None
    assert (third.delay, third.claimed_delay, third.dropped_rows, third.tick) == (8, 8, 8, 76)
    assert third.overlap_rmse == pytest.approx(1.0, abs=1e-5)
    assert third.jump == pytest.approx(1.0, abs=1e-5)


@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_seeds_depend_on_the_run_and_the_number_of_the_request(one: int, other: int) -> None:
    first, second = ScriptedPolicy(SPACE), ScriptedPolicy(SPACE)
    drive(scheduler(seed=one), first, SPACE, 100)
    drive(scheduler(seed=other, continuation="naive_async"), second, SPACE, 100)
    seeds, others = ([request.seed for request in policy.requests] for policy in (first, second))
    assert len(set(seeds)) == len(seeds)
    assert (seeds == others) == (one == other)


def test_the_age_of_a_command_is_that_of_its_observation() -> None:
    outputs, _ = drive(scheduler(), ScriptedPolicy(SPACE), SPACE, 80)
    assert [output.age for output in outputs[:8]] == [None] * 8
    assert outputs[8].age == 8
    assert outputs[45].age == 45
    assert outputs[46].age == 8


def test_what_a_caller_does_to_a_command_stays_with_the_caller() -> None:
    machine, policy = scheduler(), ScriptedPolicy(SPACE)
    outputs, recording = drive(machine, policy, SPACE, 60)
    vandal = scheduler()
    vandal.start(0, recording.measured)
    for inputs, output in zip(recording.inputs, outputs, strict=True):
        result = vandal.step(inputs)
        np.testing.assert_array_equal(result.action, output.action)
        result.action[:] = 1e9


def test_before_a_start_the_scheduler_is_idle_and_commands_the_measured_pose() -> None:
    _, recording = drive(scheduler(), ScriptedPolicy(SPACE), SPACE, 1)
    output = scheduler().step(recording.inputs[0])
    assert output.phase is Phase.IDLE
    assert output.request is None
    assert output.action.tolist() == [0.0]


def test_skipped_ticks_count_as_passed() -> None:
    machine, policy = scheduler(), ScriptedPolicy(SPACE)
    outputs, recording = drive(machine, policy, SPACE, 200)
    gappy = scheduler()
    gappy.start(0, recording.measured)
    kept = [
        inputs
        for inputs in recording.inputs
        if inputs.chunks or inputs.tick in (0, 8, 38) or inputs.tick > 48
    ]
    results = {inputs.tick: gappy.step(inputs) for inputs in kept}
    assert results[199].action.tobytes() == outputs[199].action.tobytes()
