"""How a run ended: for scripts, for people and as an exit status."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from segue_bringup.graph import Scalar
from segue_bringup.run.advice import next_steps
from segue_bringup.run.display import SLOW
from segue_bringup.run.episode import Ending
from segue_core.ending_words import ending_word
from segue_core.exit_status import ExitStatus
from segue_interfaces.action import RunTask

_STYLES = {"good": "green", "warn": "yellow", "bad": "red"}
ENDINGS = {
    Ending.INTERRUPTED: ExitStatus.INTERRUPTED,
    Ending.READER_GONE: ExitStatus.READER_GONE,
    Ending.TIMEOUT: ExitStatus.TIMEOUT,
}
"""The status of what ended without a result of its own."""
WORDS = {
    Ending.INTERRUPTED: "interrupted",
    Ending.READER_GONE: "whoever read the output has quit",
    Ending.TIMEOUT: "not finished in time",
}
"""The same for people."""


def describe(
    ending: Ending, result: RunTask.Result | None, arguments: Mapping[str, Scalar], seed: int
) -> tuple[ExitStatus, dict[str, Any]]:
    """Exit status and the content of result.json."""
    told = _told(result)
    if ending in WORDS:
        told |= {
            "success": False,
            "outcome": ending.value,
            "reason": f"{WORDS[ending]}; {told['reason']}".rstrip("; "),
        }
    status = ENDINGS[ending] if ending in ENDINGS else _status(result)
    return status, {**told, "seed": seed, "exit_status": int(status), "arguments": dict(arguments)}


def _status(result: RunTask.Result | None) -> ExitStatus:
    if result is None:
        return ExitStatus.RUN_FAILED
    if result.success:
        return ExitStatus.SUCCESS
    family = result.error_code // 100
    if family == 0:
        return ExitStatus.TASK_FAILED
    never_moved = result.rule == "refused"
    return ExitStatus.POLICY_REFUSED if family == 2 and never_moved else ExitStatus.RUN_FAILED


def _told(result: RunTask.Result | None) -> dict[str, Any]:
    if result is None:
        return {"success": False, "outcome": "none", "rule": "", "reason": "no result", "starved_ticks": 0,
                "episode_s": 0.0, "score": 0.0, "bag": "", "error_code": 0, "metrics": {}}  # fmt: skip
    return {
        "success": bool(result.success),
        "outcome": result.outcome,
        "rule": result.rule,
        "reason": result.reason,
        "starved_ticks": int(result.starved_ticks),
        "episode_s": round(float(result.duration_s), 6),
        "score": float(result.score),
        "bag": result.bag_path,
        "error_code": int(result.error_code),
        "metrics": dict(zip(result.metric_names, map(float, result.metric_values), strict=False)),
    }


def print_outcome(told: Mapping[str, Any], console: Console) -> None:
    """How it ended and why, the numbers that matter, where everything is, what to try next."""
    ending = ending_word(str(told["outcome"]))
    console.print(f"[bold {_STYLES[ending.mood]}]{ending.word}[/]: {ending.meaning}", highlight=False)
    console.print(str(told["reason"]), markup=False, highlight=False)
    for title, rows in (("", _numbers(told)), ("left behind", _files(told)), ("next", next_steps(told))):
        if rows:
            lines = [f"  {row}" for row in rows]
            console.print("\n".join(["", *([f"{title}:"] if title else []), *lines]), markup=False, highlight=False,
                          soft_wrap=True)  # fmt: skip


def _numbers(told: Mapping[str, Any]) -> list[str]:
    """Five numbers with their units; everything else is in metrics.json."""
    metrics = told["metrics"]
    rows = {
        "time": f"{told['episode_s']:.1f} s{_speed(metrics)}",
        "score": f"{told['score']:g}" if "score" in told else None,
        "parts done": _parts(metrics),
        "policy's delay": _with_unit(
            metrics.get("delay_ticks_mean"), "ticks from asking to acting, on average"
        ),
        "starved": f"{told['starved_ticks']} ticks without an action",
    }
    return [f"{name:16}{text}" for name, text in rows.items() if text]


def _speed(metrics: Mapping[str, Any]) -> str:
    speed = metrics.get("real_time_factor")
    slow = isinstance(speed, int | float) and speed < SLOW
    return f", at {speed:.2f} of real time: this machine, or what it was asked for, is slower" if slow else ""


def _parts(metrics: Mapping[str, Any]) -> str | None:
    done, total = metrics.get("placed"), metrics.get("total")
    return f"{done:.0f} of {total:.0f}" if isinstance(done, int | float) and total else None


def _with_unit(value: object, unit: str) -> str | None:
    return f"{value:.1f} {unit}" if isinstance(value, int | float) else None


def _files(told: Mapping[str, Any]) -> list[str]:
    """Report and video first: they are what a person opens."""
    folder = Path(str(told.get("run", "")))
    names = {"report": "report.html", "video": "episode.mp4", "all numbers": "metrics.json"}
    there = {what: folder / name for what, name in names.items() if (folder / name).is_file()}
    return (
        [f"{what:16}{path}" for what, path in {**there, "folder": folder}.items()] if told.get("run") else []
    )
