"""The subcommand `run`."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import Graph, Scalar, load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.run.folder import RunFolder, create_run_folder, refuse_full_disk, write_json
from segue_bringup.run.interrupts import Interrupts, refused_output
from segue_bringup.run.leftovers import recording_status, spoiled
from segue_bringup.run.record import own_terminal, terminal_kept
from segue_bringup.run.refusals import refuse_before_start
from segue_bringup.settings import POLICY_SIDE, RunOptions
from segue_bringup.supervision.commands import executable_path, make_fork_server
from segue_bringup.supervision.forked import ForkServer
from segue_bringup.usage import say_unused
from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_core.exit_status import ExitStatus, ending, exit_status

_OWN = (
    "robot",
    "task",
    "policy",
    "seed",
    "record",
    "runs",
)  # launch arguments that this command reads itself
# Of the scheduler node's own numbers, those that the bag does not tell.
_NODE_METRICS = (
    "requests",
    "failed_requests",
    "refused_chunks",
    "late_chunks",
    "skipped_ticks",
    "longest_tick_ms",
    "real_time_factor",
)


def run(options: RunOptions) -> int:
    """Do it; the exit status, see `ExitStatus`. Errors before a run are raised as SegueError."""
    graph = load_graph().without(POLICY_SIDE if options.remote_policy else ())
    given = _given(options, graph)
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, _OWN)
    with make_fork_server(plan) as server:  # imports while the rest is checked
        _check_before_starting(graph, plan)
        return _run(options, graph, given, _make_folder(plan), server)


def _run(
    options: RunOptions, graph: Graph, given: dict[str, Scalar], folder: RunFolder, server: ForkServer
) -> int:
    # From here on a signal, or a reader that quits, stops the run, and takes nothing of what it leaves behind.
    with Interrupts() as interrupts:
        plan = make_plan(graph, {**given, "runs": str(folder.bag)})
        folder.write_configuration(graph, plan)
        try:
            status, told = _episode(options, plan, folder, interrupts, server)
            if not Path(told["bag"]).is_dir():  # it could not even be closed
                told |= {"bag": ""}
            if plan.arguments["record"]:
                status = spoiled(status, recording_status(told["bag"], folder.root))
            told |= {"exit_status": int(status)}
        except SegueError as error:
            told = _failure(error, plan)
            _keep_result(folder, told)
            _write_json(options, told | {"run": str(folder.root)})
            raise
        kept = _keep_result(folder, told)
        if not kept:
            status = spoiled(status, ExitStatus.ENVIRONMENT)
        metrics = told["metrics"]
        if told["bag"] and options.report:
            metrics, trouble = _report(folder, told, interrupts, quiet=options.quiet)
            status = spoiled(status, trouble)
        if refused_output():
            status = spoiled(status, ExitStatus.ENVIRONMENT)
        changed, told = status != told["exit_status"], told | {"exit_status": int(status)}
        if kept and changed:
            _keep_result(folder, told)
        _tell(options, told | {"metrics": metrics, "run": str(folder.root)})
    return int(status)


def _keep_result(folder: RunFolder, told: dict[str, Any]) -> bool:
    """Write result.json; a disk that refuses is said, and the outcome is still told."""
    try:
        folder.write_result(told)
    except OSError as error:
        print(f"segue run: {folder.root}/result.json is not written: {error.strerror}", file=sys.stderr)
        return False
    return True


def _given(options: RunOptions, graph: Graph) -> dict[str, Scalar]:
    given = given_arguments(graph, options.launch)
    if given.get("teleop", "none") != "none":
        given.setdefault("terminal", own_terminal())
    return given


def _check_before_starting(graph: Graph, plan: Plan) -> None:
    """What can be refused without starting anything: the checkpoint, the display, the executables."""
    for node in plan.nodes:
        executable_path(node.package, node.executable)
    refuse_full_disk(Path(str(plan.arguments["runs"])), recorded=bool(plan.arguments["record"]))
    if doubts := refuse_before_start(plan):
        print(f"note: {doubts}", file=sys.stderr)
    if plan.arguments["view"]:
        from segue_sim.viewing import why_no_window

        reason = why_no_window(os.environ)
        if reason:
            raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, f"--view: {reason}")


def _make_folder(plan: Plan) -> RunFolder:
    arguments = plan.arguments
    parent = Path(str(arguments["runs"]))
    return create_run_folder(
        parent, str(arguments["task"]), str(arguments["policy"]), datetime.now().astimezone()
    )


def _episode(
    options: RunOptions, plan: Plan, folder: RunFolder, interrupts: Interrupts, server: ForkServer
) -> tuple[ExitStatus, dict[str, Any]]:
    from segue_bringup.run.display import Shown, make_display
    from segue_bringup.run.episode import Episode
    from segue_bringup.run.outcome import describe
    from segue_interfaces.action import RunTask

    arguments = plan.arguments
    seed = int(arguments["seed"])
    shown = Shown(f"{arguments['task']} with {arguments['policy']}, seed {seed}")
    goal = RunTask.Goal(task=str(arguments["task"]), seed=seed, record=bool(arguments["record"]))
    with terminal_kept():
        display = make_display(shown, options.quiet)
        try:
            episode = Episode(plan, folder, shown, display, interrupts, options.timeout, server=server)
            ending, result = episode.run(goal)
        finally:
            display.close()
    return describe(ending, result, arguments, seed)


def _report(
    folder: RunFolder, told: dict[str, Any], interrupts: Interrupts, quiet: bool
) -> tuple[dict[str, Any], ExitStatus]:
    """Video, page and metrics: these with the run's own, and SUCCESS, or the status of why one is not made."""
    from segue_eval.report import write_run_report
    from segue_eval.report.film_progress import FilmProgress
    from segue_eval.report.write import METRICS, PAGE, VIDEO

    try:
        with interrupts.heeded():
            metrics = write_run_report(folder.root, *(() if quiet else (FilmProgress(),)))
    except (SegueError, OSError) as error:
        status, why = ending(error)
        missing = ", ".join(name for name in (PAGE, VIDEO, METRICS) if not (folder.root / name).is_file())
        again = f"`./segue report {folder.root}` makes what is missing"
        print(f"segue run: no {missing or PAGE}: {why}; {again}", file=sys.stderr)
        return told["metrics"], status
    except KeyboardInterrupt:
        print(
            f"segue run: the report is not finished; `segue report {folder.root}` makes it", file=sys.stderr
        )
        return told["metrics"], ExitStatus.INTERRUPTED
    own = {k: told["metrics"][k] for k in _NODE_METRICS if k in told["metrics"]}
    return {**metrics, **own}, ExitStatus.SUCCESS


def _failure(error: SegueError, plan: Plan) -> dict[str, Any]:
    return {
        "success": False,
        "outcome": "error",
        "reason": str(error),
        "seed": int(plan.arguments["seed"]),
        "starved_ticks": 0,
        "episode_s": 0.0,
        "metrics": {},
        "error_code": int(error.code),
        "exit_status": int(exit_status(error)),
        "arguments": dict(plan.arguments),
    }


def _tell(options: RunOptions, told: dict[str, Any]) -> None:
    from segue_bringup.run.outcome import print_outcome

    _write_json(options, told)
    print_outcome(told, Console())


def _write_json(options: RunOptions, told: dict[str, Any]) -> None:
    if options.json_file:
        write_json(options.json_file, told)
