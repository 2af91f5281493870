"""Run by an interpreter that has LeRobot (see `test_lerobot_policy.py`): serves tiny random SmolVLA, pi0 and pi0.5.

LeRobot's own classes with fewer and narrower layers. pi0 and pi0.5 need a transformers that LeRobot accepts.
"""

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path

from lerobot_serving import DUAL_ARM_EE, FEATURES, ask, observed, save, serve  # first: it finds our packages

import numpy as np  # isort: skip
import torch  # isort: skip
from lerobot.policies.factory import make_policy_config  # isort: skip
from tokenizers import Tokenizer, models, pre_tokenizers  # isort: skip
from transformers import PreTrainedTokenizerFast  # isort: skip

WORDS = [
    "<pad>",
    "<unk>",
    "<image>",
    "<fake>",
    "<global>",
    "<end>",
    "put",
    "it",
    "there",
    "Task",
    "State",
    "Action",
]
SHORT = {"chunk_size": 8, "n_action_steps": 8}


def tokenizer():
    """A word is a token."""
    plain = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    more = {"image_token": "<image>", "fake_image_token": "<fake>", "global_image_token": "<global>"}
    more["end_of_utterance_token"] = "<end>"
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>", extra_special_tokens=more
    )


def tiny_smolvla(folder):
    """Its configuration; what it would fetch from the hub is written to `folder`."""
    from transformers import SmolVLMConfig, SmolVLMImageProcessor, SmolVLMProcessor, SmolVLMVideoProcessor

    heads = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
    text = {
        **heads,
        "model_type": "llama",
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": len(WORDS),
    }
    vision = {**heads, "image_size": 32, "patch_size": 8}
    SmolVLMConfig(
        text_config=text | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1},
        vision_config=vision,
        scale_factor=2,
        image_token_id=2,
        pad_token_id=0,
    ).save_pretrained(folder)
    SmolVLMProcessor(SmolVLMImageProcessor(), tokenizer(), SmolVLMVideoProcessor()).save_pretrained(folder)
    return make_policy_config(
        "smolvla", **FEATURES, **SHORT, vlm_model_name=str(folder), num_vlm_layers=2, num_steps=5,
        resize_imgs_with_padding=(32, 32),
    )  # fmt: skip


def tiny_pi(kind):
    """Its configuration; LeRobot's module makes small networks from now on."""
    module = import_module(f"lerobot.policies.{kind}.modeling_{kind}")
    paligemma, gemma = module.PaliGemmaForConditionalGeneration, module.GemmaForCausalLM
    sizes = {"width": 32, "depth": 2, "mlp_dim": 64, "num_heads": 2, "num_kv_heads": 1, "head_dim": 16}
    module.get_gemma_config = lambda variant: module.GemmaConfig(**sizes)

    def small_paligemma(config):
        vision = config.vision_config
        vision.hidden_size, vision.intermediate_size, vision.projection_dim = 32, 64, 32
        vision.num_hidden_layers, vision.num_attention_heads, vision.patch_size = 1, 2, 14
        config.text_config.vocab_size = config._vocab_size = len(WORDS)
        return paligemma(config)

    def small_gemma(config):
        config.vocab_size = len(WORDS)
        return gemma(config)

    module.PaliGemmaForConditionalGeneration, module.GemmaForCausalLM = small_paligemma, small_gemma
    return make_policy_config(kind, **FEATURES, **SHORT, image_resolution=(28, 28), num_inference_steps=5)


def guided(policy):
    """How far the held rows are from the reference under guidance, as a share of how far they are without."""
    state, images = observed()
    target = ask(policy, state, images, seed=9)
    omega = np.array([1, 1, 1, 0.5, 0, 0, 0, 0], np.float32)
    free, held = (ask(policy, state, images, m, 3, omega, target)[:3] for m in ("plain", "rtc"))
    return float(np.abs(held - target[:3]).mean() / np.abs(free - target[:3]).mean())


def found(kind, root):
    """Save, serve from a folder that has all it needs, and say what came of it."""
    folder, elsewhere = root / kind, root / "hub"
    config = tiny_smolvla(elsewhere) if kind == "smolvla" else tiny_pi(kind)
    if kind != "smolvla":
        tokenizer().save_pretrained(elsewhere)
        processors = import_module(f"lerobot.policies.{kind}.processor_{kind}")
        step = processors.TokenizerProcessorStep
        processors.TokenizerProcessorStep = lambda tokenizer_name, **rest: step(str(elsewhere), **rest)
    saved = save(config, folder)
    shutil.move(elsewhere, folder / ("vlm" if kind == "smolvla" else "tokenizer"))
    policy, facts = serve(folder, saved)
    return facts | {"guided": guided(policy)}


def main(root, kinds):
    """Print what was found of each kind."""
    facts = {}
    for kind in kinds:
        facts[kind] = found(kind, root)
    print(json.dumps(facts))


if __name__ == "__main__":
    torch.set_num_threads(1)
    assert DUAL_ARM_EE.dim == 14
    main(Path(sys.argv[1]), sys.argv[2:])
