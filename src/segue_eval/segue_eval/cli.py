"""`segue eval`, `segue compare`, `segue report` and `segue bench`; also `python -m segue_eval.cli eval ...`.

Exit status: 0 done (and the required success rate reached, if one was asked for), 1 not reached, 7 every episode ended
by a fault, otherwise one sentence
on stderr and the status of docs/exit-codes.md; finished episodes are kept.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from segue_core.command_line import main as command_line
from segue_core.exit_status import ExitStatus
from segue_data.contracts import names
from segue_data.storage.atomic import write_text
from segue_eval import options
from segue_eval.build import Setup, SimulatedRunner, check
from segue_eval.claims import Claim, rate_claim
from segue_eval.evaluate import evaluate
from segue_eval.plots import write_page
from segue_eval.progress_bar import ProgressBar
from segue_eval.recording import film_seeds
from segue_eval.report import write_run_report
from segue_eval.report.film_progress import FilmProgress
from segue_eval.result import EpisodeResult
from segue_eval.rows import RowFile
from segue_eval.seeds import parse_seeds
from segue_eval.settings import DEFAULT_SEEDS, EvalOptions, ReportOptions
from segue_eval.suite.cli import (
    print_suites,
    refuse_suite_options,
    run_suite_command,
)
from segue_eval.suite.find import suite_names
from segue_eval.summary import (
    endings,
    explained,
    faults,
    policy_notes,
    shortenings,
    success_interval,
    table,
    to_csv,
    to_json,
)
from segue_eval.verbs import VERBS
from segue_policies.method import policy_names

_FILMED_FAILURES = 3
DONE, NOT_REACHED = ExitStatus.SUCCESS, ExitStatus.TASK_FAILED


def _policy(arguments: EvalOptions, setup: Setup) -> str:
    return Path(setup.checkpoint).name if arguments.checkpoint else setup.policy


def _folder(arguments: EvalOptions, setup: Setup) -> Path:
    """A name that says what it is, stable for equal arguments, so that the same command resumes."""
    values = setup.scheduler
    ramp = values.get("ramp", "auto")
    policy = _policy(arguments, setup)
    name = f"{setup.task}-{policy}-{values['continuation']}-s{values['stride']}-d{values['delay']}-r{ramp}"
    name += f"-{Path(setup.progress).name}" if setup.progress else ""
    name += f"-pass{setup.tries}" if setup.tries > 1 else ""
    return Path(arguments.out or Path("runs") / "eval" / name)


def _claims(arguments: EvalOptions, results: Sequence[EpisodeResult]) -> list[Claim]:
    if arguments.require_success is None or not results:
        return []
    low, high = success_interval(results)
    rate = sum(result.success for result in results) / len(results)
    return [rate_claim("success_rate", low, high, arguments.require_success, rate)]


def _print(name: str, results: Sequence[EpisodeResult], claims: Sequence[Claim]) -> None:
    low, high = success_interval(results)
    ends = ", ".join(f"{rule} {count}" for rule, count in sorted(endings(results).items()))
    width = shutil.get_terminal_size().columns
    print(table({name: results}, width))
    won = f"{sum(result.success for result in results)}/{len(results)}"
    print(f"\nsuccess {won}, 95 % interval {100 * low:.1f}..{100 * high:.1f} %")
    print(f"ended by: {ends}")
    for reason, count in faults(results).items():
        print(textwrap.fill(f"fault of {count} of {len(results)}: {reason}", width, break_on_hyphens=False))
    print(textwrap.fill(f"{explained('interventions')[0]} (docs/control.md)", width))
    for line in (*shortenings(results), *policy_notes(results)):
        print(f"note: {line}")
    for claim in claims:
        print(f"claim {claim.id}: {claim.verdict}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def _save(
    arguments: EvalOptions, folder: Path, data: dict[str, object], results: list[EpisodeResult]
) -> None:
    text = json.dumps(data, indent=2) + "\n"
    for path in filter(None, (folder / "summary.json", arguments.json_file)):
        _write(path, text)
    for path in filter(None, (folder / "rows.csv", arguments.csv)):
        _write(path, to_csv(results))
    write_page(folder / "report.html", folder.name, data, results)


def run_eval(arguments: EvalOptions) -> int:
    """Evaluate a suite or one setup; prints the table and returns the exit status."""
    if arguments.suite == "list":
        return print_suites(suite_names())
    if arguments.suite:
        return run_suite_command(arguments)
    return _run_setup(arguments)


def _run_setup(arguments: EvalOptions) -> int:
    refuse_suite_options(arguments)
    seeds, setup = (
        parse_seeds(arguments.seeds or DEFAULT_SEEDS),
        replace(options.setup_from(arguments, arguments.progress), tries=arguments.tries),
    )
    for note in check(setup):
        print(f"note: {note}", file=sys.stderr)
    folder = _folder(arguments, setup)
    if arguments.fresh:
        (folder / "rows.jsonl").unlink(missing_ok=True)
    rows = RowFile(folder / "rows.jsonl", setup.to_dict())
    done = sum(seed in rows.results for seed in seeds)
    bar = ProgressBar(len(seeds), folder.name, done, quiet=arguments.quiet)
    try:
        results = evaluate(SimulatedRunner(setup), seeds, rows, arguments.workers, bar)
    finally:
        bar.close()
    claims = _claims(arguments, results)
    _print(f"{_policy(arguments, setup)}, {setup.scheduler['continuation']}", results, claims)
    data = to_json(setup.to_dict(), results, claims)
    _save(arguments, folder, data, results)
    print(f"rows, table and plots: {folder}")
    if faulted := faults(results):
        print(f"which seeds had a fault: {folder / 'report.html'}; what faults mean: docs/exit-codes.md")
    if arguments.videos:
        for film in film_seeds(setup, results, folder, _FILMED_FAILURES):
            print(f"video and report: {film}")
        write_page(folder / "report.html", folder.name, data, results)  # with links to them
    if sum(faulted.values()) == len(results) > 0:
        return ExitStatus.RUN_FAILED
    reached = all(claim.statistics["rate"] >= claim.statistics["wanted"] for claim in claims)
    return DONE if reached else NOT_REACHED


def run_report(arguments: ReportOptions) -> int:
    """Write the report of a recorded run (again); returns the exit status."""
    metrics = write_run_report(arguments.run, FilmProgress())
    print(f"{arguments.run / 'report.html'}: {metrics['reason']}")
    return DONE


def known(kind: str) -> list[str]:
    """Names of a kind; every method is a policy, too."""
    return sorted({*names(kind), *(policy_names() if kind == "policies" else ())})


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, run, and turn errors into a sentence and a status."""
    return command_line.main(argv, VERBS, known, "segue", "the same command goes on from here")


if __name__ == "__main__":
    sys.exit(main())
