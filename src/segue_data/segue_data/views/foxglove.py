"""A layout for Foxglove made for one robot, live or from bags: robot and pictures on top, commands and joints below."""

from __future__ import annotations

import json
from functools import partial, reduce
from pathlib import Path
from typing import Any

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import load
from segue_data.bags.namespaces import in_namespace
from segue_data.bags.topics import COMMAND, JOINT_STATES, TASK_STATE, image_topics, run_topics
from segue_data.contracts import load_robot
from segue_data.storage.atomic import write_text


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


def _scene(robot: RobotConfig, namespace: str) -> dict[str, Any]:
    """The robot in 3D with its predicted path and what stands around it."""
    own = namespace.strip("/")
    prefix = f"{own}/" if own else ""
    middle = [(low + high) / 2 for low, high in zip(robot.workspace.low, robot.workspace.high, strict=True)]
    markers = [in_namespace(name, namespace) for name in ("/segue/chunk_path", "/segue/scene")]
    model = {
        "layerId": "foxglove.Urdf",
        "instanceId": "robot",
        "label": robot.name,
        "visible": True,
        "sourceType": "topic",
        "topic": in_namespace("/robot_description", namespace),
        "framePrefix": prefix,
        "displayMode": "visual",
    }
    grid = {
        "layerId": "foxglove.Grid",
        "instanceId": "grid",
        "label": "grid",
        "visible": True,
        "size": 2,
        "divisions": 20,
    }
    view = {
        "perspective": True,
        "distance": 2.0,
        "phi": 60,
        "thetaOffset": 45,
        "targetOffset": middle,
        "fovy": 45,
    }
    return {
        "3D!robot": {
            "cameraState": {
                **view,
                "target": [0, 0, 0],
                "targetOrientation": [0, 0, 0, 1],
                "near": 0.01,
                "far": 100,
            },
            "followMode": "follow-pose",
            "followTf": f"{prefix}{robot.base_frame}",
            "scene": {},
            "transforms": {},
            "topics": {name: {"visible": True} for name in markers},
            "layers": {"robot": {**model, "order": 1}, "grid": {**grid, "order": 2}},
        }
    }


def layout(robot: RobotConfig, topics: list[str], namespace: str = "") -> dict[str, Any]:
    """The layout as plain data; `topics` are those of the bags or of the running graph, under `namespace`."""
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
    scene = _scene(robot, namespace) if named("/robot_description") in topics else {}
    shown = [*scene, *pictures]
    panels = [_row(shown, "row")] if shown else []
    panels.append(_row([*plots, *state], "row"))
    return {
        "configById": {**scene, **pictures, **plots, **state},
        "globalVariables": {},
        "userNodes": {},
        "playbackConfig": {"speed": 1},
        "layout": panels[0]
        if len(panels) == 1
        else {"first": panels[0], "second": panels[1], "direction": "column"},
    }


def live_layout(robot: RobotConfig, namespace: str = "") -> dict[str, Any]:
    """The layout for a graph that runs in `namespace`, of which Foxglove gets topics as they are."""
    there = [in_namespace(name, namespace) for name in run_topics(robot.cameras)]
    return layout(robot, there, namespace)


def write_layout(path: Path, out: Path) -> None:
    """Write the layout for the bag, or the first bag of the folder, `path`; DataError when there is none."""
    manifest = load(find_bags(path)[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    content = layout(load_robot(manifest.robot), list(manifest.message_counts), manifest.topics_in)
    write_text(out, json.dumps(content, indent=2) + "\n")
