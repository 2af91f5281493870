"""An RViz configuration made for one robot: its model, its frames, the predicted path, the scene and every camera."""

from __future__ import annotations

from typing import Any

import yaml

from segue_core.contracts.robot import RobotConfig
from segue_data.bags.namespaces import in_namespace
from segue_data.bags.topics import image_topic

_PLUGIN = "rviz_default_plugins/"


def _topic(name: str, *, latched: bool = False, reliable: bool = True) -> dict[str, Any]:
    return {
        "Value": name,
        "Depth": 1 if latched else 5,
        "Durability Policy": "Transient Local" if latched else "Volatile",
        "History Policy": "Keep Last",
        "Reliability Policy": "Reliable" if reliable else "Best Effort",
    }


def _display(kind: str, name: str, more: dict[str, Any], *, enabled: bool = True) -> dict[str, Any]:
    return {"Class": _PLUGIN + kind, "Name": name, "Enabled": enabled, "Value": enabled, **more}


def rviz_config(robot: RobotConfig, namespace: str = "") -> str:
    """The text of a `.rviz` file for a robot whose graph runs in `namespace` ("/left", or empty)."""
    own = namespace.strip("/")

    def topic(name: str) -> str:
        return in_namespace(name, namespace)

    model = {
        "Description Source": "Topic",
        "Description Topic": _topic(topic("/robot_description"), latched=True),
        "TF Prefix": own,  # RViz puts the slash
        "Visual Enabled": True,
        "Collision Enabled": False,
    }
    pictures = {camera: topic(image_topic(camera, "sensor_msgs/msg/Image")) for camera in robot.cameras}
    displays = [
        _display("Grid", "grid", {"Cell Size": 0.1, "Plane Cell Count": 20}),
        _display("RobotModel", robot.name, model),
        _display("TF", "frames", {"Show Names": True, "Marker Scale": 0.3}, enabled=False),
        _display("MarkerArray", "predicted path", {"Topic": _topic(topic("/segue/chunk_path"))}),
        _display("MarkerArray", "scene", {"Topic": _topic(topic("/segue/scene"), latched=True)}),
        *(
            _display("Image", f"{camera} camera", {"Topic": _topic(name, reliable=False)})
            for camera, name in pictures.items()
        ),
    ]
    frame = f"{own}/{robot.base_frame}" if own else robot.base_frame
    return yaml.safe_dump(_window(displays, frame, robot), sort_keys=False)


def _window(displays: list[dict[str, Any]], frame: str, robot: RobotConfig) -> dict[str, Any]:
    middle = [
        round((low + high) / 2, 3)
        for low, high in zip(robot.workspace.low, robot.workspace.high, strict=True)
    ]
    view = {
        "Class": _PLUGIN + "Orbit",
        "Name": "Current View",
        "Target Frame": "<Fixed Frame>",
        "Distance": 2.0,
        "Focal Point": dict(zip("XYZ", middle, strict=True)),
        "Pitch": 0.5,
        "Yaw": 0.7,
    }
    return {
        "Panels": [
            {"Class": "rviz_common/Displays", "Name": "Displays"},
            {"Class": "rviz_common/Time", "Name": "Time"},
        ],
        "Visualization Manager": {
            "Class": "",
            "Displays": displays,
            "Enabled": True,
            "Global Options": {"Fixed Frame": frame, "Frame Rate": 30, "Background Color": "48; 48; 48"},
            "Name": "root",
            "Tools": [{"Class": _PLUGIN + "MoveCamera"}, {"Class": _PLUGIN + "Measure"}],
            "Transformation": {"Current": {"Class": _PLUGIN + "TF"}},
            "Views": {"Current": view, "Saved": None},
        },
        "Window Geometry": {"Width": 1600, "Height": 1000},
    }
