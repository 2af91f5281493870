"""Labels and splits beside a dataset: a table, and a sidecar that says by which definition and settings it was made.

    <dataset>/labels/keyframes-v2-3f2a9c1b.parquet     one row per frame: index, episode_index, frame_index, values
    <dataset>/labels/keyframes-v2-3f2a9c1b.json        name, version, settings, and the dataset that it was made from
    <dataset>/labels/split-v1-91b0d2e4.json            episodes by part

The eight digits are of version, settings and the dataset's frames, so labels of another dataset are never taken.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.errors import DataError, ErrorCode, unknown_name
from segue_core.registry import installed
from segue_data.datasets import labels
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import episode_names, open_dataset
from segue_data.datasets.parquet import read_table
from segue_data.datasets.values import refuse_values
from segue_data.errors import invalid_dataset, writing
from segue_data.storage.atomic import whole_file, write_text

FOLDER = "labels"
SPLIT_VERSION = 1
Columns = dict[str, NDArray[Any]]
Facts = dict[str, Any]

_PLACES = ("index", "episode_index", "frame_index")


@dataclass(frozen=True)
class LabelRows:
    """What labels are computed from: columns of a whole dataset in frame order.

    Args:
        state, action: (F, D).
        episode: (F,), non-decreasing.
        rate_hz: frames per second.
    """

    state: NDArray[np.float32]
    action: NDArray[np.float32]
    episode: NDArray[np.int64]
    space: ActionSpace
    rate_hz: float

    @cached_property
    def parts(self) -> tuple[slice, ...]:
        """Rows of every episode."""
        starts = np.flatnonzero(np.diff(self.episode, prepend=self.episode[0] - 1)).tolist()
        return tuple(slice(*ends) for ends in pairwise([*starts, len(self.episode)]))

    @property
    def frame(self) -> NDArray[np.int64]:
        """Number of a frame in its episode, (F,)."""
        return np.concatenate([np.arange(part.stop - part.start, dtype=np.int64) for part in self.parts])

    @cached_property
    def digest(self) -> str:
        """Of the actions, and where episodes begin."""
        told = np.ascontiguousarray(self.action).tobytes() + self.episode.astype("<i8").tobytes()
        return hashlib.sha256(told).hexdigest()[:16]


Maker = Callable[[LabelRows, Mapping[str, Any]], tuple[Columns, Facts]]


@dataclass(frozen=True)
class Label:
    """A label that methods learn from.

    Args:
        version: goes up when the definition changes, so that a checkpoint can say what it was trained on.
        settings: all of them, with their defaults.
        make: from rows and settings to columns, each (F, ...), and facts for the sidecar.
    """

    version: int
    settings: Mapping[str, Any]
    make: Maker


def _read(dataset: Path) -> LabelRows:
    files = open_dataset(dataset)
    refuse_values(files)
    return LabelRows(
        state=np.concatenate(files.rows(layout.STATE)),
        action=np.concatenate(files.rows(layout.ACTION)),
        episode=np.concatenate(files.numbers("episode_index")),
        space=files.about.space,
        rate_hz=files.about.rate_hz,
    )


def _keyframes(rows: LabelRows, settings: Mapping[str, Any]) -> tuple[Columns, Facts]:
    given = labels.KeyframeSettings(**settings)
    parts = [
        labels.keyframes(rows.state[part], rows.action[part], rows.space, rows.rate_hz, given)
        for part in rows.parts
    ]
    found = np.concatenate(parts)
    _refuse_without_keyframe(parts, given)
    following = np.concatenate([labels.next_keyframe(part) for part in parts])
    facts = {
        "keyframes": int(found.sum()),
        "keyframes_per_episode": round(float(found.sum()) / len(parts), 2),
    }
    return {"keyframe": found, "next_keyframe": following}, facts


def _refuse_without_keyframe(parts: Sequence[NDArray[np.bool_]], given: labels.KeyframeSettings) -> None:
    without = [number for number, part in enumerate(parts) if not part.any()]
    if without:
        named = ", ".join(map(str, without[:5])) + (
            f" and {len(without) - 5} more" if len(without) > 5 else ""
        )
        text = f"keyframes: none in episode {named}: no gripper changes and no arm comes to rest"
        do = f"raise still_m_s ({given.still_m_s:g}) or still_rad_s ({given.still_rad_s:g}), or set end: the end is one"
        raise DataError(ErrorCode.DATA_DATASET_INVALID, text, do=do)


def _progress(rows: LabelRows, _: Mapping[str, Any]) -> tuple[Columns, Facts]:
    return {"progress": np.concatenate([labels.progress(p.stop - p.start) for p in rows.parts])}, {}


def _tokens(rows: LabelRows, settings: Mapping[str, Any]) -> tuple[Columns, Facts]:
    given = labels.TokenSettings(**settings)
    low, high = labels.bin_edges(rows.action, given)
    numbers = labels.tokens(rows.action, low, high, given.bins)
    error = np.abs(labels.untokens(numbers, low, high, given.bins) - rows.action)
    facts = {"low": low.tolist(), "high": high.tolist(), "largest_error": error.max(axis=0).tolist()}
    return {"tokens": numbers}, facts


LABELS: Mapping[str, Label] = {
    "keyframes": Label(2, asdict(labels.KeyframeSettings()), _keyframes),
    "progress": Label(1, {}, _progress),
    "tokens": Label(1, asdict(labels.TokenSettings()), _tokens),
}
GROUP = "segue.labels"
"""Entry points of other packages: NAME = "package.module:LABEL", a `Label`."""


def label_names() -> tuple[str, ...]:
    """All labels, ours and installed, sorted."""
    return tuple(sorted({*LABELS, *installed(GROUP)}))


def find_label(name: str) -> Label:
    """The label called `name`; one of ours cannot be replaced by an entry point.

    Raises:
        ConfigError: no such label, with those there are.
    """
    if name in LABELS:
        return LABELS[name]
    entries = installed(GROUP)
    if name not in entries:
        raise unknown_name("label", name, label_names())
    found: Label = entries[name].load()
    return found


def _settings(name: str, changes: Mapping[str, Any] | None) -> dict[str, Any]:
    defaults = find_label(name).settings
    for key in changes or {}:
        if key not in defaults:
            raise unknown_name(f"setting of the label {name}", key, defaults)
    return {**defaults, **(changes or {})}


def _key(name: str, version: int, settings: Mapping[str, Any], digest: str) -> str:
    meaning = json.dumps([name, version, dict(settings), digest], sort_keys=True)
    return f"{name}-v{version}-{hashlib.sha256(meaning.encode()).hexdigest()[:8]}"


def _path(dataset: Path, rows: LabelRows, name: str, settings: Mapping[str, Any]) -> Path:
    return dataset / FOLDER / f"{_key(name, find_label(name).version, settings, rows.digest)}.parquet"


def write_labels(dataset: Path, name: str, changes: Mapping[str, Any] | None = None) -> Path:
    """Compute the labels `name` with `changes` to the default settings; returns the table's path.

    Raises:
        DataError: no dataset, or a corrupt one. ConfigError: an unknown name or setting.
    """
    settings = _settings(name, changes)
    rows = _read(dataset)
    path = _path(dataset, rows, name, settings)
    _write(path, rows, name, settings, *find_label(name).make(rows, settings))
    return path


def _write(
    path: Path, rows: LabelRows, name: str, settings: Mapping[str, Any], columns: Columns, facts: Facts
) -> None:
    places = {"index": np.arange(len(rows.episode)), "episode_index": rows.episode, "frame_index": rows.frame}
    table = pa.table({key: _to_arrow(value) for key, value in {**places, **columns}.items()})
    about = {"name": name, "version": find_label(name).version, "settings": dict(settings)}
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as part:
            pq.write_table(table, part)
        text = json.dumps({**about, "dataset": rows.digest, **facts}, indent=2)
        write_text(path.with_suffix(".json"), text + "\n")


def _to_arrow(values: NDArray[Any]) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _from_arrow(column: pa.ChunkedArray) -> NDArray[Any]:
    if not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy())
    flat: NDArray[Any] = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), -1)


def _table(path: Path, rows: LabelRows) -> pa.Table:
    table = read_table(path)
    if len(table) != len(rows.episode):
        raise invalid_dataset(path, "rows", f"got {len(table)}, the dataset has {len(rows.episode)}")
    return table


def labelled(
    dataset: Path | None, rows: LabelRows, name: str, changes: Mapping[str, Any] | None = None
) -> Columns:
    """The columns of the labels `name`, each (F, ...): as they are kept beside the dataset, or computed and kept now.

    Without a `dataset` folder, or in one that cannot be written, nothing is kept.

    Raises:
        DataError: a file that is damaged. ConfigError: an unknown name or setting.
    """
    settings = _settings(name, changes)
    path = _path(dataset, rows, name, settings) if dataset else None
    if path is not None and path.is_file():
        table = _table(path, rows)
        own = [column for column in table.column_names if column not in _PLACES]
        return {column: _from_arrow(table.column(column)) for column in own}
    columns, facts = find_label(name).make(rows, settings)
    if path is not None and os.access(path.parent.parent, os.W_OK):
        _write(path, rows, name, settings, columns, facts)
    return dict(columns)


def label_of(dataset: Path, name: str, changes: Mapping[str, Any] | None = None) -> Columns:
    """The columns of `labelled` of a dataset folder.

    Raises:
        DataError: no dataset, or a corrupt one. ConfigError: an unknown name or setting.
    """
    return labelled(dataset, _read(dataset), name, changes)


def _names(dataset: Path) -> list[str]:
    return episode_names(dataset, len(open_dataset(dataset).episodes))


def split(dataset: Path, shares: Mapping[str, float], seed: int = 0) -> dict[str, list[int]]:
    """Episodes by part. An episode's part follows from its own name, so more episodes move none of the old ones.

    Args:
        shares: share of every part, such as {"validation": 0.1, "test": 0.1}; the rest is "train".
    """
    names = _names(dataset)
    parts: dict[str, list[int]] = {"train": [], **{part: [] for part in shares}}
    for number, name in enumerate(names):
        place = int(hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()[:12], 16) / 16**12
        chosen, reached = "train", 0.0
        for part, share in shares.items():
            reached += share
            if place < reached:
                chosen = part
                break
        parts[chosen].append(number)
    return parts


def write_split(dataset: Path, shares: Mapping[str, float], seed: int = 0) -> Path:
    """Write `split` to the dataset's labels; returns the path."""
    parts = split(dataset, shares, seed)
    settings = {"shares": dict(shares), "seed": seed}
    episodes = json.dumps(_names(dataset))
    path = (
        dataset
        / FOLDER
        / f"{_key('split', SPLIT_VERSION, settings, hashlib.sha256(episodes.encode()).hexdigest()[:16])}.json"
    )
    content = {"name": "split", "version": SPLIT_VERSION, "settings": settings, "episodes": parts}
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps(content, indent=2) + "\n")
    return path
