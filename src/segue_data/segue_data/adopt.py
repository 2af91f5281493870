"""Say what a dataset that LeRobot wrote means here: a robot contract for its numbers and pictures.

LeRobot keeps names and shapes, but no units, kinds or limits; `meta/segue.json` beside its files adds them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segue_core.robot_config import RobotConfig
from segue_data import lerobot_format as layout
from segue_data.atomic import write_text
from segue_data.dataset import read_json
from segue_data.errors import exists, invalid_dataset, writing


def adopt(path: Path, robot: RobotConfig, size: tuple[int, int] | None = None) -> None:
    """Write `meta/segue.json` of a LeRobotDataset v3.0; nothing else is changed.

    Args:
        path: the dataset.
        robot: whose action space, rate and cameras the dataset has.
        size: (width, height) that pictures are shrunk to when they are read; as they are if absent.

    Raises:
        DataError: it has a contract already, is of another format version, or everything that differs from the robot.
    """
    target = path / layout.OURS
    if target.exists():
        raise exists(target)
    info = read_json(path / layout.INFO)
    problems = _differences(info, robot)
    if problems:
        raise invalid_dataset(path, layout.INFO, f"not of robot {robot.name}: " + "; ".join(problems))
    content: dict[str, Any] = {
        "format": 1,
        "action_space": robot.action_space.to_dict(),
        "rate_hz": robot.tick_rate_hz,
        "cameras": list(robot.cameras),
        "robot_contract": robot.fingerprint(),
        "episodes": [
            {"bag": f"episode_{number:06d}", "seed": None, "task": None}
            for number in range(int(info["total_episodes"]))
        ],
    }
    if size is not None:
        content["image_size"] = list(size)
    with writing(target):
        write_text(target, json.dumps(content, indent=2) + "\n")


def _differences(info: dict[str, Any], robot: RobotConfig) -> list[str]:
    if info.get("codebase_version") != layout.VERSION:
        return [f"codebase_version {info.get('codebase_version')!r}, expected {layout.VERSION!r}"]
    features, problems = info["features"], []
    width = [robot.action_space.dim]
    for name in (layout.STATE, layout.ACTION):
        got = list(features.get(name, {}).get("shape", []))
        if got != width:
            problems.append(f"{name} has shape {got}, expected {width}")
    there = sorted(name.removeprefix(layout.IMAGE_PREFIX) for name in features if layout.IMAGE_PREFIX in name)
    if absent := [camera for camera in robot.cameras if camera not in there]:
        problems.append(f"no pictures of {', '.join(absent)}, there are {', '.join(there) or 'none'}")
    if float(info["fps"]) != robot.tick_rate_hz:
        problems.append(f"{info['fps']} frames per second, expected {robot.tick_rate_hz:g}")
    return problems
