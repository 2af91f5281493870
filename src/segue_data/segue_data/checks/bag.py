"""Check one recorded episode: does it open, is it complete, can it be believed."""

from __future__ import annotations

import struct
from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, DataError
from segue_data.bags.encoding import picture
from segue_data.bags.manifest import Manifest, load
from segue_data.bags.reader import Record, read
from segue_data.bags.streams import Streams, check_cameras, check_commands, check_timing, segments
from segue_data.bags.topics import image_topics, is_picture
from segue_data.checks.skew import check_skew
from segue_data.contracts import load_robot
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.datasets.bags_to_dataset import options_for, wrong_commands
from segue_data.findings import Findings


def read_streams(bag: Path, findings: Findings | None = None) -> Streams:
    """The whole bag; messages that cannot be read are left out, and the first of every topic is one of `findings`.

    Raises:
        DataError: the bag cannot be read.
    """
    streams, told = Streams(), set[str]()
    for record in read(bag):
        for step in (_look_at_picture, _add) if findings else (_add,):
            try:
                step(record, streams)
            except (DataError, struct.error, ValueError) as error:
                if findings and record.topic not in told:
                    findings.add(record.topic, error.text if isinstance(error, DataError) else str(error))
                told.add(record.topic)
    return streams


def _look_at_picture(record: Record, streams: Streams) -> None:
    """Decode a picture, as conversion does."""
    if is_picture(record.topic):
        picture(record.message(), record.topic, f"frame {len(streams.stamps[record.topic])}")


def _add(record: Record, streams: Streams) -> None:
    streams.add(record.topic, record.log_ns, record.data, record.message)


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
        streams = read_streams(bag, findings)
        manifest = load(bag)
    except DataError as error:
        findings.add("bag", error.advised)
        return findings
    findings.facts["manifest"] = {"task": manifest.task, "seed": manifest.seed, "outcome": manifest.outcome}
    findings.facts["commanded_by"] = segments(streams.owners)
    check_timing(streams, findings)
    _check_counts(streams, manifest, findings)
    try:
        robot = robot or load_robot(manifest.robot)
    except (ConfigError, DataError):
        said = f"contract {manifest.robot!r} not at hand: limits and cameras not checked"
        findings.facts["robot"] = said
        findings.notes.append(f"{said}; convert needs --robot NAME --any-contract")
        return findings
    if wrong := wrong_commands(manifest, robot):
        findings.add("manifest", wrong)
    check_commands(streams, robot, findings)
    check_cameras(streams, robot, findings)
    check_skew(streams, robot, findings)
    _check_conversion(bag, robot, findings)
    needed = options_for(manifest, robot)
    if "--any-contract" in needed or manifest.outcome == "unknown":
        findings.notes.append(f"convert takes it with {' '.join(needed)}")
    return findings


def _check_conversion(bag: Path, robot: RobotConfig, findings: Findings) -> None:
    """What conversion refuses, of a stream that nothing was said about yet."""
    try:
        read_episode(bag, robot, lambda joints: joints, None)
    except DataError as error:
        text = error.text.removeprefix(f"{bag}, ")
        stream = text.replace(":", ",").split(",")[0]
        camera = image_topics(stream) if stream in robot.cameras else (stream,)
        if not any(problem.place.split(",")[0] in camera for problem in findings.problems):
            findings.add(camera[0], f"conversion refuses it: {text}")
