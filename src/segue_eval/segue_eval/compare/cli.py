"""`segue compare BAG`: continuations on one recording, or proof that it replays."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode, SegueError, unknown_name
from segue_core.policy import Policy
from segue_data.storage.atomic import write_text
from segue_eval.compare.cameras import RecordedCameras
from segue_eval.compare.outcome import OPEN_LOOP, Comparison
from segue_eval.compare.page import comparison_page
from segue_eval.compare.recorded import RecordedRun, read_recorded
from segue_eval.compare.rerun import Rerun, Setting, needs_no_checkpoint, rerun, served_by
from segue_eval.compare.settings import default_checkpoint
from segue_eval.compare.verify import verify
from segue_eval.report.write import find_bag
from segue_eval.settings import CompareOptions
from segue_eval.suite.table import as_text
from segue_scheduler.continuation import available


def run_compare(arguments: CompareOptions) -> int:
    """Compare or verify; returns the exit status."""
    run = read_recorded(find_bag(arguments.bag))
    if not run.settings.source:
        print(f"note: no config.yaml beside {run.bag}; taking the scheduler's defaults", file=sys.stderr)
    return _verify(arguments, run) if arguments.verify else _compare(arguments, run)


def _verify(arguments: CompareOptions, run: RecordedRun) -> int:
    found = verify(run)
    print("\n".join(found.lines()))
    _write_json(arguments.json_file, found.to_dict())
    return 0 if found.identical else 1


def _compare(arguments: CompareOptions, run: RecordedRun) -> int:
    default = arguments.checkpoint
    if default is None and not needs_no_checkpoint(run):
        default = default_checkpoint(run.settings, run.info.name)
    chosen = _chosen(arguments.continuations, default)
    found = compare(run, chosen, arguments.latency, _changes(arguments))
    if not found.reruns:
        reasons = "; ".join(f"{', '.join(who)}: {why}" for why, who in found.by_reason().items())
        text = (
            f"no continuation could be run: {reasons} (another checkpoint for one: --continuations NAME=DIR)"
        )
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    print(as_text(found.table()))
    if len(found.difference_table()) > 1:
        print(f"\npaired by seam:\n{as_text(found.difference_table())}\n")
    for why, who in found.by_reason().items():
        print(f"not run, {', '.join(who)}: {why} (another checkpoint: --continuations {who[0]}=DIR)")
    for continuation, lines in found.notes.items():
        for line in lines:
            print(f"note, {continuation}: {line}")
    print(f"\n{OPEN_LOOP}")
    _write_json(arguments.json_file, found.to_dict())
    folder = arguments.out or (arguments.bag if arguments.bag.is_dir() else Path())
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "compare.html", comparison_page(found))
    print(f"page: {folder / 'compare.html'}")
    return 0


def _changes(arguments: CompareOptions) -> dict[str, object]:
    names = ("stride", "delay", "ramp")
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def _chosen(text: str | None, default: Path | None) -> dict[str, Path | None]:
    """Checkpoint by continuation, None where none is needed; raises ConfigError for one that is not there."""
    known = available()
    chosen: dict[str, Path | None] = {}
    for part in text.split(",") if text else known:
        name, _, folder = part.strip().partition("=")
        if name not in known:
            raise unknown_name("continuation", name, known)
        chosen[name] = Path(folder) if folder else default
    return chosen


def compare(
    run: RecordedRun, continuations: Mapping[str, Path | None], latency: str, changes: Mapping[str, object]
) -> Comparison:
    """Re-run every continuation with its checkpoint; one that its policy cannot serve is reported, not skipped over.

    Raises:
        SegueError: no checkpoint can be read, or a camera is missing in the bag.
    """
    policies: dict[Path | None, Policy] = {}
    cameras: dict[tuple[str, ...], RecordedCameras] = {}
    done: list[Rerun] = []
    absent: dict[str, str] = {}
    for continuation, folder in continuations.items():
        try:
            policy = policies.setdefault(folder, policies.get(folder) or served_by(folder, run))
            names = (*policy.info.cameras, str(policy.info.image_size))
            pictures = cameras.setdefault(names, cameras.get(names) or RecordedCameras(run.bag, policy.info))
            done.append(rerun(Setting(run, pictures, latency, dict(changes)), continuation, policy, folder))
        except SegueError as error:
            absent[continuation] = str(error)
    return Comparison(run, tuple(done), absent)


def _write_json(path: Path | None, data: Mapping[str, object]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
