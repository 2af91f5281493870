"""Laws of LingBot-VA on Wan's VAE and a language encoder, on tiny random ones; needs requirements/pretrained.txt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.lingbot_va.config import WorldConfig
from segue_policies.methods.lingbot_va.policy import WorldPolicy
from segue_policies.methods.lingbot_va.sequences import Packing
from segue_policies.methods.lingbot_va.wan import WanLatents
from segue_policies.policy_loading import load_policy, make_policy
from segue_policies.samples.normaliser import IMAGE_GAIN
from segue_policies.testing.dots import CAMERAS, SIZE, make_dots
from segue_policies.training.command.train import train

diffusers = pytest.importorskip("diffusers", reason="needs requirements/pretrained.txt")

MEAN, DEVIATION = [0.1, -0.2, 0.3, 0.0], [0.5, 1.5, 1.0, 2.0]
WAN21: dict[str, Any] = {"base_dim": 4, "z_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
WAN22: dict[str, Any] = WAN21 | {"is_residual": True, "patch_size": 2, "in_channels": 12, "out_channels": 12}
PUBLISHED: dict[str, Any] = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "is_residual": True,
    "patch_size": 2, "in_channels": 12, "out_channels": 12, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
"""Wan2.2-TI2V-5B's."""

TINY: dict[str, Any] = {
    "method": "lingbot_va", "horizon": 8, "every": 4, "sequence": 4, "window": (2, 5), "picture": (32, 16), "latent": 4,
    "autoencoder_steps": 0, "width": 32, "action_width": 16, "heads": 2, "layers": 1, "video_steps": 2,
    "action_steps": 2,
}  # fmt: skip


def vae(folder: Path, seed: int = 0, **sizes: Any) -> Path:
    torch.manual_seed(seed)
    made = diffusers.AutoencoderKLWan(latents_mean=MEAN, latents_std=DEVIATION, **(sizes or WAN22))
    made.save_pretrained(folder)
    return folder


def umt5(folder: Path) -> Path:
    """As diffusers lays a pipeline out: the tokenizer is beside the encoder."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: k for k, word in enumerate(["<pad>", "</s>", "<unk>", "to", "the", "dot", "away"])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = transformers.UMT5Config(
        vocab_size=7, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0
    )
    transformers.UMT5EncoderModel(config).save_pretrained(folder / "text_encoder")
    fast.save_pretrained(folder / "tokenizer")
    return folder / "text_encoder"


def latents_of(folder: Path, **changes: Any) -> WanLatents:
    return WanLatents(WorldConfig.model_validate(TINY | {"vae": str(folder)} | changes))


@pytest.mark.parametrize(("sizes", "factor"), [(WAN21, 8), (WAN22, 16)])
def test_pictures_told_step_by_step_are_the_latents_of_the_whole_video_as_wan_has_them(
    sizes: dict[str, Any], factor: int, tmp_path: Path
) -> None:
    folder = vae(tmp_path / "vae", **sizes)
    own = latents_of(folder)
    assert own.grid == (16 // factor, 32 // factor)
    pictures = torch.randn(3, 4, 2, 3, 16, 32)  # steps, shots, cameras
    begins = torch.tensor([[True, False, False]])
    whole = own.encode(pictures.flatten(0, 1)[None], begins)[0]
    kept, told = None, []
    for step in pictures:
        latent, kept = own.step(step, kept)
        told.append(latent)
    torch.testing.assert_close(torch.stack(told), whole, atol=1e-4, rtol=1e-4)
    theirs = diffusers.AutoencoderKLWan.from_pretrained(folder).eval()
    video = torch.cat([pictures[0, -1:], pictures[1:].flatten(0, 1)])[:, 1].transpose(0, 1)[None]
    with torch.no_grad():
        mean = theirs.encode((video * 2 / IMAGE_GAIN).clamp(-1, 1)).latent_dist.mode()
    wanted = (mean[0] - torch.tensor(MEAN)[:, None, None, None]) / torch.tensor(DEVIATION)[
        :, None, None, None
    ]
    torch.testing.assert_close(whole[:, 1].transpose(0, 1), wanted, atol=1e-4, rtol=1e-4)
    fresh = own.encode(pictures.flatten(0, 1)[None], torch.tensor([[True, False, True]]))[0]
    torch.testing.assert_close(fresh[:2], whole[:2])
    torch.testing.assert_close(fresh[2], own.step(pictures[2], None)[0], atol=1e-4, rtol=1e-4)
    assert own.decoded(whole[1:], whole[0]).shape == (2, 2, 3, 16, 32)


def test_the_sizes_of_the_published_vae_are_those_that_its_tensors_have(tmp_path: Path) -> None:
    """`encoder.conv1`, `decoder.conv1` and `conv1` of Wan2.2_VAE.pth, by their names in diffusers."""
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKLWan", **PUBLISHED}))
    assert latents_of(tmp_path, latent=48).grid == (1, 2)
    with torch.device("meta"):
        made = diffusers.AutoencoderKLWan(**PUBLISHED).state_dict()
    sizes = {"encoder.conv_in": (160, 12, 3, 3, 3), "decoder.conv_in": (1024, 48, 3, 3, 3)}
    sizes["quant_conv"] = (96, 96, 1, 1, 1)
    assert {name: tuple(made[f"{name}.weight"].shape) for name in sizes} == sizes
    assert len(made) == 196


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"latent": 16}, "latent; got 16; expected 4, as vae has"),
        ({"autoencoder_steps": 9}, "autoencoder_steps is 9, expected 0 with vae"),
        ({"every": 2}, "every is 2, expected a multiple of 4 with vae"),
    ],
)
def test_settings_that_do_not_fit_a_vae_are_refused(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    folder = vae(tmp_path / "vae")
    with pytest.raises((ConfigError, ValueError), match=named):
        latents_of(folder, **changes)


def test_a_folder_that_is_no_vae_is_refused_by_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no config.json in this folder"):
        latents_of(tmp_path)
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    with pytest.raises(PolicyError, match="_class_name; got AutoencoderKL; expected AutoencoderKLWan"):
        latents_of(tmp_path)


def test_a_step_s_pictures_lie_on_the_way_to_it() -> None:
    first, last = np.zeros(12, np.int64), np.full(12, 10)
    steps = Packing(first, last, {0: 0}, every=4, length=5, still=1)
    assert steps.steps(0)[0].tolist() == [0, 4, 8, 10, 0]
    assert steps.shots(0, 4).tolist() == [
        [0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 10, 10], [0, 0, 0, 0],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    wan = tmp_path_factory.mktemp("wan")
    return {"vae": str(vae(wan / "vae")), "language": str(umt5(wan))}


@pytest.fixture(scope="module")
def checkpoint(folders: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    brief = {"batch_size": 2, "brightness": 0.0, "colour": 0.0, "shift_pixels": 0, "precision": "float32"}
    training = brief | {"steps": 2, "validation_frames": 2, "evaluations": 1, "threads": 1}
    out = tmp_path_factory.mktemp("lingbot") / "trained"
    train(TINY | folders | {"training": training}, "test", make_dots(6), out)
    return out


def seen(tick: int) -> Observation:
    rng = np.random.default_rng(tick)
    images = {name: rng.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8) for name in CAMERAS}
    return Observation(tick, np.full(14, 0.01 * tick, np.float32), images)


def asked(tick: int, instruction: str = "to the dot") -> PredictRequest:
    none = np.zeros((8, 14), np.float32)
    return PredictRequest(
        start_tick=tick, sequence=1, sampling="plain", omega=none[:, 0], reference=none, delay=0, seed=3,
        observations=(seen(tick),), instruction=instruction, options={},
    )  # fmt: skip


def told(policy: WorldPolicy, until: int, lost: tuple[int, ...] = ()) -> None:
    rows = 0
    for tick in range(until + 1):
        if tick not in lost:
            policy.observe(seen(tick), np.full((rows, 14), 0.01, np.float32))
            rows = 0
        rows += 1


def test_a_checkpoint_is_told_every_picture_and_has_neither_vae_nor_encoder(checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    policy = load_policy(checkpoint)
    assert isinstance(policy, WorldPolicy)
    names = {name.split(".")[0] for file in checkpoint.glob("*.safetensors") for name in load_file(file)}
    assert names == {"action", "blocks", "units", "video", "words"}
    assert policy.info.observe_every == 1
    told(policy, 9)
    assert policy.remembers[0] == 3  # ticks 0, 4 and 8
    one = policy.predict(asked(9)).chunk.actions
    assert np.isfinite(one).all() and len(one) == 7
    assert {picture.shape for picture in policy.imagined().values()} == {(16, 32 * len(CAMERAS), 3)}
    assert list(policy.imagined()) == [12, 16]
    assert not np.array_equal(policy.predict(asked(9, "away")).chunk.actions, one)
    branch = policy.fork()
    branch.observe(seen(10), np.full((1, 14), 0.5, np.float32))
    assert np.allclose(policy.predict(asked(9)).chunk.actions, one, atol=1e-5)


def test_a_lost_picture_is_as_the_one_before_and_a_step_without_any_leaves_its_actions(
    checkpoint: Path,
) -> None:
    policy = load_policy(checkpoint)
    assert isinstance(policy, WorldPolicy)
    told(policy, 8, lost=(4,))
    assert policy.remembers[0] == 3
    assert np.isfinite(policy.predict(asked(8)).chunk.actions).all()
    policy.reset()
    told(policy, 8, lost=(1, 2, 3, 4))
    assert policy.remembers[0] == 2
    assert np.isfinite(policy.predict(asked(8)).chunk.actions).all()


def test_what_a_checkpoint_was_trained_on_is_found_elsewhere_and_another_is_refused(
    checkpoint: Path, folders: dict[str, str], tmp_path: Path
) -> None:
    def served(**options: str) -> Any:
        return make_policy(find_method("lingbot_va"), Deployment(checkpoint, options=options))

    other = vae(tmp_path / "other", seed=1)
    with pytest.raises(
        PolicyError, match=r"another vae; got other \(\w+\); expected vae \(.*vae:=FOLDER"
    ) as error:
        served(vae=str(other))
    assert error.value.code is ErrorCode.CHECKPOINT_MISMATCH
    moved = Path(folders["vae"]).rename(tmp_path / "vae")
    try:
        with pytest.raises(PolicyError, match="vae: no .*in this folder"):
            load_policy(checkpoint)
        assert served(vae=str(moved)).info.observe_every == 1
    finally:
        moved.rename(folders["vae"])
