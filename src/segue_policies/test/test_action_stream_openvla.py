"""Action Stream on a tiny random base of the layout of OpenVLA: trained, aligned, saved, decoded, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
import transformers
from policy_rig import ask, ros_with
from test_openvla import LLAMA, save, tensors

from segue_core import wire
from segue_core.errors import PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest, parts
from segue_policies.checkpoints.checkpoint import read_config
from segue_policies.deployment import Deployment
from segue_policies.method import find_method
from segue_policies.methods.action_stream.config import StreamSettings
from segue_policies.methods.action_stream.learner import StreamLearner
from segue_policies.node.policy import PolicyNode
from segue_policies.policy_loading import load_policy, make_policy
from segue_policies.testing.dots import CAMERAS, Dots, make_dots, make_settings
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.train import train

pytest.importorskip("peft", reason="needs requirements/pretrained.txt")

ROWS = 3
TRAINING = Path(__file__).resolve().parents[3] / "config" / "training" / "action_stream_openvla.yaml"
VOCABULARY = 32064  # Llama 2's, and what fills OpenVLA's embedding up


def tiny_openvla(folder: Path, seed: int = 0) -> Path:
    """Two towers, a projector and a Llama of random weights, with the tokenizer that the hub has beside them."""
    torch.manual_seed(seed)
    text = LLAMA | {"vocab_size": VOCABULARY}
    state = {name: each for name, each in tensors().items() if not name.startswith("language_model.")}
    torch.manual_seed(seed)
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(**text))
    state |= {f"language_model.{name}": each for name, each in llama.state_dict().items()}
    save(folder, state, text_config=text)
    words = ["<s>", "<unk>", "In:", "What", "action", "should", "the", "robot", "take", "to", "Out:"]
    model = tokenizers.models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


def settings(base: Path, **given: Any) -> dict[str, Any]:
    """Those of the file for a GPU, with sizes for a CPU."""
    read = read_settings(TRAINING)
    quick = make_settings()["training"] | {
        "steps": 2, "batch_size": 2, "evaluations": 1, "validation_frames": 2, "average_decay": 0.0,
    }  # fmt: skip
    base_of = read["base"] | {"folder": str(base)}
    base_of["lora"] = read["base"]["lora"] | {"rank": 2}
    return read | {"horizon": ROWS, "base": base_of} | given | {"training": quick | given.get("training", {})}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_openvla(tmp_path_factory.mktemp("bases") / "openvla-tiny")


@pytest.fixture(scope="module")
def dots() -> Dots:
    return make_dots(6)


@pytest.fixture(scope="module")
def trained(base: Path, dots: Dots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapters") / "trained"
    train(settings(base), "test", dots, out)
    return out


def request_of(dots: Dots) -> PredictRequest:
    return PredictRequest(
        start_tick=0, sequence=0, sampling="plain", omega=np.zeros(ROWS, np.float32),
        reference=np.tile(dots.state[3], (ROWS, 1)), delay=0, seed=0, instruction=dots.instruction(0),
        observations=(Observation(0, dots.state[3], dict(zip(CAMERAS, dots.images[3], strict=True))),),
    )  # fmt: skip


def test_only_adapters_are_kept_and_rows_leave_as_they_are_decoded(trained: Path, dots: Dots) -> None:
    from safetensors.numpy import load_file

    names = {name for file in trained.glob("*.safetensors") for name in load_file(file)}
    assert names and all("lora_" in name and name.startswith("language.") for name in names)
    made_on = read_config(trained).base
    assert made_on is not None and made_on.name == "openvla-tiny"
    policy = load_policy(trained)
    told = [each.chunk.horizon for each in parts(policy, request_of(dots))]
    assert told == [1, 2, 3]
    beams = make_policy(
        find_method("action_stream"), Deployment(trained, options={"decoding": "beam", "beams": 2})
    )
    assert np.isfinite(beams.predict(request_of(dots)).chunk.actions).all()


def test_the_node_serves_adapters_on_their_base(trained: Path, dots: Dots) -> None:
    asked = request_of(dots)
    with ros_with(checkpoint=trained, method="action_stream"):
        node = PolicyNode()
        node.trigger_configure()
        node.trigger_activate()
        (answer,) = ask(node, asked.observation, asked)
    assert answer.error_code == 0, answer.error_text
    policy = load_policy(trained)
    chunk = wire.chunk_of(answer.chunk, policy.info.action_space)
    assert np.array_equal(chunk.actions, policy.predict(asked).chunk.actions)


def test_another_base_is_refused_by_name(trained: Path, tmp_path: Path) -> None:
    other = tiny_openvla(tmp_path / "another", seed=1)
    with pytest.raises(PolicyError, match=r"another base; got another \(\w+\); expected openvla-tiny"):
        make_policy(find_method("action_stream"), Deployment(trained, options={"base": str(other)}))


def test_alignment_holds_the_base_once(base: Path, trained: Path, dots: Dots, tmp_path: Path) -> None:
    """The reference was a copy of the whole policy: of a base of 7 thousand million weights, a second one."""
    given = settings(base, phase="alignment", training={"init": str(trained), "batch_size": 1})
    learner = StreamLearner(StreamSettings.model_validate(given), dots)
    kept = sum(each.numel() for each in learner._reference.tensors.values())
    assert 0 < kept < 0.02 * sum(each.numel() for each in learner.model.parameters())
    train(given, "test", dots, tmp_path / "aligned")
    assert np.isfinite(load_policy(tmp_path / "aligned").predict(request_of(dots)).chunk.actions).all()
