"""Laws of Action Stream: tokens, streams, decoding, alignment, answers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue_core.action_space import SINGLE_ARM_EE, ChannelKind
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.action_stream.alignment import (
    Rewards,
    aligned,
    first_divergence,
    log_probabilities,
    selection,
)
from segue_policies.methods.action_stream.beam import beam_search
from segue_policies.methods.action_stream.config import DecodingConfig, StreamSettings
from segue_policies.methods.action_stream.decoding import chooser, decode, filtered, likeliest
from segue_policies.methods.action_stream.instructions import NOTHING, hashed, padded
from segue_policies.methods.action_stream.learner import StreamLearner
from segue_policies.methods.action_stream.loss import spread_losses, stream_losses, token_losses
from segue_policies.methods.action_stream.model import (
    FORESEEN_S,
    PlacesLook,
    Prompt,
    StreamNet,
    alike,
    build_network,
)
from segue_policies.methods.action_stream.policy import StreamPolicy
from segue_policies.methods.action_stream.prompted_learner import ahead
from segue_policies.methods.action_stream.tokens import BINS, StreamTokens
from segue_policies.policy_loading import check_checkpoint, check_policy, load_policy, make_policy
from segue_policies.samples.normaliser import FLOORS
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import CAMERAS, Dots, make_dots, make_settings
from segue_policies.training.command.train import make_learner, parse_settings, train
from segue_policies.vision.config import CHANNELS

TOKENS = StreamTokens(vocabulary=300, dim=3)
ROWS = 6


def test_every_value_comes_back_within_half_a_bin_and_what_is_beyond_as_the_last_bin() -> None:
    values = torch.linspace(-1, 1, 10_001)
    back = TOKENS.values(TOKENS.bins(values))
    assert float((back - values).abs().max()) <= 1 / BINS + 1e-6
    assert TOKENS.bins(torch.tensor([-5.0, -1.0, 1.0, 5.0])).tolist() == [0, 0, BINS - 1, BINS - 1]
    every = torch.arange(BINS)
    assert torch.equal(TOKENS.bins(TOKENS.values(every)), every)


def test_bins_are_the_last_tokens_the_separator_the_one_before_and_words_the_rest() -> None:
    ids = TOKENS.ids(torch.arange(BINS))
    assert (int(ids[0]), int(ids[-1])) == (299, 44)
    assert TOKENS.separator == 43
    assert torch.equal(TOKENS.ids(ids), torch.arange(BINS))
    logits = torch.zeros(300)
    logits[ids] = torch.arange(BINS).float()
    assert torch.equal(TOKENS.legal(logits), torch.arange(BINS).float())
    flat = TOKENS.flat(torch.tensor([[[0, 1, 2], [3, 4, 5]]]))
    assert flat.tolist() == [[299, 298, 297, 43, 296, 295, 294, 43]]


def test_words_are_tokens_that_no_action_has_and_too_many_are_refused() -> None:
    spelt = hashed("Put the carrot on the pan!", TOKENS.separator)
    assert (spelt[0], spelt[-1]) == (0, 1) and spelt[2] == spelt[5] and max(spelt) < TOKENS.separator
    assert padded(spelt, 10, "").tolist() == [0, NOTHING, NOTHING, *spelt[1:]]
    with pytest.raises(PolicyError, match="tokens; got 8; expected at most 6") as error:
        padded(spelt, 6, "put the carrot on the pan")
    assert error.value.code is ErrorCode.POLICY_BAD_REQUEST


def test_what_was_not_demonstrated_does_not_count() -> None:
    ids = TOKENS.flat(torch.randint(0, BINS, (2, 4, 3)))
    logits = torch.randn(2, 16, 300)
    real = torch.tensor([[True, True, False, False], [True] * 4])
    losses = stream_losses(token_losses(logits, ids), real)
    by_hand = -logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]
    assert torch.allclose(token_losses(logits, ids), by_hand)
    assert torch.allclose(losses, torch.stack([by_hand[0, :8].mean(), by_hand[1].mean()]))


def test_a_label_that_is_spread_forgives_a_near_bin_and_no_far_one_nor_another_word() -> None:
    bins = torch.tensor([[[0, 100, 255]]])
    ids = TOKENS.flat(bins)

    def said(off_by: int, sigma: float = 3.0) -> torch.Tensor:
        """Losses of a model that says the label of bins `off_by` beside; of the separator, nothing in particular."""
        around = -(((torch.arange(BINS) - (bins.flatten() + off_by)[:, None]) / 3.0) ** 2) / 2
        logits = torch.full((1, 4, 300), -1e4)
        logits[0, :3] = logits[0, :3].index_copy(1, TOKENS.ids(torch.arange(BINS)), around)
        logits[0, 3] = 0
        return spread_losses(logits, ids, TOKENS, sigma)[0]

    none, near, far = (said(off)[1] for off in (0, 1, 20))
    assert abs(float(none)) < 1e-5 and 0.05 < float(near) < 0.06 and float(far) > 20  # off^2 / (2 sigma^2)
    assert torch.allclose(said(0)[:3], torch.zeros(3), atol=1e-5), "also at the ends of the scale"
    assert torch.allclose(said(0)[3], torch.tensor(300.0).log())
    logits = torch.randn(1, 4, 300)
    assert torch.equal(spread_losses(logits, ids, TOKENS, 0.0), token_losses(logits, ids))


def test_near_bins_begin_alike_and_words_as_they_were() -> None:
    torch.manual_seed(0)
    rows = 0.02 * torch.randn(300, 64)
    before = rows.clone()
    alike(rows, TOKENS)
    bins = rows[TOKENS.ids(torch.arange(BINS))]

    def together(apart: int) -> float:
        return float(torch.cosine_similarity(bins[apart:], bins[: BINS - apart]).mean())

    assert (
        together(1) > 0.98
        and 0.8 < together(8) < 0.9
        and 0.2 < together(64) < 0.5
        and abs(together(250)) < 0.3
    )
    assert torch.equal(rows[: TOKENS.separator + 1], before[: TOKENS.separator + 1])
    assert 0.8 < float(bins.std() / before.std()) < 1.2


def test_a_stream_is_drawn_from_the_likeliest_only() -> None:
    logits = torch.tensor([[4.0, 3.0, 2.0, 1.0, 0.0]]).log()  # shares .4 .3 .2 .1 0
    kept = [torch.isfinite(filtered(logits, *how)[0]).tolist() for how in ((2, 1.0), (0, 0.75), (0, 0.0001))]
    assert kept == [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert torch.equal(filtered(logits, 0, 1.0), logits)
    with pytest.raises(ConfigError, match=r"decoding.units is 11, expected at most the 10 actions"):
        train_settings_of(decoding={"units": 11})


def train_settings_of(**given: Any) -> StreamSettings:
    from segue_core.contracts.base import parse_model

    return parse_model(given, StreamSettings, "settings")


@pytest.fixture(scope="module")
def net() -> StreamNet:
    """A random one whose logits are far apart, for 3-D actions."""
    torch.manual_seed(0)
    small = {"vocabulary": 300, "width": 16, "layers": 2, "heads": 2, "feedforward": 16}
    settings = StreamSettings.model_validate({"language": small, "backbone_width": 4})
    built = build_network(settings, Shape(("eye",), (32, 32), state=3, horizon=10, dim=3)).eval()
    with torch.no_grad():
        built.language.lm_head.weight.mul_(20)  # type: ignore[union-attr, operator]
    return built.requires_grad_(False)


@pytest.fixture(scope="module")
def prompt(net: StreamNet) -> Prompt:
    words = torch.tensor([[0, NOTHING, 5, 7, 1], [0, NOTHING, NOTHING, 9, 1]])
    return net.prompt(torch.randn(2, 1, 3, 32, 32), torch.randn(2, 3), words)


def bins_of(units: Any) -> Tensor:
    return torch.stack(list(units), dim=1)


def one(prompt: Prompt) -> Prompt:
    return Prompt(prompt.embedded[:1], prompt.mask[:1])


def log_probability(net: StreamNet, prompt: Prompt, bins: Tensor) -> float:
    """Of a stream (1, H, K), where only bins may follow."""
    ids = net.tokens.flat(bins)
    legal = net.tokens.legal(net(prompt, ids)).log_softmax(-1).unflatten(1, (*bins.shape[1:2], -1))[:, :, :-1]
    return float(legal.gather(-1, bins[..., None]).sum())


def test_kept_keys_and_values_change_nothing(net: StreamNet, prompt: Prompt) -> None:
    kept, again = (bins_of(decode(net, prompt, 3, likeliest, cached=cached)) for cached in (True, False))
    assert torch.equal(kept, again)
    single = one(prompt)
    kept, again = (bins_of(beam_search(net, single, 3, 3, cached=cached)) for cached in (True, False))
    assert torch.equal(kept, again)


def test_each_token_is_the_likeliest_that_an_action_may_have(net: StreamNet, prompt: Prompt) -> None:
    bins = bins_of(decode(net, prompt, 2, likeliest))
    ids = net.tokens.flat(bins)
    logits = net(prompt, ids)
    assert torch.equal(net.tokens.legal(logits).argmax(-1).unflatten(1, (2, 4))[:, :, :3], bins)


def test_the_padding_of_a_shorter_instruction_is_not_read(net: StreamNet) -> None:
    words = torch.tensor([padded(hashed("go", net.tokens.separator), 8, "go").tolist()])
    long = net.prompt(torch.randn(1, 1, 3, 32, 32), torch.randn(1, 3), words)
    assert long.mask[0].tolist() == [
        1,
        1,
        1,
        *[0] * 5,
        1,
        1,
    ]  # begin, picture, state, the padding, go, and what asks
    changed = Prompt(long.embedded.clone(), long.mask)
    changed.embedded[:, 3:8] = 7.0
    assert torch.equal(bins_of(decode(net, long, 2, likeliest)), bins_of(decode(net, changed, 2, likeliest)))


def test_a_prefix_is_kept_and_gone_on_from(net: StreamNet, prompt: Prompt) -> None:
    whole = bins_of(decode(net, prompt, 4, likeliest))
    again = bins_of(decode(net, prompt, 4, likeliest, forced=whole[:, :2]))
    assert torch.equal(again, whole)
    other = torch.randint(0, BINS, (2, 2, 3))
    assert torch.equal(bins_of(decode(net, prompt, 4, likeliest, forced=other))[:, :2], other)
    single = one(prompt)
    beams = bins_of(beam_search(net, single, 3, 2))
    assert torch.equal(bins_of(beam_search(net, single, 3, 2, forced=beams[:, :1]))[:, :1], beams[:, :1])


def test_one_beam_is_greedy_and_more_find_a_likelier_action(net: StreamNet, prompt: Prompt) -> None:
    single = one(prompt)
    greedy = bins_of(decode(net, single, 1, likeliest))
    assert torch.equal(bins_of(beam_search(net, single, 1, 1)), greedy)
    first = net.tokens.legal(net(single, net.tokens.flat(greedy)))[0, 0].log_softmax(-1)
    found = bins_of(beam_search(net, single, 1, 64))
    assert log_probability(net, single, found) >= log_probability(net, single, greedy) - 1e-5
    tried = first.topk(2).indices.tolist()
    best = max(
        log_probability(net, single, torch.tensor([[[a, b, c]]]))
        for a, b, c in itertools.product(tried, range(0, BINS, 64), range(0, BINS, 64))
    )
    assert log_probability(net, single, found) >= best


def test_draws_are_those_of_the_seed(net: StreamNet, prompt: Prompt) -> None:
    how = DecodingConfig(strategy="sample", top_k=5, temperature=10.0)

    def drawn(seed: int) -> Tensor:
        return bins_of(decode(net, prompt, 3, chooser(how, torch.Generator().manual_seed(seed))))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def stream_settings(**given: Any) -> dict[str, Any]:
    """Settings that train on the dots in seconds."""
    quick = make_settings()["training"] | {"learning_rate": 3e-3, "brightness": 0.0, "colour": 0.0}
    quick |= {
        "steps": 24,
        "batch_size": 8,
        "evaluations": 2,
        "validation_frames": 8,
        "average_decay": 0.5,
    } | given.pop("training", {})
    small = {"vocabulary": 384, "width": 32, "layers": 2, "heads": 2, "feedforward": 64}
    return (
        {"method": "action_stream", "horizon": ROWS, "language": small, "backbone_width": 8}
        | given
        | {"training": quick}
    )


@pytest.fixture(scope="module")
def dots() -> Dots:
    return make_dots(12)


@pytest.fixture(scope="module")
def trained(dots: Dots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a few steps."""
    out = tmp_path_factory.mktemp("stream") / "trained"
    train(stream_settings(), "test", dots, out)
    return out


def request_of(dots: Dots, frame: int = 3, **given: Any) -> PredictRequest:
    images = dict(zip(CAMERAS, dots.images[frame], strict=True))
    rows = np.tile(dots.state[frame], (ROWS, 1))
    usual: dict[str, Any] = {
        "start_tick": 7, "sequence": 2, "sampling": "plain", "omega": np.zeros(ROWS, np.float32), "reference": rows,
        "delay": 0, "seed": 0, "instruction": dots.instruction(0),
        "observations": (Observation(7, dots.state[frame], images),),
    }  # fmt: skip
    return PredictRequest(**usual | given)


def test_training_lowers_the_loss_and_the_checkpoint_is_served(dots: Dots, trained: Path) -> None:
    lines = (trained / "training" / "scores.csv").read_text().splitlines()
    column = lines[0].split(",").index("validation_loss")
    losses = [float(line.split(",")[column]) for line in lines[1:]]
    assert losses[-1] < losses[0]
    policy = load_policy(trained)
    assert isinstance(policy, StreamPolicy)
    assert check_checkpoint(trained) == policy.info
    parts = list(policy.stream(request_of(dots)))
    assert [part.chunk.horizon for part in parts] == list(range(1, ROWS + 1))
    assert [part.chunk.complete for part in parts] == [False] * (ROWS - 1) + [True]
    whole = policy.predict(request_of(dots)).chunk
    for part in parts:
        np.testing.assert_array_equal(part.chunk.actions, whole.actions[: part.chunk.horizon])


def test_an_orientation_that_drifted_is_answered_with_one_that_was_demonstrated(
    dots: Dots, trained: Path
) -> None:
    """Measured from the state it was answered with what drifts on: 0.2 rad away, and never back."""
    policy = load_policy(trained)
    space, state = policy.info.action_space, dots.state[3].copy()
    turns = [space.slice(c.name) for c in space.channels if c.kind is ChannelKind.ROTATION_VECTOR]
    for part in turns:
        state[part] += 1.0
    images = dict(zip(CAMERAS, dots.images[3], strict=True))
    answer = policy.predict(request_of(dots, observations=(Observation(7, state, images),))).chunk.actions
    for part in turns:
        demonstrated, least = dots.action[:, part], FLOORS[ChannelKind.ROTATION_VECTOR]
        assert (answer[:, part] >= demonstrated.min(axis=0) - least).all()
        assert (answer[:, part] <= demonstrated.max(axis=0) + least).all()


def test_what_is_executing_is_the_prefix_of_the_answer(dots: Dots, trained: Path) -> None:
    policy = load_policy(trained)
    free = policy.predict(request_of(dots)).chunk.actions
    reference, omega = free.copy(), np.zeros(ROWS, np.float32)
    reference[:2, 0] += 0.02
    omega[:2] = 1
    kept = policy.predict(
        request_of(dots, sampling="training_time_rtc", omega=omega, reference=reference, delay=2)
    ).chunk
    statistics = policy._normaliser.action_scale[0] / BINS  # type: ignore[attr-defined]
    low_high = np.abs(kept.actions[:2] - reference[:2])
    assert (low_high <= statistics + 1e-5).all()


def test_statistics_of_another_robot_are_refused(trained: Path) -> None:
    with pytest.raises(PolicyError, match="action space") as error:
        load_policy(trained, Expected(action_space=SINGLE_ARM_EE))
    assert error.value.code is ErrorCode.CHECKPOINT_MISMATCH


def test_an_expert_s_unit_is_scored_as_if_it_alone_went_on_from_the_policy_s_own_stream(
    net: StreamNet, prompt: Prompt
) -> None:
    own, expert = torch.randint(0, BINS, (2, 2, 4, 3))
    along, beside = log_probabilities(net, prompt, own, expert)
    for unit in range(4):
        for said, last in ((along, own), (beside, expert)):
            bins = torch.cat([own[:, :unit], last[:, unit : unit + 1]], dim=1)
            ids = net.tokens.flat(bins)
            alone = -token_losses(net(prompt, ids), ids)[:, 4 * unit : 4 * unit + 3].sum(1)
            torch.testing.assert_close(said[:, unit], alone, rtol=1e-4, atol=1e-3)


def test_only_the_first_unit_that_is_liked_too_much_is_corrected() -> None:
    own = torch.tensor([[0.0, 0.3, 0.9], [0.1, 0.1, 0.1], [0.9, 0.0, 0.0]])
    expert = torch.tensor([[0.1, 0.2, 0.0], [0.2, 0.1, 0.3], [0.0, 0.0, -0.5]])
    candidates = torch.tensor(
        [[True] * 3, [True] * 3, [False, True, True]]
    )  # the third begins as the expert does
    found = Rewards(own, expert)
    at = first_divergence(found, candidates)
    assert at.tolist() == [1, -1, 2]
    imitation = torch.tensor([1.0, 2.0, 3.0])
    losses = aligned(found, at, imitation, share=0.9)
    preference = [-np.log(1 / (1 + np.exp(0.3 - 0.2))), -np.log(1 / (1 + np.exp(0.0 + 0.5)))]
    expected = [0.9 * preference[0] + 0.1, 2.0, 0.9 * preference[1] + 0.3]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_the_checkpoint_that_is_picked_has_a_small_gap_that_stays() -> None:
    assert selection([0.0], [0.0]) > selection([0.0, 0.5, 0.5], [0.0, 0.1, 0.1])
    settled = selection([0.3, 0.3, 0.3], [0.2, 0.2, 0.2])
    assert settled == pytest.approx(0.1)
    assert settled < selection([0.3, 0.1, 0.3], [0.2, 0.2, 0.2])
    assert settled < selection([0.3, 0.3, 0.3], [0.0, 0.0, 0.0])


def test_alignment_begins_as_imitation_and_says_its_rewards(
    dots: Dots, trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"phase alignment goes on from a trained policy.*training.init"):
        train(stream_settings(phase="alignment"), "test", dots, tmp_path / "nothing")
    more = {"init": str(trained), "steps": 1, "batch_size": 2, "evaluations": 1, "average_decay": 0.0}
    settings = stream_settings(phase="alignment", training=more)
    train(settings, "test", dots, tmp_path / "aligned")
    lines = (tmp_path / "aligned/training/scores.csv").read_text().splitlines()
    scores = dict(zip(lines[0].split(","), map(float, lines[1].split(",")), strict=True))
    assert {"winner_reward", "loser_reward", "diverged", "alignment_loss"} <= set(scores)
    learner = StreamLearner(StreamSettings.model_validate(settings), dots)
    bins = learner.model.tokens.bins(torch.zeros(1, ROWS, dots.action_space.dim))
    batch = learner.read(learner.part, learner.part.frames[:1])

    def scored(net: StreamNet) -> tuple[torch.Tensor, torch.Tensor]:
        prompt = net.prompt(learner.sight.plain(batch.images), batch.state, batch.columns["words"])
        return log_probabilities(net, prompt, bins, bins)

    def same(one: tuple[torch.Tensor, ...], two: tuple[torch.Tensor, ...]) -> bool:
        return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))

    first, reference = scored(learner.model), learner._reference
    assert same(first, reference.asked(learner.model, scored)), "at the start they are one"
    with torch.no_grad():
        for each in learner.model.parameters():
            each.mul_(0.9)
    assert not same(first, moved := scored(learner.model))
    assert same(first, reference.asked(learner.model, scored)), "the reference stays"
    assert same(moved, scored(learner.model)), "and leaves the policy as it is"
    assert load_policy(tmp_path / "aligned").info.horizon == ROWS


def test_a_deployment_says_how_a_checkpoint_is_decoded(dots: Dots, trained: Path) -> None:
    method = find_method("action_stream")

    def deployed(**options: Any) -> Deployment:
        return Deployment(checkpoint=trained, options=options)

    two = make_policy(method, deployed(units=2, decoding="beam", beams=2))
    assert two.info.horizon == check_policy(method, deployed(units=2)).horizon == 2
    request = request_of(dots, omega=np.zeros(2, np.float32), reference=np.zeros((2, 14), np.float32))
    assert two.predict(request).chunk.horizon == 2
    for options, said in (
        ({"units": ROWS + 1}, f"decoding.units is {ROWS + 1}, expected at most the {ROWS} actions"),
        ({"decodin": "beam"}, "policy_options of action_stream.*decodin.*decoding"),
    ):
        with pytest.raises(ConfigError, match=said):
            check_policy(method, deployed(**options))
    with pytest.raises(ConfigError, match="policy_options: hold has none"):
        check_policy(find_method("hold"), Deployment(options={"units": 2}))


@pytest.mark.parametrize("times", [1, 2])
def test_keypoints_of_every_camera_are_tokens_of_the_prompt_in_a_place_of_their_own(times: int) -> None:
    torch.manual_seed(0)
    shape = Shape(("eye", "hand"), (6, 5), 3, 10, 3, observations=times, channels=CHANNELS)
    look = PlacesLook(shape, 16)
    maps = torch.rand(2, *((times,) if times > 1 else ()), 2, CHANNELS, 5, 6)
    with torch.no_grad():
        tokens, other = look(maps), maps.clone()
        other[:, ..., 1, :, :, :] += torch.rand(CHANNELS, 5, 6)  # the second camera sees something else
        moved = (look(other) - tokens).unflatten(1, (times, 2, -1)).abs().amax(dim=(0, 3, 4))
    assert tokens.shape == (2, times * 2 * 8, 16)
    assert moved[:, 0].max() == 0 and moved[:, 1].min() > 0


def test_keypoints_without_a_trunk_are_refused() -> None:
    settings = train_settings_of(look="keypoints")
    with pytest.raises(ConfigError, match="keypoints are of a trunk's map") as error:
        build_network(settings, Shape(("eye",), (32, 32), 3, 10, 3))
    assert error.value.code is ErrorCode.CONFIG_CONFLICT


def test_what_is_foretold_is_of_the_same_episode() -> None:
    rows, episode = np.arange(7, dtype=np.float32)[:, None], np.array([0, 0, 0, 3, 3, 3, 3])
    later = ahead(rows, episode, np.array([1, 3]))
    assert later[..., 0].tolist() == [[1, 2], [2, 2], [2, 2], [4, 6], [5, 6], [6, 6], [6, 6]]


@pytest.mark.parametrize("measured", [True, False])
def test_the_pictures_alone_foretell_and_the_language_model_is_told(measured: bool) -> None:
    """What the state tells would leave nothing to be learned from the pictures."""
    torch.manual_seed(0)
    small = {"vocabulary": 300, "width": 16, "layers": 1, "heads": 2, "feedforward": 16}
    settings = StreamSettings.model_validate(
        {"language": small, "look": "keypoints", "foresight": 1.0} | {"state": measured}
    )
    shape = Shape(("eye", "hand"), (6, 5), 3, 10, 3, channels=CHANNELS)
    net = build_network(settings, shape)
    maps, state, words = (
        torch.rand(2, 2, CHANNELS, 5, 6),
        torch.randn(2, 3),
        torch.ones(2, 4, dtype=torch.long),
    )
    with torch.no_grad():
        prompt = net.prompt(maps, state, words)
        moved, elsewhere = (
            net.prompt(maps, state + 1, words),
            net.prompt(maps + torch.rand(CHANNELS, 5, 6), state, words),
        )
    told, shown = prompt.foretold, 1 + 2 * 8  # what begins, and eight tokens of each camera
    assert torch.equal(told, moved.foretold) and not torch.allclose(told, elsewhere.foretold)
    assert told.shape == (2, len(FORESEEN_S), 3)
    assert torch.equal(prompt.embedded, moved.embedded) != measured
    assert not torch.allclose(prompt.embedded[:, shown], elsewhere.embedded[:, shown])
    with pytest.raises(ConfigError, match=r"foresight is 1.0, expected 0 unless look is keypoints"):
        train_settings_of(foresight=1.0)


def test_what_looks_at_the_pictures_learns_alone_at_first_and_every_baseline_does_too(dots: Dots) -> None:
    """A step of it costs a tenth of one of the language model."""
    small = {"vocabulary": 600, "width": 16, "layers": 1, "heads": 2, "feedforward": 16}
    told = {"language": small, "horizon": 4, "look": "keypoints", "foresight": 1.0, "foresight_steps": 1}
    told |= {"encoder": {"trunk": "efficientnet_lite0", "enlarge": 1, "every": 4, "views": 1}}
    told |= {"training": {"batch_size": 4, "steps": 2, "threads": 1, "validation_frames": 4}}
    for method in ("action_stream", "action_stream_fast", "action_stream_regression"):
        learner: Any = make_learner(parse_settings({"method": method, **told}, "test"), dots, None)
        batch, net = next(iter(learner.batches(0))), learner.model
        learned = []
        for number in (0, 1):
            net.zero_grad()
            learner.loss(batch, number).backward()
            parts = (net.look, net.foretells, net.language)
            learned.append([any(w.grad is not None and w.grad.any() for w in p.parameters()) for p in parts])
        assert learned == [[True, True, False], [True, True, True]], method
    with pytest.raises(ConfigError, match=r"foresight_steps is 1, expected 0 without foresight"):
        train_settings_of(look="keypoints", foresight_steps=1)
