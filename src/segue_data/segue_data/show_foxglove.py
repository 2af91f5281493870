"""A layout for Foxglove made for one robot's bags: pictures on top, commands and joints below."""

from __future__ import annotations

import json
from functools import partial, reduce
from pathlib import Path
from typing import Any

from segue_core.robot_config import RobotConfig
from segue_data.bag_folders import find_bags
from segue_data.contracts import load_robot
from segue_data.manifest import load
from segue_data.namespaces import in_namespace
from segue_data.topics import COMMAND, JOINT_STATES, TASK_STATE, image_topics


def _row(panels: list[str], direction: str) -> Any:
    """Panels beside (or below) one another with equal shares."""

    def join(rest: Any, item: tuple[int, str]) -> Any:
        number, panel = item
        share = round(100 / (number + 2))
        return {"first": panel, "second": rest, "direction": direction, "splitPercentage": share}

    backwards = list(reversed(panels))
    return reduce(join, enumerate(backwards[1:]), backwards[0])


def _plot(title: str, paths: list[tuple[str, str]]) -> dict[str, Any]:
    series = [
        {"value": path, "label": label, "enabled": True, "timestampMethod": "headerStamp"}
        for path, label in paths
    ]
    return {
        "title": title,
        "paths": series,
        "showLegend": True,
        "legendDisplay": "floating",
        "xAxisVal": "timestamp",
    }


def layout(robot: RobotConfig, topics: list[str], namespace: str = "") -> dict[str, Any]:
    """The layout as plain data; `topics` are those of the bags, recorded under `namespace`."""
    named = partial(in_namespace, namespace=namespace)
    pictures = {
        f"Image!{camera}": {"imageMode": {"imageTopic": topic}}
        for camera in robot.cameras
        if (topic := next((t for t in map(named, image_topics(camera)) if t in topics), None))
    }
    plots: dict[str, Any] = {}
    space = robot.action_space
    for arm in robot.arms:
        own = [c for c in space.channels if c.name.startswith(arm.name)]
        numbers = [i for c in own for i in range(space.dim)[space.slice(c.name)]]
        paths = [(f"{named(COMMAND)}.action[{i}]", space.names[i]) for i in numbers]
        plots[f"Plot!{arm.name}"] = _plot(f"command, {arm.name}", paths)
    joints = [(f"{named(JOINT_STATES)}.position[{i}]", name) for i, name in enumerate(robot.joint_names)]
    plots["Plot!joints"] = _plot("joints [rad]", joints)
    state = {"RawMessages!task": {"topicPath": named(TASK_STATE)}}
    panels = [_row(list(pictures), "row")] if pictures else []
    panels.append(_row([*plots, *state], "row"))
    return {
        "configById": {**pictures, **plots, **state},
        "globalVariables": {},
        "userNodes": {},
        "playbackConfig": {"speed": 1},
        "layout": panels[0]
        if len(panels) == 1
        else {"first": panels[0], "second": panels[1], "direction": "column"},
    }


def write_layout(path: Path, out: Path) -> None:
    """Write the layout for the bag, or the first bag of the folder, `path`; DataError when there is none."""
    manifest = load(find_bags(path)[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    content = layout(load_robot(manifest.robot), list(manifest.message_counts), manifest.topics_in)
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
