"""The commands of this package: where their settings and their work are."""

from __future__ import annotations

from segue_core.command_line.verb import Verb, Verbs

_OPTIONS = "segue_policies.option_settings:with_policy_options"


def _bench(name: str, about: str) -> Verb:
    settings = name.title().replace("_", "")
    return Verb(about, f"segue_eval.settings:Bench{settings}", f"segue_eval.bench.cli:run_{name}", _OPTIONS)


BENCH: Verbs = {
    "scheduler": _bench("scheduler", "a tick of the scheduler with every continuation"),
    "policy": _bench("policy", "a chunk of a policy"),
    "progress": _bench("progress", "an estimate of a task's progress"),
    "world_model": _bench("world_model", "what a policy's memory and its imagination cost"),
    "tokens": _bench("tokens", "a policy that answers token by token: lengths, beams, kept keys, streaming"),
    "chain": _bench("chain", "an inference of Chain-of-Action beside ACT and Diffusion Policy"),
    "reaction": _bench("reaction", "ticks from moving an object to the arm's turn"),
    "continuation": _bench("continuation", "what each continuation adds"),
    "control": _bench("control", "updates of every controller, punctuality of loops"),
    "start": _bench("start", "from `./segue run` to a moving robot, part by part"),
    "live": _bench("live", "what recorded runs commanded, beside lockstep"),
    "data": _bench("data", "recorder and converter under load"),
    "train": _bench("train", "training speed of ACT here and in LeRobot"),
}

VERBS: Verbs = {
    "eval": Verb(
        "many seeds in lockstep, or a paper's table",
        "segue_eval.settings:EvalOptions",
        "segue_eval.cli:run_eval",
        _OPTIONS,
    ),
    "corrections": Verb(
        "what the expert would have done where a policy went",
        "segue_eval.settings:CorrectionOptions",
        "segue_eval.corrections_cli:run_corrections",
        _OPTIONS,
    ),
    "finetune": Verb(
        "a policy or a progress estimator with the policy's own episodes",
        "segue_eval.settings:FinetuneOptions",
        "segue_eval.online.command:run_finetune",
        _OPTIONS,
    ),
    "compare": Verb(
        "other continuations on a recorded episode; nothing moves",
        "segue_eval.settings:CompareOptions",
        "segue_eval.compare.cli:run_compare",
    ),
    "picture": Verb(
        "what a policy would do at a frame of a dataset",
        "segue_eval.settings:PictureOptions",
        "segue_eval.plan_picture:run_picture",
    ),
    "report": Verb(
        "video, numbers and page of a run, again",
        "segue_eval.settings:ReportOptions",
        "segue_eval.cli:run_report",
    ),
    "bench": BENCH,
}
