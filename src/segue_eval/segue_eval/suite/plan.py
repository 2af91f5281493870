"""Which cells of a suite can run here, and why the others cannot: a missing part is said, never skipped over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue_core.contracts.search import folder_word, is_world
from segue_core.errors import SegueError
from segue_core.scheduler_config import ChunkLengths
from segue_data.contracts import config_folder, lockstep_robot, lockstep_task
from segue_eval.build import Setup, check
from segue_eval.options import default_continuation, usual_lengths, with_learned_stop
from segue_eval.suite.spec import CellSpec, SuiteSpec
from segue_policies.policy_loading import method_in
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.policy_set import TASK, is_set

_ESTIMATOR = "segue train progress_estimator data=datasets/{task} out={out}"
_LENGTHS = frozenset(ChunkLengths.model_fields)


@dataclass(frozen=True)
class Job:
    """One cell on one task. Either `setup` is there, or `missing` says what is not and which command makes it.

    `notes` are what was shortened to make the setup feasible.
    """

    cell: CellSpec
    task: str
    setup: Setup | None = None
    missing: str = ""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(task, cell)."""
        return self.task, self.cell.id

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.task}: {' '.join(filter(None, (self.cell.group, self.cell.label)))}"


def plan(spec: SuiteSpec, tasks: Sequence[str], checkpoints: Path) -> list[Job]:
    """All jobs of a suite, task by task, in the order of the file.

    Args:
        checkpoints: folder with one folder per checkpoint name.
    """
    return [_job(spec, cell, task, checkpoints) for task in tasks for cell in spec.cells]


def _job(spec: SuiteSpec, cell: CellSpec, task: str, checkpoints: Path) -> Job:
    looks_on = _folder(cell.progress, task, checkpoints)
    missing = (
        _missing_task(task)
        or _missing_checkpoint(checkpoint_of(cell, task, checkpoints), task, cell.made_by)
        or _missing_checkpoint(looks_on, task, cell.made_by or _ESTIMATOR)
    )
    if missing:
        return Job(cell, task, missing=missing)
    try:
        setup = cell_setup(spec, cell, task, checkpoints)
        return Job(cell, task, setup, notes=check(setup))
    except SegueError as error:
        return Job(cell, task, missing=str(error))


def checkpoint_name(cell: CellSpec, task: str) -> str:
    """Folder name of the checkpoint that `cell` uses on `task`; empty for a policy without one."""
    return cell.checkpoint.replace(TASK, folder_word(task))


def checkpoint_of(cell: CellSpec, task: str, checkpoints: Path) -> Path | None:
    """The folder of that checkpoint."""
    return _folder(cell.checkpoint, task, checkpoints)


def _folder(name: str, task: str, checkpoints: Path) -> Path | None:
    return checkpoints / name.replace(TASK, folder_word(task)) if name else None


def cell_setup(spec: SuiteSpec, cell: CellSpec, task: str, checkpoints: Path) -> Setup:
    """What is run; the method of a policy with a checkpoint is the one that this names."""
    folder = checkpoint_of(cell, task, checkpoints)
    policy = cell.policy if folder is None else method_in(folder).name
    continuation = cell.continuation or default_continuation(policy)
    own = usual_lengths(policy, continuation) if folder is None else {}
    scheduler = {
        "continuation": continuation,
        "continuation_options": dict(cell.options),
    } | cell.model_dump(
        include={"stride", "delay", "ramp", "delay_mode"} | (cell.model_fields_set & _LENGTHS)
    )
    scheduler |= {name: length for name, length in own.items() if name not in cell.model_fields_set}
    looks_on = _folder(cell.progress, task, checkpoints)
    return Setup(
        task=task,
        policy=policy,
        checkpoint="" if folder is None else str(folder.resolve()),
        robot=spec.robot or lockstep_task(task).robot,
        scheduler=with_learned_stop(scheduler | dict(cell.scheduler), looks_on),
        latency=cell.latency,
        progress="" if looks_on is None else str(looks_on.resolve()),
        policy_options=cell.policy_options,
        randomisation=cell.randomisation,
        tries=cell.tries,
    )


def _missing_task(task: str) -> str:
    try:
        lockstep_task(task)
    except SegueError as error:
        if is_world(task):
            return str(error)
        tasks = ", ".join(sorted(path.stem for path in (config_folder() / "tasks").glob("*.yaml")))
        return (
            f"task {task!r} is not in this workspace (config/tasks has {tasks}); add config/tasks/{task}.yaml"
        )
    return ""


def _missing_checkpoint(folder: Path | None, task: str, made_by: str) -> str:
    if folder is None or folder.is_dir():
        return ""
    parent = folder.parent
    where = parent.relative_to(Path.cwd()) if parent.is_relative_to(Path.cwd()) else parent
    data = f"datasets/{task}"
    train, then = _training(folder.name, task, where)
    made = (
        made_by.replace(TASK, task).replace("{folder}", str(where)).replace("{out}", str(where / folder.name))
    )
    data_steps: tuple[str, ...] = (
        f"segue data record --task {task} --seeds 100000:100300 --disturb --out demos/{task}",
        f"segue data convert demos/{task} {data}",
    )
    if is_world(task):
        data_steps = (f"segue data record --task {task} --seeds 0:100 --out {data}",)
    needed = data_steps if not made or f"data={data}" in made.split() else ()
    steps = (*needed, made or f"segue train {train} data={data}")
    return f"checkpoint {folder.name} is not in {where}; make it with: {' && '.join(steps)}{'' if made else then}"


def _training(name: str, task: str, where: Path) -> tuple[str, str]:
    """Words for `segue train` that make the checkpoint `name`, and what to know besides."""
    configs = config_folder() / "training"
    for file in sorted(configs.glob("*.yaml")):
        settings = read_settings(file)
        if is_set(settings) and name in {
            key.replace(TASK, folder_word(task)) for key in settings["policies"]
        }:
            return (
                f"{file.stem} task={task} out=trained/tables",
                ", which trains all of its set, and --checkpoints trained/tables",
            )
    absent = f" (write config/training/{name}.yaml first: it is not there either; begin with one that is)"
    return f"{name} out={where / name}", "" if (configs / f"{name}.yaml").is_file() else absent


def identity(setup: Setup) -> dict[str, object]:
    """What decides a cell's episodes, wherever it lies on disk: setup, weights, robot and task contracts."""
    plain = setup.to_dict()
    contracts = [
        lockstep_robot(setup.robot, setup.task).model_dump_json(),
        lockstep_task(setup.task).model_dump_json(),
    ]
    total = hashlib.sha256("\n".join(contracts).encode()).hexdigest()[:16]
    named = {"progress": Path(setup.progress).name} if setup.progress else {}
    return plain | named | {"checkpoint": Path(setup.checkpoint).name, "contracts_digest": total}


def cell_folder(root: Path, setup: Setup) -> Path:
    """Folder of a cell's rows: equal cells of several suites share it, any change makes another."""
    known = identity(setup)
    mark = hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:8]
    values = setup.scheduler
    lengths = f"d{values['delay']}-s{values['stride']}-r{values['ramp']}"
    name = f"{setup.task}-{Path(setup.checkpoint).name or setup.policy}-{values['continuation']}-{lengths}-{mark}"
    return root / name
