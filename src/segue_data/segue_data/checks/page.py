"""One self-contained HTML page about checked bags or datasets: problems in words, streams and values in pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import SegueError
from segue_data.bags.manifest import load
from segue_data.bags.streams import TELEOP, Streams, segments
from segue_data.bags.topics import COMMAND, JOINT_STATES, is_picture
from segue_data.checks.bag import read_streams
from segue_data.checks.skew import ages_s
from segue_data.checks.thumbnails import of_bag, of_episode
from segue_data.contracts import load_robot
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import survey
from segue_data.findings import Findings
from segue_data.storage.atomic import write_text

_MOST_DETAILS = 8  # bags with pictures of their own; those with problems come first
_APART_NS = 60 * 10**9  # stamps further from the commands are of another clock
_INK = "#7d8696"  # of charts: readable on light and on dark pages
_STYLE = (
    ":root{color-scheme:light dark;--page:#f4f5f7;--panel:#fff;--ink:#1b1f27;--muted:#626b7a;--grid:#e6e8ec;"
    "--good:#14743f;--bad:#c0322b}"
    "@media(prefers-color-scheme:dark){:root{--page:#101216;--panel:#181b21;--ink:#e8eaf0;--muted:#99a2b3;"
    "--grid:#292e37;--good:#5fd392;--bad:#ff8078}}"
    "body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}"
    "main{max-width:1240px;margin:0 auto;padding:28px 20px 60px}h1{font-size:26px}h2{font-size:17px;margin:0 0 6px}"
    "section{background:var(--panel);border:1px solid var(--grid);border-radius:10px;padding:18px 20px;"
    "margin-bottom:16px;overflow-x:auto}"
    "table{border-collapse:collapse}td,th{padding:4px 14px 4px 0;border-bottom:1px solid var(--grid);text-align:left}"
    ".bad{color:var(--bad)}.good{color:var(--good)}.chart{width:100%;min-width:600px;margin:6px 0}"
    ".thumbs{display:flex;flex-wrap:wrap;gap:10px 18px;margin:8px 0}.thumb{border-radius:4px;margin-right:3px}"
    "figure{margin:0}figcaption,.note{color:var(--muted);font-size:13px}"
    "@media(max-width:800px){main{padding:12px 8px 40px}.chart{width:auto;max-width:none;min-width:900px}"
    "section:has(.chart)>h2::after{content:' (scroll sideways)';color:var(--muted);font-weight:400}}"
)
_LEGEND = (
    '<p class="note">Dashed red: a limit of the action space. '
    "Orange ground: a person commanded; blue: the policy.</p>"
)


def _embed(figure: Any) -> str:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    for axis in figure.axes:
        axis.tick_params(colors=_INK)
        axis.xaxis.label.set_color(_INK)
        axis.yaxis.label.set_color(_INK)
        for spine in axis.spines.values():
            spine.set_color(_INK)
        if legend := axis.get_legend():
            legend.get_frame().set_alpha(0.0)
            for text in legend.get_texts():
                text.set_color(_INK)
    figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True)
    plt.close(figure)
    return f'<img class="chart" alt="" src="data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _figure(rows: int, height: float) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(rows, 1, figsize=(10, height), sharex=True, squeeze=False, layout="constrained")


def _legend(axis: Any, columns: int) -> None:
    """Above the plot, where no data lies."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.1}
    axis.legend(fontsize=7, ncols=columns, markerscale=2, **place)


def _regular(streams: Streams) -> list[str]:
    return [t for t in streams.stamps if t in (COMMAND, JOINT_STATES) or is_picture(t)]


def _starts(streams: Streams) -> dict[str, int]:
    """Where the time of each regular stream with messages begins [ns]: one place, but for those of another clock."""
    first = {topic: streams.stamps[topic][0] for topic in _regular(streams) if streams.stamps[topic]}
    base = first.get(COMMAND, min(first.values(), default=0))
    near = [stamp for stamp in first.values() if abs(stamp - base) < _APART_NS]
    start = min(near, default=base)
    return {topic: start if abs(stamp - base) < _APART_NS else stamp for topic, stamp in first.items()}


def _timing(streams: Streams) -> str:
    """Pause before every message of every regular stream, and how old the newest one is at each tick."""
    ticks = np.asarray(streams.stamps.get(COMMAND, ()), dtype=np.int64)
    figure, axes = _figure(2, 5.0)
    starts = _starts(streams)
    start = starts.get(COMMAND, min(starts.values(), default=0))
    for topic, own in starts.items():
        stamps = np.asarray(streams.stamps[topic], dtype=np.int64)
        label = topic if own == start else f"{topic}, by its own clock"
        if stamps.size > 1:
            axes[0, 0].plot((stamps[1:] - own) / 1e9, np.diff(stamps) / 1e6, ".", ms=3, label=label)
        if ticks.size and topic != COMMAND and own == start:
            axes[1, 0].plot((ticks - start) / 1e9, 1e3 * ages_s(ticks, stamps), lw=1, label=topic)
    axes[0, 0].set_ylabel("pause before\na message [ms]")
    axes[1, 0].set_ylabel("age at the\ntick [ms]")
    axes[1, 0].set_xlabel("time [s]")
    low, high = axes[1, 0].get_ylim()
    axes[1, 0].set_ylim(min(low, -1.0), max(high, 1.0))  # less than a millisecond is nothing to see
    _legend(axes[0, 0], columns=3)
    return _embed(figure)


def _commands(streams: Streams, robot: RobotConfig) -> str:
    """Commands by channel inside their limits, and who commanded."""
    space = robot.action_space
    if not streams.commands or {len(row) for row in streams.commands} != {space.dim}:
        return ""
    stamps = np.asarray(streams.stamps[COMMAND], dtype=np.int64)
    figure = _channels(np.stack(streams.commands), (stamps - stamps[0]) / 1e9, space)
    owners = segments(streams.owners)
    for owner, first, last in owners if len(owners) > 1 else ():
        for axis in figure.axes:
            person = owner.startswith(TELEOP)
            axis.axvspan(
                (stamps[first] - stamps[0]) / 1e9,
                (stamps[last] - stamps[0]) / 1e9,
                color="tab:orange" if person else "tab:blue",
                alpha=0.12,
            )
    return _LEGEND + _embed(figure)


def _channels(values: NDArray[Any], times: NDArray[Any], space: ActionSpace) -> Any:
    figure, axes = _figure(len(space.channels), 1.4 * len(space.channels))
    for axis, channel in zip(axes[:, 0], space.channels, strict=True):
        part = values[:, space.slice(channel.name)]
        axis.plot(
            times, part, lw=1, label=[*"xyz"][: part.shape[1]] if part.shape[1] <= 3 else range(part.shape[1])
        )
        if part.shape[1] > 1:
            _legend(axis, columns=part.shape[1])
        axis.set_ylabel(f"{channel.name}\n[{channel.unit}]", fontsize=7)
        for bound in {*channel.low, *channel.high}:
            if part.min() - 0.1 <= bound <= part.max() + 0.1:
                axis.axhline(bound, color="tab:red", lw=0.7, ls="--")
    axes[-1, 0].set_xlabel("time [s]")
    return figure


def _frozen(streams: Streams) -> str:
    """Where a picture equals the one before, by camera."""
    cameras = [topic for topic in streams.digests if len(streams.digests[topic]) > 1]
    if not cameras:
        return ""
    figure, axes = _figure(1, 0.6 + 0.4 * len(cameras))
    starts = _starts(streams)
    for row, topic in enumerate(cameras):
        digests = np.asarray(streams.digests[topic])
        times = (np.asarray(streams.stamps[topic]) - starts[topic]) / 1e9
        same = np.concatenate([[False], digests[1:] == digests[:-1]])
        axes[0, 0].plot(times[~same], np.full((~same).sum(), row), "|", color="tab:green", ms=9)
        axes[0, 0].plot(times[same], np.full(same.sum(), row), "|", color="tab:red", ms=9)
    axes[0, 0].set_yticks(range(len(cameras)), cameras, fontsize=7)
    axes[0, 0].set_xlabel("time [s]; red: the same picture as the one before")
    return _embed(figure)


def _bag_section(finding: Findings) -> str:
    try:
        streams, manifest = read_streams(finding.path), load(finding.path)
        robot = load_robot(manifest.robot)
    except SegueError as error:
        text = html.escape(str(error))
        return f'<section><h2>{html.escape(finding.path.name)}</h2><p class="bad">{text}</p></section>'
    cameras = {topic: len(found) for topic, found in streams.digests.items()}
    return (
        f"<section><h2>{html.escape(finding.path.name)}</h2>{_problems(finding)}{of_bag(finding.path, cameras)}"
        f"{_timing(streams)}{_commands(streams, robot)}{_frozen(streams)}</section>"
    )


def _dataset_section(finding: Findings) -> str:
    try:
        files, _ = survey(finding.path)
        actions = files.rows(layout.ACTION)
    except SegueError:  # the check has found that, too
        return f"<section>{_problems(finding)}</section>"
    from matplotlib.ticker import MaxNLocator

    about = files.about
    figure, axes = _figure(2, 5.0)
    axes[0, 0].bar(range(len(actions)), [len(a) / about.rate_hz for a in actions])
    axes[0, 0].set_ylabel("length [s]")
    for channel in about.space.channels:
        part = about.space.slice(channel.name)
        steps = [float(np.linalg.norm(np.diff(a[:, part], axis=0), axis=1).max(initial=0.0)) for a in actions]
        axes[1, 0].plot(steps, ".", label=f"{channel.name} [{channel.unit}]")
    axes[1, 0].set_ylabel("largest step of an action")
    axes[1, 0].set_xlabel("episode")
    axes[1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes[1, 0], columns=3)
    pictures = [_embed(figure)]
    for number in _worst(finding, len(actions)):
        times = np.arange(len(actions[number])) / about.rate_hz
        thumbs = of_episode(files, files.episodes[number])
        chart = _embed(_channels(actions[number], times, about.space))
        pictures.append(f"</section><section><h2>episode {number}</h2>{thumbs}{_LEGEND}{chart}")
    return f"<section>{_problems(finding)}{''.join(pictures)}</section>"


def _worst(finding: Findings, episodes: int) -> list[int]:
    """Episodes to show: those that have a problem, or the first."""
    named = {p.episode for p in finding.problems if p.episode is not None and p.episode < episodes}
    return sorted(named)[:_MOST_DETAILS] or [*range(episodes)][:1]


def _problems(finding: Findings) -> str:
    if finding.ok:
        return '<p class="good">no problem found</p>'
    items = "".join(f"<li>{html.escape(p.place)}: {html.escape(p.what)}</li>" for p in finding.problems)
    return f'<ul class="bad">{items}</ul>'


def _overview(findings: Sequence[Findings]) -> str:
    rows = []
    for finding in findings:
        facts = finding.facts.get("manifest", {})
        state = "good" if finding.ok else "bad"
        what = "ok" if finding.ok else f"{len(finding.problems)}: {finding.problems[0].what}"
        rows.append(
            f"<tr><td>{html.escape(finding.path.name)}</td><td>{facts.get('outcome', '')}</td>"
            f"<td>{facts.get('seed', '')}</td><td class={state}>{html.escape(what)}</td></tr>"
        )
    head = "<tr><th>bag</th><th>outcome</th><th>seed</th><th>problems</th></tr>"
    return f"<section><table>{head}{''.join(rows)}</table></section>"


def write_page(findings: Sequence[Findings], path: Path) -> None:
    """Write the page; pictures are of the bags with problems first, at most eight."""
    bad = sum(not finding.ok for finding in findings)
    kind = findings[0].kind if len(findings) == 1 else f"{findings[0].kind}s"
    title = f"{len(findings)} {kind} checked, {bad} with problems"
    worst_first = sorted(findings, key=lambda finding: -len(finding.problems))
    if findings[0].kind == "dataset":
        body = "".join(map(_dataset_section, worst_first))
    else:
        body = _overview(worst_first) + "".join(map(_bag_section, worst_first[:_MOST_DETAILS]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(
        path,
        f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title}</title>"
        f"<style>{_STYLE}</style><main><h1>{title}</h1>{body}</main>",
    )
