"""The command that runs one seed of an evaluation once more, filmed: it stands beside every seed of the page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_data.contracts import load_task
from segue_eval.options import default_checkpoint, default_continuation, usual_lengths
from segue_eval.settings import SetupOptions

_FROM_SCHEDULER = {
    "stride": "--stride",
    "delay": "--delay",
    "ramp": "--ramp",
    "delay_mode": "--delay-mode",
    "when_infeasible": "--when-infeasible",
    "ramp_kind": "--ramp-kind",
    "time_limit_s": "--time-limit-s",
}


def command(setup: Mapping[str, Any], seed: int, out: Path) -> str:
    """`./segue eval ...` with whatever of a setup (`Setup.to_dict`) is not what would be taken anyway."""
    scheduler, fields = setup["scheduler"], SetupOptions.model_fields
    words = ["--task", setup["task"], "--policy", setup["policy"]]
    if Path(setup["checkpoint"]) != default_checkpoint(setup["policy"], setup["task"]).resolve():
        words += ["--checkpoint", setup["checkpoint"]]
    if setup["robot"] != load_task(setup["task"]).robot:
        words += ["--robot", setup["robot"]]
    if scheduler["continuation"] != default_continuation(setup["policy"]):
        words += ["--continuation", scheduler["continuation"]]
    if scheduler.get("continuation_options"):
        words += ["--continuation-options", json.dumps(scheduler["continuation_options"])]
    usual = {key: fields[key].default for key in _FROM_SCHEDULER}
    usual |= usual_lengths(setup["policy"], scheduler["continuation"])
    if scheduler.get("corrector"):
        words += ["--corrector", scheduler["corrector"]]
        words += ["--corrector-options", json.dumps(scheduler["corrector_options"])]
    if "termination" in scheduler:
        words += ["--termination", ", ".join(scheduler["termination"])]
        words += ["--rule-options", json.dumps(scheduler["rule_options"])]
    for key, option in _FROM_SCHEDULER.items():
        if key in scheduler and scheduler[key] != usual[key]:
            words += [option, str(scheduler[key])]
    if setup["latency"] != fields["latency"].default:
        words += ["--latency", setup["latency"]]
    if setup.get("device", "auto") != "auto":
        words += ["--device", setup["device"]]
    words += ["--seeds", f"{seed}:{seed + 1}", "--videos", "--out", str(out)]
    return "./segue eval " + shlex.join(words)


def films(folder: Path, seed: int) -> dict[str, Path]:
    """What there is to see of a seed below an evaluation's `folder`, by its name; paths are relative to it."""
    for place in (Path(f"seed-{seed}"), Path(f"again-{seed}") / f"seed-{seed}"):
        names = {"video": place / "episode.mp4", "report": place / "report.html"}
        found = {name: path for name, path in names.items() if (folder / path).is_file()}
        if found:
            return found
    return {}
