"""How a run ended: for scripts, for people and as an exit status."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from segue_bringup.exit_status import ExitStatus
from segue_bringup.graph import Scalar
from segue_bringup.run.episode import Ending
from segue_interfaces.action import RunTask

_WORDS = {
    Ending.INTERRUPTED: (ExitStatus.INTERRUPTED, "interrupted"),
    Ending.TIMEOUT: (ExitStatus.TIMEOUT, "not finished in time"),
}


def describe(
    ending: Ending, result: RunTask.Result | None, arguments: Mapping[str, Scalar], seed: int
) -> tuple[ExitStatus, dict[str, Any]]:
    """Exit status and the content of result.json."""
    told = _told(result)
    status, text = _WORDS.get(ending, (_status(result), ""))
    if text:
        told |= {
            "success": False,
            "outcome": ending.value,
            "reason": f"{text}; {told['reason']}".rstrip("; "),
        }
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
    """The outcome, its reason and a table of metrics."""
    mark, style = ("succeeded", "bold green") if told["success"] else ("did not succeed", "bold red")
    console.print(f"[{style}]The task {mark}[/]: {told['outcome']}", highlight=False)
    console.print(str(told["reason"]), markup=False, highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows = {
        "seed": told["seed"],
        "episode_s": told["episode_s"],
        "score": told["score"],
        **_scalars(told["metrics"]),
    }
    for name, value in rows.items():
        table.add_row(name, f"{value:.6g}" if isinstance(value, float) else str(value))
    console.print(table)


def _scalars(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if isinstance(value, int | float | str)}
