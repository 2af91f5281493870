"""Say what the numbers of a LeRobot checkpoint mean, and try whether its LeRobot serves it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import yaml

from segue_core.contracts.robot import RobotConfig
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_data.storage.atomic import write_text
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.methods.lerobot.contract import OURS, Adoption, Contract, read_contract
from segue_policies.methods.lerobot.place import Place
from segue_policies.methods.lerobot.policy import LeRobotPolicy


def adopt(folder: Path, robot: RobotConfig, adoption: Adoption, place: Place | None) -> tuple[Contract, str]:
    """Write `segue.yaml` beside a checkpoint, when it serves the robot; the contract, and what trying it showed.

    Args:
        folder: of LeRobot's `config.json` and `model.safetensors`.
        robot: whose action space it predicts.
        adoption: what is written.
        place: where LeRobot is; None: it is not tried.

    Raises:
        PolicyError: it does not fit the robot, or LeRobot cannot serve it; nothing is written then.
        ConfigError: `place` is an interpreter that cannot be run.
    """
    expected = Expected(action_space=robot.action_space, cameras=tuple(robot.cameras))
    contract = read_contract(folder, expected, adoption)
    tried = "" if place is None else _tried(folder, contract, place)
    write_text(folder / OURS, yaml.safe_dump(adoption.model_dump(), sort_keys=False))
    return contract, tried


def _tried(folder: Path, contract: Contract, place: Place) -> str:
    """Which LeRobot serves it, and how long a chunk takes once it is warm."""
    policy = LeRobotPolicy.at(place, folder, contract)
    try:
        request = _request(contract)
        policy.predict(request)
        start = time.perf_counter()
        policy.predict(request)
        took = time.perf_counter() - start
        version, device = policy.facts["lerobot"], policy.facts["device"]
    finally:
        policy.close()
    return f"LeRobot {version} at {place} serves it on {device}: a chunk took {took * 1e3:.0f} ms"


def _request(contract: Contract) -> PredictRequest:
    """For a black picture and a state of zeros."""
    info = contract.info
    width, height = info.image_size
    black = np.zeros((height, width, 3), np.uint8)
    state = np.zeros(info.action_space.dim, np.float32)
    rows = np.zeros((info.horizon, info.action_space.dim), np.float32)
    observation = Observation(0, state, dict.fromkeys(info.cameras, black))
    return PredictRequest(
        0, 0, "plain", rows[:, 0], rows, delay=0, seed=0, observations=(observation,) * len(info.history)
    )
