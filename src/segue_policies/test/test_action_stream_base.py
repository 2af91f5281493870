"""Laws of Action Stream on a pretrained base: adapters are kept alone, and mean nothing on another base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
import transformers

from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.checkpoints.checkpoint import read_config
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.action_stream.config import StreamSettings
from segue_policies.methods.action_stream.model import build_network
from segue_policies.policy_loading import load_policy, make_policy
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import CAMERAS, Dots, make_dots, make_settings
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.train import train

ROWS = 4
TRAININGS = Path(__file__).resolve().parents[3] / "config" / "training"


def tiny_llama(folder: Path, seed: int, context: int = 256) -> Path:
    """Random weights and a tokenizer of a few words, as the hub has them."""
    pytest.importorskip("peft", reason="needs requirements/pretrained.txt")
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=400, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=context,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    words = ["<s>", "<unk>", "In:", "What", "action", "should", "the", "robot", "take", "to", "Out:"]
    model = tokenizers.models.WordLevel(
        {word: number for number, word in enumerate(words)}, unk_token="<unk>"
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("bases") / "tiny", seed=0)


@pytest.fixture(scope="module")
def dots() -> Dots:
    return make_dots(8)


@pytest.fixture(scope="module")
def trained(base: Path, dots: Dots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    quick = make_settings()["training"] | {
        "steps": 4,
        "batch_size": 4,
        "evaluations": 1,
        "validation_frames": 4,
    }
    settings = {
        "method": "action_stream", "horizon": ROWS, "backbone_width": 4, "training": quick | {"average_decay": 0.0},
        "base": {"folder": str(base), "lora": {"rank": 2, "targets": ["q_proj", "v_proj"]}},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("adapters") / "trained"
    train(settings, "test", dots, out)
    return out


def answer(policy: Any, dots: Dots) -> np.ndarray:
    request = PredictRequest(
        start_tick=0, sequence=0, sampling="plain", omega=np.zeros(ROWS, np.float32),
        reference=np.tile(dots.state[3], (ROWS, 1)), delay=0, seed=0, instruction=dots.instruction(0),
        observations=(Observation(0, dots.state[3], dict(zip(CAMERAS, dots.images[3], strict=True))),),
    )  # fmt: skip
    actions: np.ndarray = policy.predict(request).chunk.actions
    return actions


def test_a_checkpoint_has_the_adapters_and_the_digest_of_their_base_alone(
    base: Path, trained: Path, dots: Dots
) -> None:
    from safetensors.numpy import load_file

    names = set(load_file(trained / "weights.safetensors"))
    of_the_language = {name for name in names if name.startswith("language.")}
    assert of_the_language and all("lora_" in name for name in of_the_language)
    made_on = read_config(trained).base
    assert made_on is not None and (made_on.name, len(made_on.digest)) == ("tiny", 64)
    assert np.isfinite(answer(load_policy(trained), dots)).all()


def test_adapters_on_another_base_are_refused_by_name_and_a_moved_one_is_found(
    base: Path, trained: Path, dots: Dots, tmp_path: Path
) -> None:
    other = tiny_llama(tmp_path / "other", seed=1)
    with pytest.raises(
        PolicyError, match=r"trained on another base; got other \(\w+\); expected tiny"
    ) as error:
        make_policy(find_method("action_stream"), Deployment(trained, options={"base": str(other)}))
    assert error.value.code is ErrorCode.CHECKPOINT_MISMATCH
    moved = tmp_path / "moved"
    base.rename(moved)
    try:
        with pytest.raises(PolicyError, match="base: no .*in this folder"):
            load_policy(trained)
        policy = make_policy(find_method("action_stream"), Deployment(trained, options={"base": str(moved)}))
        assert answer(policy, dots).shape == (ROWS, 14)
    finally:
        moved.rename(base)


def test_a_prompt_and_a_stream_beyond_the_context_are_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "short", seed=0, context=40)
    given = {"horizon": 10, "longest": 12, "backbone_width": 4, "base": {"folder": str(folder)}}
    net = build_network(
        parse_model(given, StreamSettings, "settings"), Shape(("eye",), (32, 32), state=3, horizon=10, dim=3)
    )
    with pytest.raises(
        ConfigError, match=r"got 14 and 40 tokens; expected together at most 40.*lower `longest`"
    ):
        net.prompt(torch.randn(1, 1, 3, 32, 32), torch.randn(1, 3), torch.zeros(1, 12, dtype=torch.long))


def test_the_configuration_of_a_gpu_says_what_it_needs(dots: Dots, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="needs requirements/pretrained.txt")
    given = read_settings(TRAININGS / "action_stream_openvla.yaml")
    parse_model(given, StreamSettings, "settings")
    given["training"]["device"] = "cpu"
    with pytest.raises(PolicyError, match="base: no config.json in this folder; got openvla-7b"):
        train(given, "test", dots, tmp_path / "out")
