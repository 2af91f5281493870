"""Which rows, task and video frames belong to episode i of a LeRobotDataset v3.0: the one reader of it.

    data/chunk-000/file-000.parquet   |000000|1111|22222222|        several episodes in a file, in their order
    videos/CAMERA/.../file-000.mp4    |------|----|--------|        from_timestamp says where each begins
    meta/episodes/.../file-*.parquet  one row per episode: length, dataset_from_index, tasks, from_timestamp, ...

An episode is the run of rows with its `episode_index`; what meta/episodes and info.json say must agree with
that. Without meta/episodes (LeRobot needs it, pictures in the data files do not) the rows alone decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.info import Description, Info, describe, read_info, read_ours
from segue_data.datasets.parquet import column_names, matrix, numbers, read_table
from segue_data.datasets.video_frames import Film, film_problems, films_of
from segue_data.errors import invalid_dataset, missing
from segue_data.findings import Problem

_META = "meta/episodes"
Run = tuple[int, int, int]  # episode, its first row in the whole dataset, rows


@dataclass(frozen=True)
class Part:
    """Rows first .. first + length of a data file."""

    file: Path
    first: int
    length: int


@dataclass(frozen=True)
class Episode:
    """Where an episode lies: its number, first row in the whole dataset, rows by file, task text, film per camera."""

    number: int
    start: int
    length: int
    parts: tuple[Part, ...]
    task: str
    films: Mapping[str, Film]

    @property
    def place(self) -> str:
        """Data file and number, for messages."""
        file = self.parts[0].file
        return f"{file.parent.parent.name}/{file.parent.name}/{file.name}, episode {self.number}"


@dataclass(frozen=True)
class DatasetFiles:
    """A dataset on disk, of which it is known where everything is."""

    path: Path
    about: Description
    episodes: tuple[Episode, ...]

    def rows(self, column: str) -> list[NDArray[np.float32]]:
        """State or action of every episode, each (frames, D)."""
        whole = np.concatenate(
            [
                matrix(read_table(file, [column]), column, self.about.space.dim, file)
                for file in data_files(self.path)
            ]
        )
        return [whole[episode.start : episode.start + episode.length] for episode in self.episodes]

    def numbers(self, column: str) -> list[NDArray[Any]]:
        """A column of plain numbers of every episode, each (frames,)."""
        whole = np.concatenate([numbers(file, column) for file in data_files(self.path)])
        return [whole[episode.start : episode.start + episode.length] for episode in self.episodes]


def data_files(path: Path) -> list[Path]:
    """Data files in frame order."""
    return sorted(path.glob("data/*/*.parquet"))


def open_dataset(path: Path) -> DatasetFiles:
    """The dataset at `path`.

    Raises:
        DataError: the first thing in which its files contradict each other.
    """
    files, problems = survey(path)
    for problem in problems:
        raise invalid_dataset(
            path, problem.place, problem.what, f"`segue data check {path}` lists everything"
        )
    return files


def survey(path: Path) -> tuple[DatasetFiles, list[Problem]]:
    """The dataset, and everything in which its files contradict each other; DataError where they cannot be read."""
    return survey_as(path, describe(path), read_info(path))


def survey_as(path: Path, about: Description, info: Info) -> tuple[DatasetFiles, list[Problem]]:
    """As `survey`, of a dataset that has no meta/segue.json yet."""
    files = data_files(path)
    if not files:
        raise missing(path, "no data files (data/chunk-000/file-000.parquet, ...)")
    columns = [_integers(file, "episode_index") for file in files]
    runs, problems = _runs(np.concatenate(columns))
    rows = _meta_rows(path)
    if rows is None:
        if any(view.video for view in about.views):
            raise missing(path / _META, "not there; it says which part of a video belongs to an episode")
    else:
        problems += _disagreements(rows, runs)
    problems += _totals(info, runs)
    episodes, tasks = [], _tasks(path)
    found = _spans(path, files, list(map(len, columns)), runs)
    for (number, start, length), (parts, index) in zip(runs, found, strict=True):
        row = (rows or {}).get(number, {})
        if tasks and index not in tasks:
            known = f"{layout.TASKS} has {', '.join(map(str, sorted(tasks)[:5]))}"
            problems.append(Problem(f"data, episode {number}", f"task_index is {index}, {known}"))
        films, lacking = films_of(path, row, about.views, about.rate_hz)
        problems += [Problem(f"{_META}, episode {number}", what) for what in lacking]
        episodes.append(Episode(number, start, length, parts, _task(row, tasks, index), films))
    problems += film_problems(path, [(e.number, e.length, e.films) for e in episodes])
    return DatasetFiles(path, about, tuple(episodes)), problems


def _spans(
    path: Path, files: Sequence[Path], sizes: Sequence[int], runs: Sequence[Run]
) -> list[tuple[tuple[Part, ...], int]]:
    """Rows by file, and index of the task, of every episode."""
    firsts = np.concatenate([_task_indices(file) for file in files])
    ends = np.cumsum([0, *sizes]).tolist()
    return [(_parts(files, ends, start, length), int(firsts[start])) for _, start, length in runs]


def _integers(file: Path, name: str) -> NDArray[np.int64]:
    column = read_table(file, [name]).column(name)
    if not pa.types.is_integer(column.type) or column.null_count:
        raise invalid_dataset(
            file, name, f"is {column.type} with {column.null_count} gaps, expected integers"
        )
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _task_indices(file: Path) -> NDArray[np.int64]:
    if "task_index" in column_names(file):
        return _integers(file, "task_index")
    return np.zeros(len(read_table(file, ["episode_index"])), dtype=np.int64)


def _runs(numbers: NDArray[np.int64]) -> tuple[list[Run], list[Problem]]:
    """Every run of equal numbers, and where they do not count 0, 1, 2, ..."""
    if not numbers.size:
        return [], [Problem("data", "no frames")]
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), numbers.size]
    runs = [(int(numbers[a]), a, b - a) for a, b in pairwise(edges)]
    for expected, (number, row, _) in enumerate(runs):
        if number != expected:
            what = f"episode_index is {number}, expected {expected}: rows must be in the order of episodes 0, 1, 2, ..."
            return runs, [Problem(f"data, row {row}", what)]
    return runs, []


def _parts(files: Sequence[Path], ends: Sequence[int], start: int, length: int) -> tuple[Part, ...]:
    found = []
    for file, begin, end in zip(files, ends, ends[1:], strict=False):
        low, high = max(start, begin), min(start + length, end)
        if high > low:
            found.append(Part(file, low - begin, high - low))
    return tuple(found)


def _meta_rows(path: Path) -> dict[int, dict[str, Any]] | None:
    """Rows of meta/episodes by episode, without statistics; None where there are none."""
    files = sorted(path.glob(f"{_META}/*/*.parquet"))
    if not files:
        return None
    rows: dict[int, dict[str, Any]] = {}
    for file in files:
        names = [name for name in column_names(file) if not name.startswith("stats/")]
        for row in read_table(
            file, [*names, "episode_index"] if "episode_index" not in names else names
        ).to_pylist():
            number = row["episode_index"]
            if number in rows:
                raise invalid_dataset(file, f"episode {number}", "is there twice")
            rows[number] = row
    return rows


def _disagreements(rows: Mapping[int, Mapping[str, Any]], runs: Sequence[Run]) -> list[Problem]:
    problems = []
    for number, start, length in runs:
        if number not in rows:
            problems.append(
                Problem(f"{_META}, episode {number}", f"not there; the data files hold {length} rows of it")
            )
            continue
        wanted = {"length": length, "dataset_from_index": start, "dataset_to_index": start + length}
        for name, value in wanted.items():
            if (said := rows[number].get(name, value)) != value:
                problems.append(
                    Problem(f"{_META}, episode {number}", f"{name} is {said}, the data files say {value}")
                )
    known = {number for number, *_ in runs}
    problems += [
        Problem(f"{_META}, episode {number}", "the data files have no rows of it")
        for number in rows
        if number not in known
    ]
    return problems


def _totals(info: Info, runs: Sequence[Run]) -> list[Problem]:
    frames = sum(length for *_, length in runs)
    if (info.total_episodes, info.total_frames) == (len(runs), frames):
        return []
    said = f"says {info.total_episodes} episodes and {info.total_frames} frames"
    return [Problem(layout.INFO, f"{said}, the data files hold {len(runs)} and {frames}")]


def _tasks(path: Path) -> dict[int, str]:
    """Task texts by their index; empty where meta/tasks.parquet is absent (`check` says so) or says nothing."""
    file = path / layout.TASKS
    if not file.is_file():
        return {}
    table = read_table(file)
    texts = [field.name for field in table.schema if field.type in (pa.string(), pa.large_string())]
    if "task_index" not in table.column_names or not texts:
        raise invalid_dataset(
            file, "columns", f"{', '.join(table.column_names)}, expected task_index and a text"
        )
    numbers = _integers(file, "task_index").tolist()
    return dict(zip(numbers, map(str, table.column(texts[0]).to_pylist()), strict=True))


def _task(row: Mapping[str, Any], tasks: Mapping[int, str], index: int) -> str:
    named = row.get("tasks")
    return str(named[0]) if isinstance(named, list) and named else tasks.get(index, "")


def episode_names(path: Path, count: int) -> list[str]:
    """Name of every episode, of `count` at least: that of its bag where it came from one, otherwise by number."""
    bags = [row.bag for row in read_ours(path).episodes]
    named = [bag or f"episode_{number:06d}" for number, bag in enumerate(bags)]
    return named + [f"episode_{number:06d}" for number in range(len(named), count)]
