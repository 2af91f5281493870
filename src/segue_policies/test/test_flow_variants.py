"""Laws of the variants: what each draws, weighs and tells, and that a checkpoint serves what it was trained for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segue_core.action_space import DUAL_ARM_EE
from segue_core.blending import continuous, difference
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest
from segue_core.schedule import guidance_schedule
from segue_policies.checkpoints.checkpoint import load_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.flow.config import FlowConfig, NetworkConfig
from segue_policies.methods.flow.method import serves
from segue_policies.methods.flow.model import ChunkHead, FlowNet
from segue_policies.methods.flow.path import (
    interpolant,
    legato_velocity,
    sample_plain,
    target_velocity,
)
from segue_policies.methods.flow.policy import FlowPolicy
from segue_policies.methods.flow.scene import Scene, TrainedNetwork
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.methods.flow.variants.one_shot import sample_one_shot
from segue_policies.methods.flow.variants.training_time_rtc import sample_prefix
from segue_policies.policy_loading import make_policy
from segue_policies.samples.normaliser import Normaliser
from segue_policies.training.command.train import train

H, D, N = 12, 14, 5
CONFIG = FlowConfig(horizon=H, max_delay=4, max_ramp=6)
NO_IMAGES = np.zeros((0, 8, 8, 3), dtype=np.uint8)
seeds = st.integers(0, 2**31)


class StateEncoder(torch.nn.Module):
    """An observation that is the state alone."""

    def forward(self, images: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        return state


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def untrained(name: str, seed: int = 0) -> FlowPolicy:
    """A policy with random weights; its poses are relative to the state, as in training."""
    torch.manual_seed(seed)
    net = FlowNet(StateEncoder(), ChunkHead(H, D, 32, 1, D), N, 0.04).requires_grad_(False)
    anchor = np.tile(np.array([1, 1, 1, 1, 1, 1, 0], dtype=np.float32), 2)
    scale = np.full((H, D), 0.1, dtype=np.float32)
    zero, one = np.zeros(D, dtype=np.float32), np.ones(D, dtype=np.float32)
    normaliser = Normaliser(anchor, 0 * scale, scale, zero, one, np.zeros((0, 3), dtype=np.float32))
    info = PolicyInfo(name, DUAL_ARM_EE, H, N, 30.0, (), (8, 8), find_method(name).capabilities, 4, 6)
    return FlowPolicy(info, TrainedNetwork(net, VARIANTS[name], normaliser, DUAL_ARM_EE, H), D)


def ask(sampling: str, seed: int, turns: int = 0, **changes: Any) -> PredictRequest:
    """A random state near half a turn, and a reference near it, written with `turns` more turns."""
    rng = np.random.default_rng(seed)
    state = rng.uniform(-0.2, 0.2, D)
    reference = state + rng.uniform(-0.1, 0.1, (H, D))
    for part in (slice(3, 6), slice(10, 13)):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        state[part] = (np.pi - 0.1) * axis
        angles = np.linspace(np.pi - 0.1, np.pi + 0.1, H)
        reference[:, part] = (angles - 2 * np.pi * turns)[:, None] * axis
    hard = sampling in ("training_time_rtc", "vlash")
    settings: dict[str, Any] = {
        "observations": (Observation(0, state.astype(np.float32), {}),),
        "start_tick": 0,
        "sequence": 0,
        "sampling": sampling,
        "omega": guidance_schedule(H, 3, 0 if hard else 5),
        "reference": reference.astype(np.float32),
        "delay": 3,
        "seed": seed,
    }
    return PredictRequest(**settings | changes)


def answer(policy: FlowPolicy, request: PredictRequest) -> np.ndarray[Any, Any]:
    return policy.predict(request).chunk.actions


PAIRS = [(name, sampling) for name in VARIANTS for sampling in serves(name)]


@pytest.mark.parametrize("name", VARIANTS)
def test_training_without_guidance_is_flow_matching(name: str) -> None:
    """With omega = 0 path, weight and what the network is told are those of `flow`, for every variant."""
    free, t = torch.zeros(64, H), torch.rand(64, generator=generator(1))
    variant, flow = VARIANTS[name], VARIANTS["flow"]
    weight = variant.weight(free, t, N, 3.0) * torch.ones(64, H, 1)
    torch.testing.assert_close(weight, flow.weight(free, t, N, 3.0) * torch.ones(64, H, 1))
    assert not variant.condition(free).any()


@pytest.mark.parametrize("name", ["training_time_rtc", "legato", "one_shot"])
def test_schedules_stay_inside_the_trained_lengths_and_include_no_prefix(name: str) -> None:
    variant = VARIANTS[name]
    omega = variant.schedules(4000, CONFIG, generator(0))
    delay, ramp = variant.trained_lengths(CONFIG)
    assert int((omega == 1).sum(1).max()) == delay == CONFIG.max_delay
    assert int((omega > 0).sum(1).max()) == delay + ramp
    assert (omega == 0).all(1).float().mean() > 0.1


def test_flow_and_vlash_never_mix_the_clean_chunk_into_the_path() -> None:
    for name in ("flow", "vlash"):
        assert not VARIANTS[name].schedules(100, CONFIG, generator(0)).any()


def test_a_clean_prefix_has_no_loss_and_the_postfix_weighs_as_much_as_a_whole_chunk() -> None:
    variant = VARIANTS["training_time_rtc"]
    omega = variant.schedules(512, CONFIG, generator(0))
    weight = variant.weight(omega, torch.rand(512, generator=generator(1)), N, 1.0)
    assert not weight[omega == 1].any()
    assert float(weight.mean()) == pytest.approx(1.0, abs=1e-5)


def test_legato_s_weight_is_that_of_its_reshaped_velocity_and_one_shot_s_of_a_plain_one() -> None:
    actions, noise, predicted = torch.randn(3, 6, H, D, generator=generator(3), dtype=torch.float64)
    omega = torch.rand(6, H, generator=generator(4), dtype=torch.float64)
    t = 0.9 * torch.rand(6, generator=generator(5), dtype=torch.float64)
    noisy, left = interpolant(actions, noise, omega, t), (1 - t)[:, None, None]
    error = (predicted - actions).square()
    start = omega[..., None] * actions + (1 - omega[..., None]) * noise
    plain = ((predicted - noisy) / left - (actions - start)).square()
    torch.testing.assert_close(VARIANTS["one_shot"].weight(omega, t, N, 1e9) * error, plain)
    shaped = legato_velocity(predicted, noisy, noise, omega, t, N)
    paper = (shaped - target_velocity(actions, noise, omega, t, N)).square()
    torch.testing.assert_close(VARIANTS["legato"].weight(omega, t, N, 1e9) * error, paper)


@given(seeds, st.integers(1, 8))
def test_the_plain_samplers_of_an_oracle_reach_the_data(seed: int, steps: int) -> None:
    """A constant velocity is integrated exactly by Euler steps, whatever their number."""
    actions, noise = torch.randn(2, 3, H, D, generator=generator(seed), dtype=torch.float64)
    omega = torch.rand(3, H, generator=generator(seed), dtype=torch.float64)
    start = omega[..., None] * actions + (1 - omega[..., None]) * noise
    chunk = sample_one_shot(lambda x, t, o: actions - start, noise, omega, actions, steps)
    torch.testing.assert_close(chunk, actions)
    hard = (omega > 0.5).double()
    chunk = sample_prefix(lambda x, t, o: actions - noise, noise, hard, actions, steps)
    torch.testing.assert_close(chunk, actions)


@given(seeds)
def test_a_shifted_sample_begins_after_the_action_that_it_shows(seed: int) -> None:
    state = torch.full((40, D), -1.0)
    actions = torch.arange(H + CONFIG.max_delay).float()[None, :, None].expand(40, -1, D)
    shown, chunk = VARIANTS["vlash"].pairs(state, actions, CONFIG, generator(seed))
    assert torch.equal(chunk[:, 0], shown + 1)  # row 0 follows the state; -1 is the measured one
    assert torch.equal(chunk[:, -1] - chunk[:, 0], torch.full((40, D), float(H - 1)))
    assert set(shown[:, 0].tolist()) <= {-1.0, 0.0, 1.0, 2.0, 3.0}


@pytest.mark.parametrize(("name", "sampling"), PAIRS)
@given(seed=seeds)
def test_a_reference_written_with_another_turn_is_the_same_reference(
    name: str, sampling: str, seed: int
) -> None:
    """The orientation goes through pi: as numbers the two references are 2 pi apart, as rotations they are equal."""
    policy = untrained(name)
    chunk = answer(policy, ask(sampling, seed))
    np.testing.assert_allclose(answer(policy, ask(sampling, seed, turns=1)), chunk, atol=2e-4)


@pytest.mark.parametrize(("name", "sampling"), PAIRS)
@given(seed=seeds)
def test_without_a_prefix_every_sampling_is_plain_sampling(name: str, sampling: str, seed: int) -> None:
    policy, free = untrained(name), np.zeros(H, np.float32)
    chunk = answer(policy, ask(sampling, seed, omega=free, reference=np.full((H, D), 0.3, np.float32)))
    np.testing.assert_allclose(chunk, answer(policy, ask("plain", seed)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "sampling"),
    [("legato", "legato"), ("training_time_rtc", "training_time_rtc"), ("vlash", "vlash")],
)
@given(seed=seeds)
def test_a_full_prefix_is_kept_exactly(name: str, sampling: str, seed: int) -> None:
    request = ask(sampling, seed)
    reference = continuous(DUAL_ARM_EE, request.reference, request.observation.state)
    chunk = answer(untrained(name), request)
    np.testing.assert_allclose(chunk[:3], DUAL_ARM_EE.clip(reference[:3]), atol=1e-5)


@given(seeds)
def test_vlash_samples_from_the_state_where_the_prefix_ends(seed: int) -> None:
    policy, request = untrained("vlash"), ask("vlash", seed)
    end = continuous(DUAL_ARM_EE, request.reference, request.observation.state)[2].astype(np.float32)
    there = ask("plain", seed, observations=(Observation(3, end, {}),))
    np.testing.assert_allclose(answer(policy, request)[3:], answer(policy, there)[:-3], atol=1e-5)


@given(seeds)
def test_bidirectional_decoding_keeps_the_candidate_nearest_to_the_reference(seed: int) -> None:
    policy, request = untrained("flow"), ask("bidirectional", seed, options={"candidates": 6})
    scene = Scene(policy._trained, NO_IMAGES, request.observation.state, seed)
    candidates = scene.physical(sample_plain(scene.velocity(6), scene.noise(6), N))
    apart = (difference(DUAL_ARM_EE, request.reference, candidates) / 0.1) ** 2
    nearest = candidates[np.argmin((request.omega[:, None] * apart).sum((1, 2)))]
    np.testing.assert_allclose(answer(policy, request), DUAL_ARM_EE.clip(nearest), atol=1e-6)
    first = ask("bidirectional", seed, options={"candidates": 1})
    np.testing.assert_allclose(answer(policy, first), answer(policy, ask("plain", seed)), atol=1e-6)


@given(seeds)
def test_rows_beyond_the_overlap_do_not_choose_a_candidate(seed: int) -> None:
    policy, request = untrained("flow"), ask("bidirectional", seed)
    padded = request.reference.copy()
    padded[8:] = 0.9
    np.testing.assert_array_equal(
        answer(policy, ask("bidirectional", seed, reference=padded)), answer(policy, request)
    )


def test_the_clip_of_the_guidance_is_an_option_of_the_request() -> None:
    policy = untrained("flow")
    unguided = answer(policy, ask("rtc", 0, options={"max_guidance_weight": 0.0}))
    np.testing.assert_allclose(unguided, answer(policy, ask("plain", 0)), atol=1e-6)
    assert np.abs(answer(policy, ask("rtc", 0)) - unguided).max() > 1e-3


@pytest.mark.parametrize(
    ("sampling", "options", "said"),
    [
        ("rtc", {"max_guidance_weight": -1.0}, "options of rtc: max_guidance_weight: got -1"),
        ("rtc", {"beta": 1.0}, "options of rtc: beta: unknown key"),
        ("bidirectional", {"candidates": 0}, "options of bidirectional: candidates: got 0"),
        ("plain", {"candidates": 2}, "options of plain: candidates: unknown key"),
    ],
)
def test_an_option_that_a_sampling_does_not_have_is_refused(
    sampling: str, options: dict[str, float], said: str
) -> None:
    with pytest.raises(PolicyError, match=said) as caught:
        untrained("flow").predict(ask(sampling, 0, options=options))
    assert caught.value.code == ErrorCode.POLICY_BAD_REQUEST


@pytest.mark.parametrize("name", VARIANTS)
def test_a_checkpoint_refuses_what_it_was_not_trained_for(name: str) -> None:
    policy = untrained(name)
    for sampling in {sampling for _, sampling in PAIRS} - set(serves(name)):
        with pytest.raises(PolicyError, match=f"{name}: sampling") as caught:
            policy.predict(ask(sampling, 0))
        assert caught.value.code == ErrorCode.POLICY_UNSUPPORTED_SAMPLING


def test_a_variant_refuses_what_it_cannot_be_trained_with() -> None:
    with pytest.raises(ConfigError, match="condition_row"):
        VARIANTS["training_time_rtc"].check(NetworkConfig(condition_row=False), D, D)
    with pytest.raises(ConfigError, match="width of the state"):
        VARIANTS["vlash"].check(NetworkConfig(), 3, D)


def small(settings: Any, method: str, **training: Any) -> dict[str, Any]:
    made: dict[str, Any] = settings(steps=1, evaluations=1, batch_size=4, validation_frames=4, **training)
    return made | {"method": method}


def test_a_training_begins_with_the_weights_and_units_of_another(
    checkpoint: Path, dots: Any, settings: Any, tmp_path: Path
) -> None:
    still = {"init": str(checkpoint), "learning_rate": 1e-12, "average_decay": 0.0}
    train(small(settings, "vlash", **still), "test", dots, tmp_path / "out")
    base, begun = load_checkpoint(checkpoint, "legato"), load_checkpoint(tmp_path / "out", "vlash")
    assert begun.config.settings.max_ramp == 0
    np.testing.assert_array_equal(begun.normaliser.action_scale, base.normaliser.action_scale)
    for name, weight in base.weights.items():
        np.testing.assert_allclose(begun.weights[name], weight, atol=2e-3, err_msg=name)


def test_weights_of_another_network_are_refused_naming_the_tensor(
    checkpoint: Path, dots: Any, settings: Any, tmp_path: Path
) -> None:
    wider = small(settings, "flow", init=str(checkpoint))
    wider["network"]["head_width"] = 96
    with pytest.raises(
        PolicyError, match=r"head\.enter\.weight: got \(128, 300\), expected \(96, 300\)"
    ) as caught:
        train(wider, "test", dots, tmp_path / "out")
    assert caught.value.code == ErrorCode.CHECKPOINT_MISMATCH


def test_with_frozen_eyes_all_but_the_image_encoders_learns(
    checkpoint: Path, dots: Any, settings: Any, tmp_path: Path
) -> None:
    frozen = settings(steps=30, evaluations=1, init=str(checkpoint), frozen_views=2) | {"method": "flow"}
    train(frozen, "test", dots, tmp_path / "out")
    base, tuned = load_checkpoint(checkpoint, "legato"), load_checkpoint(tmp_path / "out", "flow")
    changed = {
        name for name, weight in base.weights.items() if not np.array_equal(weight, tuned.weights[name])
    }
    eyes = {name for name in base.weights if name.startswith("encoder.encoders.")}
    assert eyes and not changed & eyes
    assert {"encoder.trunk.0.weight", "head.enter.weight"} <= changed


def test_a_new_head_may_begin_on_trained_eyes(
    checkpoint: Path, dots: Any, settings: Any, tmp_path: Path
) -> None:
    other = small(settings, "flow", init=str(checkpoint), init_part="encoder", learning_rate=1e-12)
    other["network"]["head_width"] = 96
    train(other, "test", dots, tmp_path / "out")
    base, begun = load_checkpoint(checkpoint, "legato"), load_checkpoint(tmp_path / "out", "flow")
    for name in (n for n in base.weights if n.startswith("encoder.")):
        np.testing.assert_allclose(begun.weights[name], base.weights[name], atol=2e-3, err_msg=name)


def test_frozen_eyes_need_a_checkpoint_and_still_pictures(dots: Any, settings: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="frozen_views.*training.init"):
        train(settings(steps=1, frozen_views=2), "test", dots, tmp_path / "out")


def test_a_node_of_one_variant_refuses_a_checkpoint_of_another(checkpoint: Path) -> None:
    assert make_policy(find_method("legato"), Deployment(checkpoint)).info.name == "legato"
    with pytest.raises(PolicyError, match="method: got legato, expected flow") as caught:
        make_policy(find_method("flow"), Deployment(checkpoint))
    assert caught.value.code == ErrorCode.CHECKPOINT_MISMATCH


@pytest.mark.parametrize("sampling", ["plain", "rtc", "bidirectional"])
def test_all_of_a_request_goes_where_the_network_is(sampling: str) -> None:
    """On a device without numbers a sampler comes as far as its answer, and no tensor of it was left elsewhere."""
    policy = untrained("flow")
    policy._trained.net.to("meta")
    with pytest.raises(NotImplementedError, match="meta tensor"):
        answer(policy, ask(sampling, 0))
