"""Pretrained parts from folders, on tiny random models of the same classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_policies.networks.pretrained import TextEncoder, VisionTrunk, load_wan
from segue_policies.training.lora import LoraConfig, add_adapters, without_adapters

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
PICTURE = {"image_size": 28, "patch_size": 14}


def vision(kind: str, folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = SMALL | PICTURE
    model: Any = {
        "dinov2": lambda: transformers.Dinov2Model(transformers.Dinov2Config(**sizes)),
        "clip_vision_model": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**sizes)),
        "clip": lambda: transformers.CLIPModel(
            transformers.CLIPConfig(
                text_config=SMALL | {"vocab_size": 40}, vision_config=sizes, projection_dim=8
            )
        ),
        "siglip_vision_model": lambda: transformers.SiglipVisionModel(
            transformers.SiglipVisionConfig(**sizes)
        ),
    }[kind]()
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["dinov2", "clip_vision_model", "clip", "siglip_vision_model"])
def test_a_vision_model_becomes_a_map_of_its_patches(kind: str, tmp_path: Path) -> None:
    trunk = VisionTrunk.from_folder(vision(kind, tmp_path)).eval()
    images = torch.randn(2, 3, 28, 56)
    features = trunk(images)
    assert features.shape == (2, trunk.channels, 2, 4)
    again = VisionTrunk(trunk.config).eval()  # as a checkpoint of ours rebuilds it
    again.load_state_dict(trunk.state_dict())
    torch.testing.assert_close(again(images), features)
    assert trunk(torch.randn(1, 3, 20, 15)).shape[2:] == (2, 2)  # rounded up to whole patches


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hidden_sise": 16}, "no setting 'hidden_sise' .did you mean 'hidden_size'"),
        ({"trust_remote_code": True}, "no setting 'trust_remote_code'"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "no setting 'auto_map'"),
        ({"hidden_size": "wide"}, "no Dinov2Model can be built with it"),
        ({"num_attention_heads": 3}, "no Dinov2Model can be built with it"),
    ],
)
def test_a_setting_that_a_vision_model_has_not_is_refused_when_a_checkpoint_is_read(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    """Transformers takes any key and goes on with the default of the one that was meant."""
    kept = VisionTrunk.from_folder(vision("dinov2", tmp_path)).config
    with pytest.raises(ConfigError, match=named):
        VisionTrunk({**kept, **change})


def test_a_text_encoder_reads_with_its_own_tokenizer(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: k for k, word in enumerate(["<pad>", "</s>", "<unk>", "pick", "place", "the", "block"])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    config = transformers.T5Config(
        vocab_size=7, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, dropout_rate=0.0
    )
    transformers.T5EncoderModel(config).save_pretrained(tmp_path)
    fast.save_pretrained(tmp_path)
    encoder = TextEncoder.from_folder(tmp_path).eval()
    vectors, words_there = encoder(["pick the block", "place"])
    assert vectors.shape == (2, 3, encoder.width) and encoder.width == 16
    assert words_there.tolist() == [[True, True, True], [True, False, False]]
    alone, _ = encoder(["place"])
    torch.testing.assert_close(vectors[1, :1], alone[0], atol=1e-5, rtol=1e-4)  # padding changes nothing


def test_wan_is_read_from_a_diffusers_folder(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers", reason="needs requirements/pretrained.txt")
    made = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
        text_dim=16, freq_dim=16, ffn_dim=32, num_layers=1, rope_max_seq_len=32,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLWan(base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    made.save_pretrained(tmp_path / "transformer")
    vae.save_pretrained(tmp_path / "vae")
    transformer, read_vae = load_wan(tmp_path)
    latents, text = torch.randn(1, 4, 1, 4, 4), torch.randn(1, 3, 16)
    with torch.no_grad():
        wanted, got = (m.eval()(latents, torch.tensor([5]), text)[0] for m in (made, transformer))
    torch.testing.assert_close(got, wanted)
    assert type(read_vae) is type(vae)
    (tmp_path / "vae/config.json").unlink()
    with pytest.raises(PolicyError, match="vae.*AutoencoderKLWan") as caught:
        load_wan(tmp_path)
    assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT


def test_an_unknown_model_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="vision model 'bert'.*dinov2"):
        VisionTrunk.from_folder(tmp_path)
    with pytest.raises(PolicyError, match="no config.json"):
        TextEncoder.from_folder(tmp_path / "nowhere")


def test_adapters_learn_what_is_saved_without_them() -> None:
    pytest.importorskip("peft", reason="needs requirements/pretrained.txt")
    torch.manual_seed(0)
    llama = transformers.LlamaConfig(**SMALL, vocab_size=20, num_key_value_heads=2)
    model = transformers.LlamaForCausalLM(llama)
    words = torch.randint(0, 20, (4, 8))
    add_adapters(model, LoraConfig(rank=4, alpha=8.0))
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert len(learning) == 2 * 2 * 2 and all(
        "lora_" in name for name in learning
    )  # layers, q and v, A and B
    optimiser = torch.optim.Adam(learning.values(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = model(input_ids=words, labels=words).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05
    merged = without_adapters(model)
    plain = transformers.LlamaForCausalLM(llama)
    plain.load_state_dict(merged.state_dict())  # the same names as before
    torch.testing.assert_close(plain(input_ids=words).logits, model.eval()(input_ids=words).logits)
    with pytest.raises(ConfigError, match="lora.targets.*nowhere.*down_proj"):
        add_adapters(plain, LoraConfig(targets=("nowhere",)))


@pytest.mark.parametrize("more", [{}, {"lora": {"rank": 2}}], ids=["whole", "adapters"])
def test_act_trains_pretrained_eyes_or_adapters_on_them_and_serves_without_either(
    more: dict[str, Any], tmp_path: Path
) -> None:
    if more:
        pytest.importorskip("peft", reason="needs requirements/pretrained.txt")
    from segue_core.observation import Observation
    from segue_core.policy import PredictRequest
    from segue_policies.policy_loading import load_policy
    from segue_policies.testing.dots import make_act_settings, make_dots
    from segue_policies.training.command.train import train

    data, settings = make_dots(6), make_act_settings(steps=2, evaluations=1)
    settings["network"]["backbone"] = "transformers"
    settings |= {"backbone_weights": str(vision("dinov2", tmp_path / "dino")), **more}
    train(settings, "test", data, tmp_path / "act")
    images = dict(zip(data.cameras, np.asarray(data.images[0]), strict=True))
    zero = np.zeros((10, 14), np.float32)
    request = PredictRequest(
        0, 0, "plain", zero[:, 0], zero, 0, 0, observations=(Observation(0, data.state[0], images),)
    )
    policy = load_policy(tmp_path / "act")
    assert np.isfinite(policy.predict(request).chunk.actions).all()
    assert "lora" not in " ".join(policy._net.state_dict())  # type: ignore[attr-defined]
