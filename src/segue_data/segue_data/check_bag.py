"""Check one recorded episode: does it open, is it complete, can it be believed."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import ConfigError, DataError
from segue_core.robot_config import RobotConfig
from segue_data.bag_reader import read
from segue_data.contracts import load_robot
from segue_data.encoding import decode
from segue_data.findings import Findings
from segue_data.manifest import Manifest, load
from segue_data.skew import check_skew
from segue_data.streams import Streams, check_cameras, check_commands, check_timing, segments


def read_streams(bag: Path) -> Streams:
    """The whole bag; DataError when it cannot be read or the first picture of a camera is none."""
    streams = Streams()
    for record in read(bag):
        first = "/image_raw" in record.topic and not streams.digests[record.topic]
        if first and record.type_name == "sensor_msgs/msg/CompressedImage":
            decode(record.message().data, str(bag), f"{record.topic}, first frame")
        streams.add(record.topic, record.log_ns, record.data, record.message)
    return streams


def _check_counts(streams: Streams, manifest: Manifest, findings: Findings) -> None:
    for topic, expected in manifest.counts.items():
        got = len(streams.stamps.get(topic, ()))
        if got != expected:
            findings.add(topic, f"got {got} messages, manifest says {expected}")
    for topic, lost in manifest.lost.items():
        findings.add(topic, f"{lost} messages were dropped while recording")
    if not manifest.complete:
        findings.add("manifest", f"incomplete recording: {manifest.reason}")


def check_bag(bag: Path, robot: RobotConfig | None = None) -> Findings:
    """Open and read the whole bag; never raises for what is wrong with it.

    Without `robot` the contract that the manifest names is used, if it exists.
    """
    findings = Findings(bag, "bag")
    try:
        streams = read_streams(bag)
        manifest = load(bag)
    except DataError as error:
        findings.add("bag", error.text)
        return findings
    findings.facts["manifest"] = {"task": manifest.task, "seed": manifest.seed, "outcome": manifest.outcome}
    findings.facts["commanded_by"] = segments(streams.owners)
    check_timing(streams, findings)
    _check_counts(streams, manifest, findings)
    try:
        robot = robot or load_robot(manifest.robot)
    except (ConfigError, DataError):
        findings.facts["robot"] = f"contract {manifest.robot!r} not at hand: limits and cameras not checked"
        return findings
    check_commands(streams, robot, findings)
    check_cameras(streams, robot, findings)
    check_skew(streams, robot, findings)
    return findings
