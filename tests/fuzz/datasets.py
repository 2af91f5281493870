"""Datasets: meta files, tables whose columns are changed, pictures, videos, and what is kept beside them."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from segue_data.checks.dataset import check_dataset
from segue_data.contracts import load_robot
from segue_data.datasets import corrections
from segue_data.datasets.bag_to_rows import EpisodeArrays
from segue_data.datasets.dataset import load
from segue_data.datasets.episodes import open_dataset
from segue_data.datasets.label_files import label_of, write_labels, write_split
from segue_data.datasets.picture_cache import HERE
from segue_data.datasets.writer import ConversionOptions, EpisodeJob, write_arrays, write_meta
from segue_eval.result import EpisodeResult
from segue_eval.rows import RowFile
from segue_eval.smoothness import Smoothness
from segue_policies.training.frozen_views import kept_views
from segue_scheduler.tick import SeamReport

from .damage import Held, damaged, torn
from .reader import Change, Reader, any_file, file_change, made_once, must, one_file, one_folder

SIZE, LENGTHS = (16, 16), (5, 4)
_SCALARS: tuple[Any, ...] = (
    None,
    -1,
    0,
    3,
    2**31,
    2**62,
    float("nan"),
    float("inf"),
    1e30,
    "x",
    b"\x89PNG",
    [],
    [1.0],
)


@st.composite
def table_change(draw: Any, held: Held) -> bytes:
    """The same table with a column gone, renamed, of another type, or with another value in a row."""
    table = pq.read_table(pa.BufferReader(held.it))
    name = draw(st.sampled_from(table.column_names))
    place = table.column_names.index(name)
    way = draw(st.sampled_from(("value", "value", "value", "plain", "gone", "renamed", "rows", "twice")))
    if way == "value":
        rows = table.column(name).to_pylist()
        rows[draw(st.integers(0, len(rows) - 1))] = draw(st.sampled_from(_SCALARS))
        table = _replaced(table, place, name, rows)
    elif way == "plain":  # a picture, a vector or a text as what it is not
        rows = [draw(damaged(_plain(row), most=1)) for row in table.column(name).to_pylist()[:1]]
        table = _replaced(table, place, name, rows * table.num_rows)
    elif way == "gone":
        table = table.remove_column(place)
    elif way == "renamed":
        table = table.rename_columns([*table.column_names[:place], "x", *table.column_names[place + 1 :]])
    elif way == "rows":
        table = table.slice(draw(st.integers(0, table.num_rows)))
    else:
        table = pa.concat_tables([table, table])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def _plain(value: Any) -> Any:
    return {key: _plain(part) for key, part in value.items()} if isinstance(value, dict) else value


def _replaced(table: pa.Table, place: int, name: str, rows: list[Any]) -> pa.Table:
    """With a column of its old type where the rows allow it, else of theirs; as it was where Arrow has no type."""
    for kind in (table.schema.field(place).type, None):
        try:
            return table.set_column(place, name, pa.array(rows, kind))
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            continue
    return table


def _ways(source: Path) -> Mapping[str, st.SearchStrategy[Change]]:
    """Tables are changed as tables, or as bytes."""
    found = {}
    for file in source.rglob("*.parquet"):
        content = file.read_bytes()
        found[str(file.relative_to(source))] = st.one_of(
            table_change(Held(content)), table_change(Held(content)), torn(content)
        )
    return found


def _make(place: Path, *, videos: bool = False) -> Path:
    robot = load_robot("dual_arm")
    options = ConversionOptions(size=SIZE, videos=videos)
    starts = np.cumsum([0, *LENGTHS]).tolist()
    jobs = [
        EpisodeJob(Path(f"bag_{n}"), place, n, "do it", 0, n, starts[n], length)
        for n, length in enumerate(LENGTHS)
    ]
    written = [write_arrays(job, robot, options, _frames(job.length)) for job in jobs]
    write_meta(robot, options, jobs, written)
    return place


def _frames(length: int) -> EpisodeArrays:
    ramp = np.add.outer(np.arange(SIZE[1]), np.arange(SIZE[0]))
    images = np.stack([ramp + 20 * frame for frame in range(length)]).astype(np.uint8)
    pictures = np.repeat(images[:, None, :, :, None], 3, axis=1).repeat(3, axis=4)
    path = 0.01 * np.arange((length + 1) * 14, dtype=np.float32).reshape(-1, 14) / 14
    return EpisodeArrays(pictures, path[:-1], path[1:], np.arange(length) / 30.0)


def _opened(path: Path) -> object:
    return open_dataset(path)


def _loaded(path: Path) -> object:
    return load(path, workers=1, bar=False)


def _check_loaded(data: Any) -> None:
    must(
        bool(np.isfinite(data.state).all() and np.isfinite(data.action).all()),
        "a value is not finite",
        data.path,
    )
    must(bool(np.isfinite(data.time_s).all()), "a time is not finite", data.time_s)
    must(len(data.images) == len(data.state) == len(data.action), "lengths differ", data.path)
    must(0 < data.rate_hz <= 1000, "a rate", data.rate_hz)
    bounds = (data.action_space.low, data.action_space.high)
    must(all(bool(np.isfinite(bound).all()) for bound in bounds), "a bound is not finite", bounds)


def _dataset(
    name: str, read: Callable[[Path], object], check: Callable[[Any], None], videos: bool, place: Path
) -> Reader:
    make = partial(_make, videos=videos)
    source = made_once(place, "videos" if videos else "dataset", make)
    return one_folder(name, source, any_file(source, _ways(source)), read, check)


def _anything(_: object) -> None:
    """Nothing more than that it was read."""


def _check_findings(findings: Any) -> None:
    must(bool(str(findings.path)), "findings are of something", findings)


def _cached(place: Path) -> Reader:
    """Decoded pictures that another process kept: what is damaged is decoded again, and the same."""
    source = _make(place)
    images = np.array(load(source, workers=1, bar=False).images)
    kept = next((source / HERE).iterdir())
    names = [str(path.relative_to(source)) for path in kept.iterdir()]

    def check(data: Any) -> None:
        must(bool(np.array_equal(data.images, images)), "pictures are others", data.path)

    changes = st.sampled_from(names).flatmap(
        lambda name: file_change(name, (source / name).read_bytes()[:4096]).map(lambda change: {name: change})
    )
    return one_folder("kept pictures", source, changes, _loaded, check)


def _labelled(place: Path) -> Reader:
    source = _make(place)
    write_labels(source, "keyframes")
    labels = {name: way for name, way in _ways(source).items() if name.startswith("labels")}
    return one_folder(
        "labels", source, any_file(source, labels), lambda path: label_of(path, "keyframes"), _anything
    )


def _corrections(place: Path) -> Reader:
    rng, space = np.random.default_rng(0), load_robot("dual_arm").action_space
    pictures = rng.integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
    rows = rng.normal(size=(8, space.dim)).astype(np.float32)
    one = corrections.Correction(pictures, rows[0], rows, rows)
    info = corrections.CorrectionsInfo(
        cameras=("head", "left_wrist", "right_wrist"),
        action_space=space.to_dict(),
        delay=4,
        known=2,
        origin={},
    )
    corrections.save(place, [one, one], info)
    return one_folder("corrections", place, any_file(place), corrections.load, _check_corrections)


def _check_corrections(found: corrections.CorrectionSet) -> None:
    for name in ("state", "reference", "action"):
        must(bool(np.isfinite(getattr(found, name)).all()), f"{name} is not finite", found)
    must(found.images.dtype == np.uint8, "pictures are no pictures", found.images.dtype)


def _rows(place: Path) -> Reader:
    setup, path = {"task": "pick_place", "seeds": [1, 2]}, place / "rows.jsonl"
    result = EpisodeResult(
        1, True, True, 1.0, 30, 30.0, "task_detector", "done", 0, 0, 0, Smoothness(),
        (SeamReport(1, 0, 4, 4, 0, None, 0.1), SeamReport(2, 15, 4, 4, 0, 0.01, 0.02, 0.01)), np.zeros((0, 0)),
        ("policy: slow",),
    )  # fmt: skip
    file = RowFile(path, setup)
    file.add(result)
    lines = path.read_bytes().splitlines()
    made = damaged([json.loads(line) for line in lines]).map(_lines)
    plain = one_file(
        "rows of an evaluation", path.name, path.read_bytes(), lambda p: RowFile(p, setup), _check_rows
    )
    return Reader(plain.name, st.one_of(made, made, plain.inputs), plain.read, plain.check, plain.named)


def _lines(rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in (rows if isinstance(rows, list) else [rows]))


def _check_rows(file: RowFile) -> None:
    for result in file.results.values():
        must(result.ticks >= 0 and result.rate_hz > 0, "an episode that never was", result)
        must(result.starved >= 0 and result.interventions >= 0, "counts", result)
        must(type(result.success) is bool and type(result.judged) is bool, "no verdict", result)
        numbers = (result.seed, result.ticks, result.starved, *(seam.tick for seam in result.seams))
        must(all(type(number) is int for number in numbers), "no whole number", result)


def _views(_: Path) -> Reader:
    pictures, made = np.zeros((2, 1, 8, 8, 3), np.uint8), np.ones((2, 1, 4), np.float16)

    def read(change: Change, folder: Path) -> object:
        kept_views(folder, "x", pictures, lambda: made)
        (file,) = folder.glob("*.npy")
        file.unlink()
        if change is not None:
            file.write_bytes(change)
        return kept_views(folder, "x", pictures, lambda: made)

    def check(found: Any) -> None:
        must(found.dtype == np.float16, "of another type", found.dtype)

    sink = pa.BufferOutputStream()
    np.lib.format.write_array(sink, made)
    return Reader("kept views", file_change("a.npy", bytes(sink.getvalue())), read, check)


_KINDS: Mapping[str, tuple[Callable[[Path], object], Callable[[Any], None], bool]] = {
    "dataset, survey": (_opened, _anything, False),
    "dataset, check": (check_dataset, _check_findings, False),
    "dataset, pictures": (_loaded, _check_loaded, False),
    "dataset, videos": (_loaded, _check_loaded, True),
    "dataset, split": (lambda path: write_split(path, {"validation": 0.5}), _anything, False),
}
DATASETS: Mapping[str, Callable[[Path], Reader]] = {
    **{name: partial(_dataset, name, *kind) for name, kind in _KINDS.items()},
    "kept pictures": _cached,
    "labels": _labelled,
    "corrections": _corrections,
    "rows of an evaluation": _rows,
    "kept views": _views,
}
