"""A tiny task that images decide: drive both arms from where they are to a dot that only the cameras see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import DUAL_ARM_EE, ActionSpace
from segue_data.datasets.label_files import LabelRows, labelled

CAMERAS = ("head", "left_wrist", "right_wrist")
SIZE = (48, 40)  # width, height
STEPS = 20


@dataclass(frozen=True)
class Dots:
    """Demonstrations in memory, as `segue_data.datasets.dataset.load` gives them."""

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    episode: NDArray[np.int64]
    cameras: tuple[str, ...] = CAMERAS
    action_space: ActionSpace = DUAL_ARM_EE
    rate_hz: float = 30.0
    told: str = "drive both arms to the dot of picture {episode}"

    def label(self, name: str, **settings: Any) -> Mapping[str, NDArray[Any]]:
        """As of a dataset, each (F, ...); nothing is kept."""
        rows = LabelRows(self.state, self.action, self.episode, self.action_space, self.rate_hz)
        return labelled(None, rows, name, settings)

    def instruction(self, episode: int) -> str:
        """As told; `{episode}` is its number."""
        return self.told.format(episode=episode)

    def pictures(self, frames: Sequence[int], camera: str) -> NDArray[np.uint8]:
        """One camera's, (n, h, w, 3)."""
        shown: NDArray[np.uint8] = self.images[np.asarray(frames), self.cameras.index(camera)]
        return shown


def picture(x: float, y: float) -> NDArray[np.uint8]:
    """Grey picture (h, w, 3) with a red dot; x right and y down in -1..1."""
    width, height = SIZE
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    dot = (np.square(columns - x) + np.square(rows - y) < 0.02)[..., None]
    shown: NDArray[np.uint8] = np.where(dot, np.array([220, 40, 40]), 110).astype(np.uint8)
    return shown


def make_dots(episodes: int, seed: int = 0) -> Dots:
    """Episodes of STEPS frames: both tools go straight to the dot, which the cameras see at 0.3 m per half picture."""
    rng = np.random.default_rng(seed)
    along = np.linspace(0, 1, STEPS + 1)[:, None]
    images, state, action = [], [], []
    for target, start in zip(
        rng.uniform(-0.8, 0.8, (episodes, 2)), rng.uniform(-0.1, 0.1, (episodes, 2)), strict=True
    ):
        path = (1 - along) * start + along * 0.3 * target  # (STEPS + 1, 2)
        poses = np.zeros((STEPS + 1, 14), dtype=np.float32)
        poses[:, 0:2], poses[:, 7:9] = path, path
        poses[:, 6] = along[:, 0] < 0.5
        state.append(poses[:-1])
        action.append(poses[1:])
        images.append(np.broadcast_to(picture(*target), (STEPS, len(CAMERAS), SIZE[1], SIZE[0], 3)))
    numbers = np.repeat(np.arange(episodes), STEPS)
    return Dots(np.concatenate(images), np.concatenate(state), np.concatenate(action), numbers)


def make_settings(**training: Any) -> dict[str, Any]:
    """Settings of a network that trains on the dots in seconds."""
    network = {"channels": [16, 16, 16], "keypoints": 8, "values": 2, "image_width": 32}
    head = {"condition_width": 64, "head_width": 128, "head_blocks": 1}
    common = {
        "batch_size": 32,
        "threads": 1,
        "learning_rate": 4e-3,
        "validation_frames": 60,
        "precision": "float32",
    }
    return {
        "method": "legato",
        "network": network | head,
        "flow": {"horizon": STEPS},
        "training": common | {"average_decay": 0.98, "shift_pixels": 0} | training,
    }


def make_act_settings(**training: Any) -> dict[str, Any]:
    """As `make_settings`, for ACT."""
    network = {"backbone_width": 8, "backbone_norm": "group", "width": 64, "heads": 4, "feedforward": 128}
    common = make_settings()["training"] | {"learning_rate": 1e-3, "brightness": 0.0, "colour": 0.0}
    return {
        "method": "act",
        "horizon": 10,
        "actions": "anchored",
        "image_statistics": "data",
        "network": network | {"latent": 8, "encoder_layers": 2},
        "training": common | training,
    }


def make_chain_settings(**training: Any) -> dict[str, Any]:
    """As `make_settings`, for chains to keyframes."""
    sizes = {"backbone_width": 8, "width": 64, "heads": 4, "feedforward": 128}
    layers = {"encoder_layers": 1, "decoder_layers": 2, "ahead": 3, "dropout": 0.0}
    common = make_settings()["training"] | {"brightness": 0.0, "colour": 0.0}
    method = {"method": "chain_of_action", "horizon": STEPS}
    return method | sizes | layers | {"training": common | training}
