"""What the workspace wrote itself and reads again: journals, summaries, logs, rollouts, what an interruption left."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue_bringup.learn.journal import FILE, Journal
from segue_bringup.learn.lesson import Outcome, read_outcome
from segue_core.action_space import DUAL_ARM_EE
from segue_data.recording.demonstrations import FAILURES, failed_before
from segue_eval.corrections import claim, read_part
from segue_eval.online.command import read_scores
from segue_eval.report.result_file import read_result
from segue_eval.suite.modes import read_counts
from segue_policies.samples.rollouts import Rollout, load_rollout, save_rollout
from segue_policies.training.curves import LOSS, SCORES, Curves, read_log

from .damage import ABSURD, Held, damaged, to_json, torn
from .reader import Change, Reader, must, one_file

Arrays = Mapping[str, NDArray[Any]]


def _json(
    name: str, file: str, content: Any, read: Callable[[Path], object], check: Callable[[Any], None]
) -> Callable[[Path], Reader]:
    return lambda _: one_file(name, file, json.dumps(content).encode(), read, check)


def _damaged(plain: Reader, made: st.SearchStrategy[bytes]) -> Reader:
    """The reader of a file whose content is also damaged as what it is, not only as bytes."""
    return Reader(plain.name, st.one_of(made, made, plain.inputs), plain.read, plain.check, plain.named)


OPTIONS = {"robot": "franka", "task": "reach", "policy": "act", "minutes": 1.0}
FIGURES = {"tried": 20, "recorded": 19, "minutes": 0.4, "trained": 300, "episodes": 10, "success": 0.9}
JOURNAL = {
    "options": OPTIONS,
    "seconds": {"record": 3.0},
    "processor_s": {"record": 2.0},
    "figures": {**FIGURES, "prepared": True, "success_interval": [0.6, 1.0]},
}


def _check_journal(found: Journal) -> None:
    must(found.seconds.keys() == found.processor_s.keys(), "stages differ", found)
    spent = [*found.seconds.values(), *found.processor_s.values()]
    must(all(math.isfinite(one) and one >= 0 for one in spent), "a time that nobody spent", spent)
    for name in ("tried", "recorded", "trained"):
        value = found.figures.get(name, 0)
        must(type(value) is int and value >= 0, f"{name} is no count", value)
    low, high = found.figures.get("success_interval", (0, 1))
    must(0 <= low <= 1 and 0 <= high <= 1, "no shares", (low, high))


SUMMARY = {
    "setup": {"task": "reach"},
    "summary": {"success": 0.5, "success_interval": [0.1, 0.9], "episodes": 2},
    "rows": [{"seed": 1, "success": True}, {"seed": 2, "success": False}],
}


def _check_outcome(found: Outcome) -> None:
    must(len(found.rows) > 0 and all(type(row.success) is bool for row in found.rows), "no rows", found)
    must(all(0 <= end <= 1 for end in found.summary.success_interval), "no shares", found.summary)


def _log(file: str) -> Callable[[Path], Reader]:
    rows: list[list[Any]] = [["step", "validation_loss"], [20, 0.5], [40, 0.25], [60, 0.125]]

    def resumed(path: Path) -> list[dict[str, float]]:
        """As at the start of a training that goes on from step 40."""
        Curves(path.parent).cut(40)
        return read_log(path)

    def check(found: Sequence[Mapping[str, float]]) -> None:
        steps = [row["step"] for row in found]
        must(steps == sorted(steps), "steps go backwards", steps)
        must(all(type(step) is int and 0 <= step <= 40 for step in steps), "steps of another run", steps)
        must(all(type(value) in (int, float) for row in found for value in row.values()), "no number", found)

    plain = one_file(f"training log {file}", file, _csv(rows), resumed, check)
    return lambda _: _damaged(plain, damaged(rows).map(_csv))


def _csv(rows: Any) -> bytes:
    text = io.StringIO()
    for row in rows if isinstance(rows, list) else [rows]:
        csv.writer(text).writerow(row if isinstance(row, list) else [row])
    return text.getvalue().encode(errors="replace")


@st.composite
def _npz(draw: Callable[[st.SearchStrategy[Any]], Any], held: Held) -> bytes:
    """Arrays without one, with one of another type or shape, or with a value that none may have."""
    arrays: dict[str, NDArray[Any]] = dict(held.it)
    name = draw(st.sampled_from(sorted(arrays)))
    old = arrays.pop(name)
    way = draw(st.sampled_from(("gone", "type", "cut", "flat", "value", "plain", "more")))
    if way == "type":
        kinds = ("u1", "i8", "f4", "f8", "?", "U5", "c16", "M8[s]", "V3")
        arrays[name] = np.zeros(old.shape, draw(st.sampled_from(kinds)))
    elif way == "cut":
        arrays[name] = old[: draw(st.integers(0, 1))] if old.ndim else np.repeat(old, 2)
    elif way == "flat":
        arrays[name] = old.reshape(-1)
    elif way == "more":
        arrays[name] = np.stack([old, old])
    elif way == "value" and old.dtype.kind in "fiu":
        values = (np.nan, np.inf, -np.inf) if old.dtype.kind == "f" else (0, 1, 255)
        arrays[name] = np.full_like(old, draw(st.sampled_from((*values, 0, 1))))
    elif way == "plain":
        arrays[name] = _array(draw(ABSURD))
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _array(value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        array = np.zeros(0)
    return array if array.dtype.kind != "O" else np.zeros(3)


def _of_arrays(
    name: str, content: bytes, read: Callable[[Path], object], check: Callable[[Any], None]
) -> Reader:
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        arrays = dict(kept)
    return _damaged(one_file(name, "7.npz", content, read, check), _npz(Held(arrays)))


def _rollout(place: Path) -> Reader:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 2, 8, 8, 3), dtype=np.uint8)
    state = rng.normal(size=(3, 4)).astype(np.float32)
    file = place / "7.npz"
    save_rollout(file, Rollout(images, state, np.array([0, 6, 12]), 14, 30.0, True, "reach"))
    return _of_arrays("rollout", file.read_bytes(), load_rollout, _check_rollout)


def _check_rollout(found: Rollout) -> None:
    must(found.images.dtype == np.uint8 and found.images.shape[4] == 3, "no pictures", found.images.shape)
    must(bool(np.isfinite(found.state).all()), "a state is not finite", found.state)
    must(len(found.images) == len(found.state) == len(found.ticks) > 0, "lengths differ", found.ticks)
    must(bool((np.diff(found.ticks) > 0).all()), "ticks go backwards", found.ticks)
    must(bool((found.progress >= 0).all() and (found.progress <= 1).all()), "no shares", found.progress)
    must(type(found.success) is bool and type(found.instruction) is str, "other types", found.success)
    must(0 < found.rate_hz <= 10_000, "a rate", found.rate_hz)


def _corrections_of_an_episode(_: Path) -> Reader:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 8, DUAL_ARM_EE.dim)).astype(np.float32)
    pictures, file = rng.integers(0, 255, (2, 3, 8, 8, 3), dtype=np.uint8), io.BytesIO()
    np.savez(file, images=pictures, state=rows[:, 0], reference=rows, action=rows)

    def check(found: Sequence[Any]) -> None:
        for one in found:
            must(bool(np.isfinite(one.action).all() and np.isfinite(one.reference).all()), "not finite", one)
            must(one.action.shape[1:] == (DUAL_ARM_EE.dim,), "another width", one.action.shape)
            must(one.images.shape[0] == 3 and one.images.dtype == np.uint8, "no pictures", one.images.shape)

    return _of_arrays(
        "corrections of an episode", file.getvalue(), lambda path: read_part(path, DUAL_ARM_EE, 3), check
    )


def _scores(_: Path) -> Reader:
    content = {"success": 0.5, "progress_mae": 0.1}

    def read(path: Path) -> list[dict[str, float]]:
        first = path.parent / "first.json"
        first.write_text(json.dumps(content))
        return read_scores([first, path])

    def check(found: Sequence[Mapping[str, float]]) -> None:
        must(found[0].keys() == found[1].keys(), "other scores", found)
        must(all(type(value) is float for one in found for value in one.values()), "no number", found)

    return one_file("scores of a round", "scores.json", json.dumps(content).encode(), read, check)


def _check_counts(found: Mapping[str, tuple[int, int]]) -> None:
    for seed, (requests, two) in found.items():
        must(seed.isdecimal() and 0 <= two <= requests, "no counts", (seed, requests, two))


def _claimed(_: Path) -> Reader:
    setup = {"task": "reach", "seeds": "0:4", "learn": {"rate": 1e-3}}

    def read(change: Change, folder: Path) -> dict[str, Any]:
        if change is not None:
            (folder / "setup.json").write_bytes(change)
        claim(folder, setup)
        return dict(json.loads((folder / "setup.json").read_text()))

    def check(found: Mapping[str, Any]) -> None:
        must(found == setup, "begun with something else", found)

    text = json.dumps(setup).encode()
    made = damaged(setup).map(to_json)
    return Reader("setup of a collection", st.one_of(made, made, torn(text), st.none()), read, check)


def _failures(_: Path) -> Reader:
    lines = [{"seed": 3, "reason": "dropped"}, {"seed": 8, "reason": "time"}]

    def check(found: set[int]) -> None:
        must(all(type(seed) is int and seed >= 0 for seed in found), "no seeds", found)

    plain = one_file(
        "failures of a recording", FAILURES, _lines(lines), lambda path: failed_before(path.parent), check
    )
    return _damaged(plain, damaged(lines).map(_lines))


def _lines(rows: Any) -> bytes:
    return b"".join(to_json(row) + b"\n" for row in (rows if isinstance(rows, list) else [rows]))


RESULT = {"success": True, "outcome": "done", "seed": 5, "episode_s": 4.2, "metrics": {"x": 1}, "score": 1.0}


def _check_result(found: Mapping[str, Any]) -> None:
    must(type(found.get("success", True)) in (bool, type(None)), "no verdict", found)
    must(0 <= found.get("seed", 0) <= 2**53, "a seed", found)


WRITTEN: Mapping[str, Callable[[Path], Reader]] = {
    "journal of a lesson": _json(
        "journal of a lesson",
        FILE,
        JOURNAL,
        lambda path: Journal.opened(path.parent, OPTIONS),
        _check_journal,
    ),
    "outcome of a lesson": _json(
        "outcome of a lesson", "summary.json", SUMMARY, read_outcome, _check_outcome
    ),
    "training log, losses": _log(LOSS),
    "training log, scores": _log(SCORES),
    "rollout": _rollout,
    "corrections of an episode": _corrections_of_an_episode,
    "scores of a round": _scores,
    "two-moded requests": _json(
        "two-moded requests", "modes.json", {"1": [30, 4], "2": [28, 0]}, read_counts, _check_counts
    ),
    "setup of a collection": _claimed,
    "failures of a recording": _failures,
    "result of a run": _json(
        "result of a run", "result.json", RESULT, lambda path: read_result(path.parent), _check_result
    ),
}
