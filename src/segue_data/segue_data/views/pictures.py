"""Pictures of an episode for a machine without a screen: what every camera saw, what was commanded, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import load
from segue_data.bags.streams import TELEOP, segments
from segue_data.bags.topics import COMMAND
from segue_data.checks.bag import read_streams
from segue_data.contracts import load_robot
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.bag_to_rows import read_frames
from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.label_files import label_of
from segue_data.datasets.pictures import pictures
from segue_data.errors import missing, no_episode
from segue_data.storage.atomic import whole_file

_LEAST_RANGE = 0.05  # of a plotted channel, so that noise in the last digits does not fill the plot
_MARK = "tab:red"
Views = dict[str, list[NDArray[np.uint8]]]


class Episode:
    """What a sheet shows: `views` by camera at `times_s`, actions (ticks, D), owners by tick, ticks that are marked."""

    def __init__(
        self, title: str, space: Any, times_s: NDArray[np.float64], views: Views, actions: Any
    ) -> None:
        self.title, self.space, self.times_s, self.views, self.actions = title, space, times_s, views, actions
        self.owners: list[str] = []
        self.marks: NDArray[np.int64] = np.zeros(0, np.int64)
        self.rate_hz = float(space.rate_hz)


def of_bag(bag: Path, columns: int) -> Episode:
    """A recorded episode, its pictures at their own size; DataError when it cannot be read."""
    manifest = load(bag)
    robot: RobotConfig = load_robot(manifest.robot)
    streams = read_streams(bag)
    stamps = np.asarray(streams.stamps.get(COMMAND, ()), dtype=np.int64)
    if not stamps.size:
        raise missing(bag, "no commands")
    chosen = np.unique(np.linspace(0, stamps.size - 1, columns).astype(int))
    views = read_frames(bag, robot, stamps[chosen])
    doubts = f", DOUBTFUL: {manifest.problems[0]}" if manifest.problems else ""
    title = f"{bag.name}: {manifest.task}, seed {manifest.seed}, {manifest.outcome}{doubts}"
    episode = Episode(
        title, robot.action_space, (stamps[chosen] - stamps[0]) / 1e9, views, np.stack(streams.commands)
    )
    episode.owners = streams.owners
    return episode


def of_dataset(
    path: Path, number: int, columns: int, label: str = "", settings: Mapping[str, Any] | None = None
) -> Episode:
    """Episode `number` of a dataset, marked where the first column of a label is true; DataError when there is none."""
    files = open_dataset(path)
    about, count = files.about, len(files.episodes)
    if not 0 <= number < count:
        raise no_episode(path, number, count)
    episode = files.episodes[number]
    marks = _marked(path, number, label, settings) if label else np.zeros(0, np.int64)
    evenly = np.linspace(0, episode.length - 1, columns).astype(int)
    chosen = np.unique(np.concatenate([evenly, marks])).tolist()
    views = {camera: pictures(files, episode, camera, chosen) for camera in about.cameras}
    task = f", {episode.task}" if episode.task else ""
    title = f"{path.name}, episode {number} of {count}{task}: {episode.length} frames at {about.rate_hz:g} Hz"
    actions = files.rows(layout.ACTION)[number]
    shown = Episode(title, about.space, np.array(chosen) / about.rate_hz, views, actions)
    shown.marks = marks
    return shown


def _marked(path: Path, number: int, label: str, settings: Mapping[str, Any] | None) -> NDArray[np.int64]:
    """Frames of an episode that a label marks, in its first column (frames,) bool."""
    columns = label_of(path, label, settings)
    first: NDArray[np.bool_] = next(iter(columns.values()))
    starts = np.cumsum([0] + [episode.length for episode in open_dataset(path).episodes])
    return np.flatnonzero(first[starts[number] : starts[number + 1]])


def load_episode(path: Path, number: int, columns: int) -> Episode:
    """Episode of a bag, of the `number`-th bag of a folder, or of a dataset."""
    if (path / layout.INFO).is_file():
        return of_dataset(path, number, columns)
    bags = find_bags(path)
    if not 0 <= number < len(bags):
        raise no_episode(path, number, len(bags))
    return of_bag(bags[number], columns)


def _plots(figure: Any, grid: Any, episode: Episode) -> None:
    times = np.arange(len(episode.actions)) / episode.rate_hz
    for row, channel in enumerate(episode.space.channels):
        axis = figure.add_subplot(grid[row])
        values = episode.actions[:, episode.space.slice(channel.name)]
        axis.plot(times, values, lw=0.9)
        shown = values[np.isfinite(values)]  # what is not finite leaves a gap
        if shown.size:
            middle, half = 0.5 * (shown.max() + shown.min()), 0.55 * max(float(np.ptp(shown)), _LEAST_RANGE)
            axis.set_ylim(middle - half, middle + half)
        axis.tick_params(labelbottom=row == len(episode.space.channels) - 1)
        axis.set_ylabel(channel.name.replace("_", "\n"), fontsize=6)
        axis.tick_params(labelsize=6)
        axis.set_xlim(0, times[-1] if len(times) > 1 else 1)
        for mark in episode.marks:
            axis.axvline(times[mark], color=_MARK, lw=1.2)
        for owner, first, last in segments(episode.owners):
            color = "tab:orange" if owner.startswith(TELEOP) else "tab:blue"
            axis.axvspan(times[first], times[last], color=color, alpha=0.12)


def write_sheet(episode: Episode, path: Path) -> None:
    """A PNG: one row of pictures per camera, then the commands by channel (orange where a person commanded).

    Marked ticks are framed in the pictures, and lines in the plots.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cameras, columns = list(episode.views), len(episode.times_s)
    ticks = np.round(episode.times_s * episode.rate_hz).astype(int)
    marked_columns = np.flatnonzero(np.isin(ticks, episode.marks))
    channels = len(episode.space.channels)
    figure = plt.figure(figsize=(1.7 * columns, 1.35 * len(cameras) + 0.75 * channels + 0.5))
    outer = figure.add_gridspec(2, 1, height_ratios=[1.35 * len(cameras), 0.75 * channels], hspace=0.12)
    pictures = outer[0].subgridspec(len(cameras), columns, wspace=0.03, hspace=0.05)
    for row, camera in enumerate(cameras):
        for column, view in enumerate(episode.views[camera]):
            axis = figure.add_subplot(pictures[row, column])
            axis.imshow(view)
            axis.set_xticks([])
            axis.set_yticks([])
            marked = column in marked_columns
            axis.spines[:].set(color=_MARK if marked else "black", linewidth=2.5 if marked else 0.8)
            if row == 0:
                title = f"{episode.times_s[column]:.1f} s"
                axis.set_title(title, fontsize=7, color=_MARK if marked else "black")
            if column == 0:
                axis.set_ylabel(camera, fontsize=7)
    _plots(figure, outer[1].subgridspec(channels, 1, hspace=0.15), episode)
    figure.suptitle(episode.title, fontsize=9, y=0.94)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
