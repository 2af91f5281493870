"""Laws of Diffusion Policy: noise, samplers and networks, training and answers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lerobot_pythons import each_lerobot
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.guidance import coherence
from segue_policies.methods.diffusion_policy.config import (
    DiffusionConfig,
    DiffusionSettings,
    TransformerConfig,
    UNetConfig,
)
from segue_policies.methods.diffusion_policy.learner import DiffusionLearner
from segue_policies.methods.diffusion_policy.loss import drawn_steps, noise_error
from segue_policies.methods.diffusion_policy.method import METHODS, SERVED
from segue_policies.methods.diffusion_policy.model import DiffusionNet, build_network
from segue_policies.methods.diffusion_policy.policy import ANSWERS, DiffusionPolicy
from segue_policies.methods.diffusion_policy.samplers import sample, sample_guided
from segue_policies.methods.diffusion_policy.schedule import noise_schedule
from segue_policies.methods.diffusion_policy.transformer import NoiseTransformer
from segue_policies.methods.diffusion_policy.unet import UNet1d
from segue_policies.policy_loading import check_checkpoint, load_policy
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import CAMERAS, Dots, make_settings
from segue_policies.testing.stand_in_trunk import random_tensors, write_stand_in
from segue_policies.training.command.train import train

ROWS, DIM = 6, 3
UNET = {"widths": [16, 32], "step_width": 16}
TRANSFORMER = {"layers": 2, "width": 32, "dropout": 0.1}


def dots_settings(network: dict[str, Any] | None = None, **training: Any) -> dict[str, Any]:
    """Settings that train on the dots in seconds."""
    quick = make_settings()["training"] | {"learning_rate": 2e-3, "brightness": 0.0, "colour": 0.0}
    small = {"image_encoder": "keypoints", "keypoints": 8, "image_width": 16, "unet": UNET}
    return {
        "method": "diffusion_policy",
        "horizon": 10,
        "actions": "anchored",
        "network": small | {"transformer": TRANSFORMER} | (network or {}),
        "diffusion": {"sampler": "ddim", "steps": 10, "draws": 4},
        "training": quick | {"average_decay": 0.95} | training,
    }


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_sizes_are_those_of_the_authors_and_of_lerobot() -> None:
    pusht = Shape(("image",), (96, 96), state=2, horizon=16, dim=2, observations=2)
    wide = {"unet": {"widths": (512, 1024, 2048)}}
    with torch.device("meta"):
        net = build_network(DiffusionSettings.model_validate({"network": wide}), pusht)
        transformer = NoiseTransformer(TransformerConfig(), 10, 10, 2, 137)
    assert count(net.encoder) == 11_197_088  # ResNet18, 32 keypoints, 64 numbers
    assert count(net) == 262_709_026  # LeRobot's DiffusionPolicy for PushT
    assert (
        count(transformer) == 8_997_642
    )  # the authors', of 10 rows of 10 numbers and two observations of 137
    defaults = DiffusionSettings()
    assert (defaults.horizon, defaults.history, METHODS[0].stride) == (16, (-1, 0), 8)
    assert defaults.network.unet.widths == (256, 512, 1024) and defaults.diffusion.train_steps == 100


@pytest.mark.parametrize("rows", [1, 5, 16, 33])
@pytest.mark.parametrize("backbone", ["unet", "transformer"])
def test_a_chunk_may_have_any_number_of_rows(backbone: str, rows: int) -> None:
    shape = Shape(("head",), (32, 32), 4, rows, DIM, 2)
    settings = DiffusionSettings.model_validate(dots_settings({"backbone": backbone}) | {"horizon": rows})
    net = build_network(settings, shape)
    condition = net.observe(torch.randn(2, 2, 1, 3, 32, 32), torch.randn(2, 2, 4))
    assert net(torch.randn(2, rows, DIM), torch.tensor([0, 99]), condition).shape == (2, rows, DIM)


def test_a_row_of_a_causal_transformer_is_not_changed_by_later_ones() -> None:
    torch.manual_seed(0)
    net = NoiseTransformer(TransformerConfig(layers=2, width=32), ROWS, DIM, 2, 7).eval()
    rows, seen, step = torch.randn(1, ROWS, DIM), torch.randn(1, 2, 7), torch.tensor([5])
    other = torch.cat([rows[:, :4], torch.randn(1, 2, DIM)], dim=1)
    here, there = net(rows, step, seen), net(other, step, seen)
    torch.testing.assert_close(here[:, :4], there[:, :4])
    assert not torch.allclose(here[:, 4:], there[:, 4:])


def test_noise_takes_over_step_by_step() -> None:
    for name in ("squared_cosine", "linear"):
        kept = noise_schedule(DiffusionConfig(schedule=name)).kept  # type: ignore[arg-type]
        assert (kept.diff() < 0).all() and 0.99 < kept[0] < 1
    cosine = noise_schedule(DiffusionConfig()).kept
    known = {0: 0.99936, 9: 0.96837, 49: 0.48756, 89: 0.02409, 99: 2.4e-7}
    for step, share in known.items():
        assert cosine[step] == pytest.approx(share, rel=2e-2)


def exact(clean: Tensor, config: DiffusionConfig) -> Callable[[Tensor, int], Tensor]:
    """The noise that is in a chunk when the data are this one."""
    kept = noise_schedule(config).kept

    def predict(noisy: Tensor, step: int) -> Tensor:
        share = float(kept[step])
        return (noisy - share**0.5 * clean) / (1 - share) ** 0.5

    return predict


def drawing(seed: int, batch: int = 1, rows: int = ROWS, dim: int = DIM) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(batch, rows, dim, generator=generator)


@pytest.mark.parametrize(
    ("sampler", "steps"), [("ddpm", 100), ("ddpm", 20), ("ddim", 100), ("ddim", 7), ("ddim", 1)]
)
def test_with_the_exact_noise_every_sampler_ends_at_the_chunk(sampler: Any, steps: int) -> None:
    config = DiffusionConfig(sampler=sampler, steps=steps)
    clean = torch.linspace(-0.9, 0.9, ROWS * DIM).view(1, ROWS, DIM)
    got = sample(exact(clean, config), config, drawing(0))
    torch.testing.assert_close(got, clean, atol=2e-3, rtol=0)


def test_ddpm_draws_what_the_data_are_like() -> None:
    """Of normal data the posterior is known: the sampler has their mean and deviation."""
    config, mean, deviation = DiffusionConfig(clip=100.0), 0.3, 0.2
    kept = noise_schedule(config).kept

    def predict(noisy: Tensor, step: int) -> Tensor:
        share = float(kept[step])
        gain = share**0.5 * deviation**2 / (share * deviation**2 + 1 - share)
        clean = mean + gain * (noisy - share**0.5 * mean)
        return (noisy - share**0.5 * clean) / (1 - share) ** 0.5

    drawn = sample(predict, config, drawing(0, batch=4000, rows=1, dim=1))
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.02)
    assert float(drawn.std()) == pytest.approx(deviation, abs=0.02)


@pytest.mark.parametrize(("name", "steps"), [("DDPM", 100), ("DDPM", 25), ("DDIM", 10), ("DDIM", 16)])
@pytest.mark.parametrize("schedule", ["squared_cosine", "linear"])
def test_samplers_and_schedules_have_the_numbers_of_diffusers(name: str, steps: int, schedule: Any) -> None:
    diffusers = pytest.importorskip(
        "diffusers", reason="diffusers is not installed: requirements/pretrained.txt"
    )
    theirs = {"squared_cosine": "squaredcos_cap_v2"}.get(schedule, schedule)
    scheduler = getattr(diffusers, f"{name}Scheduler")(
        num_train_timesteps=100, beta_start=1e-4, beta_end=0.02, beta_schedule=theirs, clip_sample=True
    )
    config = DiffusionConfig(sampler=name.lower(), steps=steps, schedule=schedule)  # type: ignore[arg-type]
    torch.testing.assert_close(
        noise_schedule(config).kept.float(), scheduler.alphas_cumprod, rtol=1e-4, atol=1e-9
    )

    def predict(noisy: Tensor, step: int) -> Tensor:
        return (noisy * (1 + 0.01 * step)).sin()

    generator = torch.Generator().manual_seed(3)
    noisy = torch.randn(2, ROWS, DIM, generator=generator)
    scheduler.set_timesteps(steps)
    for step in scheduler.timesteps:
        noisy = scheduler.step(predict(noisy, int(step)), step, noisy, generator=generator).prev_sample
    ours = sample(predict, config, drawing(3, batch=2))
    torch.testing.assert_close(ours, noisy, atol=2e-4, rtol=1e-3)


RENAMED = (
    ("diffusion_step_encoder.1", "step.0"), ("diffusion_step_encoder.3", "step.2"),
    (r"down_modules.(\d).([01]).", r"down.\1.blocks.\2."), (r"down_modules.(\d).2.", r"down.\1.resize."),
    (r"up_modules.(\d).([01]).", r"up.\1.blocks.\2."), (r"up_modules.(\d).2.", r"up.\1.resize."),
    (r"mid_modules.(\d).", r"middle.blocks.\1."), (r"final_conv.0.block.", "last.0."), ("final_conv.1", "last.1"),
    ("conv1.block.", "first."), ("conv2.block.", "second."), ("cond_encoder.1", "modulate.1"),
    ("residual_conv", "skip"),
)  # fmt: skip
"""Parts of LeRobot's U-Net, and what they are called here."""


def renamed(name: str) -> str:
    for theirs, ours in RENAMED:
        name = re.sub(theirs, ours, name)
    return name


@each_lerobot
def test_loss_and_chunks_are_lerobots_with_its_weights(python: str, tmp_path: Path) -> None:
    subprocess.run(
        [python, Path(__file__).with_name("lerobot_diffusion.py"), tmp_path], check=True, timeout=200
    )
    told = load_file(tmp_path / "told.safetensors")
    weights = load_file(tmp_path / "weights.safetensors")
    unet = UNet1d(UNetConfig(widths=(16, 32, 64), step_width=16), 3, told["seen"].shape[1:].numel())
    unet.load_state_dict({renamed(name): value for name, value in weights.items()})
    net = DiffusionNet(nn.Identity(), unet, DiffusionConfig()).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        error = noise_error(net, told["action"], told["noise"], told["steps"], told["seen"])
        torch.testing.assert_close(error.mean(), told["loss"], rtol=1e-5, atol=1e-6)
        for name, steps in (("DDPM", 100), ("DDIM", 10)):
            torch.manual_seed(2)
            config = DiffusionConfig(sampler=name.lower(), steps=steps)  # type: ignore[arg-type]
            chunks = sample(net.bind(told["seen"]), config, lambda: torch.randn(told["action"].shape))
            torch.testing.assert_close(chunks, told[name], rtol=1e-3, atol=1e-3)


def test_steps_are_evenly_likely_and_spread_over_the_draws_of_an_observation() -> None:
    steps = drawn_steps(4000, 4, 100, torch.Generator().manual_seed(0)).view(4000, 4)
    assert all((steps[:, k] // 25 == k).all() for k in range(4))
    shares = torch.bincount(steps.flatten(), minlength=100) / steps.numel()
    assert shares.min() > 0.007 and shares.max() < 0.013


@pytest.mark.parametrize("network", [{}, {"backbone": "transformer"}, {"shared_encoder": True}])
def test_the_loss_reaches_every_weight_and_depends_on_its_number_only(
    network: dict[str, Any], dots: Dots
) -> None:
    learner = DiffusionLearner(
        DiffusionSettings.model_validate(dots_settings(network, steps=1, batch_size=4)), dots
    )
    batch = next(iter(learner.batches(0)))
    losses = [learner.loss(batch, number) for number in (3, 3, 4)]
    assert losses[0] == losses[1] != losses[2]
    losses[0].backward()
    assert [name for name, p in learner.model.named_parameters() if p.grad is None] == []


def test_the_authors_encoder_is_trained_from_its_first_pixel(one: Dots) -> None:
    settings = dots_settings({"image_encoder": "resnet18"}, steps=1, batch_size=1) | {"actions": "absolute"}
    learner = DiffusionLearner(DiffusionSettings.model_validate(settings), one)
    learner.loss(next(iter(learner.batches(0))), 0).backward()
    assert all(p.grad is not None and p.grad.any() for p in learner.model.encoder.parameters())


@pytest.mark.parametrize("actions", ["absolute", "anchored"])
def test_all_demonstrated_actions_are_between_minus_one_and_one(actions: str, dots: Dots) -> None:
    learner = DiffusionLearner(DiffusionSettings.model_validate(dots_settings() | {"actions": actions}), dots)
    raw = learner.read(learner.part, learner.part.frames)
    encoded = learner.normaliser.encode_actions(raw.actions, raw.newest_state)
    assert float(encoded.abs().max()) <= 1 + 1e-4 and float(encoded.abs().amax()) > 0.99
    assert float(learner.normaliser.encode_state(raw.state).abs().max()) <= 1 + 1e-4
    if actions == "absolute":
        assert (learner.normaliser.action_scale == learner.normaliser.action_scale[0]).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"diffusion": {"steps": 200}}, "steps is 200, expected at most train_steps, 100"),
        ({"network": {"unet": {"widths": [60, 120]}}}, "multiples of groups, 8"),
        ({"network": {"unet": {"kernel": 4}}}, "kernel is 4, expected an odd number"),
        ({"network": {"transformer": {"width": 30}}}, "a multiple of 2 and of heads"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_what_does(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        DiffusionSettings.model_validate(change)


SEEN = {"trunk": "efficientnet_lite0", "enlarge": 1, "every": 10, "views": 1}


@pytest.fixture(scope="module")
def one(dots: Dots) -> Dots:
    """The dots as one camera sees them."""
    return replace(dots, images=dots.images[:, :1], cameras=CAMERAS[:1])


@pytest.fixture(scope="module")
def checkpoint(one: Dots, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Trained behind a trunk of random weights, which is there as long as the checkpoint is."""
    place = tmp_path_factory.mktemp("diffusion")
    write_stand_in(place / "wheel", random_tensors())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place / "wheel")
        settings = dots_settings(steps=20, evaluations=1) | {"encoder": SEEN}
        train(settings, "test", one, place / "policy")
        yield place / "policy"


@pytest.fixture(scope="module")
def policy(checkpoint: Path) -> DiffusionPolicy:
    served = load_policy(checkpoint)
    assert isinstance(served, DiffusionPolicy)
    return served


def test_an_encoder_that_takes_no_maps_is_refused_behind_a_trunk(checkpoint: Path, one: Dots) -> None:
    wrong = dots_settings({"image_encoder": "resnet18"}) | {"encoder": SEEN}
    with pytest.raises(ConfigError, match="image_encoder=keypoints") as caught:
        DiffusionLearner(DiffusionSettings.model_validate(wrong), one)
    assert caught.value.code == ErrorCode.CONFIG_CONFLICT


def observations(dots: Dots, frame: int, pictures: int) -> tuple[Observation, ...]:
    """Those of the frame before and of this one, in front of the pictures of another."""
    images = {CAMERAS[0]: dots.images[pictures, 0]}
    return tuple(Observation(at, dots.state[at], images) for at in (frame - 1, frame))


def request(dots: Dots, frame: int, pictures: int | None = None, **changes: Any) -> PredictRequest:
    rows = np.zeros((10, DUAL_ARM_EE.dim), np.float32)
    seen = observations(dots, frame, frame if pictures is None else pictures)
    return replace(PredictRequest(frame, 1, "plain", rows[:, 0], rows, 0, 0, observations=seen), **changes)


def test_an_answer_is_a_function_of_the_request(policy: DiffusionPolicy, one: Dots) -> None:
    first, again, other = (policy.predict(request(one, 5, seed=seed)).chunk.actions for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    info = policy.info
    assert (info.history, info.num_steps, info.horizon) == ((-1, 0), 10, 10)


def test_what_it_declares_is_what_it_answers(policy: DiffusionPolicy, one: Dots) -> None:
    assert set(ANSWERS) == set(SERVED) and policy.info.capabilities == METHODS[0].capabilities
    for unserved in ("legato", "vlash"):
        with pytest.raises(PolicyError, match=unserved) as caught:
            policy.predict(request(one, 5, sampling=unserved))
        assert caught.value.code == ErrorCode.POLICY_UNSUPPORTED_SAMPLING


def shifted(policy: DiffusionPolicy, dots: Dots, by: float) -> tuple[np.ndarray, np.ndarray]:
    """A plan that is a plain chunk moved in x, and an omega that asks for its first half."""
    plan = policy.predict(request(dots, 5)).chunk.actions.copy()
    plan[:, [0, 7]] += by
    return plan, (np.arange(10) < 5).astype(np.float32)


def test_guided_by_gradients_a_chunk_goes_on_from_the_plan(policy: DiffusionPolicy, one: Dots) -> None:
    plan, omega = shifted(policy, one, 0.02)
    plain = policy.predict(request(one, 5, seed=9)).chunk.actions
    guided = policy.predict(
        request(one, 5, seed=9, sampling="rtc", reference=plan, omega=omega)
    ).chunk.actions
    apart = [np.abs(rows[:5, [0, 7]] - plan[:5, [0, 7]]).mean() for rows in (guided, plain)]
    assert apart[0] < 0.5 * apart[1]


def test_of_several_chunks_the_nearest_to_the_plan_is_kept(policy: DiffusionPolicy, one: Dots) -> None:
    plan, omega = shifted(policy, one, 0.02)
    plain = policy.predict(request(one, 5, seed=9)).chunk.actions
    asked = request(one, 5, seed=9, sampling="bidirectional", reference=plan, omega=omega)
    first, best = (
        policy.predict(replace(asked, options={"candidates": count})).chunk.actions for count in (1, 16)
    )
    np.testing.assert_allclose(first, plain, atol=1e-5)
    scale = np.ones_like(plan) * policy._normaliser.action_scale
    apart = coherence.distances(DUAL_ARM_EE, np.stack([best, first]), plan, omega, scale)
    assert apart[0] <= apart[1]


def test_without_a_plan_guidance_is_plain_ddim() -> None:
    torch.manual_seed(0)
    net = UNet1d(UNetConfig(widths=(16, 32), step_width=16), DIM, 8)
    config = DiffusionConfig(sampler="ddim", steps=10, clip=100.0)
    seen = torch.randn(1, 2, 4)
    predict = DiffusionNet(nn.Identity(), net, config).bind(seen)  # type: ignore[arg-type]
    nothing = torch.zeros(1, ROWS), torch.zeros(1, ROWS, DIM)
    with torch.no_grad():
        plain, guided = (
            sample(predict, config, drawing(0)),
            sample_guided(predict, config, drawing(0), *nothing, 5.0),
        )
    torch.testing.assert_close(guided, plain, atol=1e-4, rtol=1e-4)


def test_a_damaged_checkpoint_is_refused_by_name(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    for file in ("weights.safetensors", "stats.json", "README.md"):
        (tmp_path / "copy" / file).write_bytes((checkpoint / file).read_bytes())
    text = (checkpoint / "config.yaml").read_text()
    for old, new, named in (
        ("image_width: 16", "image_width: 24", "weights do not fit"),
        ("draws: 4", "draws: none", "draws"),
    ):
        (tmp_path / "copy" / "config.yaml").write_text(text.replace(old, new, 1))
        with pytest.raises(PolicyError, match=named) as caught:
            load_policy(tmp_path / "copy")
        assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT
    assert check_checkpoint(checkpoint).name == "diffusion_policy"
