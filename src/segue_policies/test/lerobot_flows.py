"""Tiny SmolVLA, pi0 and pi0.5 for `lerobot_checkpoints.py`: LeRobot's own classes with fewer and narrower layers."""

from importlib import import_module

from lerobot.policies.factory import make_policy_config
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

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


def tiny_smolvla(folder, features):
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
        "smolvla", **features, **SHORT, vlm_model_name=str(folder), num_vlm_layers=2, num_steps=5,
        resize_imgs_with_padding=(32, 32),
    )  # fmt: skip


def tiny_pi(kind, folder, features):
    """Its configuration; LeRobot's module makes small networks from now on."""
    tokenizer().save_pretrained(folder)
    processors = import_module(f"lerobot.policies.{kind}.processor_{kind}")
    step = processors.TokenizerProcessorStep
    processors.TokenizerProcessorStep = lambda tokenizer_name, **rest: step(str(folder), **rest)
    shrink(kind)
    return make_policy_config(kind, **features, **SHORT, image_resolution=(28, 28), num_inference_steps=5)


def shrink(kind):
    """Make LeRobot's networks of `kind` small, in the process that calls it."""
    module = import_module(f"lerobot.policies.{kind}.modeling_{kind}")
    names = [
        name for name in ("PaliGemmaForConditionalGeneration", "GemmaForCausalLM") if hasattr(module, name)
    ]
    paligemma, gemma = names or ("PaliGemmaForConditionalGenerationWithPiGemma", "PiGemmaForCausalLM")
    large_paligemma, large_gemma = getattr(module, paligemma), getattr(module, gemma)
    sizes = {"width": 32, "depth": 2, "mlp_dim": 64, "num_heads": 2, "num_kv_heads": 1, "head_dim": 16}
    module.get_gemma_config = lambda variant: module.GemmaConfig(**sizes)

    def small_paligemma(config):
        vision = config.vision_config
        vision.hidden_size, vision.intermediate_size, vision.projection_dim = 32, 64, 32
        vision.num_hidden_layers, vision.num_attention_heads, vision.patch_size = 1, 2, 14
        config.text_config.vocab_size = config._vocab_size = len(WORDS)
        return large_paligemma(config)

    def small_gemma(config):
        config.vocab_size = len(WORDS)
        return large_gemma(config)

    setattr(module, paligemma, small_paligemma)
    setattr(module, gemma, small_gemma)


def configuration(kind, hub, features):
    """Of SmolVLA, pi0 or pi0.5."""
    return tiny_smolvla(hub, features) if kind == "smolvla" else tiny_pi(kind, hub, features)
