"""Laws of ACT: its loss, its training on a task that pictures decide, and its answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from policy_rig import ask, ros_with
from pydantic import ValidationError

from segue_core import wire
from segue_core.errors import ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.methods.act.build import build_network
from segue_policies.methods.act.config import ActConfig, NetworkConfig
from segue_policies.methods.act.learner import ActLearner
from segue_policies.methods.act.loss import divergence, reconstruction
from segue_policies.methods.act.model import ActNet, Style
from segue_policies.networks.positions import sine_grid, sine_table
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.node.policy import PolicyNode
from segue_policies.policy_loading import check_checkpoint, load_policy
from segue_policies.testing.dots import make_act_settings, make_dots
from segue_policies.training.command.train import train

TINY = {
    "backbone_width": 8,
    "backbone_norm": "group",
    "width": 32,
    "heads": 2,
    "feedforward": 64,
    "latent": 4,
}
ROWS, DIM, STATE = 6, 3, 5


def network(**changes: Any) -> ActNet:
    torch.manual_seed(0)
    return build_network(NetworkConfig(**(TINY | changes)), STATE, (ROWS, DIM))


def test_the_defaults_are_the_authors_sizes() -> None:
    net = build_network(NetworkConfig(), 14, (100, 14))
    assert (
        sum(parameter.numel() for parameter in net.backbone.parameters()) == 11_166_912
    )  # convolutions alone
    assert (net.latent, net.queries.shape, len(net.encoder.attention)) == (32, (100, 512), 4)
    assert ActConfig().kl_weight == 10.0 and ActConfig().horizon == 100


def test_the_divergence_is_that_of_two_gaussians() -> None:
    mean, log_variance = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(0))
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(Style(mean, log_variance)), expected.sum(1).mean())
    assert float(divergence(Style(torch.zeros(2, 4), torch.zeros(2, 4)))) == 0.0


def test_rows_past_the_end_count_for_nothing() -> None:
    net = network().eval()
    state, actions = torch.randn(2, STATE), torch.randn(2, ROWS, DIM)
    real = torch.arange(ROWS) < torch.tensor([[4], [6]])
    other = torch.where(real.unsqueeze(-1), actions, 100.0)
    assert net.style_encoder is not None
    here, there = net.style_encoder(state, actions, real), net.style_encoder(state, other, real)
    torch.testing.assert_close(here.mean, there.mean)
    predicted = torch.zeros_like(actions)
    assert reconstruction(predicted, actions, real) == reconstruction(predicted, other, real)
    shown = actions.abs()[real].sum() / actions.numel()  # the authors divide by all rows
    torch.testing.assert_close(reconstruction(predicted, actions, real), shown)


def test_places_of_a_feature_map_are_sines_of_row_then_column() -> None:
    grid = sine_grid(2, 3, 8)  # (6, 8): 4 channels for the row, 4 for the column
    row, column = 2 * math.pi * 2 / 2, 2 * math.pi * 3 / 3
    expected = [math.sin(row), math.cos(row), math.sin(row / 100), math.cos(row / 100)]
    expected += [math.sin(column), math.cos(column), math.sin(column / 100), math.cos(column / 100)]
    np.testing.assert_allclose(grid[5].numpy(), expected, atol=2e-5)
    assert sine_table(3, 8)[2, 1] == pytest.approx(math.cos(2.0))


@pytest.mark.parametrize("changes", [{}, {"decoder_layers": 3}, {"pre_norm": True}, {"style_encoder": False}])
def test_the_loss_reaches_every_weight(changes: dict[str, Any], dots: Any) -> None:
    settings = make_act_settings(steps=1)
    settings["network"] |= changes
    learner = ActLearner(ActConfig.model_validate(settings), dots)
    learner.loss(next(iter(learner.batches(0))), 0).backward()
    idle = [name for name, p in learner.model.named_parameters() if p.grad is None]
    assert idle == []


def test_with_its_keyframe_a_chunk_has_a_row_more_which_is_not_executed(dots: Any, tmp_path: Path) -> None:
    settings = make_act_settings(steps=1, evaluations=1, batch_size=2, validation_frames=2)
    settings["network"] |= {"keyframe": True}
    with pytest.raises(ValidationError, match="network.keyframe with actions anchored, expected absolute"):
        ActConfig.model_validate(settings)
    settings["actions"] = "absolute"
    learner = ActLearner(ActConfig.model_validate(settings), dots)
    batch = learner.read(learner.part, learner.part.frames[:12])
    sample = learner.encoded(learner.model, learner._sample(batch, torch.zeros(12, 1)))
    told = learner.normaliser.decode_actions(sample.actions[:, -1:], sample.state)[:, 0]
    first = learner.part.frames[0]
    keyframes = [first + 9] * 10 + [
        first + 19
    ] * 2  # the grippers close in the tenth frame, then there is the end
    np.testing.assert_allclose(told.numpy(), dots.action[keyframes], atol=1e-5)
    assert sample.actions.shape[1] == 11 and sample.real[:, -1].all()
    learner.loss(next(iter(learner.batches(0))), 0).backward()
    assert [name for name, p in learner.model.named_parameters() if p.grad is None] == []
    train(settings, "test", dots, tmp_path / "act")
    assert load_policy(tmp_path / "act").predict(request_at(dots, 0)).chunk.horizon == 10


def test_a_width_that_the_heads_cannot_share_is_refused() -> None:
    with pytest.raises(ValidationError, match="width is 30, expected a multiple of 4 and of heads"):
        network(width=30)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    source, target = ResNet("resnet18", 8, "frozen_batch"), ResNet("resnet18", 8, "frozen_batch")
    extra = {"fc.weight": torch.zeros(1), "bn1.num_batches_tracked": torch.zeros(())}
    torch.save(source.state_dict() | extra, tmp_path / "a.pth")
    load_weights(target, tmp_path / "a.pth")
    assert torch.equal(target.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    with pytest.raises(PolicyError, match="a.pth.*bn1"):
        load_weights(ResNet("resnet18", 8, "group"), tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(b"broken")
    with pytest.raises(PolicyError, match="b.pth") as caught:
        load_weights(target, tmp_path / "b.pth")
    assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("act") / "act"
    train(make_act_settings(steps=150, evaluations=2), "test", make_dots(12), out)
    return out


def request_at(data: Any, frame: int, sampling: str = "plain", rows: int = 10) -> PredictRequest:
    images = dict(zip(data.cameras, np.asarray(data.images[frame]), strict=True))
    observation = Observation(5, np.asarray(data.state[frame]), images)
    zero = np.zeros((rows, 14), dtype=np.float32)
    return PredictRequest(5, 3, sampling, zero[:, 0], zero, 2, 7, observations=(observation,))


def test_it_overfits_a_dozen_episodes(checkpoint: Path) -> None:
    data, policy = make_dots(12), load_policy(checkpoint)
    held_out = ActLearner(ActConfig.model_validate(make_act_settings(steps=1)), data).held_out.frames
    seen = [f for f in range(0, len(data.state), 20) if f not in held_out]
    rows = [policy.predict(request_at(data, f)).chunk.actions[9, :2] for f in seen]
    wanted = np.stack([data.action[f + 9, :2] for f in seen])
    error, spread = (
        np.linalg.norm(np.stack(rows) - wanted, axis=1).mean(),
        np.linalg.norm(wanted, axis=1).mean(),
    )
    assert error < 0.25 * spread  # [m]; the dot is only in the pictures


def test_a_resumed_run_ends_in_the_same_weights_dropout_and_all(dots: Any, tmp_path: Path) -> None:
    from test_training import Interrupted, interrupted_after

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settings = make_act_settings(steps=6, evaluations=3)
    train(settings, "test", dots, whole)
    with pytest.raises(Interrupted):
        train(settings, "test", interrupted_after(dots, 6), parts)
    train(settings, "test", dots, parts, resume=True)
    assert (whole / "weights.safetensors").read_bytes() == (parts / "weights.safetensors").read_bytes()


def test_a_guided_sampling_is_refused_before_and_at_a_request(checkpoint: Path) -> None:
    info = check_checkpoint(checkpoint)
    assert (info.name, info.horizon, info.capabilities) == ("act", 10, frozenset())
    with pytest.raises(PolicyError, match="act: sampling.*rtc.*plain") as caught:
        load_policy(checkpoint).predict(request_at(make_dots(1), 0, "rtc"))
    assert caught.value.code == ErrorCode.POLICY_UNSUPPORTED_SAMPLING


def test_the_answer_over_ros_is_the_policy_s_own(checkpoint: Path) -> None:
    request = request_at(make_dots(12), 7)
    with ros_with(checkpoint=checkpoint):
        node = PolicyNode()
        node.trigger_configure()
        node.trigger_activate()
        (answer,) = ask(node, request.observation, request)
    policy = load_policy(checkpoint)
    assert answer.error_code == 0, answer.error_text
    chunk = wire.chunk_of(answer.chunk, policy.info.action_space)
    assert chunk.actions.tobytes() == policy.predict(request).chunk.actions.tobytes()
