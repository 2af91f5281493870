"""Laws of LingBot-VA: who sees what, what is kept, what is learned, how it is served, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import (
    ACTION_SPACES,
    SINGLE_ARM_EE,
    ActionSpace,
    Channel,
    ChannelKind,
)
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.lingbot_va.actions import WIDTH, ActionUnits, Universal
from segue_policies.methods.lingbot_va.autoencoder import tokens_of, views_of
from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.keypoints import KeypointLatents
from segue_policies.methods.lingbot_va.learner import WorldLearner
from segue_policies.methods.lingbot_va.loss import Draws, Sequence, chunked, draw, losses, passed
from segue_policies.methods.lingbot_va.memory import Mind
from segue_policies.methods.lingbot_va.model import WorldNet, begin_action_stream
from segue_policies.methods.lingbot_va.policy import WorldPolicy
from segue_policies.methods.lingbot_va.sequences import packing
from segue_policies.policy_loading import load_policy, make_policy
from segue_policies.samples.demonstrations import split
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import CAMERAS, SIZE, make_dots
from segue_policies.training.command.train import train
from segue_policies.vision.config import CHANNELS

TINY: dict[str, Any] = {
    "method": "lingbot_va",
    "horizon": 8,
    "every": 2,
    "sequence": 6,
    "window": (2, 5),
    "picture": (32, 16),
    "latent": 4,
    "autoencoder_width": 8,
    "autoencoder_steps": 4,
    "width": 32,
    "action_width": 16,
    "heads": 2,
    "layers": 2,
    "video_steps": 2,
    "action_steps": 2,
}
TRUNK = {"trunk": "efficientnet_lite0", "enlarge": 1, "every": 1, "views": 1}
BRIEF = {"batch_size": 4, "brightness": 0.0, "colour": 0.0, "shift_pixels": 0}
SHAPE = Shape(("front",), SIZE, 14, 8, 14)


def network(**changes: Any) -> WorldNet:
    """With weights that let everything matter: an untrained last layer gives zeros."""
    torch.manual_seed(0)
    net = WorldNet(WorldConfig.model_validate(TINY | changes), SHAPE).eval()
    for end in (net.video, net.action):
        torch.nn.init.normal_(end.outward.weight, std=0.3)
    return net


def drawn(net: WorldNet, steps: int = 6, seed: int = 0, **changes: Any) -> tuple[Sequence, Draws]:
    """Two samples, the second of two episodes."""
    made = torch.Generator().manual_seed(seed)
    config = net.config
    latents = torch.randn(2, steps, net.frame, config.latent, generator=made)
    actions = torch.randn(2, steps, config.every, WIDTH, generator=made)
    episode = torch.zeros(2, steps, dtype=torch.long)
    episode[1, 4:] = 1
    sequence = Sequence(latents, actions, episode)
    return sequence, replace(draw(config, sequence, made), **changes)


def words(net: WorldNet, batch: int) -> Any:
    return net.read(torch.tensor([[1, 2] + [0] * (net.config.longest - 2)] * batch))


@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_chunk_sees_what_comes_later_nor_the_answer_that_it_is_to_give(forward: bool, seed: int) -> None:
    net = network()
    sequence, draws = drawn(net, seed=seed, forward=torch.full((2,), forward))
    with torch.no_grad():
        before = passed(net, sequence, words(net, 2), draws)
        for step in range(1, 6):
            later = draws.chunk >= draws.chunk[:, step : step + 1]
            own = draws.chunk == draws.chunk[:, step : step + 1]
            noise = torch.randn_like(sequence.latents), torch.randn_like(sequence.actions)
            # pictures: all of later chunks; of its own too where they are what is asked for
            hidden = later[:, :, None, None]
            actions_hidden = (later & ~own if forward else later)[:, :, None, None]
            other = replace(
                sequence,
                latents=torch.where(hidden, noise[0], sequence.latents),
                actions=torch.where(actions_hidden, noise[1], sequence.actions),
            )
            # the targets of its own chunk stay: what is denoised is what is denoised
            kept = targets_kept(sequence, other, draws, own)
            after = passed(net, kept[0], words(net, 2), kept[1])
            torch.testing.assert_close(after[0][own], before[0][own], atol=1e-5, rtol=1e-4)
            if not forward:
                seen = replace(sequence, actions=other.actions)
                kept = targets_kept(sequence, seen, draws, own)
                after = passed(net, kept[0], words(net, 2), kept[1])
                torch.testing.assert_close(after[1][own], before[1][own], atol=1e-5, rtol=1e-4)


def targets_kept(
    before: Sequence, after: Sequence, draws: Draws, own: torch.Tensor
) -> tuple[Sequence, Draws]:
    """Draws with which the targets of `own` steps of `after` are those of `before`, whatever their clean values."""
    share = [time[:, :, None, None] for time in (draws.video, draws.action)]
    pairs = ((before.latents, after.latents, draws.noise[1]), (before.actions, after.actions, draws.noise[2]))
    made = [
        torch.where(own[:, :, None, None], noise + s / (1 - s) * (old - new), noise)
        for (old, new, noise), s in zip(pairs, share, strict=True)
    ]
    return after, replace(draws, noise=(draws.noise[0], made[0], made[1]))


@pytest.mark.parametrize("forward", [False, True])
def test_what_is_kept_changes_nothing(forward: bool) -> None:
    net = network()
    sequence, draws = drawn(
        net, forward=torch.full((2,), forward), window=torch.full((2,), 3), clean=torch.ones(2, 6)
    )
    mind = Mind(net, words(net, 1), window=3)
    with torch.no_grad():
        whole = passed(net, sequence, words(net, 2), draws)
        for sample in range(2):
            memory = mind.begin()
            numbers = draws.chunk[sample]
            for chunk in range(int(numbers.max()) + 1):
                here = numbers == chunk
                first = int(torch.nonzero(here)[0])
                if bool(sequence.episode[sample, first] != sequence.episode[sample, max(0, first - 1)]):
                    memory = mind.begin(first)
                latents, actions = sequence.latents[sample, here], sequence.actions[sample, here]
                near = memory.since(first - mind.window)
                steps = torch.arange(first, first + len(latents))[None]
                # targets as the whole pass has them, from what is kept alone
                time = draws.video[sample, here][None]
                share = time[0, :, None, None]
                noisy = share * latents + (1 - share) * draws.noise[1][sample, here]
                asked = mind.remember(near, actions, None) if forward else near
                video = net.video_tokens(noisy.flatten(0, 1)[None], time, steps)
                found, _, _ = net(video, mind._action(None, 1.0, steps), mind.text, None, asked.kept)
                torch.testing.assert_close(
                    found[0].unflatten(0, latents.shape[:2]), whole[0][sample, here], atol=1e-5, rtol=1e-4
                )
                seen = mind.remember(near, None, latents)
                time = draws.action[sample, here][None]
                share = time[0, :, None, None]
                noisy = share * actions + (1 - share) * draws.noise[2][sample, here]
                action = net.action_tokens(noisy.flatten(0, 1)[None], time, steps)
                _, acted, _ = net(mind._video(None, 1.0, steps), action, mind.text, None, seen.kept)
                torch.testing.assert_close(
                    acted[0].unflatten(0, actions.shape[:2]), whole[1][sample, here], atol=1e-5, rtol=1e-4
                )
                memory = mind.remember(memory, actions, latents)


@given(st.integers(1, 5), st.integers(0, 9))
def test_an_episode_begins_with_a_step_alone_and_chunks_are_no_longer_than_trained(
    longest: int, seed: int
) -> None:
    episode = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 2]])
    chunk, first = chunked(episode, longest, torch.Generator().manual_seed(seed))
    numbers = chunk[0].tolist()
    for step, name in enumerate(episode[0].tolist()):
        here = [k for k, number in enumerate(numbers) if number == numbers[step]]
        assert len({int(episode[0, k]) for k in here}) == 1 and len(here) <= longest
        assert first[0, step] == here[0]
        if step == 0 or episode[0, step - 1] != name:
            assert here == [step]


def test_the_action_stream_begins_with_outputs_like_the_video_streams() -> None:
    """The paper's reason for the initialisation; interpolated weights are a little smaller than they were."""
    net = network(width=64, action_width=16, heads=4)
    begin_action_stream(net)
    block: Any = net.blocks[0]
    video, action = torch.randn(4, 50, 64), torch.randn(4, 50, 16)
    none = [torch.zeros(4, 50, 6, width) for width in (64, 16)]
    with torch.no_grad():
        values = block.action.ask(action, none[1])[2], block.video.ask(video, none[0])[2]
    assert 0.4 < float(values[0].std() / values[1].std()) < 1.2


@pytest.mark.parametrize("space", ACTION_SPACES.values(), ids=list(ACTION_SPACES))
def test_every_action_space_has_a_place_in_thirty_numbers_and_comes_back(space: ActionSpace) -> None:
    universal, units = Universal(space), ActionUnits()
    rows = np.random.default_rng(0).uniform(-0.5, 0.5, (50, space.dim))
    for channel in space.channels:
        if channel.kind is ChannelKind.QUATERNION:
            part = rows[:, space.slice(channel.name)]
            part /= np.linalg.norm(part, axis=1, keepdims=True)
            part *= np.sign(part[:, 3:])
    wide = universal.encode(rows)
    units.fit(universal.alike(wide, wide[0]), universal.mask)
    normalised = torch.from_numpy(units.of(universal, rows)).float()
    assert not normalised[:, units.mask == 0].any()
    assert np.quantile(normalised[:, units.mask > 0], [0.02, 0.98]) == pytest.approx([-1, 1], abs=0.3)
    back = universal.decode(units.decode(normalised).double().numpy())
    same = universal.alike(universal.encode(back), wide[0])  # q and -q are one rotation
    assert same == pytest.approx(universal.alike(wide, wide[0]), abs=1e-4)


def test_an_arm_without_a_place_in_thirty_numbers_is_named() -> None:
    joints = Channel("third_joints", ChannelKind.JOINT, 7, "rad", (-1.0,) * 7, (1.0,) * 7)
    with pytest.raises(ConfigError, match="third_joints"):
        Universal(replace(SINGLE_ARM_EE, channels=(*SINGLE_ARM_EE.channels, joints)))


def test_samples_are_packed_with_whole_steps_of_the_same_part_and_the_actions_between() -> None:
    data = make_dots(6)
    parts = split(data, 8, 0.3, 0)
    packed = packing(parts, lambda _: "", 4, 12, 2)
    for part in parts:
        start = int(part.frames[7])
        frames, episodes = packed.steps(start)
        assert {*np.asarray(data.episode)[frames]} <= {*np.asarray(data.episode)[part.frames]}
        rows, there = packed.led(start)
        for k in range(12):
            if k and episodes[k] == episodes[k - 1]:
                wanted = np.minimum(frames[k - 1] + np.arange(4), part.last[frames[k]])
                assert rows[k].tolist() == wanted.tolist() and there[k].all()
            elif k:
                assert not there[k].any() and {*rows[k].tolist()} == {int(frames[k])}  # the first state


def test_targets_of_an_episodes_first_step_are_not_learned() -> None:
    net = network(forward_share=0.0)
    sequence, draws = drawn(net)
    first = torch.diff(sequence.episode, dim=1, prepend=-torch.ones(2, 1, dtype=torch.long)) > 0
    other = replace(draws, noise=(draws.noise[0], draws.noise[1].clone(), draws.noise[2].clone()))
    for noise in other.noise[1:]:
        noise[first] = 7.0
    with torch.no_grad():
        assert losses(net, sequence, words(net, 2), other) == losses(net, sequence, words(net, 2), draws)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"horizon": 7}, "multiple of every"),
        ({"window": (6, 2)}, "rising"),
        ({"look_back": 6}, r"look_back is 6, expected at most the longest window .5."),
        ({"history": (-1, 0)}, "memory"),
        (
            {"encoder": {"trunk": "efficientnet_lite0"}},
            "encoder.every, encoder.views is .3, 3.",
        ),
        (
            {"encoder": TRUNK, "vae": "wan", "autoencoder_steps": 0, "every": 4},
            "encoder.trunk is efficientnet_lite0",
        ),
        ({"action_width": 64}, "at most width"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        WorldConfig.model_validate(TINY | changes)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    training = BRIEF | {"steps": 8, "validation_frames": 3, "evaluations": 1, "threads": 1}
    out = tmp_path_factory.mktemp("lingbot") / "trained"
    train(TINY | {"training": training | {"precision": "float32"}}, "test", make_dots(8), out)
    return out


@pytest.fixture
def policy(checkpoint: Path) -> WorldPolicy:
    loaded = load_policy(checkpoint)
    assert isinstance(loaded, WorldPolicy)
    return loaded


def seen(tick: int, **without: None) -> Observation:
    rng = np.random.default_rng(tick)
    images = {
        name: rng.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
        for name in CAMERAS
        if name not in without
    }
    return Observation(tick, np.full(14, 0.01 * tick, np.float32), images)


def asked(tick: int, sampling: str = "plain", delay: int = 2, **changes: Any) -> PredictRequest:
    omega = (np.arange(8) < delay).astype(np.float32) * (sampling != "plain")
    reference = np.tile(0.01 * (tick + np.arange(8, dtype=np.float32))[:, None], (1, 14))
    given: dict[str, Any] = {
        "observations": (seen(tick),),
        "instruction": "to the dot",
        "options": {},
        "seed": 3,
    } | changes
    return PredictRequest(
        start_tick=tick, sequence=1, sampling=sampling, omega=omega, reference=reference, delay=delay, **given
    )


def told(policy: WorldPolicy, until: int, begin: int = 0) -> None:
    for tick in range(begin, until + 1, 2):
        rows = 2 if tick > begin else 0
        policy.observe(seen(tick), 0.01 * np.full((rows, 14), tick, np.float32))


def test_equal_histories_give_equal_answers_whenever_they_were_asked(policy: WorldPolicy) -> None:
    told(policy, 6)
    policy.predict(asked(6))
    policy.observe(seen(8), np.full((2, 14), 0.08, np.float32))
    after = policy.predict(asked(8)).chunk.actions
    policy.reset()
    told(policy, 8)
    assert np.allclose(policy.predict(asked(8)).chunk.actions, after, atol=1e-5)
    assert np.array_equal(policy.predict(asked(8)).chunk.actions, policy.predict(asked(8)).chunk.actions)


def test_what_was_seen_and_done_before_decides_and_what_is_forgotten_does_not(policy: WorldPolicy) -> None:
    told(policy, 6)
    one = policy.predict(asked(6)).chunk.actions
    policy.reset()
    told(policy, 6, begin=2)
    assert not np.allclose(policy.predict(asked(6)).chunk.actions, one, atol=1e-6)


def test_a_fork_hears_nothing_of_the_other_and_the_other_nothing_of_it(policy: WorldPolicy) -> None:
    told(policy, 4)
    before = policy.predict(asked(4)).chunk.actions
    branch = policy.fork()
    branch.observe(seen(6), np.zeros((2, 14), np.float32))
    branch.predict(asked(6))
    assert np.array_equal(policy.predict(asked(4)).chunk.actions, before)


@pytest.mark.parametrize("sampling", ["world_model", "world_model_naive"])
@pytest.mark.parametrize("late", [0, 1])
def test_executing_rows_are_kept_and_what_comes_is_imagined_from_them(
    policy: WorldPolicy, sampling: str, late: int
) -> None:
    told(policy, 4)
    first = policy.predict(asked(4))
    request = asked(4 + late, sampling)
    answer = policy.predict(request).chunk
    assert len(answer.actions) == 8 - late
    kept = policy.info.action_space.clip(request.reference[:2])
    assert answer.actions[:2] == pytest.approx(kept, abs=1e-6)
    other = replace(request, reference=request.reference + 0.2 * (np.arange(8)[:, None] < 2))
    assert not np.allclose(policy.predict(other).chunk.actions[3:], answer.actions[3:], atol=1e-6)
    assert np.array_equal(policy.predict(request).chunk.actions, answer.actions)
    assert len(first.chunk.actions) == 8


def test_naive_goes_on_from_stale_pictures_and_says_when_there_are_none(policy: WorldPolicy) -> None:
    told(policy, 4)
    missing = policy.predict(asked(4, "world_model_naive"))
    assert any("imagination" in note for note in missing.notes)
    policy.reset()
    told(policy, 4)
    policy.predict(asked(4))
    stale = policy.predict(asked(4, "world_model_naive"))
    assert not any("imagination" in note for note in stale.notes)
    assert not np.allclose(stale.chunk.actions[3:], missing.chunk.actions[3:], atol=1e-6)


def with_options(checkpoint: Path, **options: Any) -> WorldPolicy:
    method = find_method("lingbot_va")
    made = make_policy(method, Deployment(checkpoint=checkpoint, options=options))
    assert isinstance(made, WorldPolicy)
    return made


def test_a_deployment_decides_which_actions_are_remembered_and_how_far_is_denoised(
    checkpoint: Path,
) -> None:
    answers = []
    for options in ({}, {"remember": "predicted"}, {"video_until": 1.0, "video_steps": 5}):
        one = with_options(checkpoint, **options)
        told(one, 4)
        one.predict(asked(4, delay=0))
        one.observe(seen(6), np.full((2, 14), 0.5, np.float32))  # another thing than was predicted
        answers.append(one.predict(asked(6)).chunk.actions)
    assert not np.allclose(answers[0], answers[1], atol=1e-6)
    assert not np.allclose(answers[0], answers[2], atol=1e-6)
    with pytest.raises(ConfigError, match="remember"):
        with_options(checkpoint, remember="both")


@pytest.mark.parametrize("remembered", ["executed", "predicted"])
def test_what_a_person_did_is_remembered_and_not_what_was_predicted_meanwhile(
    checkpoint: Path, remembered: str
) -> None:
    policy = with_options(checkpoint, remember=remembered)
    told(policy, 4)
    policy.predict(asked(4, delay=0))
    policy.corrected()
    by_hand = np.full((2, 14), 0.3, np.float32)
    policy.observe(seen(6), by_hand)
    after = policy.predict(asked(6)).chunk.actions
    policy.reset()
    told(policy, 4)
    policy.observe(seen(6), by_hand)
    assert np.allclose(policy.predict(asked(6)).chunk.actions, after, atol=1e-5)


def test_an_answer_comes_with_the_pictures_that_it_expects_at_the_ticks_that_it_has_rows_for(
    policy: WorldPolicy,
) -> None:
    assert policy.imagined() == {}
    told(policy, 4)
    policy.predict(asked(4))
    expected = policy.imagined()
    assert list(expected) == [6, 8, 10, 12]
    width, height = policy._config.picture
    assert {picture.shape for picture in expected.values()} == {(height, width * len(CAMERAS), 3)}
    policy.predict(asked(4, "world_model"))
    assert list(policy.imagined()) == [8, 10, 12]  # what is executing leads to tick 6


def test_what_is_a_token_is_the_same_place_of_the_same_picture_again() -> None:
    latents = torch.randn(3, 2, 4, 2, 3)
    assert torch.equal(views_of(tokens_of(latents), 2, 2), latents)


def test_memory_stays_within_its_window_and_says_so(policy: WorldPolicy) -> None:
    told(policy, 40)
    notes = policy.predict(asked(40)).notes
    steps, size = policy.remembers
    assert steps == 5 and any("last 5 steps" in note for note in notes)
    most = size + size // steps  # the newest step looks back at a whole window
    for tick in range(42, 61, 2):
        policy.observe(seen(tick), np.full((2, 14), 0.01, np.float32))
        policy.predict(asked(tick))
        assert policy.remembers == (steps, most)


def test_a_deployment_may_remember_less_than_the_training_and_no_more(checkpoint: Path) -> None:
    method = find_method("lingbot_va")
    brief = make_policy(method, Deployment(checkpoint, options={"look_back": 2}))
    assert isinstance(brief, WorldPolicy)
    told(brief, 12)
    answer = brief.predict(asked(12))
    assert brief.remembers[0] == 2 and any("last 2 steps" in note for note in answer.notes)
    with pytest.raises(ConfigError, match="look_back is 6, expected at most the longest window .5."):
        make_policy(method, Deployment(checkpoint, options={"look_back": 6}))


def test_another_instruction_is_remembered_by_from_the_beginning(policy: WorldPolicy) -> None:
    told(policy, 4)
    one = policy.predict(asked(4)).chunk.actions
    policy.predict(asked(4, instruction="away from it"))
    assert np.allclose(policy.predict(asked(4)).chunk.actions, one, atol=1e-5)


def test_lost_observations_leave_the_actions(policy: WorldPolicy) -> None:
    told(policy, 4)
    policy.observe(seen(8), np.full((4, 14), 0.08, np.float32))
    assert np.isfinite(policy.predict(asked(8)).chunk.actions).all()


def test_bad_requests_are_refused_by_name(policy: WorldPolicy) -> None:
    told(policy, 4)
    for request, named in (
        (asked(4, "legato"), "legato"),
        (asked(4, "world_model", delay=7), "leaves nothing"),
        (asked(9), "memory ends at tick 4"),
        (asked(4, observations=(seen(4, head=None),)), "head"),
        (asked(4, "world_model", options={"video_until": 2.0}), "video_until"),
    ):
        with pytest.raises(PolicyError, match=named):
            policy.predict(request)
    with pytest.raises(PolicyError, match="multiple of 2") as refused:
        policy.observe(seen(7), np.zeros((3, 14), np.float32))
    assert refused.value.code is ErrorCode.POLICY_BAD_REQUEST


def test_guidance_by_the_instruction_is_a_second_pass_that_changes_the_answer(policy: WorldPolicy) -> None:
    policy._world.words.weight.mul_(100.0)  # a few steps of training have hardly learned to listen
    told(policy, 4)
    plain = policy.predict(asked(4)).chunk.actions
    policy._config = policy._config.model_copy(update={"video_guidance": 9.0, "action_guidance": 9.0})
    policy.reset()
    told(policy, 4)
    assert not np.allclose(policy.predict(asked(4)).chunk.actions, plain, atol=1e-6)


@pytest.mark.parametrize("encoder", [{}, TRUNK])
def test_losses_fall(encoder: dict[str, Any]) -> None:
    config = WorldConfig.model_validate(
        TINY | {"encoder": encoder, "autoencoder_steps": 15, "training": {"steps": 60, "threads": 1} | BRIEF}
    )
    learner = WorldLearner(config, make_dots(8))
    optimiser = torch.optim.Adam(learner.model.parameters(), lr=3e-3)
    batches, values = learner.batches(0), []
    for number in range(60):
        loss = learner.loss(next(batches), number)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        values.append(float(loss.detach()))
    assert np.mean(values[10:15]) < 0.7 * values[0]
    assert np.mean(values[-8:]) < 0.8 * values[15]


@pytest.mark.parametrize("encoder", [{}, TRUNK])
def test_pictures_that_go_through_the_autoencoder_once_teach_what_they_teach_at_every_step(
    encoder: dict[str, Any],
) -> None:
    def losses_of(keep: bool) -> list[float]:
        settings = {
            "encoder": encoder,
            "keep_features": keep,
            "autoencoder_steps": 2,
            "training": {"steps": 6, "threads": 1} | BRIEF,
        }
        learner = WorldLearner(WorldConfig.model_validate(TINY | settings), make_dots(3))
        optimiser = torch.optim.Adam(learner.model.parameters(), lr=3e-3)
        batches, values = learner.batches(0), []
        for number in range(6):
            loss = learner.loss(next(batches), number)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            values.append(loss.item())
        return values

    np.testing.assert_allclose(losses_of(True), losses_of(False), rtol=1e-5)


def test_a_chunk_has_something_left_after_the_longest_delay_that_is_claimed(policy: WorldPolicy) -> None:
    told(policy, 4)
    for late in range(2):
        request = asked(4 + late, "world_model", delay=policy.info.max_delay)
        assert len(policy.predict(request).chunk.actions) > policy.info.max_delay


def keypoints(**changes: Any) -> KeypointLatents:
    torch.manual_seed(0)
    behind = replace(SHAPE, cameras=CAMERAS, channels=CHANNELS, image_size=(6, 5))
    return KeypointLatents(WorldConfig.model_validate(TINY | changes), behind)


def test_numbers_behind_a_trunk_are_standardised_once_and_stay_so() -> None:
    latents, made = keypoints(), torch.Generator().manual_seed(0)
    maps = torch.rand(40, 3, CHANNELS, 5, 6, generator=made)
    with torch.no_grad():
        latents.standardise(latents.features(maps))
        seen = latents.encode(maps[None], torch.zeros(1, 40, dtype=torch.bool))[0]
    torch.testing.assert_close(seen.mean(0), torch.zeros(3, 4, 1, 2), atol=1e-4, rtol=0)
    assert 0.5 < float(seen.std(0).median()) < 1.5
    assert not latents.middle.requires_grad


@pytest.mark.parametrize(("episode", "foretold"), [((0, 0, 0, 1, 1, 1), False), ((0, 0, 0, 0, 0, 0), True)])
def test_what_is_foretold_is_of_the_same_episode(episode: tuple[int, ...], foretold: bool) -> None:
    latents, made = keypoints(), torch.Generator().manual_seed(0)
    maps = torch.rand(1, 6, 3, CHANNELS, 5, 6, generator=made)
    actions = torch.randn(1, 6, 2, WIDTH, generator=made).requires_grad_()
    pictures = torch.zeros(1, 2, 3, 3, SIZE[1], SIZE[0])
    torch.autograd.backward(latents.loss(maps, actions, torch.tensor([episode]), pictures, 0))
    assert actions.grad is not None
    assert bool(actions.grad[0, 3, 0].any()) == foretold  # leads to the second episode's first step
    assert bool(actions.grad[0, 4, 0].any())


def test_a_policy_behind_a_trunk_imagines_pictures_of_the_size_that_its_autoencoder_has(
    tmp_path: Path,
) -> None:
    training = BRIEF | {"steps": 8, "validation_frames": 3, "evaluations": 1, "threads": 1}
    settings = TINY | {"encoder": TRUNK, "training": training | {"precision": "float32"}}
    train(settings, "test", make_dots(8), tmp_path / "trained")
    policy = load_policy(tmp_path / "trained")
    assert isinstance(policy, WorldPolicy)
    told(policy, 4)
    answer = policy.predict(asked(4))
    assert answer.chunk.actions.shape == (8, 14)
    assert {picture.shape for picture in policy.imagined().values()} == {(16, 3 * 32, 3)}
    again = load_policy(tmp_path / "trained")
    assert isinstance(again, WorldPolicy)
    told(again, 4)
    np.testing.assert_allclose(again.predict(asked(4)).chunk.actions, answer.chunk.actions, atol=1e-5)
