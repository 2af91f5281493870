"""From a method and a deployment to a policy: what nodes and rollouts call.

Importing this module and checking need no torch, unless a CUDA device is named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import Policy, PolicyInfo, PredictRequest
from segue_policies.checkpoints.checkpoint import CONFIG, Expected, inspect_checkpoint, read_config
from segue_policies.deployment import Deployment
from segue_policies.method import Method, find_method, method_that_recognises, policy_names
from segue_policies.policy_info import policy_info
from segue_policies.runtime import Runtime


def make_policy(method: Method, deployment: Deployment) -> Policy:
    """The policy of `method`, ready to predict.

    Raises:
        PolicyError: a checkpoint that is missing, corrupt, or other than what is expected, naming what differs.
        ConfigError: a method that is no policy or cannot be imported, a device that is not there, or no checkpoint
            where one is needed, or an option that the method has not.
    """
    _refuse_onlooker(method)
    _check_options(method, deployment)
    return cast(Policy, method.resolve("policy")(replace(deployment, method=method.name)))


def check_policy(method: Method, deployment: Deployment) -> PolicyInfo:
    """What `make_policy` would serve: files checked, large ones by their header, no network built; raises so."""
    _refuse_onlooker(method)
    _check_options(method, deployment)
    check_network(method, deployment)
    if method.info:
        return cast(PolicyInfo, method.resolve("info")(deployment))
    deployment.runtime.check()
    if not method.checkpoint:
        return make_policy(method, deployment).info
    config = inspect_checkpoint(deployment.folder(), method.name, deployment.expected)
    return policy_info(config, method.capabilities)


def check_network(method: Method, deployment: Deployment) -> None:
    """Refuse a checkpoint of `method` whose network cannot be; raises PolicyError, and what `read_config` does."""
    if not method.network:
        return
    folder = deployment.folder()
    config = read_config(folder)
    if config.method != method.name:
        return  # which is refused with what else differs
    model = method.resolve("network")
    about = {"method": config.method, "horizon": config.horizon, "history": config.history}
    given = {name: value for name, value in about.items() if name in model.model_fields} | config.network
    try:
        parse_model(given, model, f"{folder / CONFIG}: network")
    except ConfigError as error:
        raise PolicyError(ErrorCode.CHECKPOINT_CORRUPT, error.text) from error


def load_policy(folder: Path, expected: Expected | None = None, runtime: Runtime | None = None) -> Policy:
    """The policy in a checkpoint folder, whatever its method; raises as `make_policy`, and for an unknown method."""
    return make_policy(method_in(folder), _of_folder(folder, expected, runtime))


def check_checkpoint(
    folder: Path, expected: Expected | None = None, runtime: Runtime | None = None
) -> PolicyInfo:
    """Read and check every file of a checkpoint without building the network; raises as `load_policy`."""
    return check_policy(method_in(folder), _of_folder(folder, expected, runtime))


def method_in(folder: Path) -> Method:
    """The method that a checkpoint is for.

    Raises:
        PolicyError: no checkpoint, or a corrupt one. ConfigError: a method that is not installed here.
    """
    if not (folder / CONFIG).is_file() and (method := method_that_recognises(folder)):
        return method
    return find_method(read_config(folder).method)


def warm_up(policy: Policy, checkpoint: str = "") -> None:
    """Ask once and throw the answer away; a blank scene may well lead to one that cannot be meant, which is as warm.

    Raises:
        PolicyError: it cannot answer, naming the checkpoint.
    """
    try:
        policy.predict(_blank_request(policy.info))
    except PolicyError as error:
        if error.code is ErrorCode.POLICY_IMPLAUSIBLE:
            return
        where = f"{checkpoint}: " if checkpoint else ""
        raise PolicyError(error.code, f"{where}{error.text}", do=error.next_step) from error


def _refuse_onlooker(method: Method) -> None:
    if not method.policy:
        what = "looks on while one works" if method.estimator else "is a stage of another's training"
        do = "give it as progress:=FOLDER" if method.estimator else "give it as a part of that training"
        text = f"method {method.name!r} is no policy: it {what}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=policy_names(), do=do)


def _check_options(method: Method, deployment: Deployment) -> None:
    given = deployment.options
    if given and not method.options:
        text, got = f"policy_options: {method.name} has none", sorted(given)
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=got, do="leave policy_options out")
    if given:
        parse_model(dict(given), method.resolve("options"), f"policy_options of {method.name}")


def _of_folder(folder: Path, expected: Expected | None, runtime: Runtime | None) -> Deployment:
    return Deployment(folder, expected=expected or Expected(), runtime=runtime or Runtime())


def _blank_request(info: PolicyInfo) -> PredictRequest:
    """A request of the right sizes; its answer is thrown away."""
    width, height = info.image_size
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    state = np.zeros(info.action_space.dim, dtype=np.float32)
    return PredictRequest(
        observations=(Observation(0, state, dict.fromkeys(info.cameras, picture)),) * len(info.history),
        start_tick=0,
        sequence=0,
        sampling="plain",
        omega=np.zeros(info.horizon, dtype=np.float32),
        reference=np.zeros((info.horizon, info.action_space.dim), dtype=np.float32),
        delay=0,
        seed=0,
    )
