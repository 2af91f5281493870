"""From a checkpoint to the progress estimator in it: what nodes and rollouts call.

Checking needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from segue_core.errors import ConfigError, ErrorCode
from segue_core.observation import Observation
from segue_core.progress.estimator import EstimatorInfo, ProgressEstimator
from segue_core.progress.instructions import KNOWN, familiarity
from segue_perception.preprocess import resize
from segue_policies.deployment import Deployment
from segue_policies.method import Method, methods
from segue_policies.policy_loading import check_network, method_in
from segue_policies.runtime import Runtime

RULE = "progress_threshold"


def estimator_folder(given: str, task: str, shipped: Path) -> str:
    """Where an estimator lies: `given` is a folder, or the name of a method whose shipped one for `task` is taken.

    Args:
        shipped: the folder of the shipped checkpoints, METHOD_TASK each.

    Raises:
        ConfigError: none of that method is shipped for the task; for which it is.
    """
    if given not in (method.name for method in methods() if method.estimator):
        return given
    folder = shipped / f"{given}_{task}"
    if not folder.is_dir():
        tasks = tuple(sorted(path.name.removeprefix(f"{given}_") for path in shipped.glob(f"{given}_*")))
        text = f"no {given} for task {task} is shipped"
        do = f"train one (./segue train {given} data=DATASET out=FOLDER) and give progress:=FOLDER"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=task, allowed=tasks, do=do)
    return str(folder)


def make_estimator(
    folder: Path, runtime: Runtime | None = None, cameras: tuple[str, ...] | None = None
) -> ProgressEstimator:
    """The estimator in a checkpoint folder, ready to estimate.

    Raises:
        PolicyError: a checkpoint that is missing or corrupt. ConfigError: one of a policy, a device that is not there,
            or a camera that is not among the robot's `cameras`.
    """
    method = _estimating(folder)
    made = cast(ProgressEstimator, method.resolve("estimator")(_deployment(method, folder, runtime)))
    _refuse_blind(folder, made.info, cameras)
    return made


def check_estimator(folder: Path, cameras: tuple[str, ...] | None = None) -> EstimatorInfo:
    """What `make_estimator` would make: files checked, no network built; raises so."""
    method = _estimating(folder)
    deployment = _deployment(method, folder, None)
    check_network(method, deployment)
    info = cast(EstimatorInfo, method.resolve("estimator_info")(deployment))
    _refuse_blind(folder, info, cameras)
    return info


def fitted(observation: Observation, info: EstimatorInfo) -> Observation:
    """The observation with pictures made smaller, to the estimator's size; what is smaller stays, to be refused.

    A policy decides how large the pictures of a graph are.
    """
    width, height = info.image_size
    images = {
        name: resize(image, info.image_size)
        if image.shape[0] >= height and image.shape[1] >= width
        else image
        for name, image in observation.images.items()
        if name in info.cameras
    }
    return Observation(observation.tick, observation.state, images)


def doubt(info: EstimatorInfo, instruction: str) -> str:
    """What a person should know before a task of this instruction; empty: it is one of the training."""
    known = familiarity(instruction, info.instructions)
    if known == 1.0:
        return ""
    what = f"progress: the instruction {instruction!r} was never seen in training, confidence {known:.2f}"
    return what if known >= KNOWN else f"{what}: no progress is estimated, and the other rules end the task"


def calibrated(
    folder: Path, info: EstimatorInfo, termination: tuple[str, ...], options: Mapping[str, Any]
) -> dict[str, Any]:
    """`options` by rule with the estimator's threshold where the learned stop is a rule and has no value of its own.

    Raises:
        ConfigError: it has none either.
    """
    given = options.get(RULE) or {}
    if RULE not in termination or "value" in given:
        return dict(options)
    if info.threshold is None:
        text, do = f"{folder}: {info.promise}", f"give rule_options a value: {{{RULE}: {{value: 0.95}}}}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=do)
    return {**options, RULE: {**given, "value": info.threshold}}


def _deployment(method: Method, folder: Path, runtime: Runtime | None) -> Deployment:
    return Deployment(folder, method=method.name, runtime=runtime or Runtime())


def _estimating(folder: Path) -> Method:
    method = method_in(folder)
    if not method.estimator:
        able = tuple(other.name for other in methods() if other.estimator)
        text = f"progress {folder}: method {method.name!r} estimates no progress"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=able, do="train one of these")
    return method


def _refuse_blind(folder: Path, info: EstimatorInfo, cameras: tuple[str, ...] | None) -> None:
    blind = [name for name in info.cameras if cameras is not None and name not in cameras]
    if blind:
        text = f"progress {folder}: it looks through {', '.join(blind)}, which this robot has not"
        raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=cameras, expected=info.cameras)
