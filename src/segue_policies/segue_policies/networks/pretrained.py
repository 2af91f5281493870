"""Pretrained parts from local folders, through the libraries that define them; nothing is downloaded.

    VisionTrunk     DINOv2, CLIP, SigLIP          transformers    picture -> feature map, an image trunk of ACT
    TextEncoder     T5, UMT5, CLIP                transformers    instruction -> one vector per token
    load_wan        Wan's video model and VAE     diffusers       LingBot-VA takes its latents from the VAE

A folder is what `save_pretrained` writes and the hub holds: `config.json` and `model.safetensors`. pi0, SmolVLA and
LeRobot's other policies: `segue_policies.methods.lerobot`. OpenVLA: `openvla.py`.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from segue_core.errors import ConfigError, ErrorCode, PolicyError, nearest_name, unknown_name
from segue_core.files import read_json

INSTALL = "pip install -r requirements/pretrained.txt"

VISION = {
    "dinov2": "Dinov2Model",
    "clip_vision_model": "CLIPVisionModel",
    "siglip_vision_model": "SiglipVisionModel",
}
"""Class of transformers by `model_type` of config.json."""

TEXT = {"t5": "T5EncoderModel", "umt5": "UMT5EncoderModel", "clip_text_model": "CLIPTextModel"}

VAE = "AutoencoderKLWan"

_BOTH = {"clip": "clip_vision_model", "siglip": "siglip_vision_model"}
"""Checkpoints of two towers, of which the pictures' is taken."""


class VisionTrunk(nn.Module):
    """A vision transformer as a trunk: its patch tokens, laid out as the picture was."""

    def __init__(self, config: dict[str, Any], net: nn.Module | None = None) -> None:
        """`config` is what of the model's own (`config.json`) differs from its kind; without `net` weights are random.

        Raises:
            ConfigError: a kind that is not known, or a setting that it has not or that nothing can be built with.
        """
        super().__init__()
        self.config = config
        kind = _known("vision model", config, VISION)
        self._kind = kind
        self.net = net if net is not None else _build(VISION[kind], config)
        self.patch = int(self.net.config.patch_size)  # type: ignore[union-attr, arg-type]
        self.channels = int(self.net.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @classmethod
    def from_folder(cls, folder: Path) -> VisionTrunk:
        """Read a folder; raises PolicyError when it is missing or broken, ConfigError for a type that is not known."""
        config = _read_config(folder)
        kind = _BOTH.get(str(config.get("model_type")))
        if kind is not None:
            config = {**config.get("vision_config", {}), "model_type": kind}
        net = _load("transformers", VISION[_known("vision model", config, VISION)], folder)
        return cls(_told(net.config), net)

    def forward(self, images: Tensor) -> Tensor:
        """`(B, 3, h, w)`, normalised as ImageNet, to `(B, channels, h / patch, w / patch)`; h and w are rounded up."""
        height, width = (-(-size // self.patch) for size in images.shape[2:])
        size = (height * self.patch, width * self.patch)
        if images.shape[2:] != size:
            images = functional.interpolate(images, size, mode="bilinear", align_corners=False)
        more = {} if self._kind == "dinov2" else {"interpolate_pos_encoding": True}
        tokens: Tensor = self.net(pixel_values=images, **more).last_hidden_state
        patches = tokens[:, -height * width :]  # a class token, where there is one, comes first
        return patches.transpose(1, 2).reshape(len(images), self.channels, height, width)


class TextEncoder(nn.Module):
    """A language encoder and its tokenizer, frozen or not: the caller decides."""

    def __init__(self, net: nn.Module, tokenizer: Any) -> None:
        super().__init__()
        self.net, self.tokenizer = net, tokenizer
        self.width = int(net.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @classmethod
    def from_folder(cls, folder: Path) -> TextEncoder:
        """Read a folder with the weights; the tokenizer's files are in it, or in `tokenizer` beside it (diffusers).

        Raises as `VisionTrunk.from_folder`.
        """
        kind, beside = _known("language model", _read_config(folder), TEXT), folder.parent / "tokenizer"
        words = folder if (folder / "tokenizer_config.json").is_file() or not beside.is_dir() else beside
        net = _load("transformers", TEXT[kind], folder, torch_dtype="auto")
        return cls(net, _load("transformers", "AutoTokenizer", words))

    def forward(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Vectors `(B, T, width)` and which of them are words, `(B, T)`."""
        device = next(self.net.parameters()).device
        tokens = self.tokenizer(texts, padding=True, return_tensors="pt").to(device)
        mask = tokens["attention_mask"]
        encoded: Tensor = self.net(input_ids=tokens["input_ids"], attention_mask=mask).last_hidden_state
        return encoded, mask.bool()


def load_wan(folder: Path) -> tuple[nn.Module, nn.Module]:
    """Wan's transformer and VAE from the folders `transformer` and `vae` of a diffusers pipeline."""
    transformer = _load("diffusers", "WanTransformer3DModel", folder / "transformer")
    return transformer, load_vae(folder / "vae")


def load_vae(folder: Path) -> nn.Module:
    """Wan's VAE of a folder as diffusers writes it; raises PolicyError where it is missing or does not fit."""
    vae: nn.Module = _load("diffusers", VAE, folder)
    return vae


def read_vae_config(folder: Path) -> dict[str, Any]:
    """The settings of Wan's VAE in a folder, those that `config.json` leaves out included, without its weights.

    Raises:
        PolicyError: there is none, or that of another model. ConfigError: diffusers is not installed.
    """
    told = _json_of(folder)
    if told.get("_class_name") != VAE:
        text = f"{folder / 'config.json'}: _class_name"
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, text, got=told.get("_class_name"), expected=VAE)
    usual = {
        name: each.default
        for name, each in signature(getattr(library("diffusers"), VAE).__init__).parameters.items()
    }
    return {**usual, **told}


def read_text_width(folder: Path) -> int:
    """Numbers per word of the language encoder in a folder, read from its settings; raises as `TextEncoder`."""
    config = _read_config(folder)
    _known("language model", config, TEXT)
    return int(config.get("d_model", config.get("hidden_size", 0)))


def library(name: str) -> Any:
    """The module `name`; raises ConfigError with the line that installs it."""
    try:
        return import_module(name)
    except ImportError as error:
        text = f"{name} cannot be imported ({error})"
        do = INSTALL if name == "diffusers" else "./segue setup"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from error


def _known(what: str, config: dict[str, Any], classes: dict[str, str]) -> str:
    kind = str(config.get("model_type"))
    if kind not in classes:
        raise unknown_name(what, kind, classes)
    return kind


def _told(config: Any) -> dict[str, Any]:
    """What of a model's settings differs from those of its kind, of the settings that its kind has."""
    usual = type(config)().to_dict()
    told = {key: value for key, value in config.to_diff_dict().items() if key in usual}
    return {**told, "model_type": config.model_type}


def _build(name: str, config: dict[str, Any]) -> nn.Module:
    class_ = getattr(library("transformers"), name)
    usual = class_.config_class().to_dict()
    if unknown := sorted(map(str, set(config) - set(usual))):
        near = nearest_name(unknown[0], usual)
        hint = f" (did you mean {near!r}?)" if near else ""
        text = f"backbone_config: {class_.config_class.__name__} has no setting {unknown[0]!r}{hint}"
        raise ConfigError(ErrorCode.CONFIG_UNKNOWN_KEY, text, got=config[unknown[0]])
    try:
        own = class_.config_class.from_dict(dict(config))  # it writes into what it is given
        net: nn.Module = class_(own)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        text = f"backbone_config: no {name} can be built with it: {type(error).__name__}: {error}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text) from error
    return net


def _read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a folder; raises PolicyError when there is none."""
    if not (folder / "config.json").is_file():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no config.json in this folder", got=folder)
    config, _ = library("transformers").PretrainedConfig.get_config_dict(str(folder))
    return dict(config)


def _json_of(folder: Path) -> dict[str, Any]:
    """`config.json` of a folder as it is; raises PolicyError where there is none, or no mapping in it."""
    path = folder / "config.json"
    if not path.is_file():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no config.json in this folder", got=folder)
    try:
        return dict(read_json(path))
    except (OSError, TypeError, ValueError) as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {error}") from error


def _load(where: str, name: str, folder: Path, **more: Any) -> Any:
    """`from_pretrained` of plain files only: no download, no code from the folder, no pickled weights."""
    plain: dict[str, Any] = {"local_files_only": True, **more}
    if name != "AutoTokenizer":
        plain["use_safetensors"] = True
    try:
        return getattr(library(where), name).from_pretrained(str(folder), **plain)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        text = f"{folder}: {where}'s {name} cannot load it: {error}"
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, text) from error
