"""Checkpoints: a folder of plain files, checked before anything is built from them. Nothing is ever unpickled.

Reading needs no torch, so that a command line can refuse a bad checkpoint before it starts anything.

    config.yaml           what the policy is: action space, horizon, cameras, the method's settings, its files
    weights.safetensors   the averaged weights, float16; more files where they are large, or of several precisions
    stats.json            the normaliser
    README.md             how it was made and what it scored

Version 1, with one file of weights and the method's settings among the others, is read as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays
from typing_extensions import Self

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel, load_yaml
from segue_core.contracts.checks import refuse_twice
from segue_core.contracts.quantities import RosWord
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.files import parse_json, read_bytes, regular
from segue_core.history import Offsets
from segue_core.policy import MAX_CAMERAS, MAX_HORIZON, MAX_SIDE, MAX_STEPS
from segue_policies.checkpoints.provenance import Provenance
from segue_policies.samples.normaliser import Normaliser
from segue_policies.vision.config import TrunkRecord

CONFIG, WEIGHTS, STATS, README = "config.yaml", "weights.safetensors", "stats.json", "README.md"
FORMAT = 2
MAX_FILE_BYTES = {CONFIG: 2**20, STATS: 2**24}
MAX_WEIGHTS = 2**29
"""A larger file is refused before it is read."""

SHARD_BYTES = 2**28
"""Weights are cut into files of about this size."""

WHOLE_BYTES = 2**26
"""Larger files of weights are checked by their header alone, and read whole when the policy is made."""


Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class CheckpointSettings(StrictModel):
    """What the method says of itself and checks; the first five are of every method, more may stand beside them."""

    model_config = ConfigDict(extra="allow")

    num_steps: int = Field(ge=1, le=MAX_STEPS, description="denoising steps N of the training")
    max_delay: int = Field(
        ge=0, le=MAX_HORIZON, description="longest guided prefix of the training [ticks]; 0 if never guided"
    )
    max_ramp: int = Field(ge=0, le=MAX_HORIZON, description="longest ramp of the training [ticks]")
    history: Offsets = Field(default=(0,), description="observations shown, in ticks from the newest")
    network: dict[str, Any] = Field(description="the method's own network settings")


class WeightFile(StrictModel):
    """A file of weights."""

    sha256: str = Field(description="of the file")


class PretrainedBase(StrictModel):
    """Pretrained weights that a training began with, as people know them and as they are."""

    name: str = Field(description="file or folder")
    digest: str = Field(description="SHA-256 of the weights")


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.safetensors$")]

_SETTINGS = tuple(CheckpointSettings.model_fields)


class CheckpointConfig(StrictModel):
    """`config.yaml` of a checkpoint."""

    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT, description="layout of the folder")
    method: str = Field(description="folder of the method in segue_policies, such as legato")
    action_space: dict[str, Any] = Field(description="ActionSpace.to_dict")
    fingerprint: str = Field(description="ActionSpace.fingerprint, what the numbers mean")
    horizon: int = Field(ge=1, le=MAX_HORIZON, description="rows H of a chunk")
    cameras: tuple[RosWord, ...] = Field(
        min_length=1, max_length=MAX_CAMERAS, description="images, in the order of the network"
    )
    image_size: tuple[Side, Side] = Field(description="width, height [px]")
    state_dim: int = Field(ge=1, le=4096, description="width S of the measured state")
    settings: CheckpointSettings
    encoder: TrunkRecord | None = Field(
        default=None, description="the frozen trunk that its pictures go through; absent: none"
    )
    base: PretrainedBase | None = Field(default=None, description="what was pretrained; absent: nothing")
    provenance: Provenance | None = Field(default=None, description="what it was made from, if that is known")
    weights: dict[FileName, WeightFile] = Field(
        min_length=1, max_length=1000, description="files of weights, which together are all of them"
    )
    stats_sha256: str = Field(description="of stats.json")

    @model_validator(mode="after")
    def _one_picture_each(self) -> Self:
        refuse_twice("camera", self.cameras)
        return self

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("format", 1) != 1:
            return data
        moved = {name: data[name] for name in _SETTINGS if name in data}
        kept = {name: value for name, value in data.items() if name not in (*_SETTINGS, "weights_sha256")}
        files = {WEIGHTS: {"sha256": data["weights_sha256"]}} if "weights_sha256" in data else {}
        return {**({"weights": files} if files else {}), **kept, "settings": moved, "format": FORMAT}

    @property
    def num_steps(self) -> int:
        """Denoising steps N of the training."""
        return self.settings.num_steps

    @property
    def history(self) -> Offsets:
        """Observations shown, in ticks from the newest."""
        return self.settings.history

    @property
    def network(self) -> dict[str, Any]:
        """The method's own network settings."""
        return self.settings.network

    @property
    def weights_sha256(self) -> str:
        """Digest of all weights: of their file, or of the names and digests of several."""
        files = {name: file.sha256 for name, file in self.weights.items()}
        if len(files) == 1:
            return next(iter(files.values()))
        return _digest(json.dumps(files, sort_keys=True).encode())

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


@dataclass(frozen=True, eq=False)
class WeightGroup:
    """Weights that are kept alike, in `NAME.safetensors` or, where they are large, in several such files."""

    arrays: Mapping[str, NDArray[np.float32]]
    name: str = "weights"
    dtype: Literal["float16", "float32"] = "float16"


def save_checkpoint(
    folder: Path,
    config: Mapping[str, Any],
    normaliser: Normaliser,
    weights: Mapping[str, NDArray[np.float32]] | Sequence[WeightGroup],
    readme: str,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a checkpoint; `config` holds every field of `CheckpointConfig` but the files and digests.

    The names of the tensors of all groups are different. Memory holds one file at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = [WeightGroup(weights)] if isinstance(weights, Mapping) else weights
    stats = json.dumps(normaliser.to_dict(), indent=1).encode()
    written = {}
    for name, arrays in _shards(groups, shard_bytes):
        content = dump_arrays(arrays)
        written[name] = {"sha256": _digest(content)}
        _replace(folder / name, content)
    checked = CheckpointConfig.model_validate({**config, "weights": written, "stats_sha256": _digest(stats)})
    text = yaml.safe_dump(checked.model_dump(mode="json"), sort_keys=False)
    for name, told in {STATS: stats, README: readme.encode(), CONFIG: text.encode()}.items():
        _replace(folder / name, told)
    for old in folder.glob("*.safetensors"):
        if old.name not in written:
            old.unlink()


def _shards(
    groups: Sequence[WeightGroup], shard_bytes: int
) -> Iterator[tuple[str, dict[str, NDArray[np.floating[Any]]]]]:
    """Names and content of the files, none much larger than `shard_bytes`; a tensor is never cut."""
    for group in groups:
        width = np.dtype(group.dtype).itemsize
        shards: list[list[str]] = [[]]
        held = 0
        for name, array in group.arrays.items():
            if shards[-1] and held + array.size * width > shard_bytes:
                shards.append([])
                held = 0
            shards[-1].append(name)
            held += array.size * width
        for number, names in enumerate(shards, start=1):
            part = "" if len(shards) == 1 else f"-{number:05d}-of-{len(shards):05d}"
            arrays = {name: np.ascontiguousarray(group.arrays[name], dtype=group.dtype) for name in names}
            yield f"{group.name}{part}.safetensors", arrays


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    draft.replace(path)


def load_checkpoint(folder: Path, method: str, expected: Expected | None = None) -> Checkpoint:
    """Read and check a checkpoint of `method`.

    Raises:
        PolicyError: CHECKPOINT_MISSING, CHECKPOINT_CORRUPT (naming the file and what is wrong with it), or
            CHECKPOINT_MISMATCH (naming everything that differs from `expected`).
    """
    config = read_config(folder)
    _compare(folder, config, method, expected or Expected())
    weights: dict[str, NDArray[np.float32]] = {}
    for name, file in config.weights.items():
        found = _weights(folder / name, _read_as(folder / name, file.sha256))
        if twice := weights.keys() & found.keys():
            raise _corrupt(folder / name, f"{min(twice)!r} is in another file, too")
        weights |= found
    return Checkpoint(config, _normaliser(folder, config), weights)


def inspect_checkpoint(folder: Path, method: str, expected: Expected | None = None) -> CheckpointConfig:
    """Check a checkpoint of `method` without its large files: of those above WHOLE_BYTES only the header is read.

    Raises:
        PolicyError: as `load_checkpoint`, but for what stands in a large file behind its header.
    """
    config = read_config(folder)
    _compare(folder, config, method, expected or Expected())
    for name, file in config.weights.items():
        path = folder / name
        if path.is_file() and path.stat().st_size > WHOLE_BYTES:
            _check_header(path)
        else:
            _weights(path, _read_as(path, file.sha256))
    _normaliser(folder, config)
    return config


def _check_header(path: Path) -> None:
    """Refuse a file whose header does not describe it, or that is shorter than it says."""
    try:
        with safe_open(regular(path), framework="numpy") as opened:
            opened.keys()
    except (OSError, SafetensorError) as error:
        raise _corrupt(path, f"not safetensors: {error}") from error


def _read_as(path: Path, digest: str) -> bytes:
    content = _read(path)
    if _digest(content) != digest:
        raise _corrupt(path, "content is not what config.yaml was written for (truncated or changed)")
    return content


def _normaliser(folder: Path, config: CheckpointConfig) -> Normaliser:
    stats = _read_as(folder / STATS, config.stats_sha256)
    parsed = _parse_json(folder / STATS, stats)
    try:
        normaliser = Normaliser.from_dict(parsed)
    except PolicyError as error:
        raise PolicyError(error.code, f"{folder}: {error.text}") from error
    _compare_shapes(folder / STATS, config, normaliser)
    return normaliser


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
        return read_bytes(path, MAX_FILE_BYTES.get(path.name, MAX_WEIGHTS))
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
