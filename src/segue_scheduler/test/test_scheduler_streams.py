"""What the chunk scheduler promises of answers that come in parts."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from segue_core.chunk import ActionChunk
from segue_core.policy import CAPABILITIES, ChunkRequest
from segue_scheduler import continuation
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy
from segue_scheduler.tick import Phase, TickInput, TickOutput

H = 60
STREAMING = [name for name in continuation.available() if continuation.create(name, {}).streams]
MIXING = [name for name in continuation.available() if not continuation.create(name, {}).streams]


def part(policy: ScriptedPolicy, request: ChunkRequest, rows: int) -> ActionChunk:
    """The first rows of the answer; all of them make it complete."""
    (whole,), _ = policy.answer(request)
    return replace(whole, actions=whole.actions[:rows], complete=rows == H)


def run(machine: ChunkScheduler, schedule: dict[int, int], ticks: int) -> list[TickOutput]:
    """Steps; of every answer `schedule[t]` rows are there t ticks after the question."""
    policy, asked, outputs = ScriptedPolicy(SPACE, H), {}, []
    machine.start(0, np.zeros(SPACE.dim))
    for tick in range(ticks):
        chunks = tuple(
            part(policy, request, schedule[tick - at])
            for at, request in asked.items()
            if tick - at in schedule
        )
        output = machine.step(TickInput(tick, np.zeros(SPACE.dim), chunks))
        outputs.append(output)
        if output.request:
            asked[tick] = output.request
    return outputs


def row_of(output: TickOutput) -> float:
    return float(output.action[0] / ScriptedPolicy.slope)


@pytest.mark.parametrize("method", STREAMING)
def test_the_first_rows_move_the_robot_while_the_policy_decodes_on(method: str) -> None:
    outputs = run(scheduler(continuation=method, delay_mode="adaptive"), {2: 10, 8: 40, 14: H}, 30)
    assert [output.phase for output in outputs[:2]] == [Phase.WAITING] * 2
    assert [row_of(output) for output in outputs[2:30]] == list(range(28))
    assert sum(output.seam is not None for output in outputs[:30]) == 1


@pytest.mark.parametrize("method", STREAMING)
def test_a_stream_that_keeps_ahead_commands_what_the_whole_chunk_would(method: str) -> None:
    whole = run(scheduler(continuation=method, delay_mode="adaptive"), {3: H}, 200)
    parts = run(scheduler(continuation=method, delay_mode="adaptive"), {3: 8, 5: 20, 9: H}, 200)
    assert [row_of(o) for o in parts] == [row_of(o) for o in whole]
    assert [o.tick for o in parts if o.seam] == [o.tick for o in whole if o.seam]


def test_where_the_robot_waits_for_rows_it_goes_on_with_the_next_one_when_it_comes() -> None:
    """Skipping to the row of the present tick would be a jump: the robot stood still meanwhile."""
    machine = scheduler(continuation="naive_async", delay_mode="adaptive")
    outputs = run(machine, {1: 5, 12: H}, 20)
    assert [row_of(output) for output in outputs[1:20]] == [*range(5), *[4] * 6, *range(5, 13)]
    assert machine.stats.starved_ticks == 6


def test_no_other_request_is_made_before_the_stream_is_complete() -> None:
    outputs = run(scheduler(continuation="naive_async", delay_mode="adaptive"), {2: 30, 45: H}, 60)
    assert [output.tick for output in outputs if output.request] == [0, 45]


def test_a_stream_that_says_nothing_more_ends_like_an_unanswered_request() -> None:
    machine = scheduler(continuation="naive_async", delay_mode="adaptive", request_timeout_s=0.5)
    outputs = run(machine, {2: 30}, 40)
    assert machine.stats.timeouts == 1
    assert [output.tick for output in outputs if output.request][1] > 2 + 15


@pytest.mark.parametrize("method", MIXING)
def test_methods_that_mix_wait_for_the_whole_chunk(method: str) -> None:
    whole = run(scheduler(continuation=method, delay_mode="adaptive"), {9: H}, 120)
    parts = run(scheduler(continuation=method, delay_mode="adaptive"), {3: 8, 5: 20, 9: H}, 120)
    assert [row_of(o) for o in parts] == [row_of(o) for o in whole]


def begun(*chunks: int) -> tuple[ChunkScheduler, ScriptedPolicy, ChunkRequest]:
    """A run that was given the first rows of its first answer, so many at each tick."""
    machine, policy = scheduler(continuation="naive_async", delay_mode="adaptive"), ScriptedPolicy(SPACE, H)
    machine.start(0, np.zeros(SPACE.dim))
    request = machine.step(TickInput(0, np.zeros(SPACE.dim))).request
    assert request is not None
    for tick, rows in enumerate(chunks, 1):
        machine.step(TickInput(tick, np.zeros(SPACE.dim), (part(policy, request, rows),)))
    return machine, policy, request


def give(machine: ChunkScheduler, tick: int, *chunks: ActionChunk, failure: str = "") -> TickOutput:
    return machine.step(TickInput(tick, np.zeros(SPACE.dim), chunks, (failure,) if failure else ()))


def _changed(more: ActionChunk) -> ActionChunk:
    return replace(more, actions=more.actions + 1.0)


def _not_finite(more: ActionChunk) -> ActionChunk:
    return replace(more, actions=np.where(np.arange(more.horizon)[:, None] == 30, np.nan, more.actions))


def _fewer_and_whole(more: ActionChunk) -> ActionChunk:
    return replace(more, actions=more.actions[:10], complete=True)


def _of_another_tick(more: ActionChunk) -> ActionChunk:
    return replace(more, start_tick=more.start_tick + 1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_changed, "rows that were given as final; got others, or fewer; expected the same and more"),
        (_fewer_and_whole, "rows that were given as final; got others, or fewer"),
        (_not_finite, "CHUNK_NOT_FINITE"),
        (_of_another_tick, "CHUNK_WRONG_START"),
    ],
)
def test_a_wrong_part_is_refused_by_name_and_what_came_before_is_still_executed(
    spoil: Callable[[ActionChunk], ActionChunk], says: str
) -> None:
    machine, policy, request = begun(20)
    output = give(machine, 2, spoil(part(policy, request, 40)))
    assert machine.stats.refused_chunks == 1
    assert any(says in note for note in output.notes), output.notes
    assert row_of(output) == 1.0


@pytest.mark.parametrize("sequence", [1, 7])
def test_a_part_of_another_answer_is_dropped_and_the_stream_goes_on(sequence: int) -> None:
    machine, policy, request = begun(20)
    foreign = replace(part(policy, request, 40), sequence=sequence)
    output = give(machine, 2, foreign, part(policy, request, 30))
    assert (machine.stats.dropped_chunks, machine.stats.refused_chunks) == (1, 0)
    assert output.remaining == 28


def test_parts_that_come_twice_late_or_after_the_whole_do_no_harm() -> None:
    """The result has every row: parts travel by another topic, and may be lost, repeated or overtaken."""
    machine, policy, request = begun(20)
    twice = give(machine, 2, part(policy, request, 20), part(policy, request, 8))
    assert row_of(twice) == 1.0 and twice.remaining == 18
    whole = give(machine, 3, part(policy, request, H), part(policy, request, 40))
    assert row_of(whole) == 2.0 and whole.remaining == H - 3
    assert (machine.stats.dropped_chunks, machine.stats.refused_chunks) == (3, 0)


def test_a_policy_that_dies_in_mid_stream_leaves_the_rows_that_it_gave_and_is_asked_again() -> None:
    machine, _, _ = begun(20)
    outputs = [give(machine, 2, failure="the policy died")]
    outputs += [give(machine, tick) for tick in range(3, 19)]
    assert [row_of(output) for output in outputs] == list(range(1, 18))
    assert machine.stats.failed_requests == 1
    assert [output.request.sequence for output in outputs if output.request] == [1]


def test_the_time_to_the_first_action_is_that_of_the_first_part() -> None:
    machine = scheduler(continuation="naive_async", delay_mode="adaptive")
    run(machine, {3: 10, 20: H}, 30)
    assert machine.stats.first_action_ticks == 3


def test_parts_of_a_policy_that_does_not_stream_are_refused() -> None:
    machine = scheduler(CAPABILITIES - {"streaming"}, continuation="naive_async", delay_mode="adaptive")
    run(machine, {2: 10}, 5)
    assert machine.stats.refused_chunks == 1


def test_a_part_that_is_wholly_past_is_no_late_chunk() -> None:
    machine = scheduler(continuation="naive_async", delay_mode="adaptive")
    policy = ScriptedPolicy(SPACE, H)
    machine.start(0, np.zeros(SPACE.dim))
    asked: dict[int, ChunkRequest] = {}
    for tick in range(60):
        second = [at for at in asked if at > 0]
        chunks = ()
        if tick == 1:
            chunks = (part(policy, asked[0], H),)
        elif second and tick in (second[0] + 8, second[0] + 10):
            chunks = (part(policy, asked[second[0]], 6 if tick == second[0] + 8 else H),)
        output = machine.step(TickInput(tick, np.zeros(SPACE.dim), chunks))
        if output.request:
            asked[tick] = output.request
    assert machine.stats.late_chunks == 0
    assert machine.stats.delays == {1: 1, 10: 1}
