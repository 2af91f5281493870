"""Labels and splits beside a dataset: a table, and a sidecar that says by which definition and settings it was made.

    <dataset>/labels/keyframes-v1-3f2a9c1b.parquet     one row per frame: index, episode_index, frame_index, values
    <dataset>/labels/keyframes-v1-3f2a9c1b.json        name, version, settings, and the dataset that it was made from
    <dataset>/labels/split-v1-91b0d2e4.json            episodes by part

The eight digits are of version, settings and the dataset's frames, so labels of another dataset are never taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from segue_core.action_space import ActionSpace
from segue_data.datasets import labels
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import episode_names, open_dataset
from segue_data.datasets.parquet import read_table
from segue_data.datasets.values import refuse_values
from segue_data.errors import invalid_dataset, missing, writing
from segue_data.storage.atomic import whole_file, write_text

FOLDER = "labels"
VERSIONS = {"keyframes": 1, "progress": 1, "tokens": 1, "split": 1}
Columns = dict[str, Any]


@dataclass(frozen=True)
class _Rows:
    """What labels are computed from: per-frame columns of the whole dataset in frame order."""

    state: Any
    action: Any
    episode: Any
    frame: Any
    parts: tuple[slice, ...]  # rows of every episode
    space: ActionSpace
    rate_hz: float
    digest: str


def _read(dataset: Path) -> _Rows:
    files = open_dataset(dataset)
    refuse_values(files)
    action = np.concatenate(files.rows(layout.ACTION))
    episode = np.concatenate(files.numbers("episode_index"))
    return _Rows(
        state=np.concatenate(files.rows(layout.STATE)),
        action=action,
        episode=episode,
        frame=np.concatenate([np.arange(e.length, dtype=np.int64) for e in files.episodes]),
        parts=tuple(slice(e.start, e.start + e.length) for e in files.episodes),
        space=files.about.space,
        rate_hz=files.about.rate_hz,
        digest=hashlib.sha256(action.tobytes() + episode.astype("<i8").tobytes()).hexdigest()[:16],
    )


def _keyframes(rows: _Rows, settings: Mapping[str, Any]) -> tuple[Columns, Columns]:
    given = labels.KeyframeSettings(**settings)
    parts = [
        labels.keyframes(rows.state[part], rows.action[part], rows.space, rows.rate_hz, given)
        for part in rows.parts
    ]
    found = np.concatenate(parts)
    following = np.concatenate([labels.next_keyframe(part) for part in parts])
    facts = {
        "keyframes": int(found.sum()),
        "keyframes_per_episode": round(float(found.sum()) / len(parts), 2),
    }
    return {"keyframe": found, "next_keyframe": following}, facts


def _progress(rows: _Rows, _: Mapping[str, Any]) -> tuple[Columns, Columns]:
    return {"progress": np.concatenate([labels.progress(p.stop - p.start) for p in rows.parts])}, {}


def _tokens(rows: _Rows, settings: Mapping[str, Any]) -> tuple[Columns, Columns]:
    given = labels.TokenSettings(**settings)
    low, high = labels.bin_edges(rows.action, given)
    numbers = labels.tokens(rows.action, low, high, given.bins)
    error = np.abs(labels.untokens(numbers, low, high, given.bins) - rows.action)
    facts = {"low": low.tolist(), "high": high.tolist(), "largest_error": error.max(axis=0).tolist()}
    column = pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1), pa.int64()), numbers.shape[1])
    return {"tokens": column}, facts


_MAKERS: dict[str, tuple[Callable[..., tuple[Columns, Columns]], Mapping[str, Any]]] = {
    "keyframes": (_keyframes, asdict(labels.KeyframeSettings())),
    "progress": (_progress, {}),
    "tokens": (_tokens, asdict(labels.TokenSettings())),
}
NAMES = tuple(_MAKERS)


def _key(name: str, settings: Mapping[str, Any], digest: str) -> str:
    meaning = json.dumps([name, VERSIONS[name], dict(settings), digest], sort_keys=True)
    return f"{name}-v{VERSIONS[name]}-{hashlib.sha256(meaning.encode()).hexdigest()[:8]}"


def write_labels(dataset: Path, name: str, changes: Mapping[str, Any] | None = None) -> Path:
    """Compute the labels `name` (one of NAMES) with `changes` to the default settings; returns the table's path.

    Raises:
        DataError: no dataset, or a corrupt one.
        KeyError: an unknown name. TypeError: an unknown setting.
    """
    make, defaults = _MAKERS[name]
    settings = {**defaults, **(changes or {})}
    rows = _read(dataset)
    columns, facts = make(rows, settings)
    table = pa.table(
        {
            "index": pa.array(np.arange(len(rows.episode))),
            "episode_index": pa.array(rows.episode),
            "frame_index": pa.array(rows.frame),
            **{
                key: value if isinstance(value, pa.Array) else pa.array(value)
                for key, value in columns.items()
            },
        }
    )
    path = dataset / FOLDER / f"{_key(name, settings, rows.digest)}.parquet"
    sidecar = {"name": name, "version": VERSIONS[name], "settings": settings, "dataset": rows.digest, **facts}
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as part:
            pq.write_table(table, part)
        write_text(path.with_suffix(".json"), json.dumps(sidecar, indent=2) + "\n")
    return path


def read_labels(dataset: Path, name: str, changes: Mapping[str, Any] | None = None) -> pa.Table:
    """The labels `name` of this very dataset with these settings, as `write_labels` left them.

    Raises:
        DataError: there are none; the text says how to make them.
    """
    _, defaults = _MAKERS[name]
    settings = {**defaults, **(changes or {})}
    rows = _read(dataset)
    path = dataset / FOLDER / f"{_key(name, settings, rows.digest)}.parquet"
    if not path.is_file():
        raise missing(path, "not there", f"`segue data label {dataset} {name}` makes it")
    table = read_table(path)
    if len(table) != len(rows.episode):
        raise invalid_dataset(path, "rows", f"got {len(table)}, the dataset has {len(rows.episode)}")
    return table


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
        / f"{_key('split', settings, hashlib.sha256(episodes.encode()).hexdigest()[:16])}.json"
    )
    content = {"name": "split", "version": VERSIONS["split"], "settings": settings, "episodes": parts}
    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps(content, indent=2) + "\n")
    return path
