"""Low-rank adapters (LoRA, arXiv 2106.09685) through peft, for any part of a network that is large and pretrained.

In training a matrix is frozen and only its adapter, a product A B of rank r, learns; saving adds A B to the matrix. So
a checkpoint knows nothing of adapters, and serving needs no peft.
"""

from __future__ import annotations

import copy

from torch import nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.training.lora_config import LoraConfig as LoraConfig

INSTALL = "pip install -r requirements/pretrained.txt"


def add_adapters(part: nn.Module, config: LoraConfig) -> None:
    """Freeze `part` and put adapters beside its matrices, in place.

    Raises:
        ConfigError: peft is not installed, or no layer has one of the names.
    """
    try:
        import peft
    except ImportError as error:
        text = f"LoRA needs peft ({error})"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=INSTALL) from error
    names = {name.rsplit(".", 1)[-1] for name, layer in part.named_modules() if isinstance(layer, nn.Linear)}
    targets = sorted(names & set(config.targets))
    if not targets:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            "lora.targets",
            got=list(config.targets),
            allowed=tuple(sorted(names)),
        )
    part.requires_grad_(False)
    settings = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=targets
    )
    peft.inject_adapter_in_model(settings, part)


def without_adapters(model: nn.Module) -> nn.Module:
    """A copy of `model` with every adapter added to its matrix; `model` itself where there is none."""
    if not any("lora_" in name for name, _ in model.named_parameters()):
        return model
    from peft.tuners.tuners_utils import BaseTunerLayer

    merged = copy.deepcopy(model)
    for name, layer in list(merged.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            parent, _, last = name.rpartition(".")
            setattr(merged.get_submodule(parent), last, layer.get_base_layer())
    return merged
