"""Bags: their files, the records of an MCAP file, the messages in it, and everything that reads them."""

import io
import json
import struct
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from segue_core.contracts.base import parse_model
from segue_core.contracts.robot import RobotConfig
from segue_data.bags import manifest
from segue_data.bags.reader import count_messages, extent_of, read, receipt_times, topics_of
from segue_data.bags.repair import repair
from segue_data.checks.bag import check_bag
from segue_data.contracts import load_robot, load_task
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.recording.lockstep import RecordingOptions, record_episode
from segue_data.recording.replay_report import compare
from segue_data.testing import tiny_stage
from segue_eval.build import Runner, Setup
from segue_eval.compare.recorded import read_recorded
from segue_eval.compare.settings import find_settings
from segue_eval.recording import LockstepRecorder
from segue_eval.report.bag import read_run
from segue_eval.report.metrics import run_metrics
from segue_eval.report.write import _facts, find_bag
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import WavingPolicy

from .damage import Held, torn
from .reader import Change, Reader, any_file, made_once, must, one_file, one_folder

_HEAD = struct.Struct("<BQ")
_MAGIC = 8


def _records(content: bytes) -> list[tuple[int, int]]:
    """(offset, length) of the records of an MCAP file."""
    found, at = [], _MAGIC
    while at + _HEAD.size <= len(content) - _MAGIC:
        _, length = _HEAD.unpack_from(content, at)
        found.append((at, _HEAD.size + length))
        at += _HEAD.size + length
    return found


@st.composite
def record_change(draw: Any, held: Held) -> bytes:
    """One record with another opcode or length, lost, doubled, or with damage in its first bytes."""
    content: bytes = held.it
    at, length = draw(st.sampled_from(_records(content)))
    way = draw(st.sampled_from(("length", "opcode", "lost", "twice", "inside")))
    record = content[at : at + length]
    if way == "length":
        said = draw(st.sampled_from((0, 1, 2**31, 2**60, 2**64 - 1, length)))
        record = record[:1] + said.to_bytes(8, "little") + record[9:]
    elif way == "opcode":
        record = bytes([draw(st.integers(0, 255))]) + record[1:]
    elif way == "inside":
        record = record[:9] + draw(torn(record[9:209])) + record[209:]
    repeated = {"lost": b"", "twice": record * 2}.get(way, record)
    return content[:at] + repeated + content[at + length :]


@st.composite
def message_change(draw: Any, held: Held) -> bytes:
    """The same file with a few messages whose bytes are damaged; its index and checksums fit."""
    written = list(make_reader(io.BytesIO(held.it)).iter_messages())
    chosen = draw(st.sets(st.integers(0, len(written) - 1), min_size=1, max_size=4))
    return _rewritten(written, {index: draw(torn(written[index][2].data)) for index in chosen})


@st.composite
def value_change(draw: Any, held: Held) -> bytes:
    """As `message_change`, with numbers of eight or four bytes replaced where they stand: stamps, ticks, joints."""
    written = list(make_reader(io.BytesIO(held.it)).iter_messages())
    changed = {}
    for index in draw(st.sets(st.integers(0, len(written) - 1), min_size=1, max_size=3)):
        data = written[index][2].data
        packed = draw(st.sampled_from(_VALUES))
        at = 4 + draw(st.integers(0, min(len(data) - 4, 400) // 4)) * 4
        changed[index] = data[:at] + packed + data[at + len(packed) :]
    return _rewritten(written, changed)


_VALUES = (
    *(struct.pack("<d", value) for value in (np.nan, np.inf, -1.0, 1e30, 1e300, -1e30)),
    *(struct.pack("<f", value) for value in (np.nan, np.inf, 1e30)),
    *(struct.pack("<q", value) for value in (-1, 2**60, 2**63 - 1, -(2**63))),
    *(struct.pack("<i", value) for value in (-1, 0, 2**31 - 1, -(2**31))),
)


def _rewritten(written: list[Any], changed: Mapping[int, bytes]) -> bytes:
    out = io.BytesIO()
    writer = Writer(out, compression=CompressionType.NONE)
    writer.start(profile="ros2", library="")
    schemas: dict[int, int] = {}
    channels: dict[int, int] = {}
    for index, (schema, channel, message) in enumerate(written):
        if schema.id not in schemas:
            schemas[schema.id] = writer.register_schema(schema.name, schema.encoding, schema.data)
        if channel.id not in channels:
            kind = schemas[schema.id]
            channels[channel.id] = writer.register_channel(
                channel.topic, channel.message_encoding, kind, channel.metadata
            )
        data = changed.get(index, message.data)
        writer.add_message(
            channels[channel.id], message.log_time, data, message.publish_time, message.sequence
        )
    writer.finish()
    return out.getvalue()


def _damage(bag: Path) -> st.SearchStrategy[Mapping[str, Change]]:
    (file,) = (path.name for path in bag.glob("*.mcap"))
    content = (bag / file).read_bytes()
    held = Held(content)
    ways = st.one_of(record_change(held), message_change(held), value_change(held), torn(content))
    return any_file(bag, {file: ways})


@cache
def _robot() -> RobotConfig:
    """One camera, so that a bag is small."""
    robot = load_robot("dual_arm")
    data = robot.model_dump(mode="json", exclude_none=True)
    data["cameras"] = {"head": data["cameras"]["head"]}
    return parse_model(data, RobotConfig, "robot")


def _episode(place: Path) -> Path:
    def record(folder: Path) -> None:
        stage = tiny_stage(_robot(), load_task("pick_place"))
        record_episode(stage, 1, folder / "episode_000001", RecordingOptions(settle_ticks=1))

    return made_once(place, "episode", record) / "episode_000001"


def _run(place: Path) -> Path:
    return made_once(place, "run", _play)


def _play(place: Path) -> None:
    """A run of a second, as `segue eval --videos` leaves it."""
    setup = Setup("pick_place", "waving", "", scheduler={"time_limit_s": 0.7, "stride": 10})
    robot, task, policy = load_robot("dual_arm"), load_task("pick_place"), WavingPolicy()
    plant = SimulatedPlant(robot, task)
    recorder = LockstepRecorder(place / "bag", plant, robot, "legato", task.name, 5, policy.info)
    result = Runner(robot, task, policy, plant, setup)(5, on_tick=recorder)
    recorder.finish(result)
    (place / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(setup.to_dict()))))
    facts = {"seed": 5, "success": False, "error_code": 0, "reason": "", "arguments": {"sim": "mujoco"}}
    (place / "result.json").write_text(json.dumps(facts))


def _all_messages(bag: Path) -> object:
    topics = topics_of(bag)
    extent_of(bag)
    for topic in topics:
        receipt_times(bag, topic)
    return [record.message() for record in read(bag)]


def _repaired(bag: Path) -> Path:
    repair(bag)
    manifest.load(bag)  # as `segue data repair` does: it repairs no manifest
    return bag


def _check_repaired(bag: Path) -> None:
    """What was repaired can be read, and is repaired for good."""
    before = sorted(path.name for path in bag.iterdir())
    count = count_messages(bag).total()
    must(count > 0, "a repaired bag has messages", count)
    again = repair(bag)
    must(not again.changed, "it is repaired twice", again)
    must(sorted(path.name for path in bag.iterdir()) == before, "a second repair leaves files", before)


def _check_manifest(found: manifest.Manifest) -> None:
    must(0 < found.tick_rate_hz <= 10_000, "a rate", found.tick_rate_hz)
    must(0 <= found.duration_s < 1e9, "a duration", found.duration_s)
    must(
        all(count >= 0 for count in (*found.message_counts.values(), *found.dropped.values())),
        "counts",
        found,
    )
    must(all(isinstance(text, str) for text in found.problems), "problems", found.problems)


def _check_arrays(arrays: Any) -> None:
    for values in (arrays.state, arrays.action, arrays.time_s):
        must(bool(np.isfinite(values).all()), "a value is not finite", values)
    must(bool((np.diff(arrays.time_s) > 0).all()), "time goes back", arrays.time_s)


def _converted(bag: Path) -> object:
    return read_episode(bag, _robot(), lambda joints: joints[:14], (32, 24))


def _checked(bag: Path) -> object:
    return check_bag(bag, _robot())


def _metrics(run: Path) -> object:
    _facts(run)
    found = read_run(find_bag(run))
    return json.dumps(run_metrics(found))


def _compared(run: Path) -> object:
    recorded = read_recorded(find_bag(run))
    recorded.config()
    return recorded.commands()


def _reader(
    name: str,
    make: Callable[[Path], Path],
    read_it: Callable[[Path], object],
    check: Callable[[Any], None],
    place: Path,
) -> Reader:
    made = make(place)
    bag = next(path.parent for path in made.rglob("metadata.yaml"))
    changes = _damage(bag)
    if bag != made:
        inside = str(bag.relative_to(made))
        beside = any_file(made)
        within = changes.map(lambda changed: {f"{inside}/{file}": change for file, change in changed.items()})
        changes = st.one_of(within, within, within, beside)
    return one_folder(name, made, changes, read_it, check)


def _manifest_reader(place: Path) -> Reader:
    content = (_episode(place) / manifest.FILE_NAME).read_bytes()
    return one_file(
        "manifest", manifest.FILE_NAME, content, lambda path: manifest.load(path.parent), _check_manifest
    )


def _anything(_: object) -> None:
    """Nothing more than that it was read."""


def _settings(place: Path) -> Reader:
    setup = Setup("pick_place", "waving", "", scheduler={"time_limit_s": 0.7})
    place.mkdir(parents=True)
    (place / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(setup.to_dict()))))
    (place / "result.json").write_text('{"seed": 5}')
    return one_folder("settings of a run", place, any_file(place), find_settings, _anything)


_KINDS: Mapping[str, tuple[Callable[[Path], Path], Callable[[Path], object], Callable[[Any], None]]] = {
    "bag, every message": (_episode, _all_messages, _anything),
    "bag, check": (_episode, _checked, _anything),
    "bag, conversion": (_episode, _converted, _check_arrays),
    "bag, repair": (_episode, _repaired, _check_repaired),
    "bag, replay report": (_episode, lambda bag: compare(bag, bag, _robot()), _anything),
    "run, report": (_run, _metrics, _anything),
    "run, comparison": (_run, _compared, _anything),
}
BAGS: Mapping[str, Callable[[Path], Reader]] = {
    "manifest": _manifest_reader,
    "settings of a run": _settings,
    **{name: partial(_reader, name, *kind) for name, kind in _KINDS.items()},
}
