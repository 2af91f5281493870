"""Checkpoints: a folder of plain files, checked before anything is built from them. Nothing is ever unpickled.

Reading needs no torch, so that a command line can refuse a bad checkpoint before it starts anything.

    config.yaml           what the policy is: action space, horizon, N, cameras, network
    weights.safetensors   the averaged weights, float16
    stats.json            the normaliser
    README.md             how it was made and what it scored
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel, load_yaml
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.files import parse_json, read_bytes
from segue_core.history import Offsets
from segue_core.policy import MAX_CAMERAS, MAX_HORIZON, MAX_SIDE, MAX_STEPS
from segue_policies.checkpoints.provenance import Provenance
from segue_policies.samples.normaliser import Normaliser
from segue_policies.vision.config import TrunkRecord

CONFIG, WEIGHTS, STATS, README = "config.yaml", "weights.safetensors", "stats.json", "README.md"
FORMAT = 1
MAX_FILE_BYTES = {CONFIG: 2**20, STATS: 2**24, WEIGHTS: 2**29}
"""A larger file is refused before it is read."""


Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class CheckpointConfig(StrictModel):
    """`config.yaml` of a checkpoint."""

    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT, description="layout of the folder")
    method: str = Field(description="folder of the method in segue_policies, such as legato")
    action_space: dict[str, Any] = Field(description="ActionSpace.to_dict")
    fingerprint: str = Field(description="ActionSpace.fingerprint, what the numbers mean")
    horizon: int = Field(ge=1, le=MAX_HORIZON, description="rows H of a chunk")
    num_steps: int = Field(ge=1, le=MAX_STEPS, description="denoising steps N of the training")
    cameras: tuple[str, ...] = Field(
        min_length=1, max_length=MAX_CAMERAS, description="images, in the order of the network"
    )
    image_size: tuple[Side, Side] = Field(description="width, height [px]")
    state_dim: int = Field(ge=1, le=4096, description="width S of the measured state")
    max_delay: int = Field(
        ge=0, le=MAX_HORIZON, description="longest guided prefix of the training [ticks]; 0 if never guided"
    )
    max_ramp: int = Field(ge=0, le=MAX_HORIZON, description="longest ramp of the training [ticks]")
    history: Offsets = Field(default=(0,), description="observations shown, in ticks from the newest")
    network: dict[str, Any] = Field(description="the method's own network settings")
    encoder: TrunkRecord | None = Field(
        default=None, description="the frozen trunk that its pictures go through; absent: none"
    )
    provenance: Provenance | None = Field(default=None, description="what it was made from, if that is known")
    weights_sha256: str = Field(description="of weights.safetensors")
    stats_sha256: str = Field(description="of stats.json")

    def space(self) -> ActionSpace:
        """The action space; raises ConfigError when it is malformed."""
        return ActionSpace.from_dict(self.action_space)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files agree with each other; weights are float32."""

    config: CheckpointConfig
    normaliser: Normaliser
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Expected:
    """What the caller needs from a checkpoint; None accepts anything."""

    action_space: ActionSpace | None = None
    horizon: int | None = None
    num_steps: int | None = None
    cameras: tuple[str, ...] | None = None


def save_checkpoint(
    folder: Path,
    config: Mapping[str, Any],
    normaliser: Normaliser,
    weights: Mapping[str, NDArray[np.float32]],
    readme: str,
) -> None:
    """Write a checkpoint; `config` holds every field of `CheckpointConfig` but the two digests."""
    folder.mkdir(parents=True, exist_ok=True)
    content = dump_arrays(
        {name: np.ascontiguousarray(array, dtype=np.float16) for name, array in weights.items()}
    )
    stats = json.dumps(normaliser.to_dict(), indent=1).encode()
    digests = {"weights_sha256": _digest(content), "stats_sha256": _digest(stats)}
    checked = CheckpointConfig.model_validate({**config, **digests})
    text = yaml.safe_dump(checked.model_dump(mode="json"), sort_keys=False)
    files = {WEIGHTS: content, STATS: stats, README: readme.encode(), CONFIG: text.encode()}
    for name, written in files.items():
        draft = folder / f".{name}"
        draft.write_bytes(written)
        draft.replace(folder / name)


def load_checkpoint(folder: Path, method: str, expected: Expected | None = None) -> Checkpoint:
    """Read and check a checkpoint of `method`.

    Raises:
        PolicyError: CHECKPOINT_MISSING, CHECKPOINT_CORRUPT (naming the file and what is wrong with it), or
            CHECKPOINT_MISMATCH (naming everything that differs from `expected`).
    """
    config = read_config(folder)
    _compare(folder, config, method, expected or Expected())
    weights, stats = _read(folder / WEIGHTS), _read(folder / STATS)
    for name, content, digest in (
        (WEIGHTS, weights, config.weights_sha256),
        (STATS, stats, config.stats_sha256),
    ):
        if _digest(content) != digest:
            raise _corrupt(
                folder / name, "content is not what config.yaml was written for (truncated or changed)"
            )
    parsed = _parse_json(folder / STATS, stats)
    try:
        normaliser = Normaliser.from_dict(parsed)
    except PolicyError as error:
        raise PolicyError(error.code, f"{folder}: {error.text}") from error
    _compare_shapes(folder / STATS, config, normaliser)
    return Checkpoint(config, normaliser, _weights(folder / WEIGHTS, weights))


def _compare_shapes(path: Path, config: CheckpointConfig, normaliser: Normaliser) -> None:
    actions = (config.horizon, config.space().dim)
    for name, got, expected in (
        ("action_mean", normaliser.action_mean.shape, actions),
        ("action_anchor", normaliser.action_anchor.shape, actions[1:]),
        ("state_mean", normaliser.state_mean.shape, (config.state_dim,)),
        ("image_mean", normaliser.image_mean.shape, (len(config.cameras), 3)),
    ):
        if got != expected:
            raise _corrupt(path, f"{name}: shape {got}, expected {expected} by {CONFIG}")


def method_of(folder: Path) -> str:
    """Name of the method that a checkpoint is for; raises PolicyError as `load_checkpoint`."""
    return read_config(folder).method


def read_config(folder: Path) -> CheckpointConfig:
    """What the policy in `folder` is, without its weights; raises PolicyError as `load_checkpoint`."""
    path = folder / CONFIG
    if not folder.is_dir():
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "no such checkpoint folder", got=folder)
    try:
        config = load_yaml(_read(path), CheckpointConfig, str(path))
        if config.space().fingerprint() != config.fingerprint:
            raise _corrupt(path, f"fingerprint {config.fingerprint} is not that of its action space")
    except ConfigError as error:
        named = error.text if str(path) in error.text else f"{path}: {error.text}"
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, named) from error
    return config


def _compare(folder: Path, config: CheckpointConfig, method: str, expected: Expected) -> None:
    space = expected.action_space
    pairs: dict[str, tuple[object, object]] = {
        "method": (config.method, method),
        "action space": (_describe(config.space()), None if space is None else _describe(space)),
        "horizon H": (config.horizon, expected.horizon),
        "denoising steps N": (config.num_steps, expected.num_steps),
        "cameras": (config.cameras, expected.cameras),
    }
    differs = [
        f"{what}: got {got}, expected {want}"
        for what, (got, want) in pairs.items()
        if want not in (None, got)
    ]
    if differs:
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, f"checkpoint {folder}: " + "; ".join(differs))


def _describe(space: ActionSpace) -> str:
    return f"{space.name} ({space.dim}-D, {space.rate_hz:g} Hz, {space.fingerprint()})"


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_FILE_BYTES[path.name])
    except FileNotFoundError as error:
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, "checkpoint file is missing", got=path) from error
    except OSError as error:
        raise _corrupt(path, str(error).removeprefix(f"{path}: ")) from error


def _parse_json(path: Path, content: bytes) -> Any:
    try:
        return parse_json(content)
    except ValueError as error:
        raise _corrupt(path, f"not JSON: {error}") from error


def _weights(path: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    try:
        weights = {name: array.astype(np.float32) for name, array in load_arrays(content).items()}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _corrupt(path, f"not safetensors: {error}") from error
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise _corrupt(path, f"weights {name!r} are not finite")
    return weights


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _corrupt(path: Path, text: str) -> PolicyError:
    return PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {text}")
