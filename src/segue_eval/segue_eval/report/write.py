"""A finished run's folder turned into a report: video, metrics and page.

<run>/bag/...        rosbag2 (MCAP); any folder below <run> with a metadata.yaml is found
<run>/result.json    outcome and arguments (optional)
<run>/config.yaml    configuration (optional)
->  <run>/episode.mp4  <run>/metrics.json  <run>/report.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from segue_core.arrays import Rgb
from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_config
from segue_data.bags.manifest import FILE_NAME, load
from segue_data.bags.reader import NANOSECONDS
from segue_data.storage.atomic import write_text
from segue_eval.report.bag import read_run
from segue_eval.report.frames import camera_frames, camera_topics
from segue_eval.report.html import Film, report_page
from segue_eval.report.metrics import run_metrics
from segue_eval.report.result_file import read_result
from segue_eval.report.run_data import Fault, RunData, Series
from segue_eval.report.spectator import Pace, PacedView, open_view
from segue_eval.report.video import VideoFrame, write_video

_VERDICT = (
    "outcome",
    "success",
    "rule",
    "reason",
)  # result.json knows also of ends that the scheduler did not see
Progress = Callable[[float], None]
VIDEO, METRICS, PAGE = "episode.mp4", "metrics.json", "report.html"


def find_bag(run_dir: Path) -> Path:
    """The run's bag folder; raises DataError when there is none."""
    found = sorted(path.parent for path in run_dir.rglob("metadata.yaml"))
    if not found:
        raise DataError(
            ErrorCode.DATA_BAG_INCOMPLETE, f"{run_dir}: no finished bag (a folder with metadata.yaml)"
        )
    return found[0]


def _facts(run_dir: Path) -> dict[str, object]:
    """What result.json says, its nested `arguments` laid flat beside the rest."""
    told = read_result(run_dir)
    return {**told.get("arguments", {}), **told}


def _at(series: Series, seconds: float) -> float:
    """Value that holds at `seconds`; NaN before the first."""
    index = int(np.searchsorted(series.t, seconds + 1e-9)) - 1
    return float(series.values[index]) if index >= 0 else float("nan")


def caption(run: RunData, seconds: float) -> str:
    """One line for one instant: time, tick, phase, chunk, delay, starvation, objects."""
    row = int(np.clip(np.searchsorted(run.seconds, seconds + 1e-9) - 1, 0, len(run.ticks) - 1))
    tick = int(run.ticks[row])
    parts = [f"{seconds:5.1f} s", f"tick {tick}", run.phases[row]]
    begun = [chunk for chunk in run.chunks if chunk.tick <= tick]
    if begun:
        parts += [f"chunk {begun[-1].sequence}", f"delay {begun[-1].delay}"]
    if starved := int(run.starved[: row + 1].sum()):
        parts.append(f"starved {starved}")
    placed = _at(run.placed, seconds)
    if np.isfinite(placed):
        parts.append(f"placed {placed:.0f}/{run.total}")
    return "    ".join(parts)


def _instants(run: RunData, bag: Path) -> Iterator[tuple[float, Mapping[str, Rgb]]]:
    """(seconds, image per camera) at the run's rate; without cameras in the bag, every tick and nothing."""
    if not camera_topics(bag):
        return ((float(seconds), {}) for seconds in run.seconds)
    end_ns = run.epoch_ns + round(run.duration_s * NANOSECONDS)
    return camera_frames(bag, run.epoch_ns, end_ns, run.space.rate_hz)


def _film(run: RunData, bag: Path, path: Path, robot: str, bar: Progress) -> Film | None:
    """Write the video; None when there is nothing to be seen of the run."""
    view = open_view(bag, robot)
    if view is None and not camera_topics(bag):
        return None
    started: list[float] = []
    pace = Pace(len(run.ticks), run.space.rate_hz)
    paced = PacedView(view, run.epoch_ns, pace) if view else None

    def frames() -> Iterator[VideoFrame]:
        for seconds, images in _instants(run, bag):
            started.append(seconds)
            bar(seconds / run.duration_s)
            yield VideoFrame(images, caption(run, seconds), paced.at(seconds) if paced else None)

    try:
        count = write_video(frames(), path, run.space.rate_hz)
    finally:
        if paced:
            paced.close()
    return Film(path, started[0]) if count else None


def _silent(share: float) -> None:
    """Show no progress."""


def _robot(facts: Mapping[str, object], bag: Path) -> str:
    """The robot's name, as the run or its bag tells it."""
    told = facts.get("robot") or (load(bag).robot if (bag / FILE_NAME).is_file() else "")
    return str(told or "")


def _with_its_end(run: RunData, facts: Mapping[str, object]) -> RunData:
    """Add the fault that ended the run, where only its result knows it: the scheduler had no tick left to say it in."""
    code, reason = facts.get("error_code"), str(facts.get("reason", ""))
    if not (isinstance(code, int) and code) or any(fault.text in reason for fault in run.faults):
        return run
    return replace(run, faults=(*run.faults, Fault(run.duration_s, code, reason)))


def write_run_report(run_dir: Path, bar: Progress = _silent) -> dict[str, object]:
    """Write video, metrics and page beside the bag of `run_dir`, and return the metrics.

    `bar` is told the share of the video that is made, in [0, 1].

    Raises:
        DataError: no bag, a corrupt bag, or nothing of a run in it.
    """
    bag = find_bag(run_dir)
    facts = _facts(run_dir)
    config = run_dir / "config.yaml"
    text = read_config(config).decode(errors="replace") if config.exists() else ""
    run = _with_its_end(replace(read_run(bag), real=facts.get("sim") == "none"), facts)
    metrics = run_metrics(run) | {name: facts[name] for name in _VERDICT if facts.get(name) is not None}
    write_text(run_dir / METRICS, json.dumps(metrics, indent=2) + "\n")
    film = _film(run, bag, run_dir / VIDEO, _robot(facts, bag), bar)
    html = report_page(run, metrics, facts, text, film)
    write_text(run_dir / PAGE, html)
    return metrics
