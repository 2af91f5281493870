"""Laws of a frozen pretrained trunk and of the feature maps that are cached of it."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn import functional

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError, DataError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_policies.deployment import Deployment
from segue_policies.methods.act.policy import ActPolicy
from segue_policies.methods.flow.config import FlowSettings
from segue_policies.methods.flow.learner import FlowLearner
from segue_policies.methods.flow.policy import FlowPolicy
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.policy import SupervisedPolicy
from segue_policies.testing.dots import CAMERAS, Dots, make_act_settings, make_settings
from segue_policies.testing.stand_in_trunk import random_tensors, write_stand_in
from segue_policies.training.command.train import main, train
from segue_policies.vision import weights
from segue_policies.vision.config import EncoderConfig, given_by
from segue_policies.vision.efficientnet_lite import BLOCKS, EfficientNetLite0
from segue_policies.vision.feature_cache import ABOUT, ARRAY, FeatureCache, cached_features
from segue_policies.vision.picture_encoder import TrunkEncoder, chosen_encoder

SMALL = EncoderConfig(trunk="efficientnet_lite0", enlarge=1, every=4, views=3)
DIGEST = "429810fd422617d04245dec0102db413beb51c1e9a25cedb1f04612a17b4e564"
"""Of the published weights up to stride 8."""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights in the place of the installed ones; returns their file."""
    monkeypatch.syspath_prepend(tmp_path / "wheel")
    return write_stand_in(tmp_path / "wheel", random_tensors())


def encoder_of(encoder: EncoderConfig = SMALL) -> TrunkEncoder:
    picture_encoder = chosen_encoder(encoder, None)  # type: ignore[arg-type]
    assert isinstance(picture_encoder, TrunkEncoder)
    return picture_encoder


def settings_of(make: Callable[..., dict[str, Any]], **training: Any) -> dict[str, Any]:
    """Settings of `make` behind the trunk."""
    return make(**training) | {"encoder": SMALL.model_copy(update={"views": 1}).model_dump()}


@dataclass(frozen=True)
class KeptDots(Dots):
    """Dots that have a place on the disk."""

    place: Path = Path()

    @classmethod
    def of(cls, dots: Dots, place: Path) -> KeptDots:
        return cls(**{field.name: getattr(dots, field.name) for field in fields(dots)}, place=place)

    def keep(self, name: str, build: Callable[[Path], None]) -> Path:
        folder = self.place / name
        if not folder.exists():
            draft = folder.with_suffix(".partial")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            build(draft)
            draft.rename(folder)
        return folder


def plain_trunk(tensors: dict[str, Tensor], x: Tensor) -> Tensor:
    """The blocks as the paper and TensorFlow have them, with batch normalisation, before the last scaling."""

    def normalised(x: Tensor, name: str) -> Tensor:
        mean, var, gain, bias = (
            tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, gain, bias, eps=1e-3)

    def convolved(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = tensors[f"{name}.weight"]
        kernel, size = weight.shape[-1], x.shape[-2:]
        total = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in size]
        x = functional.pad(
            x, (total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2)
        )
        return functional.conv2d(x, weight, stride=stride, groups=groups)

    x = functional.relu6(normalised(convolved(x, "_conv_stem", 2), "_bn0"))
    for number, block in enumerate(BLOCKS):
        at, before = f"_blocks.{number}.", x
        if block.widened != block.before:
            x = functional.relu6(normalised(convolved(x, f"{at}_expand_conv"), f"{at}_bn0"))
        x = convolved(x, f"{at}_depthwise_conv", block.stride, block.widened)
        x = functional.relu6(normalised(x, f"{at}_bn1"))
        x = normalised(convolved(x, f"{at}_project_conv"), f"{at}_bn2")
        x = x + before if block.adds else x
    return x


def test_folding_away_the_normalisation_changes_nothing() -> None:
    tensors, pictures = random_tensors(3), torch.randn(2, 3, 48, 64)
    trunk = EfficientNetLite0(tensors)
    got = trunk(pictures) * trunk.deviation + trunk.mean
    torch.testing.assert_close(got, plain_trunk(tensors, pictures), rtol=1e-4, atol=1e-4)


def test_the_published_weights_are_the_ones_that_checkpoints_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    try:
        trunk, digest = weights.load_trunk()
    except ConfigError as error:
        pytest.skip(error.advised)
    ramp = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    found = trunk(ramp.contiguous())
    assert digest == DIGEST and found.shape == (1, 40, 8, 8)
    assert 0.5 < float(found.std()) < 2.0


def test_a_machine_without_the_weights_is_told_the_command(
    stand_in: Path, dots: Dots, tmp_path: Path
) -> None:
    stand_in.unlink()
    with pytest.raises(ConfigError, match="weights are not installed") as caught:
        train(settings_of(make_settings, steps=2), "test", dots, tmp_path / "out")
    assert caught.value.code == ErrorCode.ENVIRONMENT_INCOMPLETE and "./segue setup" in caught.value.next_step
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no weights", "short"])
def test_a_damaged_file_of_weights_is_refused_by_name(stand_in: Path, content: bytes | str) -> None:
    stand_in.write_bytes(stand_in.read_bytes()[:9000] if isinstance(content, str) else content)
    with pytest.raises(PolicyError, match=r"efficientnet-lite0-57934424\.pth") as caught:
        encoder_of()
    assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT


def test_weights_of_another_shape_or_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    for broken in (torch.zeros(3), torch.full((40,), float("nan"))):
        write_stand_in(tmp_path / "wheel", random_tensors() | {"_blocks.4._bn2.bias": broken})
        os.utime(weights.trunk_file(), ns=(len(broken), len(broken)))
        with pytest.raises(PolicyError, match=r"_blocks\.4\._bn2\.bias"):
            encoder_of()


def test_what_is_cached_is_what_is_seen_live(dots: Dots) -> None:
    picture_encoder, given = encoder_of(), given_by(SMALL, (48, 40))
    cache = cached_features(dots, picture_encoder, given, SMALL, FlowSettings().training)
    frames = cache.has(np.arange(100))
    assert list(frames[:3]) == [0, 4, 8] and cache.maps.shape[1:] == (3, 3, 40, 5, 6)
    live = picture_encoder.encode(picture_encoder.normalise(torch.from_numpy(dots.images[frames])))
    one = picture_encoder.encode(picture_encoder.normalise(torch.from_numpy(dots.images[frames[7]][None])))
    np.testing.assert_allclose(cache[frames], live.numpy(), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(one[0].numpy(), live[7].numpy(), rtol=2e-3, atol=2e-3)


def test_other_views_differ_from_the_plain_one_and_a_draw_depends_on_its_generator_only(dots: Dots) -> None:
    cache = cached_features(dots, encoder_of(), given_by(SMALL, (48, 40)), SMALL, FlowSettings().training)
    assert all(not np.array_equal(cache.maps[:, 0], cache.maps[:, view]) for view in (1, 2))
    frames = np.arange(0, 80, 4)
    draws = [cache.drawn(frames, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_with_a_history_the_maps_are_those_of_all_observations_that_a_sample_is_shown(dots: Dots) -> None:
    picture_encoder, history = encoder_of(), (-3, 0)
    cache = cached_features(
        dots, picture_encoder, given_by(SMALL, (48, 40)), SMALL, FlowSettings().training, history
    )
    frames = cache.has(np.arange(19, 42))  # episodes have 20 frames
    assert cache.maps.shape[1:] == (3, 2, 3, 40, 5, 6)
    pictures = torch.from_numpy(dots.images[[[20, 20], [21, 24], [25, 28], [29, 32], [33, 36], [40, 40]]])
    np.testing.assert_allclose(
        cache[frames],
        picture_encoder.encode(picture_encoder.normalise(pictures)).numpy(),
        rtol=2e-3,
        atol=2e-3,
    )
    alike = cache.maps[5]  # frame 20, the first of its episode: what is shown twice is moved and lit alike
    np.testing.assert_array_equal(alike[:, 0], alike[:, 1])


class MapMean(nn.Module):
    """A network for outside methods that takes whatever it is shown."""

    def __init__(self, settings: ChunkConfig, shape: Shape) -> None:
        super().__init__()
        self.rows = (shape.horizon, shape.dim)
        width = len(shape.cameras) * shape.channels + shape.state
        self.layer = nn.Linear(shape.observations * width, shape.horizon * shape.dim)

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        joined = torch.cat([images.mean(dim=(-2, -1)).flatten(1), state.flatten(1)], dim=1)
        answer: Tensor = self.layer(joined).unflatten(1, self.rows)
        return answer


class PixelsOnly(MapMean):
    """One that counts on three channels."""

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        return super().forward(functional.conv2d(images[:, 0], torch.ones(1, 3, 1, 1))[:, None], state)


class OutsideLearner(SupervisedLearner):
    network = MapMean


class PixelLearner(SupervisedLearner):
    network = PixelsOnly


def test_an_outside_method_is_given_the_maps_and_their_size(dots: Dots) -> None:
    config = ChunkConfig(method="outside", encoder=SMALL, horizon=10)
    learner = OutsideLearner(config, dots)
    batch = next(learner.batches(0))
    assert batch.images.shape[1:] == (3, 40, 5, 6) and learner.loss(batch, 0).isfinite()
    assert learner.evaluate(learner.model)["validation_loss"] > 0


class OutsidePolicy(SupervisedPolicy):
    network, settings = MapMean, ChunkConfig


def test_behind_a_trunk_a_policy_with_a_history_is_shown_what_it_was_trained_on(
    dots: Dots, tmp_path: Path
) -> None:
    config = ChunkConfig(method="outside", encoder=SMALL, horizon=10, history=(-3, 0))
    learner = OutsideLearner(config, dots)
    batch = next(learner.batches(0))
    assert batch.images.shape[1:] == (2, 3, 40, 5, 6) and learner.loss(batch, 0).isfinite()
    learner.save(learner.model, tmp_path, {"step": 0, "scores": {}, "elapsed_s": 0.0, "precision": "float32"})
    raw = learner.read(learner.part, np.array([24]))
    with torch.no_grad():
        rows = learner.model(raw.images.float(), learner.normaliser.encode_state(raw.state))
    expected = learner.normaliser.decode_actions(rows, raw.newest_state)[0].numpy()
    seen = tuple(
        Observation(frame, dots.state[frame], dict(zip(CAMERAS, dots.images[frame], strict=True)))
        for frame in (21, 24)
    )
    nothing = np.zeros(10, np.float32), np.zeros((10, DUAL_ARM_EE.dim), np.float32)
    request = PredictRequest(24, 1, "plain", *nothing, 0, 0, observations=seen)
    got = OutsidePolicy(Deployment(tmp_path, "outside")).predict(request).chunk.actions
    np.testing.assert_allclose(got, DUAL_ARM_EE.clip(expected), atol=1e-2)


def test_a_network_that_takes_pixels_only_is_refused_before_anything_is_cached(dots: Dots) -> None:
    with pytest.raises(ConfigError, match="takes no feature maps"):
        PixelLearner(ChunkConfig(method="outside", encoder=SMALL, horizon=10), dots)


def served_error(policy: Any, dots: Dots, frames: Any, pictures: Any) -> float:
    """Root mean square distance [mm] of the left tool over ten rows, at `frames`, shown the pictures of `pictures`."""
    rows, errors = policy.info.horizon, []
    nothing = np.zeros(rows, np.float32), np.zeros((rows, DUAL_ARM_EE.dim), np.float32)
    for frame, shown in zip(frames, pictures, strict=True):
        images = dict(zip(CAMERAS, dots.images[shown], strict=True))
        observation = Observation(state=dots.state[frame], images=images, tick=0)
        request = PredictRequest(0, 1, "plain", *nothing, 0, 0, observations=(observation,))
        got = policy.predict(request).chunk.actions[:10, :3]
        errors.append(np.square(got - dots.action[frame : frame + 10, :3]).sum(axis=1).mean())
    return 1e3 * float(np.sqrt(np.mean(errors)))


@pytest.mark.parametrize(
    ("make", "serve", "steps"), [(make_settings, FlowPolicy, 150), (make_act_settings, ActPolicy, 120)]
)
def test_behind_a_trunk_a_policy_learns_what_only_pictures_show_and_serves_it(
    make: Callable[..., dict[str, Any]], serve: Any, steps: int, dots: Dots, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    train(settings_of(make, steps=steps, evaluations=1, average_decay=0.9), "test", dots, out)
    policy, frames = serve.deployed(Deployment(checkpoint=out)), np.arange(0, 600, 20)
    own = served_error(policy, dots, frames, frames)
    others = served_error(policy, dots, frames, np.roll(frames, 1))
    assert own < 0.6 * others
    names = set(load_file(out / "weights.safetensors"))
    assert not any("conv_stem" in name or "depthwise" in name for name in names)
    told = yaml.safe_load((out / "config.yaml").read_text())
    assert told["encoder"]["digest"] == encoder_of().record.digest and told["image_size"] == [48, 40]


def test_a_checkpoint_of_another_trunk_is_refused_by_name(dots: Dots, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(settings_of(make_settings, steps=2, evaluations=1), "test", dots, out)
    write_stand_in(tmp_path / "wheel", random_tensors(seed=1))
    with pytest.raises(PolicyError, match="its trunk efficientnet_lite0 is not the installed one") as caught:
        FlowPolicy.deployed(Deployment(checkpoint=out))
    assert caught.value.code == ErrorCode.CHECKPOINT_MISMATCH and str(out) in caught.value.text


def test_a_resumed_training_equals_one_that_was_never_interrupted(dots: Dots, tmp_path: Path) -> None:
    kept = KeptDots.of(dots, tmp_path / "cache")
    settings = settings_of(make_settings, steps=12, evaluations=3)
    train(settings, "test", kept, tmp_path / "whole")
    halves = FlowLearner(FlowSettings.model_validate(settings), kept)
    train(settings | {"training": settings["training"] | {"steps": 12}}, "test", kept, tmp_path / "again")
    whole, again = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "again"))
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    direct, streamed = halves.batches(5), halves.batches(0)
    later = [next(streamed) for _ in range(6)][5]
    assert torch.equal(next(direct).images, later.images)


def made(data: Any, encoder: EncoderConfig = SMALL) -> FeatureCache:
    given = given_by(encoder, (data.images.shape[3], data.images.shape[2]))
    return cached_features(data, encoder_of(encoder), given, encoder, FlowSettings().training)


def test_more_maps_than_allowed_are_refused_with_what_to_change_before_anything_is_written(
    dots: Dots, tmp_path: Path
) -> None:
    kept = KeptDots.of(dots, tmp_path / "cache")
    with pytest.raises(
        DataError, match=r"300 frames in 3 views; got .* GB; expected at most encoder\.disk_gb"
    ) as caught:
        made(kept, SMALL.model_copy(update={"disk_gb": 0.001}))
    assert "encoder.every" in caught.value.next_step and not (tmp_path / "cache").exists()


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_is_named_and_nothing_half_written_is_used(tmp_path: Path) -> None:
    dataset = write_synthetic(tmp_path / "dataset", load_robot("dual_arm"), [30, 30])
    with small_files(100_000), pytest.raises(DataError, match="feature maps cannot be written"):
        made(dataset)
    folder = tmp_path / "dataset" / ".cache"
    assert not list(folder.glob("*features*"))
    assert made(dataset).maps.shape[0] == 15 and len(list(folder.glob("*features*"))) == 1


def test_what_is_prepared_is_not_done_again_by_the_training(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "dataset", load_robot("dual_arm"), [30, 30])
    words = ["--config", str(tmp_path / "own.yaml"), "--data", str(tmp_path / "dataset")]
    settings = settings_of(make_settings, steps=1)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(settings))
    assert main([*words, "--out", str(tmp_path / "out"), "--prepare"]) == 0
    assert not (tmp_path / "out").exists()
    (kept,) = (tmp_path / "dataset" / ".cache").glob("*features*")
    before = (kept / ARRAY).stat()
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert (kept / ARRAY).stat() == before and (tmp_path / "out" / "weights.safetensors").exists()


def test_several_trainings_are_not_prepared_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_synthetic(tmp_path / "dataset", load_robot("dual_arm"), [30])
    stages = {"stages": {"eyes": settings_of(make_settings, steps=1)}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(stages))
    words = ["--config", str(tmp_path / "own.yaml"), "--data", str(tmp_path / "dataset"), "--prepare"]
    assert main(words) != 0 and "leave --prepare out" in capsys.readouterr().err


def test_a_cache_goes_with_the_files_that_it_is_of(tmp_path: Path) -> None:
    robot = load_robot("dual_arm")
    first = write_synthetic(tmp_path / "dataset", robot, [30])
    made(first)
    shutil.rmtree(tmp_path / "dataset" / "data")
    shutil.rmtree(tmp_path / "dataset" / "meta")
    second = write_synthetic(tmp_path / "dataset", robot, [30], seed=1)
    made(second)
    (kept,) = (tmp_path / "dataset" / ".cache").glob("*features*")
    assert kept.name.startswith(second.files_key)


@pytest.mark.parametrize(("entry", "value"), [("pictures", "0" * 64), ("trunk", "0" * 64), ("enlarge", 4)])
def test_a_cache_of_another_dataset_or_trunk_is_refused_by_name(
    entry: str, value: Any, dots: Dots, tmp_path: Path
) -> None:
    kept = KeptDots.of(dots, tmp_path / "cache")
    made(kept)
    (about,) = (tmp_path / "cache").glob(f"*/{ABOUT}")
    about.write_text(json.dumps(json.loads(about.read_text()) | {entry: value}))
    with pytest.raises(DataError, match=f"feature maps of something else: {entry}: ") as caught:
        made(kept)
    assert str(about.parent) in caught.value.text and caught.value.code == ErrorCode.DATA_DATASET_INVALID


def test_another_trunk_has_a_cache_of_its_own(dots: Dots, tmp_path: Path) -> None:
    kept = KeptDots.of(dots, tmp_path / "cache")
    first = np.array(made(kept).maps)
    write_stand_in(tmp_path / "wheel", random_tensors(seed=1))
    assert not np.array_equal(first, made(kept).maps)
    assert len(list((tmp_path / "cache").glob(f"*/{ARRAY}"))) == 2
