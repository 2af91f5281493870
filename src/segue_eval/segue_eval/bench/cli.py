"""`segue bench NAME`: tables; `--json`: numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus
from segue_core.policy import Policy
from segue_core.progress.estimator import RATE_HZ
from segue_data.contracts import config_folder, load_robot, load_task, robot_names
from segue_data.storage.atomic import write_text
from segue_eval.bench.timing import Timing, ratio_table
from segue_eval.build import Setup, check, deployment, method_for
from segue_eval.options import default_checkpoint, setup_from
from segue_eval.seeds import parse_seeds
from segue_eval.settings import (
    BenchChain,
    BenchContinuation,
    BenchControl,
    BenchData,
    BenchLive,
    BenchPolicy,
    BenchProgress,
    BenchReaction,
    BenchScheduler,
    BenchServed,
    BenchStart,
    BenchTokens,
    BenchTrain,
    BenchWorldModel,
    Numbers,
)
from segue_policies.checkpoints.shipped import refuse_unshipped
from segue_policies.deployment import Deployment
from segue_policies.estimator_loading import estimator_folder, make_estimator
from segue_policies.method import methods
from segue_policies.policy_loading import make_policy, method_in
from segue_policies.runtime import Runtime
from segue_policies.training.command.arguments import read_settings


def _done(options: Numbers, report: Mapping[str, object]) -> int:
    if options.json_file:
        options.json_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(options.json_file, json.dumps(report, indent=2) + "\n")
    return ExitStatus.SUCCESS


def _ratios(what: str, title: str, timings: Mapping[str, Timing], base: str) -> dict[str, object]:
    print(ratio_table(title, timings, base))
    reference = timings[base].median_s
    return {
        "bench": what,
        "base": base,
        "ratios": {name: value.median_s / reference for name, value in timings.items()},
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
    }


def run_scheduler(options: BenchScheduler) -> int:
    """Time ticks of the scheduler."""
    from segue_eval.bench import scheduler

    timings = scheduler.bench_scheduler(options.ticks)
    return _done(options, _ratios("scheduler", "one scheduler tick, H = 60, D = 14", timings, scheduler.BASE))


def _served(options: BenchServed, answering: Mapping[str, Any] | None = None) -> Policy:
    """The policy that is timed, of a checkpoint or by name, with the policy options `answering`."""
    runtime = Runtime(options.device, options.dtype, threads=options.threads)
    if options.checkpoint:
        folder = Path(options.checkpoint)
        return make_policy(method_in(folder), Deployment(folder, runtime=runtime, options=answering or {}))
    method, task = method_for(options.policy), load_task(options.task)
    folder = default_checkpoint(options.policy, options.task)
    if method.privileged:
        text = f"policy {options.policy!r} is told the state of a world, and there is none"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    if method.checkpoint:
        refuse_unshipped(folder, options.policy, options.task)
    setup = Setup(options.task, options.policy, str(folder))
    given = replace(deployment(setup, load_robot(task.robot), task), options=answering or {})
    return make_policy(method, replace(given, runtime=runtime))


def run_policy(options: BenchPolicy) -> int:
    """Time chunks of a policy."""
    from segue_eval.bench import policy

    served, asked = _served(options), options.policy_options
    others = {str(asked): _served(options, asked)} if asked else {}
    timings = policy.bench_policy(served, options.rounds, others, load_task(options.task).instruction)
    return _done(options, _ratios("policy", f"one chunk of {served.info.name}", timings, policy.BASE))


def run_progress(options: BenchProgress) -> int:
    """Time estimates."""
    from segue_eval.bench import progress

    folder = Path(estimator_folder(options.progress, options.task, config_folder() / "checkpoints"))
    estimator = make_estimator(folder, Runtime(options.device, options.dtype, threads=options.threads))
    timing = progress.bench_estimator(estimator, options.rounds)
    share = timing.median_s * RATE_HZ
    print(f"one estimate {1e3 * timing.median_s:.1f} ms (99 %: {1e3 * timing.p99_s:.1f} ms)")
    print(f"asked {RATE_HZ:g} times a second: {100 * share:.1f} % of a core")
    report = {"median_s": timing.median_s, "p99_s": timing.p99_s, "share_of_core": share}
    return _done(options, {"bench": "progress", **report})


def run_world_model(options: BenchWorldModel) -> int:
    """What a policy's memory and its imagination cost."""
    from segue_eval.bench import world_model

    found = world_model.bench_world_model(_served(options), options.rounds, options.stride)
    print(world_model.table(found))
    return _done(options, {"bench": "world_model", **asdict(found)})


def run_tokens(options: BenchTokens) -> int:
    """Time a policy that answers token by token."""
    from segue_eval.bench import tokens

    found = tokens.bench_tokens(_streams(options), options.horizons, options.beams, options.rounds)
    print(tokens.table(found))
    return _done(options, {"bench": "tokens", "streams": [asdict(one) for one in found]})


def _streams(options: BenchTokens) -> Any:
    from segue_eval.bench.tokens import WIDEST

    folder = Path(options.checkpoint) if options.checkpoint else None
    method = method_in(folder) if folder else method_for(options.policy)
    if not method.tokens:
        text, can = (
            f"policy {method.name!r} does not answer token by token",
            [m.name for m in methods() if m.tokens],
        )
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=can)
    Runtime("cpu", "float32", threads=options.threads).prepare()
    settings = {} if folder else read_settings(config_folder() / "training" / f"{options.policy}.yaml")
    if not folder:
        settings["horizon"] = max(settings["horizon"], *options.horizons)  # of weights that nobody trained
    streams = method.resolve("tokens")(settings, folder)
    for name, given, most in (
        ("horizons", options.horizons, streams.actions),
        ("beams", options.beams, WIDEST),
    ):
        if not all(1 <= one <= most for one in given):
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, name, got=given, expected=f"each of 1 to {most}"
            )
    return streams


def run_chain(options: BenchChain) -> int:
    """Time an inference of Chain-of-Action beside those of other methods."""
    from segue_eval.bench import chain

    timings, parameters = chain.bench_chain(options.size, options.actions, options.rounds)
    title = f"one chunk, chains of {options.actions} actions, {options.size} size"
    report = _ratios("chain", title, timings, chain.BASE)
    print(chain.shares(timings, parameters, options.rate_hz))
    return _done(options, {**report, "parameters": dict(parameters)})


def run_reaction(options: BenchReaction) -> int:
    """Ticks from moving an object to the arm's turn."""
    from segue_eval.bench import reaction

    setup = setup_from(options)
    check(setup)
    found = list(reaction.reactions(setup, parse_seeds(options.seeds), options.shift_m))
    print(reaction.table(found))
    return _done(
        options, {"bench": "reaction", "setup": setup.to_dict(), "rows": [asdict(one) for one in found]}
    )


def run_live(options: BenchLive) -> int:
    """What recorded runs commanded, beside lockstep."""
    from segue_eval.bench import live

    motions = live.compare(options.runs)
    print(live.table(motions))
    return _done(options, {"bench": "live", "motions": [asdict(motion) for motion in motions]})


def run_data(options: BenchData) -> int:
    """Recorder and converter under load."""
    from segue_data.bench import command

    report = command.run(options.seconds, options.workers)
    print(command.table(report))
    return _done(options, report)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run_train(options: BenchTrain) -> int:
    """Training speed here and in LeRobot, or of a step here and written plainly."""
    from segue_eval.bench import train, train_step
    from segue_policies.training.engine import resolve

    if options.lerobot_python is None:
        if options.device == "cuda":
            text = "--device: Legato's step is timed on the processor"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got="cuda", allowed=("auto", "cpu"))
        step = train_step.bench_step(options.data, options.batch_size, options.rounds, options.threads, _say)
        print(train_step.table(step))
        return _done(options, step)
    asked = train.TrainBenchOptions(
        lerobot=options.lerobot_python,
        data=options.data,
        sizes=options.sizes,
        batch=options.batch_size,
        rounds=options.rounds,
        threads=options.threads,
        device=resolve(options.device),
    )
    report = train.bench_train(asked, _say)
    print(train.table(report))
    return _done(options, report)


def run_control(options: BenchControl) -> int:
    """Updates of every controller, punctuality of loops."""
    from segue_eval.bench import control

    wanted = options.robots.split(",") if options.robots else robot_names()
    robots = [load_robot(name) for name in wanted]
    try:
        timings = control.bench_updates(robots, options.updates, options.realtime)
    except PermissionError as error:
        text = f"real-time scheduling is not permitted here: {error}"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text) from error
    print(control.update_table(timings))
    loops = {}
    for robot in robots:
        loops[robot.name] = control.bench_loops(robot, options.loop_seconds, options.realtime)
        print("\n" + control.loop_table(robot.name, loops[robot.name]))
    report = {
        "bench": "control",
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
        "loops": {
            name: {f"{rate:.0f}": asdict(loop) for rate, loop in found.items()}
            for name, found in loops.items()
        },
    }
    return _done(options, report)


def run_start(options: BenchStart) -> int:
    """From the command to a moving robot; and to the answer of a Tab, or of a mistyped word."""
    from segue_eval.bench import answers, start

    clones = [start.this_clone(), *(folder.absolute() for folder in options.beside)]
    answered = answers.bench_answers(clones, options.answers, start.before_us()) if options.answers else {}
    if answered:
        print(answers.table(answered))
    found = start.bench_start(clones, options.rounds, start.say) if options.rounds else {}
    if found:
        print(start.table(found))
    report = {
        "bench": "start",
        "answers_median_ms": {
            clone: {question: answers.medians_ms(each) for question, each in one.items()}
            for clone, one in answered.items()
        },
        "median_s": {clone: start.medians(starts) for clone, starts in found.items()},
        "starts": {clone: [asdict(one) for one in starts] for clone, starts in found.items()},
    }
    return _done(options, report)


def run_continuation(options: BenchContinuation) -> int:
    """What each continuation adds."""
    from segue_eval.bench import continuation

    timings = continuation.bench_continuation(options.rounds)
    cost = continuation.bench_tick(options.ticks)
    print(continuation.table(timings, cost))
    report = {
        "bench": "continuation",
        "base": "plain chunk of the same size",
        "ratios": continuation.ratios(timings),
        "median_s": {name: value.median_s for name, value in timings.items()},
        "p99_s": {name: value.p99_s for name, value in timings.items()},
        "tick_us": asdict(cost),
    }
    return _done(options, report)
