"""Laws of Chain-of-Action: which rows a chain has, how it is decoded and when it stops, what is learned and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM
from segue_core.contracts.files import load_robot
from segue_core.errors import ConfigError, DataError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import AttentivePolicy, PredictRequest
from segue_policies.methods.chain_of_action.attention import among_actions
from segue_policies.methods.chain_of_action.config import ChainConfig, Order
from segue_policies.methods.chain_of_action.decoding import Chains, decode
from segue_policies.methods.chain_of_action.layers import DecoderLayer
from segue_policies.methods.chain_of_action.learner import ChainLearner
from segue_policies.methods.chain_of_action.loss import chain_loss
from segue_policies.methods.chain_of_action.model import ChainNet, ChainTraining
from segue_policies.methods.chain_of_action.plausible import near, plausible
from segue_policies.methods.chain_of_action.policy import ChainPolicy
from segue_policies.methods.chain_of_action.rows import ChainRows
from segue_policies.methods.chain_of_action.sequence import in_time, picked, with_end
from segue_policies.methods.chain_of_action.stopping import arrived, points_of
from segue_policies.policy_loading import check_checkpoint, load_policy
from segue_policies.samples.normaliser import Normaliser
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import STEPS, Dots, make_chain_settings
from segue_policies.training.command.train import train

ORDERS: tuple[Order, ...] = ("reverse", "forward", "hybrid")
SHAPE = Shape(("front", "wrist"), (48, 40), 14, STEPS, 14)


def settings(**changes: Any) -> ChainConfig:
    return ChainConfig.model_validate(make_chain_settings(steps=1) | changes)


def network(**changes: Any) -> ChainNet:
    torch.manual_seed(0)
    return ChainNet(settings(**changes), SHAPE).eval()


def context_of(net: ChainNet, batch: int = 2) -> torch.Tensor:
    made = torch.Generator().manual_seed(1)
    return net.look(torch.randn(batch, 2, 3, 40, 48, generator=made), torch.randn(batch, 14, generator=made))


@given(st.integers(1, 30), st.integers(1, 7), st.sampled_from(ORDERS))
def test_a_chain_has_every_so_manieth_row_up_to_the_keyframe_whatever_its_order(
    ticks: int, every: int, order: Order
) -> None:
    rows, real = picked(torch.tensor([ticks]), 30, every, order)
    chain = rows[0, real[0]]
    timed = in_time(chain[:, None], order)[:, 0].tolist()
    assert timed == list(range((ticks - 1) % every, ticks, every))
    if order != "forward":
        assert chain[0] == ticks - 1  # the keyframe comes first


def test_a_chain_of_no_ticks_has_no_actions() -> None:
    assert not picked(torch.tensor([0]), 5, 2, "reverse")[1].any()


@pytest.mark.parametrize("layers", [1, 3])
def test_kept_keys_and_values_change_nothing(layers: int) -> None:
    net = network(decoder_layers=layers)
    context = context_of(net)

    def never(number: int, first: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(now), dtype=torch.bool)

    with torch.no_grad():
        kept, again = (decode(net, context, never, STEPS, cached) for cached in (True, False))
        torch.testing.assert_close(kept.actions, again.actions, atol=1e-5, rtol=1e-5)
        tokens = net(net.enter(kept.actions)[:, :-1], context)  # and as in training, all at once
        assert tokens.shape == (2, STEPS, 64)
    assert kept.counts.tolist() == [STEPS] * 2 and not kept.arrived.any()


def test_no_action_is_told_of_a_later_one() -> None:
    net = network()
    context = context_of(net)
    tokens = torch.randn(2, STEPS - 1, 64)
    other = tokens.clone()
    other[:, 9:] += 1.0
    with torch.no_grad():
        torch.testing.assert_close(net(tokens, context)[:, :10], net(other, context)[:, :10])


def test_a_chain_stops_by_either_reading() -> None:
    keyframe, tool = torch.tensor([0.0, 0.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])

    def stops(stop: Any, x: float, y: float = 0.0) -> bool:
        return bool(arrived(stop, 0.01, keyframe, tool, torch.tensor([x, y, 0.0])))

    assert [stops("distance", x) for x in (0.0, 0.98, 0.995, 1.005, 1.02)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert [stops("projection", x) for x in (0.0, 0.98, 0.995, 1.2)] == [
        False,
        False,
        True,
        True,
    ]  # steps may be long
    assert not stops("projection", -1.2)  # away from the tool
    assert stops("projection", 0.3, 1.0)  # as far, beside it: `farthest` refuses that
    assert bool(arrived("projection", 0.01, keyframe, keyframe, keyframe))  # the tool is at the keyframe


def test_every_head_is_asked_for_the_action_that_many_steps_ahead_and_for_none_beyond_the_end() -> None:
    config = settings(ahead=3, consistency_weight=0.0)
    torch.manual_seed(0)
    net = ChainTraining(ChainNet(config, SHAPE), config).eval()
    context = context_of(net.net)
    actions = torch.randn(2, 8, 14)
    real = torch.arange(8) < torch.tensor([[5], [8]])
    loss = chain_loss(net, config, context, actions, real)
    expected = torch.zeros(())
    for step, tokens in enumerate(net(net.net.enter(actions), context)):
        wanted = torch.stack([actions[:, place + step] for place in range(8 - step)], dim=1)
        far = (net.net.leave(tokens[:, : 8 - step]) - wanted).abs().mean(-1)
        expected = expected + far[real[:, step:]].mean()
    torch.testing.assert_close(loss, expected)
    other = torch.where(real[..., None], actions, 100.0)
    torch.testing.assert_close(chain_loss(net, config, context, other, real), loss)


def test_an_action_is_its_own_token_when_the_consistency_is_of_actions() -> None:
    config = settings(consistency="action", ahead=1)
    net = ChainTraining(ChainNet(config, SHAPE), config)
    with torch.no_grad():
        net.net.leave.weight.copy_(torch.linalg.pinv(net.net.enter.weight))
        net.net.leave.bias.copy_(-net.net.leave.weight @ net.net.enter.bias)
    actions, context, real = torch.randn(2, 4, 14), context_of(net.net), torch.ones(2, 4, dtype=torch.bool)
    with_it = chain_loss(net.eval(), config, context, actions, real)
    without = chain_loss(net, config.model_copy(update={"consistency_weight": 0.0}), context, actions, real)
    torch.testing.assert_close(with_it, without, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("order", "look"), [*((order, "grid") for order in ORDERS), ("reverse", "keypoints")]
)
def test_the_loss_reaches_every_weight(order: Order, look: str, dots: Any) -> None:
    learner = ChainLearner(settings(order=order, look=look), dots)
    learner.loss(next(iter(learner.batches(0))), 0).backward()
    assert [name for name, p in learner.model.named_parameters() if p.grad is None] == []
    scores = learner.evaluate(learner.model)
    assert np.isfinite(scores["validation_loss"]) and ("never_arrived" in scores) == (order != "forward")


def test_samples_end_at_their_keyframe(dots: Any) -> None:
    learner = ChainLearner(settings(), dots)
    batch = learner.pairs(learner.read(learner.part, learner.part.frames[:STEPS]), torch.Generator())
    # the grippers close half way: in the tenth frame
    assert batch.real.sum(dim=1).tolist() == [*range(10, 0, -1), *range(10, 0, -1)]
    torch.testing.assert_close(batch.actions[0, 9:], batch.actions[0, 9:10].expand(STEPS - 9, -1))


def test_a_horizon_that_does_not_reach_the_keyframe_is_refused_with_the_one_that_does(dots: Any) -> None:
    with pytest.raises(DataError, match="episode 0, frame 0: ticks; got 10; expected at most 8.*horizon=10"):
        ChainLearner(settings(horizon=8), dots)


def test_a_width_that_the_heads_cannot_share_is_refused() -> None:
    from segue_policies.training.command.train import parse_settings

    with pytest.raises(ConfigError, match="width is 30, expected a multiple of 4 and of heads"):
        parse_settings({"method": "chain_of_action", "width": 30}, "test")


def reader(**changes: Any) -> ChainRows:
    horizon, dim = STEPS, DUAL_ARM_EE.dim
    still = Normaliser(
        action_anchor=np.zeros(dim, np.float32), action_mean=np.zeros((horizon, dim), np.float32),
        action_scale=np.ones((horizon, dim), np.float32), state_mean=np.zeros(dim, np.float32),
        state_scale=np.ones(dim, np.float32), image_mean=np.zeros((1, 3), np.float32),
    )  # fmt: skip
    return ChainRows(settings(**changes), DUAL_ARM_EE, still)


def test_a_chain_that_never_arrives_is_cut_where_it_came_nearest() -> None:
    actions = torch.zeros(1, STEPS, 14)
    actions[0, :, 0] = torch.linspace(0.0, 0.5, STEPS)
    state = torch.zeros(1, 14)
    state[0, 0], state[0, 7] = actions[0, 12, 0], 0.03  # beside its way
    cut = reader().actions(Chains(actions, torch.tensor([STEPS]), torch.tensor([False])), 0, state)
    assert len(cut) == 13


def test_between_the_actions_of_a_chain_rows_are_blended() -> None:
    actions = np.zeros((4, 14))
    actions[:, 0], actions[:, 6] = (
        [0.4, 0.2, 0.0, -0.05],
        [0.0, 1.0, 1.0, 1.0],
    )  # the keyframe first, the tool last
    rows = reader(every=2, shortest=1).rows(actions)
    np.testing.assert_allclose(rows[:, 0], [0.0, 0.1, 0.2, 0.3, 0.4])
    assert set(rows[:, 6]) == {0.0, 1.0}  # a gripper is never half open
    assert reader(every=2, to_tool=False, shortest=1).rows(actions).shape == (7, 14)
    assert reader(shortest=1).rows(actions[:1]).shape == (1, 14)  # the tool is at the keyframe


def test_a_chain_that_leads_beside_the_tool_is_bent_to_it_and_keeps_its_keyframe() -> None:
    actions = np.zeros((5, 14))
    actions[:, 0] = [0.4, 0.3, 0.2, 0.1, 0.0]
    tool = np.zeros(14)
    tool[1] = 0.08
    bent = reader(bend=True).bent(actions, tool)
    np.testing.assert_allclose(bent[:, 0], actions[:, 0])
    np.testing.assert_allclose(bent[:, 1], [0.0, 0.02, 0.04, 0.06, 0.08])
    np.testing.assert_array_equal(reader(bend=True).bent(actions[:1], tool), actions[:1])
    np.testing.assert_array_equal(reader().bent(actions, tool), actions)


def test_a_keyframe_is_held_until_the_next_chunk_is_there() -> None:
    actions = np.zeros((4, 14))
    actions[:, 0] = [0.4, 0.2, 0.0, -0.05]
    held = reader(shortest=6).rows(actions)
    np.testing.assert_allclose(held[:, 0], [0.0, 0.2, 0.4, 0.4, 0.4, 0.4])
    assert len(reader(shortest=2).rows(actions)) == 3
    assert len(reader(shortest=6, order="forward").rows(actions)) == 4  # no keyframe
    from segue_policies.methods.chain_of_action.method import METHODS

    assert ChainConfig().shortest >= 2 * METHODS[0].delay  # one that comes, and one that is asked for then


def test_a_chain_leads_to_where_the_tool_is_measured_and_not_only_to_the_command_ahead_of_it(
    dots: Dots,
) -> None:
    ahead = replace(dots, action=dots.action + np.array([0.05] + 13 * [0.0], np.float32))
    learner = ChainLearner(settings(every=4), ahead)
    batch = learner.read(learner.part, learner.part.frames[:STEPS])
    sample = learner._sample(learner.pairs(batch, torch.Generator()), torch.zeros(STEPS, 1))
    chains, real = learner._chains(sample)
    assert real.sum(dim=1).tolist() == [(ticks - 1) // 4 + 2 for ticks in 2 * [*range(10, 0, -1)]]
    ends = chains[torch.arange(STEPS), real.sum(dim=1) - 1]
    points, measured = points_of(DUAL_ARM_EE), batch.state.unsqueeze(1)
    there = learner.normaliser.encode_actions(measured, batch.state)[:, 0]
    torch.testing.assert_close(ends[:, points], there[:, points], atol=1e-5, rtol=1e-5)
    assert not with_end(chains, torch.zeros_like(real), ends)[1].any()


def test_what_cannot_be_meant_is_refused_with_what_can() -> None:
    franka = load_robot(Path("config/robots/franka.yaml"))
    space = franka.action_space
    rows = np.tile([0.4, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0], (3, 1))
    np.testing.assert_array_equal(plausible(rows, 0, space, franka), rows)
    rows[0, 2] = -0.3
    with pytest.raises(
        PolicyError, match=r"keyframe outside the workspace: arm_position.*-0\.30.*expected"
    ) as caught:
        plausible(rows, 0, space, franka)
    assert caught.value.code is ErrorCode.POLICY_IMPLAUSIBLE
    plausible(rows, None, space, franka)  # forward: no keyframe
    with pytest.raises(PolicyError, match="does not lead back to the tool.*at most 0.1"):
        near(rows[0], rows[1], points_of(space), 0.1)
    turned = np.zeros((2, UNIVERSAL_DUAL_ARM.dim))
    for channel in ("left_orientation", "right_orientation"):
        turned[:, UNIVERSAL_DUAL_ARM.slice(channel)] = [0.0, 0.0, 0.0, 0.95]
    made = plausible(turned, 0, UNIVERSAL_DUAL_ARM, None)
    assert np.allclose(np.linalg.norm(made[:, UNIVERSAL_DUAL_ARM.slice("left_orientation")], axis=1), 1.0)
    with pytest.raises(PolicyError, match=r"norm of the quaternion left_orientation; got 0\.00"):
        plausible(np.zeros((2, UNIVERSAL_DUAL_ARM.dim)), 0, UNIVERSAL_DUAL_ARM, None)


def reaching(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """2-D reaching: maps (B, 1, 1, 8, 8) that show the goal, tools (B, 2), and the straight ways (B, 10, 2) between."""
    goal, tool = (2 * torch.rand(count, 2, generator=generator) - 1 for _ in range(2))
    places = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 8)] * 2, indexing="xy"), dim=-1)
    maps = torch.exp(-4 * (places - goal[:, None, None]).square().sum(-1))
    share = torch.linspace(0, 1, 10)[:, None]
    return maps[:, None, None], tool, share * tool[:, None] + (1 - share) * goal[:, None]


def test_the_reverse_order_learns_where_the_goal_is_and_how_to_come_back_from_it() -> None:
    changes = {"horizon": 10, "width": 32, "heads": 2, "feedforward": 64, "ahead": 2}
    config, shape = settings(**changes), Shape(("map",), (8, 8), 2, 10, 2, channels=1)
    torch.manual_seed(0)
    net, random = ChainTraining(ChainNet(config, shape), config), torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    real = torch.ones(64, 10, dtype=torch.bool)
    for _ in range(250):
        maps, tool, ways = reaching(64, random)
        optimiser.zero_grad()
        chain_loss(net, config, net.net.look(maps, tool), ways, real).backward()
        optimiser.step()
    maps, tool, ways = reaching(64, random)

    def arrive(number: int, first: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        return arrived("projection", 0.1, first, tool, now)

    with torch.no_grad():
        chains = decode(net.eval().net, net.net.look(maps, tool), arrive, 10)
    ends = chains.actions[torch.arange(64), chains.counts - 1]
    assert (chains.actions[:, 0] - ways[:, 0]).norm(dim=1).mean() < 0.2  # of a room of 2 x 2
    assert (ends - tool).norm(dim=1).mean() < 0.25
    assert chains.arrived.float().mean() > 0.6  # within 0.1 of as far as the tool


@pytest.fixture(scope="module")
def checkpoint(dots: Dots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hardly trained; whatever it answers is taken."""
    out = tmp_path_factory.mktemp("chain") / "chain_of_action"
    hardly = make_chain_settings(steps=1, evaluations=1, batch_size=2, validation_frames=2)
    train(hardly | {"farthest": 10.0, "every": 3}, "test", dots, out)
    return out


def request_at(data: Any, frame: int) -> PredictRequest:
    images = dict(zip(data.cameras, np.asarray(data.images[frame]), strict=True))
    observation = Observation(5, np.asarray(data.state[frame]), images)
    zero = np.zeros((STEPS, 14), dtype=np.float32)
    return PredictRequest(5, 3, "plain", zero[:, 0], zero, 2, 7, observations=(observation,))


def test_a_chunk_says_that_it_may_be_short_and_a_checkpoint_has_no_heads_of_the_training(
    checkpoint: Path,
) -> None:
    policy = load_policy(checkpoint)
    assert check_checkpoint(checkpoint) == policy.info and policy.info.shortest == 1
    assert isinstance(policy, ChainPolicy)
    assert not any(name.startswith("ahead") for name in policy._net.state_dict())


def test_a_chain_that_reaches_its_longest_says_so_and_one_that_leads_elsewhere_is_refused(
    checkpoint: Path, dots: Dots
) -> None:
    policy, request = load_policy(checkpoint), request_at(dots, 0)
    assert isinstance(policy, ChainPolicy)
    given = policy._reader
    never = given.config.model_copy(update={"stop": "distance", "stop_distance": 1e-9})
    policy._reader = replace(given, config=never)
    result = policy.predict(request)
    assert "did not arrive within 20 ticks" in result.notes[0]
    assert 16 <= result.chunk.horizon <= 19
    policy._reader = replace(given, config=never.model_copy(update={"farthest": 1e-6}))
    with pytest.raises(PolicyError, match="does not lead back to the tool") as caught:
        policy.predict(request)
    assert caught.value.code is ErrorCode.POLICY_IMPLAUSIBLE


def test_a_policy_tells_what_its_actions_look_at(checkpoint: Path, dots: Dots) -> None:
    policy, request = load_policy(checkpoint), request_at(dots, 0)
    assert isinstance(policy, AttentivePolicy)
    layers = policy.attention(request)
    assert len(layers) == 2  # decoder_layers
    for shares in layers.values():
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
        np.testing.assert_array_equal(np.triu(shares, 1), 0.0)  # nothing of a later action


def test_attention_is_that_of_the_decoder() -> None:
    net = network(decoder_layers=1)
    context, actions = context_of(net, 1), torch.randn(1, 6, 14)
    with torch.no_grad():
        shares = among_actions(net, actions, context)[0]
        begun = torch.cat([net.begin.expand(1, 1, -1), net.enter(actions)[:, :-1]], dim=1)
        layer = net.head.layer
        assert isinstance(layer, DecoderLayer)
        shown = layer.norms[0](begun + net.places[:6])
        only = layer.among
        only.heads = 1  # the mean over heads is that of one where there is one
        one = among_actions(net, actions, context)[0]
        mixed = only.leave(one @ only.keys(shown)[1][0, 0])
        torch.testing.assert_close(
            mixed[None], only(shown, only.keys(shown), causal=True), atol=1e-5, rtol=1e-5
        )
    assert shares.shape == (6, 6)
