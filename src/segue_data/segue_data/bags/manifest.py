"""The manifest beside every bag: what was recorded, how it ended, by which software."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from segue_core.errors import DataError
from segue_core.files import parse_json, read_text
from segue_data.bags.namespaces import namespace_of, plain_names
from segue_data.contracts import robot_names
from segue_data.errors import corrupt, missing, must_exist

FILE_NAME = "manifest.json"
RECORDING = ".recording"  # folder beside the finished bags that open episodes live in
RESERVE = ".reserve"  # file in it that keeps room on the disk for its end
BAG_VERSION: Literal[9] = 9  # rosbag2 metadata version
FORMAT = 1
_FASTEST_HZ, _LONGEST_S = 10_000.0, 1e8
OUTCOMES = ("success", "failure", "aborted", "unknown")


def code_version() -> str:
    """Version of the installed `segue_data`, or `source` when it runs from the source tree."""
    try:
        return version("segue_data")
    except PackageNotFoundError:
        return "source"


@dataclass(frozen=True)
class Manifest:
    """Facts about one episode; times in nanoseconds of the recording's clock (sim time in lockstep)."""

    task: str
    robot: str
    instruction: str = ""
    seed: int | None = None
    config_hash: str = ""  # fingerprint of the robot contract
    action_space: str = ""
    tick_rate_hz: float | None = None  # None: not told
    operator: str = ""
    outcome: str = "unknown"
    reason: str = ""
    complete: bool = True  # False: repaired after a crash, writing failed, or the disk was too full to go on
    code_version: str = field(default_factory=code_version)
    start_ns: int = 0
    duration_s: float = 0.0
    message_counts: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    namespace: str | None = None  # ROS namespace of the topics, such as "/left"; None: look at their names
    format: int = FORMAT

    @property
    def counts(self) -> dict[str, int]:
        """Messages by the plain names of the topics, see `namespaces`."""
        return self._by_plain_name(self.message_counts)

    @property
    def lost(self) -> dict[str, int]:
        """Messages that were dropped while recording, by the plain names of the topics."""
        return self._by_plain_name(self.dropped)

    @property
    def topics_in(self) -> str:
        """The ROS namespace of the topics; DataError when it is not told and the names have several."""
        return namespace_of(self.message_counts, FILE_NAME) if self.namespace is None else self.namespace

    def _by_plain_name(self, counts: dict[str, int]) -> dict[str, int]:
        names = plain_names(counts, self.topics_in)
        return {names[topic]: count for topic, count in counts.items() if topic in names}

    @property
    def problems(self) -> list[str]:
        """Why the recorder doubts this episode; empty when it does not."""
        return [str(text) for text in self.extra.get("problems", ())]

    def to_json(self) -> str:
        """Readable JSON, stable key order."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def parse(text: str, source: Path | str) -> Manifest:
    """Read a manifest from JSON text; `source` names it in errors.

    Raises:
        DataError: not JSON, unknown keys, a value of the wrong type, an unknown outcome, or a newer format.
    """
    try:
        values = parse_json(text)
    except json.JSONDecodeError as error:
        raise _wrong(source, f"line {error.lineno}", f"not JSON: {error.msg}") from error
    except ValueError as error:
        raise _wrong(source, "text", f"not JSON: {error}") from error
    known = {item.name for item in fields(Manifest)}
    if not isinstance(values, dict) or set(values) - known or not {"task", "robot"} <= set(values):
        got = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise _wrong(source, "keys", f"got {got}, allowed {sorted(known)}, needed ['robot', 'task']")
    try:
        manifest = TypeAdapter(Manifest).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _wrong(source, place, f"got {first['input']!r}: {first['msg']}") from error
    wrong = []
    if manifest.outcome not in OUTCOMES:
        wrong.append(f"outcome is {manifest.outcome!r}, allowed: {', '.join(OUTCOMES)}")
    if manifest.format != FORMAT:
        wrong.append(f"format is {manifest.format}, expected {FORMAT}")
    if manifest.tick_rate_hz is not None and not 0 < manifest.tick_rate_hz <= _FASTEST_HZ:
        wrong.append(f"tick_rate_hz is {manifest.tick_rate_hz}, allowed: above 0, at most {_FASTEST_HZ:g}")
    if not 0 <= manifest.duration_s < _LONGEST_S:
        wrong.append(f"duration_s is {manifest.duration_s}, allowed: 0 or more, below {_LONGEST_S:g}")
    for name, counts in (("message_counts", manifest.message_counts), ("dropped", manifest.dropped)):
        wrong += [
            f"{name} of {topic} is {count}" for topic, count in counts.items() if not 0 <= count < 2**62
        ]
    if not isinstance(manifest.extra.get("problems", []), list):
        wrong.append(f"problems are {manifest.extra['problems']!r:.100}, expected a list of texts")
    if wrong:
        raise _wrong(source, "values", "; ".join([*wrong, *_unknown_robot(manifest.robot)]))
    return manifest


def _wrong(source: Path | str, place: str, what: str) -> DataError:
    return corrupt(source, place, what, "mend the file by hand: docs/data.md says what may stand in it")


def _unknown_robot(name: str) -> list[str]:
    """That no contract has this name: no fault of a manifest, but worth a look where another value is wrong."""
    known = robot_names()
    return [] if name in known else [f"robot {name!r} has no contract here, there are: {', '.join(known)}"]


def load(bag: Path) -> Manifest:
    """Manifest of the bag folder `bag`; DataError when there is none or it is corrupt."""
    path = bag / FILE_NAME
    must_exist(bag)
    if not path.exists():
        needed = '{"task": "...", "robot": "...", "outcome": "success"}'
        raise missing(
            path,
            f"no manifest beside the bag; write one, at least {needed} (outcomes: {', '.join(OUTCOMES)}); "
            "it names no contract, so convert the bag with --any-contract",
        )
    try:
        return parse(read_text(path), path)
    except UnicodeDecodeError as error:
        raise corrupt(path, f"byte {error.start}", "not UTF-8 text") from error
    except OSError as error:
        raise corrupt(path, "file", str(error).removeprefix(f"{path}: ")) from error
