"""Check a LeRobotDataset v3.0: files against each other, values, limits, jumps, frozen cameras."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.arrays import Floats32
from segue_core.contracts.robot import SafetyConfig
from segue_core.errors import SegueError
from segue_data import signals
from segue_data.checks.lerobot_part import check_lerobot_part
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import DatasetFiles, Episode, survey
from segue_data.datasets.info import Camera, read_info
from segue_data.datasets.parquet import read_table
from segue_data.datasets.pictures import all_pictures, changes, stored
from segue_data.datasets.values import impossible, off_time
from segue_data.findings import Findings

_VIDEO_NOISE = 0.05  # mean change of a pixel [grey levels] that is still the encoder's
_VIDEO_MOTION = 0.1  # [m or rad]; small motions vanish in a small video
STEP_MARGIN = 1.5  # see check_bag


def _check_vector(
    values: Floats32, space: ActionSpace, episode: Episode, name: str, findings: Findings, *, limited: bool
) -> None:
    def add(frame: int, what: str) -> None:
        findings.add(f"{episode.place}, frame {frame}, {name}", what, episode.number)

    if bad := impossible(values, space):
        add(*bad)
        return
    if limited and (out := signals.first_outside(values, space.low, space.high)):
        low, high = space.low[out[1]], space.high[out[1]]
        add(out[0], f"{space.names[out[1]]} is {values[out]:.3f}, outside its limits {low:g} to {high:g}")
    steps = {
        ChannelKind.POSITION: SafetyConfig().max_tool_step_m,
        ChannelKind.ROTATION_VECTOR: SafetyConfig().max_tool_turn_rad,
    }
    for channel in space.channels:
        step, frame = signals.largest_step(values[:, space.slice(channel.name)])
        if step > STEP_MARGIN * steps.get(channel.kind, np.inf):
            add(frame, f"{channel.name} jumps by {step:.3f} {channel.unit}")


def _check_times(files: DatasetFiles, findings: Findings) -> None:
    for episode, times in zip(files.episodes, files.numbers("timestamp"), strict=True):
        if bad := off_time(times, files.about.rate_hz):
            findings.add(f"{episode.place}, frame {bad[0]}", bad[1], episode.number)
    for episode, frames in zip(files.episodes, files.numbers("frame_index"), strict=True):
        if not np.array_equal(frames, np.arange(len(frames))):
            findings.add(episode.place, "frame_index does not count 0, 1, 2, ...", episode.number)


def _own_columns(camera: str, space: ActionSpace) -> list[int]:
    """State columns that move what a camera sees: its own arm's (`left_wrist` -> `left_...`), or all."""
    arm = camera.split("_", maxsplit=1)[0]
    own = [index for index, name in enumerate(space.names) if name.startswith(f"{arm}_")]
    return own or list(range(space.dim))


def _check_camera(
    files: DatasetFiles, episode: Episode, view: Camera, own_state: Floats32, findings: Findings
) -> None:
    """Pictures can be read, and change while the robot moves (in a video: by more than the encoder's noise)."""
    if view.video:
        digests = np.cumsum([0, *(step > _VIDEO_NOISE for step in changes(files, episode, view))]).tolist()
        believed = _VIDEO_MOTION
    else:
        digests = [zlib.crc32(data) for _, data in stored(files, episode, view)]
        deque(all_pictures(files, episode, view), maxlen=0)  # training decodes every one
        believed = signals.FROZEN_MOTION
    for first, last in signals.frozen_runs(digests):
        if signals.motion(own_state[first : last + 1]) > believed:
            what = f"frozen from frame {first} to {last} while the robot moved"
            findings.add(f"{episode.place}, {view.name}", what, episode.number)


def _check_tasks(path: Path, findings: Findings) -> None:
    told = read_info(path).total_tasks
    if (tasks := len(read_table(path / layout.TASKS))) != told:
        findings.add(layout.INFO, f"says {told} tasks, {layout.TASKS} holds {tasks}")


def _check_values(files: DatasetFiles, findings: Findings) -> None:
    space = files.about.space
    states = files.rows(layout.STATE)
    for episode, state, action in zip(files.episodes, states, files.rows(layout.ACTION), strict=True):
        _check_vector(state, space, episode, "state", findings, limited=False)
        _check_vector(action, space, episode, "action", findings, limited=True)
        for view in files.about.views:
            own = state[:, _own_columns(view.name, space)]
            look = partial(_check_camera, files, episode, view, own, findings)
            _guarded(look, findings, episode.number)


def _guarded(work: Callable[[], None], findings: Findings, episode: int | None = None) -> None:
    """What one check cannot read is a finding, and does not end the others."""
    try:
        work()
    except SegueError as error:
        findings.add("dataset", error.text, episode)
    except (KeyError, TypeError, pa.ArrowException) as error:
        findings.add("dataset", f"{type(error).__name__}: {error}", episode)


def _check_files(path: Path, findings: Findings) -> None:
    files, problems = survey(path)
    findings.problems.extend(problems)
    if not list(path.glob("meta/episodes/*/*.parquet")):
        findings.add(
            "meta/episodes", "not there; LeRobot needs it, here the rows alone say what an episode is"
        )
    _guarded(partial(_check_tasks, path, findings), findings)
    _guarded(partial(_check_times, files, findings), findings)
    _guarded(partial(_check_values, files, findings), findings)
    _guarded(partial(check_lerobot_part, files, findings), findings)
    findings.facts.update(
        episodes=len(files.episodes),
        frames=sum(episode.length for episode in files.episodes),
        cameras=list(files.about.cameras),
        rate_hz=files.about.rate_hz,
    )


def check_dataset(path: Path) -> Findings:
    """Read every file of the dataset; never raises for what is wrong with it."""
    findings = Findings(path, "dataset")
    _guarded(lambda: _check_files(path, findings), findings)
    return findings
