"""The file layout of LeRobotDataset v3.0 in image mode: names, schemas and tables, nothing about bags.

Source: lerobot 0.4.4, `datasets/utils.py` and `datasets/lerobot_dataset.py` (CODEBASE_VERSION v3.0).

    data/chunk-000/file-000.parquet             rows = frames, images as PNG bytes in struct<bytes, path>
    meta/info.json, stats.json, tasks.parquet   features, statistics, task texts
    meta/episodes/chunk-000/file-000.parquet    one row per episode, where its frames are, its statistics
    meta/segue.json                             what LeRobot has no place for (ours)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue_data.datasets.feature_statistics import Statistics

VERSION = "v3.0"
CHUNK_SIZE = 1000
STATE = "observation.state"
ACTION = "action"
IMAGE_PREFIX = "observation.images."
INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
OURS = "meta/segue.json"
EPISODES = "meta/episodes/chunk-{chunk:03d}/file-{file:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
DATA = "data/chunk-{chunk:03d}/file-{file:03d}.parquet"
_COUNTERS = ("frame_index", "episode_index", "index", "task_index")


def place(episode: int) -> dict[str, int]:
    """Chunk and file number of an episode's data: one file per episode, so that they convert in parallel."""
    return {"chunk": episode // CHUNK_SIZE, "file": episode % CHUNK_SIZE}


def _video(size: tuple[int, int], fps: int) -> dict[str, Any]:
    return {
        "dtype": "video",
        "shape": [size[1], size[0], 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": size[1],
            "video.width": size[0],
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
        },
    }


def features(
    cameras: Sequence[str], size: tuple[int, int], names: Sequence[str], video_fps: int | None = None
) -> dict[str, Any]:
    """`features` of info.json; `size` is (width, height), `names` those of state and action entries.

    With `video_fps` the pictures are videos beside the data files.
    """
    vector = {"dtype": "float32", "shape": [len(names)], "names": list(names)}
    image = {"dtype": "image", "shape": [size[1], size[0], 3], "names": ["height", "width", "channels"]}
    picture = image if video_fps is None else _video(size, video_fps)
    counters = {name: {"dtype": "int64", "shape": [1], "names": None} for name in _COUNTERS}
    return {
        STATE: vector,
        ACTION: vector,
        **{IMAGE_PREFIX + camera: picture for camera in cameras},
        "timestamp": {"dtype": "float32", "shape": [1], "names": None},
        **counters,
    }


def info(
    described: Mapping[str, Any], *, robot: str, fps: int, episodes: int, frames: int, tasks: int
) -> dict[str, Any]:
    """Content of info.json."""
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": CHUNK_SIZE,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": VIDEO_PATH if any(f["dtype"] == "video" for f in described.values()) else None,
        "features": dict(described),
    }


def _arrow_type(feature: Mapping[str, Any]) -> pa.DataType:
    if feature["dtype"] == "image":
        return pa.struct({"bytes": pa.binary(), "path": pa.string()})
    value = pa.type_for_alias(feature["dtype"].replace("float32", "float"))
    return value if feature["shape"] == [1] else pa.list_(value, feature["shape"][0])


def _hub_feature(feature: Mapping[str, Any]) -> dict[str, Any]:
    if feature["dtype"] == "image":
        return {"_type": "Image"}
    value = {"dtype": feature["dtype"], "_type": "Value"}
    one = feature["shape"] == [1]
    return value if one else {"feature": value, "length": feature["shape"][0], "_type": "Sequence"}


def data_schema(described: Mapping[str, Any]) -> pa.Schema:
    """Schema of the data files, with the `datasets` metadata that makes the hub show images as images."""
    stored = {name: feature for name, feature in described.items() if feature["dtype"] != "video"}
    hub = {"info": {"features": {name: _hub_feature(f) for name, f in stored.items()}}}
    fields = [pa.field(name, _arrow_type(feature)) for name, feature in stored.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(hub)})


def image_column(encoded: Sequence[bytes], episode: int, camera: str) -> pa.Array:
    """Column of compressed images with the paths LeRobot gives them."""
    names = [f"{camera}-episode-{episode:06d}-frame-{frame:06d}.png" for frame in range(len(encoded))]
    return pa.StructArray.from_arrays([pa.array(encoded, pa.binary()), pa.array(names)], ["bytes", "path"])


def vector_column(values: NDArray[np.float32]) -> pa.Array:
    """Column of (frames, D) as fixed-size lists."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _pandas_column(name: str | None, field: str, kind: str, numpy_kind: str) -> dict[str, str | None]:
    types = {"pandas_type": kind, "numpy_type": numpy_kind}
    return {"name": name, "field_name": field, **types, "metadata": None}


def tasks_table(tasks: Sequence[str]) -> pa.Table:
    """tasks.parquet as pandas writes a frame whose index is the task's text."""
    index = "__index_level_0__"
    table = pa.table(
        {"task_index": pa.array(range(len(tasks)), pa.int64()), index: pa.array(tasks, pa.string())}
    )
    columns = [
        _pandas_column("task_index", "task_index", "int64", "int64"),
        _pandas_column(None, index, "unicode", "object"),
    ]
    names = [
        {
            "name": None,
            "field_name": None,
            "pandas_type": "unicode",
            "numpy_type": "object",
            "metadata": {"encoding": "UTF-8"},
        }
    ]
    pandas = {
        "index_columns": [index],
        "column_indexes": names,
        "columns": columns,
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def plain(statistics: Mapping[str, Statistics]) -> dict[str, dict[str, Any]]:
    """Statistics as nested lists for JSON and parquet; counts as integers."""
    return {
        name: {k: [int(v[0])] if k == "count" else v.tolist() for k, v in values.items()}
        for name, values in statistics.items()
    }


def _film(key: str, at: Mapping[str, int], end_s: float) -> dict[str, Any]:
    place = {"chunk_index": at["chunk"], "file_index": at["file"]}
    return {
        f"videos/{key}/{k}": v for k, v in {**place, "from_timestamp": 0.0, "to_timestamp": end_s}.items()
    }


def episode_row(
    episode: int,
    task: str,
    start: int,
    length: int,
    statistics: Mapping[str, Statistics],
    videos_s: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Row of meta/episodes for the frames start .. start + length; `videos_s` is the length [s] of each video."""
    at = place(episode)
    flat = {f"stats/{f}/{k}": v for f, values in plain(statistics).items() for k, v in values.items()}
    return {
        "episode_index": episode,
        "tasks": [task],
        "length": length,
        "data/chunk_index": at["chunk"],
        "data/file_index": at["file"],
        "dataset_from_index": start,
        "dataset_to_index": start + length,
        **{
            name: value
            for key, end in (videos_s or {}).items()
            for name, value in _film(key, at, end).items()
        },
        **flat,
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }
