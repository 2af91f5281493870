"""The checkpoints that are shipped, by policy and task, and what to do where there is none."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.method import policy_names


def refuse_unshipped(folder: Path, policy: str, task: str) -> None:
    """Refuse a policy that nobody trained for a task, when `folder` is where that checkpoint would be shipped.

    Raises:
        PolicyError: CHECKPOINT_MISSING; which are shipped for the task and of the policy, and the ways out.
    """
    if folder.exists() or folder.name != f"{policy}_{task}":
        return
    there = sorted(path.name for path in folder.parent.glob("*_*") if path.is_dir() and _is_policy(path))
    others = [name.removesuffix(f"_{task}") for name in there if name.endswith(f"_{task}")]
    tasks = [name.removeprefix(f"{policy}_") for name in there if name.startswith(f"{policy}_")]
    text = (
        f"no checkpoint of {policy} for task {task} is shipped"
        f"; for {task} there is {', '.join(others) or 'none of any policy'}"
        f", of {policy} for {', '.join(tasks) or 'no task'}"
    )
    train = f"./segue train {policy} task={task} data=DATASET out=FOLDER"
    do = f"train one ({train}, docs/training.md) and give checkpoint:=FOLDER, or take policy:=scripted"
    raise PolicyError(ErrorCode.CHECKPOINT_MISSING, text, do=do)


def _is_policy(folder: Path) -> bool:
    return any(folder.name.startswith(f"{name}_") for name in policy_names())
