"""A recording for the Rerun viewer from a bag. Needs the optional package `rerun-sdk`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import load
from segue_data.bags.reader import Record, read, stamp_ns
from segue_data.bags.topics import COMMAND, JOINT_STATES, TASK_STATE, image_topics
from segue_data.contracts import load_robot
from segue_data.errors import no_episode

TESTED = "0.41.0"


def _library() -> Any:
    try:
        return importlib.import_module("rerun")
    except ImportError as error:
        text, do = (
            "the Rerun recording needs a package that is not installed",
            f"pip install rerun-sdk=={TESTED}",
        )
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do) from error


def _log(rr: Any, record: Record, message: Any, cameras: dict[str, str], names: tuple[str, ...]) -> None:
    if record.topic in cameras:
        path = f"cameras/{cameras[record.topic]}"
        if record.type_name == "sensor_msgs/msg/CompressedImage":
            kind = "image/png" if "png" in message.format else "image/jpeg"
            rr.log(path, rr.EncodedImage(contents=bytes(message.data), media_type=kind))
        else:
            rr.log(
                path,
                rr.Image(
                    message.data.reshape(message.height, -1)[:, : 3 * message.width].reshape(
                        message.height, message.width, 3
                    )
                ),
            )
    elif record.topic == COMMAND:
        rr.log("commanded_by", rr.TextLog(message.run_id))
        for name, value in zip(names, message.action, strict=False):
            rr.log(f"command/{name}", rr.Scalars(float(value)))
    elif record.topic == JOINT_STATES:
        for name, value in zip(message.name, message.position, strict=False):
            rr.log(f"joints/{name}", rr.Scalars(float(value)))
    else:
        rr.log("task/score", rr.Scalars(float(message.score)))


def write_recording(path: Path, number: int, out: Path) -> None:
    """Write `out` (.rrd) from the `number`-th bag at `path`.

    Raises:
        ConfigError: `rerun-sdk` is not installed.
        DataError: no such bag, or a corrupt one.
    """
    rr = _library()
    bags = find_bags(path)
    if not 0 <= number < len(bags):
        raise no_episode(path, number, len(bags))
    manifest = load(bags[number])
    robot = load_robot(manifest.robot)
    cameras = {topic: camera for camera in robot.cameras for topic in image_topics(camera)}
    rr.init(f"segue {manifest.task}", recording_id=bags[number].name)
    out.parent.mkdir(parents=True, exist_ok=True)
    rr.save(str(out))
    first: int | None = None
    for record in read(bags[number], frozenset((COMMAND, JOINT_STATES, TASK_STATE, *cameras))):
        message = record.message()
        stamp = stamp_ns(message.header)
        first = stamp if first is None else first
        rr.set_time("time", duration=(stamp - first) / 1e9)
        _log(rr, record, message, cameras, robot.action_space.names)
    rr.disconnect()
