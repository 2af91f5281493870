"""The command that runs one seed of an evaluation once more, filmed: it stands beside every seed of the page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue_core.scheduler_config import RunSettings
from segue_data.contracts import lockstep_task
from segue_eval.options import default_continuation, usual_checkpoint, usual_lengths
from segue_eval.settings import EvalOptions
from segue_policies.checkpoints.usual_stride import fitting_stride


def command(setup: Mapping[str, Any], seed: int, out: Path) -> str:
    """`./segue eval ...` with whatever of a setup (`Setup.to_dict`) is not what would be taken anyway."""
    scheduler, fields = setup["scheduler"], EvalOptions.model_fields
    words = ["--task", setup["task"], "--policy", setup["policy"]]
    if setup["checkpoint"] != usual_checkpoint(setup["policy"], setup["task"]):
        words += ["--checkpoint", setup["checkpoint"]]
    if setup["robot"] != lockstep_task(setup["task"]).robot:
        words += ["--robot", setup["robot"]]
    if scheduler["continuation"] != default_continuation(setup["policy"]):
        words += ["--continuation", scheduler["continuation"]]
    usual = {name: fields[name].default for name in RunSettings.model_fields}
    usual |= usual_lengths(setup["policy"], scheduler["continuation"])
    usual["stride"] = fitting_stride(usual["stride"], scheduler["delay"], setup["checkpoint"])
    for name in RunSettings.model_fields:
        if name in scheduler and name != "continuation" and scheduler[name] != usual[name]:
            words += ["--" + name.replace("_", "-"), _written(scheduler[name])]
    if setup["latency"] != fields["latency"].default:
        words += ["--latency", setup["latency"]]
    for name in ("device", "dtype", "progress"):
        if setup.get(name, fields[name].default) != fields[name].default:
            words += ["--" + name, setup[name]]
    for name in ("policy_options", "randomisation"):
        if setup.get(name):
            words += ["--" + name.replace("_", "-"), _written(setup[name])]
    if setup.get("tries", 1) > 1:
        words += ["--tries", str(setup["tries"])]
    words += ["--seeds", f"{seed}:{seed + 1}", "--videos", "--out", str(out)]
    return "./segue eval " + shlex.join(words)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value)
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def films(folder: Path, seed: int) -> dict[str, Path]:
    """What there is to see of a seed below an evaluation's `folder`, by its name; paths are relative to it."""
    for place in (Path(f"seed-{seed}"), Path(f"again-{seed}") / f"seed-{seed}"):
        names = {"video": place / "episode.mp4", "report": place / "report.html"}
        found = {name: path for name, path in names.items() if (folder / path).is_file()}
        if found:
            return found
    return {}
