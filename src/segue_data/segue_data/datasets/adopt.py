"""Say what a dataset that LeRobot wrote means here: a robot contract for its numbers and pictures.

LeRobot keeps names and shapes, but no units, kinds or limits; `meta/segue.json` beside its files adds them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segue_core.contracts.robot import RobotConfig
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.episodes import survey_as
from segue_data.datasets.info import Info, Ours, description, flat_names, pictured, read_info, wrong_widths
from segue_data.datasets.pictures import pictures
from segue_data.errors import exists, invalid_dataset, writing
from segue_data.storage.atomic import write_text


def adopt(
    path: Path, robot: RobotConfig, size: tuple[int, int] | None = None, *, any_names: bool = False
) -> None:
    """Write `meta/segue.json` of a LeRobotDataset v3.0; nothing else is changed.

    Args:
        path: the dataset.
        robot: whose action space, rate and cameras the dataset has.
        size: (width, height) that pictures are shrunk to when they are read; as they are if absent.
        any_names: other names of state and action mean the robot's numbers, in its order.

    Raises:
        DataError: it has a contract already, is of another format version, contradicts itself, or everything that
            differs from the robot.
    """
    target = path / layout.OURS
    if target.exists():
        raise exists(target)
    info = read_info(path)
    if problems := _differences(info, robot, any_names):
        raise invalid_dataset(path, layout.INFO, f"not of robot {robot.name}: " + "; ".join(problems))
    content = _content(info, robot, size)
    _look(path, info, Ours.model_validate(content))
    with writing(target):
        write_text(target, json.dumps(content, indent=2) + "\n")


def _content(info: Info, robot: RobotConfig, size: tuple[int, int] | None) -> dict[str, Any]:
    names = [f"episode_{number:06d}" for number in range(info.total_episodes)]
    content: dict[str, Any] = {
        "format": 1,
        "action_space": robot.action_space.to_dict(),
        "rate_hz": robot.tick_rate_hz,
        "cameras": list(robot.cameras),
        "robot": robot.name,
        "robot_contract": robot.fingerprint(),
        "episodes": [{"bag": name, "seed": None, "task": None} for name in names],
    }
    return content if size is None else content | {"image_size": list(size)}


def _look(path: Path, info: Info, ours: Ours) -> None:
    """Refuse a dataset whose files contradict each other, or whose pictures are not as they are declared."""
    about = description(path, info, ours)
    files, problems = survey_as(path, about, info)
    for problem in problems:
        raise invalid_dataset(path, problem.place, problem.what)
    for camera in about.cameras:
        pictures(files, files.episodes[0], camera, [0])


def _differences(info: Info, robot: RobotConfig, any_names: bool) -> list[str]:
    problems = wrong_widths(info, robot.action_space)
    problems += [] if problems else _other_names(info, robot.action_space.names, any_names)
    absent = [camera for camera in robot.cameras if layout.IMAGE_PREFIX + camera not in info.features]
    if absent:
        problems.append(f"no pictures of {', '.join(absent)}, there are {pictured(info)}")
    if info.fps != robot.tick_rate_hz:
        problems.append(f"{info.fps:g} frames per second, expected {robot.tick_rate_hz:g}")
    return problems


def _other_names(info: Info, expected: tuple[str, ...], any_names: bool) -> list[str]:
    found: dict[tuple[str, ...], list[str]] = {}
    for feature in (layout.STATE, layout.ACTION):
        got = flat_names(info.features[feature].names)
        if got is not None and got != expected:
            found.setdefault(got, []).append(feature)
    problems = []
    for got, features in found.items():
        what = f"{' and '.join(features)}: names {', '.join(got)}, expected {', '.join(expected)}"
        if sorted(got) == sorted(expected):
            problems.append(f"{what}: write the columns in this order")
        elif len(got) != len(expected):
            problems.append(f"{what}: {len(got)} names for {len(expected)} numbers")
        elif not any_names:
            problems.append(f"{what} (--any-names if they mean the same, in this order)")
    return problems
