"""From a checkpoint folder to a policy: what nodes and rollouts call.

Importing this module and `check_checkpoint` need no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from segue_core.errors import unknown_name
from segue_core.policy import Policy, PolicyInfo
from segue_policies.checkpoints.checkpoint import Expected, load_checkpoint, method_of
from segue_policies.lerobot.contract import is_lerobot, read_contract
from segue_policies.lerobot.place import find_place
from segue_policies.serving import CAPABILITIES, FLOW_METHODS, policy_info

Loader = Callable[[Path, Expected | None, int | None], Policy]


def _flow(folder: Path, expected: Expected | None, threads: int | None) -> Policy:
    from segue_policies.legato.policy import FlowPolicy

    return FlowPolicy.load(folder, expected, threads)


def _act(folder: Path, expected: Expected | None, threads: int | None) -> Policy:
    from segue_policies.act.policy import ActPolicy

    return ActPolicy.load(folder, expected, threads)


def _lerobot(folder: Path, expected: Expected | None, threads: int | None) -> Policy:
    from segue_policies.lerobot.policy import LeRobotPolicy

    return LeRobotPolicy.load(folder, expected, threads)


LOADERS: Mapping[str, Loader] = {
    **dict.fromkeys(FLOW_METHODS, _flow),
    "act": _act,
    "lerobot": _lerobot,
}


def load_policy(folder: Path, expected: Expected | None = None, threads: int | None = None) -> Policy:
    """The policy in a checkpoint folder, ready to predict.

    Raises:
        PolicyError: missing, corrupt, or other than `expected`, naming what differs.
        ConfigError: a method that this workspace does not have.
    """
    return LOADERS[_known_method(folder)](folder, expected, threads)


def check_checkpoint(folder: Path, expected: Expected | None = None) -> PolicyInfo:
    """Read and check every file of a checkpoint without building the network; raises as `load_policy`.

    Of LeRobot's the weights are not read, and it is only looked up where LeRobot is.
    """
    method = _known_method(folder)
    if method == "lerobot":
        contract = read_contract(folder, expected)
        find_place(contract.lerobot)
        return contract.info
    return policy_info(load_checkpoint(folder, method, expected).config, CAPABILITIES[method])


def _known_method(folder: Path) -> str:
    method = "lerobot" if is_lerobot(folder) else method_of(folder)
    if method not in LOADERS:
        raise unknown_name("method", method, LOADERS)
    return method
