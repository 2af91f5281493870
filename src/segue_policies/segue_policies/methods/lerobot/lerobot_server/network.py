"""LeRobot's network and processors of a checkpoint, whether all weights arrived, and chunks drawn from it.

    observation -> LeRobot's preprocessor -> predict_action_chunk -> LeRobot's postprocessor -> chunk (H, D)

A checkpoint may bring what LeRobot would look for on the hub, so that a robot needs no network:

    tokenizer/      in place of the tokenizer that policy_preprocessor.json names (pi0, pi0.5)
    vlm/            in place of the language model that config.json names (SmolVLA): its settings and its tokenizer
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .guide import Guide
from .version import installed, problem, untested
from .weights import check_weights
from .wire import Arrays, Refused

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TOKENIZER, LANGUAGE_MODEL = "tokenizer", "vlm"
STATE, ACTION = "observation.state", "action"


@dataclass(frozen=True)
class LeRobotNetwork:
    """A loaded checkpoint; the types of its parts are LeRobot's."""

    facts: Mapping[str, Any]
    policy: Any
    before: Callable[[dict[str, Any]], dict[str, Any]]
    after: Callable[[Tensor], Tensor]

    def draw(self, asked: Mapping[str, Any], arrays: Arrays) -> NDArray[np.float32]:
        """Chunks (count, H, D), the same for the same `seed`; nothing is kept between calls.

        Args:
            asked: `seed`, `count`, `task` (words), `cameras` (features of the images, in order); `weight` guides.
            arrays: of T observations, newest last: `images` (T, cameras, h, w, 3) uint8, `state` (T, S); to guide:
                `omega` (H,), `reference` (H, D).
        """
        observations = [_observation(asked, arrays, index) for index in range(len(arrays["state"]))]
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        try:
            with torch.random.fork_rng(devices), torch.no_grad():  # no inference mode: a guide differentiates
                torch.manual_seed(int(asked["seed"]))
                if "weight" in asked:
                    return self._guided(observations, asked, arrays)
                return np.stack([self._one(observations) for _ in range(int(asked["count"]))])
        except (MemoryError, torch.cuda.OutOfMemoryError) as error:
            raise Refused("POLICY_OUT_OF_MEMORY", f"no memory for this inference: {error}") from error

    def _guided(
        self, observations: Sequence[Mapping[str, Any]], asked: Mapping[str, Any], arrays: Arrays
    ) -> NDArray[np.float32]:
        told = {**observations[-1], ACTION: torch.from_numpy(arrays["reference"])[None]}
        guide = Guide(torch.from_numpy(arrays["omega"]), self.before(told)[ACTION], float(asked["weight"]))
        model, config = self.policy.model, self.policy.config
        kept = model.rtc_processor, config.rtc_config
        try:
            model.rtc_processor, config.rtc_config = guide, _Enabled()
            return self._one(observations)[None]
        finally:
            model.rtc_processor, config.rtc_config = kept

    def _one(self, observations: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """One chunk (H, D) in physical units."""
        self.policy.reset()
        for observation in observations:
            batch = {key: value for key, value in self.before(dict(observation)).items() if key != ACTION}
            batch = _remembered(self.policy, batch)
        chunk = self.policy.predict_action_chunk(batch)
        actions: NDArray[np.float32] = self.after(chunk)[0].float().cpu().numpy()
        return actions


class _Enabled:
    """What LeRobot's flows ask before they call their processor."""

    enabled = True


def _observation(asked: Mapping[str, Any], arrays: Arrays, index: int) -> dict[str, Any]:
    """One of them as LeRobot's robots give it: pictures (1, 3, h, w) in 0..1, state (1, S), task."""
    images = torch.from_numpy(arrays["images"][index]).permute(0, 3, 1, 2).float() / 255.0
    given = {key: images[k : k + 1] for k, key in enumerate(asked["cameras"])}
    return {**given, STATE: torch.from_numpy(arrays["state"][index])[None], "task": [str(asked["task"])]}


def _remembered(policy: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """Put an observation into the queues of policies that look at several; `predict_action_chunk` reads those."""
    from lerobot.policies.utils import populate_queues
    from lerobot.utils.constants import OBS_IMAGES

    queues = getattr(policy, "_queues", None)
    if not queues or STATE not in queues:
        return batch
    if policy.config.image_features:
        pictures = [batch[key] for key in policy.config.image_features]
        batch = {**batch, OBS_IMAGES: torch.stack(pictures, dim=-4)}
    policy._queues = populate_queues(queues, batch)
    return batch


def load(folder: Path, threads: int, device: str) -> LeRobotNetwork:
    """Read a checkpoint folder.

    Raises:
        Refused: POLICY_NOT_READY without a LeRobot that can be used, or without what this kind of policy needs;
            CHECKPOINT_CORRUPT when LeRobot cannot read the folder, or leaves weights out.
    """
    version = installed()
    if wrong := problem(version):
        raise Refused("POLICY_NOT_READY", wrong)
    if untested(version):
        print(f"note: LeRobot {version}{untested(version)}", file=sys.stderr)
    if threads > 0:
        torch.set_num_threads(threads)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        policy, before, after = _parts(folder, device)
    except ImportError as error:
        text = f"{folder}: LeRobot {version} of {sys.executable} lacks what this policy needs: {error}"
        raise Refused("POLICY_NOT_READY", text) from error
    except Exception as error:  # of any library that a policy is made of
        text = f"{folder}: LeRobot {version} cannot load it: {type(error).__name__}: {error}"
        hint = "; a LeRobot reads what it or an older one wrote"
        raise Refused("CHECKPOINT_CORRUPT", text + hint + untested(version)) from error
    check_weights(folder / WEIGHTS, policy.state_dict())
    digest = hashlib.sha256((folder / CONFIG).read_bytes()).hexdigest()
    return LeRobotNetwork(
        {"lerobot": version, "device": device, "config": digest}, policy.eval(), before, after
    )


def _parts(folder: Path, device: str) -> tuple[Any, Any, Any]:
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.policies.factory import get_policy_class, make_pre_post_processors

    config = PreTrainedConfig.from_pretrained(folder)
    config.device = device
    if hasattr(config, "pretrained_backbone_weights"):
        config.pretrained_backbone_weights = None  # all come from the file: there is nothing to fetch first
    if (folder / LANGUAGE_MODEL).is_dir() and hasattr(config, "vlm_model_name"):
        config.vlm_model_name, config.load_vlm_weights = str(folder / LANGUAGE_MODEL), False
    policy = get_policy_class(config.type).from_pretrained(folder, config=config)
    overrides: dict[str, Any] = {"device_processor": {"device": device}}
    own = next((folder / name for name in (TOKENIZER, LANGUAGE_MODEL) if (folder / name).is_dir()), None)
    if own is not None:
        overrides["tokenizer_processor"] = {"tokenizer_name": str(own)}
    return (policy, *make_pre_post_processors(config, str(folder), preprocessor_overrides=overrides))
