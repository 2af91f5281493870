"""What every method promises channel by channel, the mixing ones above all: a mean of chunks is still an action."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue_core import rotation_xyzw
from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM, ActionSpace, Channel, ChannelKind
from segue_core.blending import difference
from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError
from segue_scheduler import continuation
from segue_scheduler.splice import Timeline
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy

MIXING = ["temporal_ensemble", "linear_blend"]
EVERY = continuation.available()
SPACES = [DUAL_ARM_EE, UNIVERSAL_DUAL_ARM]
YAW = ActionSpace(
    "yaw", 30.0, (Channel("r", ChannelKind.ROTATION_VECTOR, 3, "rad", (-7.0,) * 3, (7.0,) * 3),)
)
seeds = st.integers(0, 2**32 - 1)
decays = st.floats(-0.5, 0.5)
Step = tuple[NDArray[np.float64], list[NDArray[np.float64]]]


def chunk(rows: NDArray[np.float64], start: int, sequence: int) -> ActionChunk:
    return ActionChunk(rows.astype(np.float32), start, "test", sequence)


def execute(
    method: continuation.Continuation, space: ActionSpace, chunks: list[ActionChunk], delay: int
) -> Iterator[Step]:
    """Command of each tick, with what every chunk that covers the tick says, oldest first."""
    timeline, used = Timeline(space.dim), []
    waiting = list(chunks)
    for tick in range(delay, chunks[-1].end_tick):
        if waiting and tick >= waiting[0].start_tick + delay:
            used.append(waiting.pop(0))
            assert method.merge(timeline, used[-1], tick, space) == tick - used[-1].start_tick
        command = timeline.action_at(tick)
        covering = [c.actions[tick - c.start_tick].astype(float) for c in used if tick < c.end_tick]
        assert (command is None) == (not covering)
        if command is not None:
            yield command, covering


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """(horizon, stride, delay, number of chunks), without starvation."""
    horizon = draw(st.integers(2, 16))
    stride = draw(st.integers(1, horizon))
    return (
        horizon,
        stride,
        draw(st.integers(0, min(stride, horizon - stride, horizon - 1))),
        draw(st.integers(1, 6)),
    )


def wild(
    space: ActionSpace, plan: tuple[int, int, int, int], seed: int, spread: float = 0.6
) -> list[ActionChunk]:
    """Chunks of random actions: rotations within `spread` of a half turn, grippers open or closed."""
    horizon, stride, _, count = plan
    rng = np.random.default_rng(seed)
    chunks = []
    for number in range(count):
        rows = rng.uniform(space.low, space.high, (horizon, space.dim))
        for channel in space.channels:
            part = space.slice(channel.name)
            near = rotation_xyzw.multiply(
                rotation_xyzw.xyzw_from_rotvec(rng.uniform(-spread, spread, (horizon, 3)) / np.sqrt(3)),
                half_turn(),
            )
            if channel.kind is ChannelKind.QUATERNION:
                rows[:, part] = near * rng.choice([-1.0, 1.0], (horizon, 1))
            if channel.kind is ChannelKind.ROTATION_VECTOR:
                rows[:, part] = rotation_xyzw.rotvec_from_xyzw(near)
            if channel.kind is ChannelKind.GRIPPER:
                rows[:, part] = np.round(rows[:, part])
        chunks.append(chunk(rows, number * stride, number))
    return chunks


def half_turn() -> NDArray[np.float64]:
    return rotation_xyzw.xyzw_from_rotvec([0.0, np.pi, 0.0])


def kinds(space: ActionSpace, *wanted: ChannelKind) -> list[slice]:
    return [space.slice(channel.name) for channel in space.channels if channel.kind in wanted]


@given(plans(), seeds, decays)
def test_an_ensemble_is_the_weighted_mean_of_all_chunks_that_predict_the_tick(
    plan: tuple[int, int, int, int], seed: int, m: float
) -> None:
    space = ActionSpace("p", 30.0, (Channel("p", ChannelKind.POSITION, 3, "m", (-1.0,) * 3, (1.0,) * 3),))
    method = continuation.create("temporal_ensemble", {"m": m})
    for command, covering in execute(method, space, wild(space, plan, seed), plan[2]):
        weights = np.exp(-m * np.arange(len(covering)))  # i = 0 the oldest
        np.testing.assert_allclose(command, np.average(covering, axis=0, weights=weights), atol=1e-12)


@given(plans(), seeds, decays)
def test_grippers_are_the_newest_chunks_or_as_the_authors_have_it_the_mean_of_all(
    plan: tuple[int, int, int, int], seed: int, m: float
) -> None:
    space = ActionSpace("g", 30.0, (Channel("g", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),))
    chunks = wild(space, plan, seed)
    for grippers in ("latest", "average"):
        method = continuation.create("temporal_ensemble", {"m": m, "grippers": grippers})
        for command, covering in execute(method, space, chunks, plan[2]):
            mean = np.average(covering, axis=0, weights=np.exp(-m * np.arange(len(covering))))
            np.testing.assert_allclose(command, covering[-1] if grippers == "latest" else mean, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
@given(plan=plans(), seed=seeds)
def test_positions_and_rotations_stay_in_the_hull_of_the_chunks(
    name: str, plan: tuple[int, int, int, int], seed: int
) -> None:
    for space in SPACES:
        for command, covering in execute(
            continuation.create(name, {}), space, wild(space, plan, seed), plan[2]
        ):
            rows = np.array(covering)
            for part in kinds(space, ChannelKind.POSITION):
                assert (command[part] >= rows[:, part].min(axis=0) - 1e-9).all()
                assert (command[part] <= rows[:, part].max(axis=0) + 1e-9).all()
            for part in kinds(space, ChannelKind.QUATERNION):  # a ball of less than pi/2 is convex on SO(3)
                assert abs(np.linalg.norm(command[part]) - 1) < 1e-6
                assert np.linalg.norm(rotation_xyzw.relative_rotvec(half_turn(), command[part])) < 0.6 + 1e-6
            for part in kinds(space, ChannelKind.ROTATION_VECTOR):
                turned = rotation_xyzw.xyzw_from_rotvec(command[part])
                assert np.linalg.norm(rotation_xyzw.relative_rotvec(half_turn(), turned)) < 0.6 + 1e-6


@pytest.mark.parametrize("name", EVERY)
@given(plan=plans(), seed=seeds)
def test_a_gripper_is_the_newest_chunk_s_and_never_in_between(
    name: str, plan: tuple[int, int, int, int], seed: int
) -> None:
    for space in SPACES:
        for command, covering in execute(
            continuation.create(name, {}), space, wild(space, plan, seed), plan[2]
        ):
            for part in kinds(space, ChannelKind.GRIPPER):
                assert command[part].item() == covering[-1][part].item()
                assert command[part].item() in (0.0, 1.0)


@pytest.mark.parametrize("name", EVERY)
@given(plan=plans(), seed=seeds)
def test_chunks_that_agree_stay_as_they_are(name: str, plan: tuple[int, int, int, int], seed: int) -> None:
    for space in SPACES:
        row = wild(space, (2, 1, 0, 1), seed)[0].actions[:1].astype(float)
        rows = np.repeat(row, plan[0], axis=0)
        same = [chunk(rows, number * plan[1], number) for number in range(plan[3])]
        for command, _ in execute(continuation.create(name, {}), space, same, plan[2]):
            np.testing.assert_allclose(difference(space, row[0], command), 0, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
@given(plan=plans(), seed=seeds)
def test_a_single_chunk_is_passed_through_unchanged(
    name: str, plan: tuple[int, int, int, int], seed: int
) -> None:
    for space in SPACES:
        only = wild(space, plan, seed)[:1]
        for command, covering in execute(continuation.create(name, {}), space, only, plan[2]):
            assert command.tobytes() == covering[0].tobytes()


@pytest.mark.parametrize("name", EVERY)
@given(plan=plans(), seed=seeds)
def test_turning_through_pi_makes_no_jump_however_the_chunks_write_it(
    name: str, plan: tuple[int, int, int, int], seed: int
) -> None:
    """A component-wise mean of +3.1 and -3.1 rad points the arm backwards."""
    horizon, stride, delay, count = plan
    rng = np.random.default_rng(seed)
    turning, apart, chunks = 0.05, 0.1, []
    for number in range(count):
        ticks = number * stride + np.arange(horizon)
        angle = np.pi - 0.4 + turning * ticks + rng.uniform(-apart, apart)
        wrapped = angle if rng.random() < 0.5 else np.mod(angle + np.pi, 2 * np.pi) - np.pi
        chunks.append(chunk(np.outer(wrapped, [0.0, 0.0, 1.0]), number * stride, number))
    commands = np.array(
        [command for command, _ in execute(continuation.create(name, {}), YAW, chunks, delay)]
    )
    steps = difference(YAW, commands[:-1], commands[1:])
    assert (np.linalg.norm(steps, axis=-1) <= turning + 2 * apart + 1e-6).all()


@pytest.mark.parametrize("name", EVERY)
def test_wrapping_joints_that_differ_by_whole_turns_agree(name: str) -> None:
    space = ActionSpace("j", 30.0, (Channel("j", ChannelKind.JOINT, 1, "rad", (-9.0,), (9.0,), wraps=True),))
    chunks = [chunk(np.full((8, 1), 3.0 - 2 * np.pi * (n % 2)), 2 * n, n) for n in range(4)]
    for command, _ in execute(continuation.create(name, {}), space, chunks, 1):
        assert abs(np.exp(1j * command.item()) - np.exp(3j)) < 1e-5


@pytest.mark.parametrize("name", MIXING)
def test_rows_of_zeros_count_like_any_other(name: str) -> None:
    """ACT's own ensemble takes them for rows that are missing."""
    chunks = [chunk(np.full((8, 1), value), start, start) for start, value in enumerate((1.0, 0.0))]
    commands = [command.item() for command, _ in execute(continuation.create(name, {}), SPACE, chunks, 1)]
    assert 0.0 < commands[1] < 1.0


@pytest.mark.parametrize("name", EVERY)
def test_a_chunk_wholly_in_the_past_changes_nothing(name: str) -> None:
    method, timeline = continuation.create(name, {}), Timeline(1)
    method.merge(timeline, chunk(np.arange(8.0)[:, None], 4, 0), 4, SPACE)
    before = timeline.rows_from(6)
    assert method.merge(timeline, chunk(np.full((3, 1), 9.0), 3, 1), 6, SPACE) == 3
    assert timeline.rows_from(6).tobytes() == before.tobytes()
    method.merge(timeline, chunk(np.full((8, 1), 9.0), 6, 2), 6, SPACE)
    assert (timeline.rows_from(6)[:6] > before).all()


@pytest.mark.parametrize("name", EVERY)
def test_a_shorter_chunk_decides_where_the_timeline_ends(name: str) -> None:
    method, timeline = continuation.create(name, {}), Timeline(1)
    method.merge(timeline, chunk(np.zeros((8, 1)), 0, 0), 0, SPACE)
    method.merge(timeline, chunk(np.ones((3, 1)), 2, 1), 2, SPACE)
    assert timeline.end_tick == 5
    method.merge(timeline, chunk(np.ones((8, 1)), 3, 2), 3, SPACE)
    assert timeline.end_tick == 11
    np.testing.assert_array_equal(timeline.rows_from(5), np.ones((6, 1)))


def test_a_new_run_knows_nothing_of_the_one_before() -> None:
    method = continuation.create("temporal_ensemble", {"m": 0.0})
    for value in (1.0, 5.0):
        method.reset()
        timeline = Timeline(1)
        for start in range(3):
            method.merge(timeline, chunk(np.full((6, 1), value * start), start, start), start, SPACE)
        assert timeline.rows_from(2)[0].item() == pytest.approx(value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1]),
        ({"window": 3}, [1 / 4, 2 / 4, 3 / 4, 1, 1, 1, 1]),
        ({"window": 1024}, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1]),
        ({"share": 0.7}, [0.7, 0.7, 0.7, 0.7, 0.7, 1, 1]),
        ({"share": 0.5, "window": 2}, [0.5, 0.5, 1, 1, 1, 1, 1]),
    ],
)
def test_a_linear_blend_fades_over_its_window(options: dict[str, float], said: list[float]) -> None:
    method, timeline = continuation.create("linear_blend", options), Timeline(1)
    method.merge(timeline, chunk(np.zeros((7, 1)), 0, 0), 0, SPACE)
    method.merge(timeline, chunk(np.ones((7, 1)), 2, 1), 2, SPACE)
    np.testing.assert_allclose(timeline.rows_from(2).ravel(), said, atol=1e-12)


def test_a_blended_seam_jumps_by_the_first_share_of_the_disagreement() -> None:
    policy = ScriptedPolicy(SPACE, disagreement=1.0)
    outputs, _ = drive(
        scheduler(continuation="linear_blend", continuation_options={"window": 9}), policy, SPACE, 200
    )
    jumps = [output.seam.jump for output in outputs if output.seam]
    assert jumps[2:] == pytest.approx([0.1] * len(jumps[2:]), abs=1e-6)
    assert not any(request.omega.any() for request in policy.requests)
    assert {request.sampling for request in policy.requests} == {"plain"}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("temporal_ensemble", {"m": 2.0}, "temporal_ensemble: m: got 2.0"),
        ("temporal_ensemble", {"decay": 0.1}, "temporal_ensemble: decay: unknown key"),
        ("linear_blend", {"window": 0}, "linear_blend: window: got 0"),
        ("linear_blend", {"share": 0.0}, "linear_blend: share: got 0"),
    ],
)
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=f"continuation_options of {said}"):
        scheduler(continuation=name, continuation_options=options)
