"""`segue eval SUITE`: run a paper's table and judge its claims."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_data.contracts import config_folder
from segue_data.storage.atomic import write_text
from segue_eval.recording import film_seeds
from segue_eval.seeds import parse_seeds
from segue_eval.settings import EvalOptions, SetupOptions
from segue_eval.suite import table
from segue_eval.suite.find import full_name, load_suite
from segue_eval.suite.modes import count_modes
from segue_eval.suite.outcome import SuiteRun, counted
from segue_eval.suite.plan import Job, cell_folder, plan
from segue_eval.suite.run import run_suite
from segue_eval.suite.spec import SuiteSpec
from segue_eval.suite.write import write_all
from segue_eval.summary import faults, policy_notes, shortenings

_MODES = 2
SETUP_OPTIONS = (*SetupOptions.model_fields, "require_success", "progress", "tries")
SUITE_OPTIONS = ("quick", "tasks", "checkpoints", "modes")


def run_suite_command(arguments: EvalOptions) -> int:
    """Run a suite, print its table and verdicts; 0 when anything could be run, whatever the verdicts.

    Raises:
        SegueError: bad arguments, or nothing could be run; what is missing is in the files all the same.
    """
    name = full_name(str(arguments.suite))
    _refuse_ignored(arguments, SETUP_OPTIONS, f"a suite has its own cells (config/suites/{name}.yaml)")
    spec = load_suite(name)
    tasks = _tasks(arguments, spec)
    seeds = parse_seeds(arguments.seeds or (spec.quick.seeds if arguments.quick else spec.seeds))
    jobs = plan(spec, tasks, (arguments.checkpoints or config_folder() / "checkpoints").resolve())
    _announce(jobs)
    folder = arguments.out or Path("runs") / "eval" / (f"{name}-quick" if arguments.quick else name)
    root = folder / "cells" if arguments.out else folder.parent / "cells"
    if arguments.fresh:
        _forget(jobs, root)
    cells = run_suite(jobs, seeds, root, arguments.workers, name, arguments.quiet)
    modes = count_modes(jobs, seeds[: _modes(arguments)], root, arguments.workers, arguments.quiet)
    run = SuiteRun(name, spec, tasks, seeds, tuple(cells), modes)
    _save(arguments, run, folder)
    _print(run, folder)
    if not run.ran:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, f"nothing of {name} could be run, see the lines above"
        )
    if arguments.videos:
        _film(run, folder)
    return 0


def refuse_suite_options(arguments: EvalOptions) -> None:
    """Without a suite, its options mean nothing: ConfigError for any of them, rather than leaving it unheard."""
    _refuse_ignored(arguments, SUITE_OPTIONS, "only a suite takes it")


def _refuse_ignored(arguments: EvalOptions, options: Iterable[str], why: str) -> None:
    given = [name for name in options if getattr(arguments, name) != EvalOptions.model_fields[name].default]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"{names} has no meaning here: {why}")


def _announce(jobs: Sequence[Job]) -> None:
    for job in jobs:
        for line in filter(None, (job.missing and f"not run: {job.missing}", *job.notes)):
            print(f"{job.name}: {line}", file=sys.stderr)


def _forget(jobs: Sequence[Job], root: Path) -> None:
    for job in jobs:
        if job.setup is not None:
            (cell_folder(root, job.setup) / "rows.jsonl").unlink(missing_ok=True)


def _tasks(arguments: EvalOptions, spec: SuiteSpec) -> tuple[str, ...]:
    if not arguments.tasks:
        return spec.quick.tasks if arguments.quick else spec.tasks
    chosen = tuple(dict.fromkeys(part.strip() for part in arguments.tasks.split(",")))
    for task in chosen:
        if task not in spec.tasks:
            raise unknown_name("task of this suite", task, spec.tasks)
    return chosen


def _modes(arguments: EvalOptions) -> int:
    if arguments.modes is not None:
        return arguments.modes
    return 0 if arguments.quick else _MODES


def _save(arguments: EvalOptions, run: SuiteRun, folder: Path) -> None:
    data = write_all(run, folder)
    if arguments.json_file:
        arguments.json_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.json_file, json.dumps(data, indent=2, allow_nan=False) + "\n")
    if arguments.csv:
        arguments.csv.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.csv, table.as_csv(run))


def _print(run: SuiteRun, folder: Path) -> None:
    print(f"{run.spec.title} ({run.spec.source})\n")
    print(table.as_text(table.paper_table(run)))
    if run.ran:
        print(f"\n{table.as_text(table.outcome_table(run))}")
    if run.modes:
        print(f"\n{table.as_text(table.modes_table(run))}")
    if run.claims:
        print(f"\n{table.as_text(table.claims_table(run))}\n")
    for pair in run.pairs:
        print(f"policies: {pair.words}")
    for cell in run.ran:
        for line in (*shortenings(cell.results), *policy_notes(cell.results)):
            print(f"note, {cell.job.name}: {line}")
        for reason, count in faults(cell.results).items():
            print(f"fault of {count} of {len(cell.results)}, {cell.job.name}: {reason}")
    for cell in run.absent:
        print(f"not run, {cell.job.name}: {cell.missing}")
    counts = [f"{count} {verdict.words}" for verdict, count in counted(run.claims).items() if count]
    print(f"\nclaims: {', '.join(counts) or 'none'}\ntable, claims and plots: {folder}")


def _film(run: SuiteRun, folder: Path) -> None:
    for cell in run.ran:
        if cell.job.setup is not None:
            target = folder / "videos" / "-".join(cell.job.key)
            for film in film_seeds(cell.job.setup, cell.results, target):
                print(f"video and report: {film}")


def print_suites(names: Sequence[str]) -> int:
    """One line per suite."""
    for name in names:
        spec = load_suite(name)
        print(f"{name:<18} {spec.title} ({len(spec.cells)} cells on {', '.join(spec.tasks)})")
    return 0
