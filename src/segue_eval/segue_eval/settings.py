"""What `segue eval`, `corrections`, `compare`, `report` and `bench` take, as typed models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel
from segue_core.contracts.plain import Options
from segue_core.scheduler_config import MaxActionAge, RunSettings
from segue_eval.seeds import TEST_SEEDS, parse_seeds
from segue_policies.runtime import Dtype
from segue_policies.training.config import Device

_JUDGES = "segue_core.command_line.judges"
_SEEDS = Word(judge=f"{_JUDGES}:seeds")
DEFAULT_SEEDS = f"{TEST_SEEDS.start}:{TEST_SEEDS.stop}"


def default_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SetupOptions(RunSettings):
    """What is evaluated."""

    GROUP: ClassVar[str] = "Task"
    task: Annotated[str, Word(names="tasks")] = Field(default="pick_place", description="task, by name")
    policy: Annotated[str, Word(names="policies")] = Field(
        default="legato", description="policy, by name; else the method of the checkpoint that is named"
    )
    checkpoint: str | None = Field(
        default=None, description="checkpoint folder; else the shipped one of policy and task"
    )
    policy_options: Options = Field(
        default={},
        description="how the policy answers, as YAML, such as {guidance: 2.0}; each method names its own, which a "
        "command takes by their names, too",
    )
    randomisation: Options = Field(
        default={},
        description="what changes with the seed, as YAML, such as {light: 0.6, textures: true} or {spread: 0.5}; else "
        "as the task has it (docs/tasks.md)",
    )
    device: str = Field(default="auto", description="where the policy computes: auto, cpu, cuda or cuda:N")
    dtype: Dtype = Field(
        default="float32", description="what the policy's convolutions and matrices compute in"
    )
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="robot, by name; else the task's"
    )
    continuation: str = Field(default="", description="continuation, by name; empty: the policy's own")
    max_action_age_s: MaxActionAge = None
    latency: str = Field(
        default="planned",
        description="ticks an answer takes: planned, TICKS, LOW:HIGH, or measured (what computing it took)",
    )


class Seeded(StrictModel):
    """Which episodes."""

    @field_validator("seeds", check_fields=False)
    @classmethod
    def _are_seeds(cls, text: str | None) -> str | None:
        if text is not None:
            parse_seeds(text)
        return text


class EvalOptions(SetupOptions, Seeded):
    """Run a policy, or a paper's table, over many seeds in lockstep and print the table."""

    GROUP: ClassVar[str] = "This evaluation"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue eval --seeds 0:50                          fifty episodes of the default
  segue eval robot=franka task=push_button policy=act --videos
  segue eval list                                  the papers' tables that there are
  segue eval legato-table1 --quick                 one of them, its small version
"""
    suite: Annotated[str | None, Word(names="suites", place=True, free=True, judge=f"{_JUDGES}:suite")] = Field(
        default=None, description="table of a paper, a file of config/suites, or list; else a single setup is evaluated"
    )  # fmt: skip
    progress: str = Field(
        default="",
        description="a trained progress estimator that looks on, beside any policy: its folder, or its method "
        "(progress_estimator) for the task's shipped one; empty: none",
    )
    seeds: Annotated[str | None, _SEEDS] = Field(
        default=None, description=f"FIRST:END, END excluded, or a list; else {DEFAULT_SEEDS}, or what the suite says"
    )  # fmt: skip
    tries: int = Field(
        default=1, ge=1, le=100, description="attempts at each seed with other noise of the policy, of which one has "
        "to succeed (Pass@N)",
    )  # fmt: skip
    workers: int = Field(default_factory=default_workers, ge=1, le=1024, description="processes")
    out: Path | None = Field(
        default=None, description="folder for rows, table and plots; else runs/eval/<setup>"
    )
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for setup, summary, claims and rows"
    )
    csv: Path | None = Field(default=None, description="file for one line per episode")
    fresh: bool = Field(default=False, description="forget the finished episodes of this setup")
    videos: bool = Field(
        default=False, description="also film the best, the worst and up to three failed seeds"
    )
    quiet: bool = Field(default=False, description="show no progress")
    require_success: float | None = Field(
        default=None, ge=0, le=1, description="exit with status 1 below this success rate"
    )
    quick: bool = Field(default=False, description="suite: its small version, fewer tasks and seeds")
    tasks: Annotated[str | None, Word(names="tasks", commas=True)] = Field(
        default=None, description="suite: only these of its tasks, with commas"
    )
    checkpoints: Path | None = Field(
        default=None, description="suite: folder with the checkpoints, one folder each; else config/checkpoints"
    )  # fmt: skip

    modes: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="suite: seeds on which two-moded requests of its policies are counted; else 2, with --quick none",
    )

    @field_validator("suite")
    @classmethod
    def _is_a_suite(cls, name: str | None) -> str | None:
        from segue_eval.suite.find import full_name

        if name not in (None, "list"):
            full_name(name)
        return name


class CorrectionOptions(SetupOptions, Seeded):
    """Let a policy act in simulation and write down, at every request, what the expert would have done from there.

    The policy must be one that is shown its plan (legato, rtc). `segue train --corrections FOLDER` learns from it when
    not to trust a plan that turned out wrong.
    """

    GROUP: ClassVar[str] = "This collection"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue corrections --checkpoint trained --seeds 30000:30500 --out data/corrections
  segue train --config CONFIG --data DATASET --init trained --corrections data/corrections --out better
"""
    seeds: Annotated[str, _SEEDS] = Field(description="FIRST:END, END excluded; not those you evaluate on")
    out: Path = Field(description="folder for the corrections, new or unfinished")
    workers: int = Field(default_factory=default_workers, ge=1, le=1024, description="processes")
    quiet: bool = Field(default=False, description="show no progress")


class FinetuneOptions(SetupOptions, Seeded):
    """Roll a policy out in simulation and learn from its episodes, round by round; the same command goes on.

    What learns is the progress estimator that is named, or else the policy itself, if its method can. Episodes that
    succeeded teach the estimator, and every third of them is held out, to calibrate its stop anew and to judge it.
    """

    GROUP: ClassVar[str] = "This finetuning"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue finetune --task drawer --policy legato --progress progress_estimator --seeds 110000:110030 --out finer
  segue finetune --task drawer --checkpoint trained/policy --seeds 110000:110030 --out finer
"""
    progress: str = Field(
        default="",
        description="the progress estimator that learns: its folder, or its method for the task's shipped one; empty: "
        "the policy learns",
    )
    seeds: Annotated[str, _SEEDS] = Field(
        default="110000:110030", description="FIRST:END, END excluded; not those you evaluate on"
    )
    rounds: int = Field(default=3, ge=1, le=1000, description="times that it rolls out and learns")
    learn: Options = Field(
        default={},
        description="how it learns, as YAML, such as {margin: 0.05, steps: 150}; each method names its own",
    )
    out: Path = Field(description="folder for the finetuned checkpoint, new or unfinished")
    workers: int = Field(default_factory=default_workers, ge=1, le=1024, description="processes")
    quiet: bool = Field(default=False, description="show no progress")


class PictureOptions(StrictModel):
    """What a policy would do at a frame of a dataset, drawn into the cameras' pictures; nothing moves.

    Green is its plan, red what was demonstrated. A policy that tells what its actions look at has that drawn below.
    """

    checkpoint: Path = Field(description="checkpoint folder")
    data: Path = Field(description="dataset with the frame")
    episode: int = Field(default=0, ge=0, description="which one, from 0")
    frame: int = Field(default=0, ge=0, description="which frame of it, from 0")
    robot: Annotated[str | None, Word(names="robots")] = Field(
        default=None, description="whose cameras, by name; else the dataset's"
    )
    out: Path | None = Field(default=None, description="file, .png; else DATASET-plan-EPISODE-FRAME.png")


class CompareOptions(StrictModel):
    """Re-run the scheduler and the policy on a recorded episode's observations with each continuation.

    Seam metrics are printed; nothing moves. With --verify the recorded inputs are replayed and every command is
    compared, bit for bit; exit status 1 if one differs.
    """

    bag: Annotated[Path, Word(place=True)] = Field(description="a bag folder, or a run folder with one in it")
    continuations: Annotated[str | None, Word(names="continuation", commas=True, also=("methods",))] = Field(
        default=None, description="continuations, with commas; NAME=DIR takes another checkpoint; else all"
    )  # fmt: skip
    verify: bool = Field(default=False, description="replay the recorded run and compare")
    checkpoint: Path | None = Field(default=None, description="checkpoint folder; else the one that ran")
    stride: int | None = Field(default=None, ge=1, le=1024, description="ticks; else as recorded")
    delay: int | None = Field(default=None, ge=0, le=1024, description="ticks; else as recorded")
    ramp: int | None = Field(default=None, ge=0, le=1024, description="ticks; else as recorded")
    latency: str = Field(
        default="planned",
        description="ticks an answer takes: planned (the delay), TICKS, LOW:HIGH or measured",
    )
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the numbers"
    )
    out: Path | None = Field(default=None, description="folder for compare.html; else beside the bag")


class ReportOptions(StrictModel):
    """Write video, metrics and page of a recorded run (again)."""

    run: Annotated[Path, Word(place=True)] = Field(description="run folder with a bag in it")


class Numbers(StrictModel):
    """Where numbers go."""

    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the numbers"
    )


class BenchScheduler(Numbers):
    """Time a tick of the scheduler with every continuation, as ratios measured in one run."""

    ticks: int = Field(default=3000, ge=1, le=10**8, description="timed ticks per continuation")


class BenchServed(Numbers):
    """Something that a policy's chunks are timed for."""

    policy: Annotated[str, Word(names="policies")] = Field(default="legato", description="policy, by name")
    task: Annotated[str, Word(names="tasks")] = Field(
        default="pick_place", description="task whose shipped checkpoint is timed"
    )
    checkpoint: str | None = Field(default=None, description="checkpoint folder; else the shipped one")
    device: str = Field(default="auto", description="where it computes: auto, cpu, cuda or cuda:N")
    dtype: Dtype = Field(default="float32", description="what its convolutions and matrices compute in")
    threads: int = Field(default=1, ge=1, le=1024, description="threads of the processor")
    rounds: int = Field(default=40, ge=1, le=10**6, description="timed chunks per sampling")


class BenchPolicy(BenchServed):
    """Time a chunk of a policy, as a ratio measured in one run."""

    policy_options: Options = Field(
        default={},
        description="also time chunks that answer so, as YAML, such as {guidance: 2.0}; each method names its own",
    )


class BenchProgress(Numbers):
    """Time a progress estimator: one estimate, and what share of a core it takes as often as it is asked."""

    progress: str = Field(
        default="progress_estimator", description="its folder, or its method for the task's shipped one"
    )
    task: Annotated[str, Word(names="tasks")] = Field(default="drawer", description="task that it looks at")
    device: str = Field(default="auto", description="where it computes: auto, cpu, cuda or cuda:N")
    dtype: Dtype = Field(default="float32", description="what its convolutions and matrices compute in")
    threads: int = Field(default=1, ge=1, le=1024, description="threads of the processor")
    rounds: int = Field(default=40, ge=1, le=10**6, description="timed estimates")


class BenchWorldModel(BenchServed):
    """Time a world model chunk by chunk of one long task, with and without what it keeps."""

    policy: Annotated[str, Word(names="policies")] = Field(
        default="lingbot_va", description="policy, by name"
    )
    rounds: int = Field(default=50, ge=10, le=10**4, description="chunks of the task")
    stride: int = Field(default=16, ge=1, le=1024, description="ticks from one chunk to the next")


class BenchTokens(Numbers):
    """Time a policy that answers token by token: the first action and the whole stream, of every length and width."""

    policy: Annotated[str, Word(names="policies")] = Field(
        default="action_stream", description="policy, by name; fresh weights of its training's size"
    )
    checkpoint: str | None = Field(default=None, description="checkpoint folder instead of fresh weights")
    horizons: tuple[int, ...] = Field(
        default=(1, 2, 4, 10),
        min_length=1,
        description="actions of the streams, at most those of the training",
    )
    beams: tuple[int, ...] = Field(default=(1, 2, 4), min_length=1, description="widths; 1 is greedy")
    threads: int = Field(default=1, ge=1, le=1024, description="threads of the processor")
    rounds: int = Field(default=3, ge=1, le=10**6, description="timed streams of each")


class BenchChain(Numbers):
    """Time one inference of Chain-of-Action, with kept keys and values and without, beside ACT and Diffusion Policy."""

    size: Literal["small", "paper"] = Field(
        default="small", description="of all networks: those of config/training for a CPU, or the papers'"
    )
    actions: int = Field(default=60, ge=1, le=1024, description="actions of the chain")
    rounds: int = Field(default=10, ge=1, le=10**6, description="timed inferences of each")
    rate_hz: float = Field(
        default=10.0, gt=0, le=1000, description="control rate that they are compared with [Hz]"
    )


class BenchReaction(SetupOptions, Seeded, Numbers):
    """Move an object while a policy is in the middle of a chunk, and count the ticks until the arm turns."""

    GROUP: ClassVar[str] = "This measurement"
    seeds: Annotated[str, _SEEDS] = Field(
        default="20000:20006", description="FIRST:END, END excluded, or a list"
    )
    shift_m: float = Field(default=0.06, gt=0, le=0.3, description="how far the object is moved [m]")


class BenchContinuation(Numbers):
    """Time what each continuation adds to a chunk and to a tick."""

    rounds: int = Field(default=40, ge=1, le=10**6, description="timed chunks per continuation")
    ticks: int = Field(default=3000, ge=1, le=10**8, description="timed ticks per continuation")


class BenchControl(Numbers):
    """Time the updates of every controller on every robot, and the punctuality of loops."""

    robots: Annotated[str | None, Word(names="robots", commas=True)] = Field(
        default=None, description="names of robots, with commas; else all"
    )
    updates: int = Field(default=400, ge=1, le=10**7, description="timed updates per controller")
    loop_seconds: float = Field(default=3.0, gt=0, le=3600, description="length of each loop [s]")
    realtime: bool = Field(
        default=False, description="loops with real-time scheduling (needs the permission)"
    )


class BenchStart(Numbers):
    """Time `./segue run` from the command to a moving robot, part by part, and answers to a Tab or a mistyped word.

    Clones beside this one take turns with it.
    """

    beside: tuple[Path, ...] = Field(
        default=(), description="folders of other clones, such as the commit before"
    )
    rounds: int = Field(default=3, ge=0, le=1000, description="counted starts of each")
    answers: int = Field(default=11, ge=0, le=1000, description="counted answers of each to each word")


class BenchLive(Numbers):
    """Compare what recorded live runs commanded with lockstep of the same seeds."""

    runs: Annotated[tuple[Path, ...], Word(place=True)] = Field(
        description="folders that `segue run` left", min_length=1
    )


class BenchData(Numbers):
    """Time the recorder and the converter under load."""

    seconds: float = Field(default=20.0, gt=0, le=3600, description="length of each recording [s]")
    workers: int = Field(default=2, ge=1, le=1024, description="processes that convert")


class BenchTrain(Numbers):
    """Compare the training speed of our ACT with LeRobot's, or of Legato with a step written plainly, in one run."""

    lerobot_python: Path | None = Field(
        default=None, description="interpreter that has LeRobot; without one Legato's step and a plain one"
    )
    data: Annotated[Path | None, Word(also=("dataset",))] = Field(
        default=None, description="a dataset; else made-up frames"
    )
    sizes: Literal["authors", "small"] = Field(default="authors", description="of the networks")
    batch_size: Annotated[int, Word(also=("batch",))] = Field(
        default=8, ge=1, le=65536, description="observations per step"
    )
    rounds: int = Field(default=3, ge=1, le=1000, description="rounds of each side")
    threads: int = Field(default=2, ge=1, le=1024, description="CPU threads of each side")
    device: Device = Field(
        default="auto", description="auto takes a GPU if there is one; without LeRobot the processor is timed"
    )
