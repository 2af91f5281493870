"""Laws of Legato's network and variant."""

from __future__ import annotations

import pytest
import torch

from segue_core.errors import ConfigError
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.loss import flow_loss, flow_times
from segue_policies.methods.flow.model import FlowNet
from segue_policies.methods.flow.path import (
    interpolant,
    legato_velocity,
    sample,
    sample_plain,
    target_velocity,
)
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.methods.flow.variants.legato import velocity_weight

H, D, N = 60, 14, 5
SMALL = NetworkConfig(
    channels=(8, 8, 8), keypoints=4, values=2, image_width=8, condition_width=16, head_width=32
)
CAMERAS = ("head", "left_wrist", "right_wrist")


def make_net() -> FlowNet:
    torch.manual_seed(0)
    return build_network(SMALL, CAMERAS, (96, 72), D, (H, D), N)


def test_a_fully_guided_row_is_returned_exactly_even_by_an_untrained_network() -> None:
    net = make_net()
    observed = net.observe(torch.randn(2, 3, 3, 72, 96), torch.randn(2, D))
    reference, noise = torch.randn(2, 2, H, D)
    omega = torch.zeros(H)
    omega[:8] = 1.0
    chunk = sample(net.bind_guided(observed, noise), noise, omega, reference, N)
    torch.testing.assert_close(chunk[:, :8], reference[:, :8], atol=1e-5, rtol=0)


def test_a_free_chunk_lands_on_the_prediction_of_the_last_step() -> None:
    net = make_net()
    observed = net.observe(torch.randn(1, 3, 3, 72, 96), torch.randn(1, D))
    predictions: list[torch.Tensor] = []
    noise = torch.randn(1, H, D)
    plain, guided = net.bind(observed), net.bind_guided(observed, noise)

    def spy(y: torch.Tensor, t: torch.Tensor, omega: torch.Tensor) -> torch.Tensor:
        predictions.append(net.clean(y, observed, t.expand(1), omega))
        return guided(y, t, omega)

    chunk = sample(spy, noise, torch.zeros(1, H), torch.zeros(1, H, D), N)
    torch.testing.assert_close(chunk, predictions[-1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(chunk, sample_plain(plain, noise, N), atol=1e-5, rtol=1e-5)


def test_the_weighted_error_of_the_clean_chunk_is_the_paper_s_velocity_error() -> None:
    generator = torch.Generator().manual_seed(3)
    actions, noise, predicted = torch.randn(3, 6, H, D, generator=generator, dtype=torch.float64)
    omega = torch.rand(6, H, generator=generator, dtype=torch.float64)
    t = 0.9 * torch.rand(6, generator=generator, dtype=torch.float64)
    noisy = interpolant(actions, noise, omega, t)
    velocity = legato_velocity(predicted, noisy, noise, omega, t, N)
    paper = (velocity - target_velocity(actions, noise, omega, t, N)).square()
    weight = velocity_weight(omega, t, N, float("inf"))
    torch.testing.assert_close(weight * (predicted - actions).square(), paper)


def test_flow_times_cover_the_unit_interval_for_every_observation() -> None:
    times = flow_times(50, 8, torch.Generator().manual_seed(0)).view(50, 8)
    assert torch.equal((times * 8).floor(), torch.arange(8.0).expand(50, 8))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_loss_is_a_function_of_its_generator(name: str) -> None:
    net = make_net()
    observed, actions = torch.randn(4, 16), torch.randn(4, H, D)
    values = [
        flow_loss(
            VARIANTS[name],
            net,
            observed,
            actions,
            FlowConfig(),
            torch.ones(D),
            torch.Generator().manual_seed(seed),
        ).item()
        for seed in (1, 1, 2)
    ]
    assert values[0] == values[1] != values[2]


def test_cameras_that_name_one_encoder_share_its_weights() -> None:
    net = make_net()
    assert sorted(net.encoder.encoders) == ["head", "wrist"]
    images, state = torch.randn(2, 3, 3, 72, 96), torch.randn(2, D)
    swapped = images[:, [0, 2, 1]]
    assert not torch.allclose(net.observe(images, state), net.observe(swapped, state))


@pytest.mark.parametrize(("cameras", "size"), [(("head", "roof"), (96, 72)), (CAMERAS, (100, 72))])
def test_a_camera_without_encoder_or_an_odd_size_is_refused(
    cameras: tuple[str, ...], size: tuple[int, int]
) -> None:
    with pytest.raises(ConfigError, match="roof|multiples of 8"):
        build_network(SMALL, cameras, size, D, (H, D), N)


DIT = SMALL.model_copy(update={"head": "transformer", "token_rows": 4, "attention_heads": 4})


def test_a_transformer_head_serves_wherever_an_mlp_does() -> None:
    torch.manual_seed(0)
    net = build_network(DIT, CAMERAS, (96, 72), D, (H, D), N)
    observed = net.observe(torch.randn(2, 3, 3, 72, 96), torch.randn(2, D))
    reference, noise = torch.randn(2, 2, H, D)
    omega = torch.zeros(H)
    omega[:8] = 1.0
    chunk = sample(net.bind_guided(observed, noise), noise, omega, reference, N)
    torch.testing.assert_close(chunk[:, :8], reference[:, :8], atol=1e-5, rtol=0)
    loss = flow_loss(
        VARIANTS["legato"], net, observed, reference, FlowConfig(), torch.ones(D), torch.Generator()
    )
    torch.autograd.backward(loss)
    moved = [name for name, p in net.head.named_parameters() if p.grad is not None and p.grad.any()]
    assert {"enter.weight", "place", "leave.weight", "blocks.2.modulate.weight"} <= set(moved)


def test_every_token_of_a_transformer_hears_of_every_other() -> None:
    torch.manual_seed(0)
    head = build_network(DIT, CAMERAS, (96, 72), D, (H, D), N).head
    for block in head.blocks:  # type: ignore[union-attr]
        torch.nn.init.normal_(block.modulate.weight, std=0.5)
    noisy = torch.randn(1, H, D).requires_grad_(True)
    clean = head(noisy, torch.randn(1, 16), torch.tensor([0.3]), torch.zeros(1, H))
    (gradient,) = torch.autograd.grad(clean[0, 0].sum(), noisy)
    assert (gradient[0].abs().sum(1) > 0).all()


@pytest.mark.parametrize(("name", "value"), [("token_rows", 7), ("attention_heads", 5)])
def test_a_transformer_whose_sizes_do_not_divide_is_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"network.{name}; got {value}; expected a divisor of"):
        build_network(DIT.model_copy(update={name: value}), CAMERAS, (96, 72), D, (H, D), N)
