"""What a policy would do at a frame of a dataset, drawn into the cameras' pictures; nothing moves.

    green   its chunk, from the present on, and a dot where it ends         red   what was demonstrated
    below   what its actions look at, of a policy that tells (`segue_core.policy.AttentivePolicy`)

Cameras that stand are drawn into; those on a hand move with it and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats
from segue_core.contracts.pinhole import pixels
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_core.observation import Observation
from segue_core.policy import AttentivePolicy, Policy, PredictRequest
from segue_core.sampling import PLAIN
from segue_data.contracts import recorded_robot
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.info import robot_of
from segue_data.datasets.pictures import pictures
from segue_data.errors import missing
from segue_data.storage.atomic import whole_file
from segue_eval.settings import PictureOptions
from segue_perception.preprocess import resize
from segue_policies.policy_loading import load_policy

PLAN, SHOWN = "tab:green", "tab:red"


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of a demonstration: native pictures by camera, observations for a policy, what was commanded then."""

    title: str
    views: Mapping[str, NDArray[np.uint8]]
    observations: tuple[Observation, ...]
    demonstrated: NDArray[np.float32]


def run_picture(given: PictureOptions) -> int:
    """Write the picture and say where; exit status 0."""
    robot = recorded_robot(given.robot or robot_of(given.data), given.data)
    policy = load_policy(given.checkpoint)
    moment = moment_of(given.data, given.episode, given.frame, policy)
    request = _request(policy, moment.observations)
    chunk = policy.predict(request).chunk.actions
    attention = policy.attention(request) if isinstance(policy, AttentivePolicy) else {}
    out = given.out or given.data.with_name(f"{given.data.name}-plan-{given.episode}-{given.frame}.png")
    write(out, robot, moment, chunk, attention)
    print(f"{out}: {len(chunk)} ticks planned; green: planned, red: demonstrated")
    return 0


def moment_of(data: Path, number: int, frame: int, policy: Policy) -> Moment:
    """A frame of an episode; raises DataError where there is none, ConfigError for a dataset of other cameras."""
    files = open_dataset(data)
    if not 0 <= number < len(files.episodes):
        raise missing(data, f"no episode {number}; there are {len(files.episodes)}, from 0")
    episode, info = files.episodes[number], policy.info
    if not 0 <= frame < episode.length:
        raise missing(data, f"no frame {frame} in episode {number}; there are {episode.length}, from 0")
    lacking = [name for name in info.cameras if name not in files.about.cameras]
    if lacking:
        text = f"{data} has no camera {', '.join(lacking)}, which {info.name} looks through"
        do = "take a dataset of the robot and cameras that it was trained on"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=do)
    frames = [max(frame + back, 0) for back in info.history]
    rows = sorted(set(frames))
    shown = {
        name: dict(zip(rows, pictures(files, episode, name, rows), strict=True))
        for name in files.about.cameras
    }
    state = files.rows(layout.STATE)[number]
    observations = tuple(
        Observation(at, state[at], {name: resize(shown[name][at], info.image_size) for name in info.cameras})
        for at in frames
    )
    views = {name: seen[frame] for name, seen in shown.items()}
    title = f"{data.name}, episode {number}, frame {frame}: {info.name}"
    return Moment(title, views, observations, files.rows(layout.ACTION)[number][frame:])


def _request(policy: Policy, observations: tuple[Observation, ...]) -> PredictRequest:
    horizon, dim = policy.info.horizon, policy.info.action_space.dim
    reference = np.zeros((horizon, dim), dtype=np.float32)
    return PredictRequest(
        observations[-1].tick, 0, PLAIN.name, reference[:, 0], reference, 0, 0, observations=observations
    )


def paths(space: ActionSpace, actions: NDArray[np.float32]) -> list[Floats]:
    """Places (n, 3) of each tool in actions (n, D), in the base frame."""
    return [
        np.asarray(actions[:, space.slice(channel.name)], dtype=np.float64)
        for channel in space.channels
        if channel.kind is ChannelKind.POSITION and channel.size == 3
    ]


def write(
    path: Path,
    robot: RobotConfig,
    moment: Moment,
    chunk: NDArray[np.float32],
    attention: Mapping[str, Floats],
) -> None:
    """A PNG: the pictures of the cameras that stand, with paths; below them attention, if any."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    standing = [name for name in moment.views if robot.cameras[name].mount == "world"]
    columns, rows = max(1, len(standing), len(attention)), 2 if attention else 1
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=(4 * columns, 3.2 * rows))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes[0], standing, strict=False):
        _draw(axis, robot, name, moment, chunk)
    for axis, (title, shares) in zip(axes[-1], attention.items(), strict=False):
        axis.set_axis_on()
        axis.imshow(shares, cmap="viridis", vmin=0)
        axis.set_title(title, fontsize=8)
    figure.suptitle(moment.title, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)


def _draw(axis: Any, robot: RobotConfig, name: str, moment: Moment, chunk: NDArray[np.float32]) -> None:
    view = moment.views[name]
    height, width = view.shape[:2]
    axis.imshow(view)
    axis.set_title(name, fontsize=8)
    for actions, colour in ((moment.demonstrated[: len(chunk)], SHOWN), (chunk, PLAN)):
        for places in paths(robot.action_space, actions):
            x, y = pixels(robot.cameras[name], (width, height), places).T
            axis.plot(x, y, ".-", color=colour, lw=1.0, ms=2.5)
            axis.plot(x[-1:], y[-1:], "o", color=colour, ms=5)
    axis.set_xlim(-0.5, width - 0.5)
    axis.set_ylim(height - 0.5, -0.5)
