"""What of a dataset LeRobot reads and Segue does not: statistics that it normalises by, and where it finds rows.

meta/stats.json            {"action": {"min": [...], "max", "mean", "std", "count", "q01" ...}, ...}
meta/episodes/*.parquet    stats/action/min, ... of every episode; data/chunk_index, data/file_index
data/*.parquet             index, task_index
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from segue_core.arrays import Floats
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import DatasetFiles, data_files
from segue_data.datasets.feature_statistics import of_vector
from segue_data.datasets.info import Feature, read_info, read_json
from segue_data.datasets.parquet import column_names, read_table
from segue_data.findings import Findings

_NEEDED: Final = ("min", "max", "mean", "std")
_PICTURES: Final = ("image", "video")
_NO_NUMBERS: Final = ("string", "language")
_CLOSE: Final = 1e-3  # of the range of a number: LeRobot sums up in other orders and widths
_DATA_FILE: Final = re.compile(r"chunk-(\d+)/file-(\d+)\.parquet$")
_PLACE: Final = ("data/chunk_index", "data/file_index")
Add = Callable[[str, str], None]


def check_lerobot_part(files: DatasetFiles, findings: Findings) -> None:
    """Add what is wrong with it; what cannot be read is raised as DataError. Without frames there is nothing of it."""
    if not files.episodes:
        return
    _check_index(files, findings.add)
    _check_places(files, findings.add)
    _check_statistics(files, findings.add)


def _check_index(files: DatasetFiles, add: Add) -> None:
    names = column_names(data_files(files.path)[0])
    if "index" in names:
        index = np.concatenate(files.numbers("index"))
        if not np.array_equal(index, np.arange(len(index))):
            add("data", "index does not count 0, 1, 2, ... over all episodes")
    if "task_index" in names and (files.path / layout.TASKS).is_file():
        known = read_table(files.path / layout.TASKS, ["task_index"]).column("task_index").to_pylist()
        for episode, tasks in zip(files.episodes, files.numbers("task_index"), strict=True):
            if unknown := set(tasks.tolist()) - set(known):
                add(episode.place, f"task_index {min(unknown, key=str)} is none of {layout.TASKS}")


def _check_places(files: DatasetFiles, add: Add) -> None:
    """Each episode's rows are in the file that meta/episodes names, where it names one."""
    there = {
        episode.number: _DATA_FILE.search(episode.parts[0].file.as_posix()) for episode in files.episodes
    }
    for file in sorted(files.path.glob("meta/episodes/*/*.parquet")):
        if not set(_PLACE) <= set(column_names(file)):
            continue
        for row in read_table(file, ["episode_index", *_PLACE]).to_pylist():
            found = there.get(row["episode_index"])
            if found and [row[name] for name in _PLACE] != [int(number) for number in found.groups()]:
                told = ", ".join(f"{name} {row[name]}" for name in _PLACE)
                add(
                    f"meta/episodes, episode {row['episode_index']}",
                    f"says {told}, its rows are in {found[0]}",
                )


def _check_statistics(files: DatasetFiles, add: Add) -> None:
    described = read_info(files.path).features
    told = read_json(files.path / layout.STATS)
    if not isinstance(told, Mapping):
        add(layout.STATS, f"is {type(told).__name__}, expected statistics by feature")
        return
    rows = {
        name: np.concatenate(files.rows(name)).astype(np.float64) for name in (layout.STATE, layout.ACTION)
    }
    for name, feature in described.items():
        if feature.dtype not in _NO_NUMBERS:
            for what in _problems(told.get(name), feature, rows.get(name)):
                add(f"{layout.STATS}, {name}", what)
    for file in sorted(files.path.glob("meta/episodes/*/*.parquet")):
        for what in _episode_problems(file, described):
            add(f"meta/episodes/{file.parent.name}/{file.name}", what)


def _episode_problems(file: Path, described: Mapping[str, Feature]) -> Iterator[str]:
    """Of the statistics of every episode: those that are there have the shape, and numbers that can be."""
    columns = [name for name in column_names(file) if name.startswith("stats/")]
    table = read_table(file, ["episode_index", *columns])
    for row in table.to_pylist():
        by_feature: dict[str, dict[str, Any]] = {}
        for column in columns:
            name, _, kind = column.removeprefix("stats/").rpartition("/")
            by_feature.setdefault(name, {})[kind] = row[column]
        for name, told in by_feature.items():
            if name in described:
                for what in _problems(told, described[name], None):
                    yield f"episode {row['episode_index']}, stats of {name}: {what}"


def _problems(told: Any, feature: Feature, rows: Floats | None) -> Iterator[str]:
    """What is wrong with a feature's statistics: shape, numbers, order, and whether they are of these rows."""
    if not isinstance(told, Mapping):
        yield f"is {told!r:.60}, expected {', '.join(_NEEDED)} and count"
        return
    shape = (3, 1, 1) if feature.dtype in _PICTURES else feature.shape
    found: dict[str, Floats] = {}
    for kind in (*_NEEDED, *(kind for kind in told if re.fullmatch(r"q\d+", str(kind)))):
        array = _numbers(told.get(kind))
        if array is None or array.shape != shape or not np.isfinite(array).all():
            yield f"{kind} is {told.get(kind)!r:.60}, expected finite numbers of shape {shape}"
            return
        found[kind] = array
    count = _numbers(told.get("count"))
    if count is None or count.shape != (1,) or not 1 <= count[0] <= 1e12:
        yield f"count is {told.get('count')!r:.60}, expected [frames]"
    margin = _CLOSE * (1e-3 + np.abs(found["max"] - found["min"]))
    if (found["std"] < 0).any() or (found["min"] > found["max"]).any():
        yield "std is below 0, or min above max"
    elif any(
        (found[k] < found["min"] - margin).any() or (found[k] > found["max"] + margin).any()
        for k in found
        if k != "std"
    ):
        yield "mean or a quantile is not between min and max"
    elif rows is not None and rows.size:
        true = of_vector(rows)
        for kind in _NEEDED:
            if (np.abs(found[kind] - true[kind]) > margin).any():
                yield f"{kind} is {found[kind].tolist()!s:.60}, of its rows {true[kind].tolist()!s:.60}"


def _numbers(value: Any) -> Floats | None:
    """As an array, if it is made of numbers."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" else None
