"""Check a LeRobotDataset v3.0: files against each other, values, limits, jumps, frozen cameras."""

from __future__ import annotations

import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind
from segue_core.errors import SegueError
from segue_core.robot_config import SafetyConfig
from segue_data import lerobot_format as layout
from segue_data import signals
from segue_data.dataset import data_files, describe, matrix, read_json, read_table
from segue_data.encoding import decode
from segue_data.episode_pictures import pictures
from segue_data.findings import Findings

_VIDEO_NOISE = 0.05  # mean change of a pixel [grey levels] that is still the encoder's
_VIDEO_MOTION = 0.1  # [m or rad]; small motions vanish in a small video
STEP_MARGIN = 1.5  # see check_bag


def _check_vector(
    values: NDArray[np.float32], space: ActionSpace, place: str, findings: Findings, *, limited: bool
) -> None:
    if bad := signals.first_not_finite(values):
        findings.add(f"{place}, frame {bad[0]}", f"{space.names[bad[1]]} is {values[bad]}")
        return
    if limited and (bad := signals.first_outside(values, space.low, space.high)):
        findings.add(
            f"{place}, frame {bad[0]}", f"{space.names[bad[1]]} is {values[bad]:.3f}, outside its limits"
        )
    steps = {
        ChannelKind.POSITION: SafetyConfig().max_tool_step_m,
        ChannelKind.ROTATION_VECTOR: SafetyConfig().max_tool_turn_rad,
    }
    for channel in space.channels:
        step, frame = signals.largest_step(values[:, space.slice(channel.name)])
        if step > STEP_MARGIN * steps.get(channel.kind, np.inf):
            findings.add(f"{place}, frame {frame}", f"{channel.name} jumps by {step:.3f} {channel.unit}")


def _check_times(table: pa.Table, rate_hz: float, place: str, findings: Findings) -> None:
    times = table.column("timestamp").to_numpy()
    off = np.abs(times - np.arange(len(times)) / rate_hz)
    if off.size and off.max() > 0.5 / rate_hz:
        findings.add(
            f"{place}, frame {int(off.argmax())}", f"timestamp is {off.max() * 1e3:.1f} ms off {rate_hz:g} Hz"
        )
    frames = table.column("frame_index").to_numpy()
    if not np.array_equal(frames, np.arange(len(frames))):
        findings.add(place, "frame_index does not count 0, 1, 2, ...")


def _own_columns(camera: str, space: ActionSpace) -> list[int]:
    """State columns that move what a camera sees: its own arm's (`left_wrist` -> `left_...`), or all."""
    arm = camera.split("_", maxsplit=1)[0]
    own = [index for index, name in enumerate(space.names) if name.startswith(f"{arm}_")]
    return own or list(range(space.dim))


def _check_camera(
    table: pa.Table, camera: str, own_state: NDArray[np.float32], place: str, findings: Findings
) -> None:
    if layout.IMAGE_PREFIX + camera not in table.column_names:
        _check_video(findings.path, findings.path / place, camera, own_state, findings)
        return
    stored = table.column(layout.IMAGE_PREFIX + camera).combine_chunks().field("bytes").to_pylist()
    for frame in sorted({0, len(stored) // 2, len(stored) - 1}):
        decode(stored[frame] or b"", place, f"{camera}, frame {frame}")
    for first, last in signals.frozen_runs([zlib.crc32(data or b"") for data in stored]):
        if signals.motion(own_state[first : last + 1]) > signals.FROZEN_MOTION:
            findings.add(f"{place}, {camera}", f"frozen from frame {first} to {last} while the robot moved")


def _check_video(
    dataset: Path, file: Path, camera: str, own_state: NDArray[np.float32], findings: Findings
) -> None:
    """Every frame is there; a standing picture is judged by frames that are equal but for the encoder's noise."""
    frames = pictures(dataset, file, camera, range(len(own_state)))
    steps = [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in pairwise(frames)]
    for first, last in signals.frozen_runs(np.cumsum([0, *(step > _VIDEO_NOISE for step in steps)]).tolist()):
        if signals.motion(own_state[first : last + 1]) > _VIDEO_MOTION:
            findings.add(
                f"{file.name}, {camera}", f"frozen from frame {first} to {last} while the robot moved"
            )


def _check_episode(
    path: Path, findings: Findings, cameras: tuple[str, ...], space: ActionSpace, rate_hz: float
) -> int:
    table = read_table(path)
    place = str(path.relative_to(findings.path))
    state = matrix(table, layout.STATE, space.dim, path)
    _check_vector(state, space, f"{place}, state", findings, limited=False)
    _check_vector(
        matrix(table, layout.ACTION, space.dim, path), space, f"{place}, action", findings, limited=True
    )
    _check_times(table, rate_hz, place, findings)
    for camera in cameras:
        _check_camera(table, camera, state[:, _own_columns(camera, space)], place, findings)
    return len(table)


def _check_index(path: Path, frames: list[int], findings: Findings) -> None:
    info = read_json(path / layout.INFO)
    rows = read_table(
        path / layout.EPISODES.format(chunk=0, file=0), ["dataset_from_index", "dataset_to_index"]
    )
    ends = np.cumsum(frames).tolist()
    if rows.column("dataset_to_index").to_pylist() != ends:
        findings.add("meta/episodes", "frame ranges do not match the data files")
    if info["total_frames"] != (ends[-1] if ends else 0) or info["total_episodes"] != len(frames):
        findings.add(
            layout.INFO,
            f"says {info['total_episodes']} episodes and {info['total_frames']} frames, "
            f"the files hold {len(frames)} and {sum(frames)}",
        )
    if (tasks := len(read_table(path / layout.TASKS))) != info["total_tasks"]:
        findings.add(layout.INFO, f"says {info['total_tasks']} tasks, {layout.TASKS} holds {tasks}")


def check_dataset(path: Path) -> Findings:
    """Read every file of the dataset; never raises for what is wrong with it."""
    findings = Findings(path, "dataset")
    try:
        about = describe(path)
        files = data_files(path)
        frames = [_check_episode(file, findings, about.cameras, about.space, about.rate_hz) for file in files]
        _check_index(path, frames, findings)
        findings.facts.update(
            episodes=len(frames), frames=sum(frames), cameras=list(about.cameras), rate_hz=about.rate_hz
        )
    except SegueError as error:
        findings.add("dataset", error.text)
    except (KeyError, TypeError, pa.ArrowException) as error:
        findings.add("dataset", f"{type(error).__name__}: {error}")
    return findings
