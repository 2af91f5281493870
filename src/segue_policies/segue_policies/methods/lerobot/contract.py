"""What a LeRobot checkpoint serves, from its `config.json` and what `segue.yaml` beside it adds. No torch, no LeRobot.

LeRobot stores names and shapes, but not what the numbers of an action mean. Two ways to say it:

    the robot          a checkpoint trained on its datasets (names of cameras, order of the numbers) needs nothing more
    segue.yaml         action space, names of cameras, instruction, where LeRobot is; `segue adopt` writes it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.files import load_config, read_json
from segue_core.policy import PolicyInfo
from segue_core.sampling import BIDIRECTIONAL, PLAIN, RTC, needed_for
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.deployment import Deployment
from segue_policies.methods.lerobot.place import Place, find_place
from segue_policies.runtime import Runtime

CONFIG, OURS = "config.json", "segue.yaml"
STATE, ACTION, IMAGES = "observation.state", "action", "observation.images."

SAMPLED = frozenset({"diffusion", "vqbet", "smolvla", "pi0", "pi05"})
"""Types that draw their chunk: candidates differ, so the best of several can be kept."""

FLOWS = frozenset({"smolvla", "pi0", "pi05"})
"""Types that integrate a velocity and let a guide correct it at every step."""

_HORIZONS = ("chunk_size", "action_chunk_size", "n_action_steps")
_STEPS = ("num_inference_steps", "num_steps", "num_train_timesteps")

_USUAL = ("pretrained_model", "last/pretrained_model", "checkpoints/last/pretrained_model")
"""Where LeRobot's training puts a checkpoint, from the folders above."""


class Adoption(StrictModel):
    """`segue.yaml` of a LeRobot checkpoint."""

    action_space: dict[str, Any] = Field(description="ActionSpace.to_dict, what the numbers mean")
    cameras: dict[str, str] = Field(
        default_factory=dict,
        description="camera of the robot to the checkpoint's name of it, where they differ",
    )
    instruction: str = Field(
        default="", description="what a policy that reads language is told, whatever the task"
    )
    lerobot: str = Field(
        default="", description="interpreter with LeRobot, or HOST:PORT; empty: as the environment says"
    )


@dataclass(frozen=True)
class Contract:
    """What is served, and how to ask for it.

    Args:
        kind: LeRobot's type, such as "act".
        info: as the scheduler sees it, with the robot's names of cameras.
        keys: the checkpoint's feature of each camera of `info`.
        instruction: for policies that read language; empty: the one of the request.
        lerobot: where LeRobot is, if the checkpoint says so.
    """

    kind: str
    info: PolicyInfo
    keys: tuple[str, ...]
    instruction: str
    lerobot: str


def served(deployment: Deployment) -> PolicyInfo:
    """What the checkpoint of a deployment serves, where something says where LeRobot is; raises as `read_contract`.

    The weights are not read; that is LeRobot's work.
    """
    contract = read_contract(deployment.folder(), deployment.expected)
    check_runtime(find_place(contract.lerobot), deployment.runtime)
    return contract.info


def check_runtime(place: Place, runtime: Runtime) -> None:
    """Raises ConfigError for what LeRobot cannot be told: a precision, or the device of a server that runs already.

    Whether the device is there only LeRobot's own torch can say.
    """
    if runtime.dtype != "float32":
        text, expected = "dtype: a checkpoint of LeRobot says itself how it computes", "float32, the default"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=runtime.dtype, expected=expected)
    if place.address is not None and runtime.device != "auto":
        text = f"LeRobot's server at {place} has chosen its device already (its option --device)"
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"device: {text}", got=runtime.device, expected="auto"
        )


def is_lerobot(folder: Path) -> bool:
    """Whether a folder looks like a checkpoint of LeRobot, or holds one, and not like one of ours."""
    own = (folder / "config.yaml").is_file()
    return not own and ((folder / CONFIG).is_file() or _inside(folder) is not None)


def _inside(folder: Path) -> Path | None:
    """The checkpoint below a folder of LeRobot's training."""
    return next((f for f in (folder / name for name in _USUAL) if (f / CONFIG).is_file()), None)


def read_contract(
    folder: Path, expected: Expected | None = None, adoption: Adoption | None = None
) -> Contract:
    """Read and check; `adoption` stands for the one that is written in the folder.

    Raises:
        PolicyError: CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, or CHECKPOINT_MISMATCH naming everything that differs.
    """
    expected = expected or Expected()
    config = _config(folder)
    ours = adoption or _ours(folder)
    try:
        space = ActionSpace.from_dict(ours.action_space) if ours else expected.action_space
    except ConfigError as error:
        raise _corrupt(folder / OURS, error.text) from error
    if space is None:
        how = f"say so: ./segue adopt {folder} --robot NAME"
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, f"{folder}: whose robot is it for?", do=how)
    try:
        contract = _contract(config, space, ours)
        problems = _problems(config, contract, expected)
    except ConfigError as error:
        raise _corrupt(folder / CONFIG, error.text) from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, StopIteration) as error:
        raise _corrupt(folder / CONFIG, f"missing or wrong: {error!r:.300}") from error
    if problems:
        raise PolicyError(ErrorCode.CHECKPOINT_MISMATCH, f"checkpoint {folder}: " + "; ".join(problems))
    return contract


def samplings(kind: str) -> tuple[str, ...]:
    """Samplings that a type of LeRobot's policies answers."""
    drawn = (BIDIRECTIONAL.name,) if kind in SAMPLED else ()
    return (PLAIN.name, *drawn, RTC.name) if kind in FLOWS else (PLAIN.name, *drawn)


def _contract(config: Mapping[str, Any], space: ActionSpace, ours: Adoption | None) -> Contract:
    kind, pictures = str(config["type"]), _pictures(config)
    renamed = {theirs: camera for camera, theirs in (ours.cameras if ours else {}).items()}
    _, height, width = next(iter(pictures.values()), (3, 16, 16))
    info = PolicyInfo(
        name="lerobot",
        action_space=space,
        horizon=int(next(config[name] for name in _HORIZONS if config.get(name))),
        num_steps=int(next((config[name] for name in _STEPS if config.get(name)), 1)),
        rate_hz=space.rate_hz,
        cameras=tuple(renamed.get(name, name) for name in pictures),
        image_size=(int(width), int(height)),
        capabilities=needed_for(samplings(kind)),
        max_delay=0,
        max_ramp=0,
        history=tuple(range(1 - int(config.get("n_obs_steps") or 1), 1)),
    )
    keys = tuple(IMAGES + name for name in pictures)
    instruction, lerobot = (ours.instruction, ours.lerobot) if ours else ("", "")
    return Contract(kind, info, keys, instruction, lerobot)


def _pictures(config: Mapping[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Shape (3, h, w) of the pictures by the checkpoint's name of their camera."""
    return {
        name.removeprefix(IMAGES): tuple(feature["shape"])
        for name, feature in config["input_features"].items()
        if feature["type"] == "VISUAL"
    }


def _problems(config: Mapping[str, Any], contract: Contract, expected: Expected) -> list[str]:
    info, found = contract.info, []
    for name, feature in (
        (STATE, config["input_features"].get(STATE)),
        (ACTION, config["output_features"].get(ACTION)),
    ):
        got = None if feature is None else list(feature["shape"])
        if got != [info.action_space.dim]:
            found.append(
                f"{name}: shape {got}, expected [{info.action_space.dim}] ({info.action_space.name})"
            )
    if len(set(_pictures(config).values())) > 1:
        found.append(f"pictures of several sizes: {_pictures(config)}")
    other = sorted(set(config["input_features"]) - {STATE, *contract.keys})
    if other:
        found.append(f"needs {', '.join(other)}, which no observation has")
    space = expected.action_space
    if space is not None and space.fingerprint() != info.action_space.fingerprint():
        found.append(f"action space: got {info.action_space.name}, expected {space.name}")
    if expected.cameras is not None and (unknown := sorted(set(info.cameras) - set(expected.cameras))):
        found.append(f"cameras: {', '.join(unknown)} are not of the robot ({', '.join(expected.cameras)})")
    if expected.horizon not in (None, info.horizon):
        found.append(f"horizon H: got {info.horizon}, expected {expected.horizon}")
    return found


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        text, inside = f"{path}: not there; a checkpoint of LeRobot has one", _inside(folder)
        hint = f"did you mean {inside}?" if inside else "its folder is usually called pretrained_model"
        raise PolicyError(ErrorCode.CHECKPOINT_MISSING, f"{text} ({hint})")
    try:
        config = read_json(path)
    except (OSError, ValueError) as error:
        raise _corrupt(path, f"not JSON: {error}") from error
    if not isinstance(config, dict):
        raise _corrupt(path, f"got {type(config).__name__}, expected a mapping")
    return config


def _ours(folder: Path) -> Adoption | None:
    path = folder / OURS
    if not path.is_file():
        return None
    try:
        return load_config(path, Adoption)
    except ConfigError as error:
        raise _corrupt(path, str(error)) from error


def _corrupt(path: Path, text: str) -> PolicyError:
    return PolicyError(ErrorCode.CHECKPOINT_CORRUPT, f"{path}: {text}")
