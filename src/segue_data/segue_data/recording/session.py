"""The recorder without ROS: one episode at a time below one root, started and stopped by name."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode, clipped
from segue_core.figures import told_apart
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import OUTCOMES, Manifest
from segue_data.bags.repair import RepairReport
from segue_data.bags.repair_all import repair_open_episodes
from segue_data.bags.topic import Topic
from segue_data.bags.topics import GATHERED_TOPICS
from segue_data.errors import write_failed
from segue_data.recording.stream_watch import StreamWatch

_LONGEST_NAME = 120  # bytes in UTF-8; a file system takes 255, and what is beside the folder has longer names
_MOST_GATHERED = 99  # a node that says the same again and again with new stamps must not fill the memory


@dataclass(frozen=True)
class Closed:
    """A closed episode: folder (None when discarded), messages written and lost, duration [s], what is doubtful."""

    folder: Path | None
    messages: int
    lost: int
    duration_s: float
    problems: tuple[str, ...] = ()


def _refuse_paths(name: str) -> None:
    long = len(name.encode(errors="replace")) > _LONGEST_NAME
    if Path(name).name != name or name.startswith(".") or not name.isprintable() or long:
        raise DataError(
            ErrorCode.DATA_PATH_REFUSED,
            "episode name",
            got=repr(clipped(name, _LONGEST_NAME)),
            expected=f"a plain folder name, no separators, {_LONGEST_NAME} bytes or fewer",
        )


class RecordingSession:
    """Not thread-safe except `write`. Every method raises DataError when it refuses.

    Args:
        root: folder for the episodes, made when needed.
        topics: what to record; a topic may have a transform (see `Topic`).
        facts: what every manifest of this recorder says (robot, contract hash, rate).
        min_free_bytes: recording is refused, and a running one closed, below this much free space.
        latched: topics whose last message (of /tf_static: every one), received at any time, begins every episode.
        on_event: told once why an episode cannot be recorded any more; may be called from the writer thread.
        robot: contract that every episode is judged by when it is closed; without it nothing is judged.
        names: what topics are called in the bag, where that is not their name here (see `EpisodeWriter`).
        keep_doubtful: keep an episode with dropped, late or frozen streams, flagged in its manifest; else delete it.
    """

    def __init__(
        self,
        root: Path,
        topics: Mapping[str, Topic],
        facts: Manifest,
        *,
        min_free_bytes: int,
        latched: Collection[str] = (),
        on_event: Callable[[str], None],
        robot: RobotConfig | None = None,
        keep_doubtful: bool = True,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.root = root
        self._topics, self._names = dict(topics), names
        self._facts = facts
        self._latched: dict[str, list[bytes]] = {topic: [] for topic in latched}
        self._begin_ns = 0
        self._min_free = min_free_bytes
        self._on_event = on_event
        self._telling, self._told = threading.Lock(), False  # of the episode
        self._writer: EpisodeWriter | None = None
        self._closed_early: DataError | None = None
        self._robot, self._keep_doubtful = robot, keep_doubtful
        self._watch = StreamWatch({})
        self.seen: Counter[str] = Counter()  # messages received by topic, recording or not
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(ErrorCode.DATA_DISK, f"{root}: {error}") from error

    def repair(self) -> tuple[list[RepairReport], list[DataError]]:
        """Bring back what a killed recorder left in the root; what was repaired, and what could not be."""
        return repair_open_episodes(self.root)

    @property
    def recording(self) -> bool:
        """Whether an episode is open."""
        return self._writer is not None

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages written so far in this episode, by topic."""
        return {} if self._writer is None else dict(self._writer.counts)

    @property
    def dropped(self) -> int:
        """Messages lost so far in this episode."""
        return 0 if self._writer is None else sum(self._writer.dropped.values())

    @property
    def failure(self) -> str:
        """Why the episode that is open (or was closed early) cannot be written; empty when all is well."""
        if self._writer is not None and self._writer.failure:
            return self._writer.failure
        return str(self._closed_early) if self._closed_early else ""

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self.root).free
        except OSError as error:  # gone
            raise write_failed(
                self.root, f"the recordings' folder cannot be used: {error.strerror}"
            ) from error

    def _tell(self, text: str) -> None:
        """One event ends an episode, whichever thread sees first that it cannot go on."""
        with self._telling:
            is_first, self._told = not self._told, True
        if is_first:
            self._on_event(text)

    def start(self, name: str, task: str, seed: int, log_ns: int | None = None) -> Path:
        """Open an episode; returns the folder that it will have. An empty `name` is made from the time.

        `log_ns` is the time of now by the clock of `write`'s log times; the wall clock when it is not given.
        """
        if self._writer is not None:
            raise DataError(ErrorCode.DATA_RECORDING_ACTIVE, f"{self._writer.folder} is being recorded")
        name = name or time.strftime("%Y%m%d-%H%M%S")
        _refuse_paths(name)
        if len(task) > _LONGEST_NAME:
            got, expected = f"{len(task)} letters", f"{_LONGEST_NAME} or fewer"
            raise DataError(ErrorCode.DATA_PATH_REFUSED, "task name", got=got, expected=expected)
        if (free := self._free()) < self._min_free:
            got, needed = told_apart(free / 1e6, self._min_free / 1e6)
            raise DataError(
                ErrorCode.DATA_DISK,
                f"{self.root}: too little space",
                got=f"{got} MB",
                expected=f"at least {needed} MB",
            )
        self._closed_early, self._told = None, False
        self._facts = replace(self._facts, task=task or self._facts.task, seed=seed)
        self._watch = StreamWatch({topic: spec.type_name for topic, spec in self._topics.items()})
        self._writer = EpisodeWriter(
            self.root / name,
            self._topics,
            on_failure=self._tell,
            facts=self._facts,
            names=self._names,
            watch=self._watch.note if self._robot else None,
        )
        now_ns = time.time_ns()
        self._begin_ns = now_ns if log_ns is None else log_ns
        for topic, kept in self._latched.items():
            for data in kept:
                self._writer.write(topic, self._begin_ns, data, now_ns)
        return self._writer.folder

    def write(self, topic: str, log_ns: int, data: bytes, received_ns: int | None = None) -> None:
        """Take one serialised message (see `EpisodeWriter`); ignored while idle, dropped and counted when too slow."""
        self.seen[topic] += 1
        if topic in self._latched:
            self._keep(topic, data)
            log_ns = max(
                log_ns, self._begin_ns
            )  # it may have come before the start, and been looked at after
        writer = self._writer
        if writer is not None:
            writer.write(topic, log_ns, data, received_ns)

    def _keep(self, topic: str, data: bytes) -> None:
        """The last message of a latched topic; of one that several nodes publish, every one that is another."""
        kept = self._latched[topic]
        if topic not in GATHERED_TOPICS:
            kept[:] = [data]
        elif data not in kept:
            kept[:] = [*kept[-_MOST_GATHERED:], data]

    def guard_disk(self) -> None:
        """Close the episode before the disk is full; call about once a second."""
        if self._writer is None or self._writer.failure or not (trouble := self._trouble()):
            return
        text = f"{trouble}, episode closed"
        self._tell(text)
        try:
            text = f"{text}: {self._close('aborted', reason=text, whole=False).folder}"
        except DataError as error:
            text = f"{text}: {error.text}"
        self._closed_early = DataError(ErrorCode.DATA_DISK, text)

    def _trouble(self) -> str:
        try:
            return f"{self.root}: disk nearly full" if self._free() < self._min_free // 2 else ""
        except DataError as error:
            return error.text

    def stop(self, outcome: str, *, discard: bool = False, reason: str = "") -> Closed:
        """Close the episode, or delete it with `discard`; an outcome not in `OUTCOMES` becomes the reason."""
        early, self._closed_early = self._closed_early, None
        if early is not None:
            raise early
        return self._close(outcome, discard=discard, reason=reason)

    def _close(self, outcome: str, *, discard: bool = False, reason: str = "", whole: bool = True) -> Closed:
        writer, self._writer = self._writer, None
        if writer is None:
            raise DataError(ErrorCode.DATA_NOT_RECORDING, "no episode is being recorded")
        if discard:
            writer.abandon()
            return Closed(None, 0, 0, 0.0)
        writer.drain()
        problems = self._judge(writer)
        if problems and not self._keep_doubtful:
            writer.abandon()
            return Closed(None, 0, 0, 0.0, problems)
        folder = writer.finish(replace(self._ended(outcome, reason, problems), complete=whole))
        lost = sum(writer.dropped.values())
        return Closed(folder, sum(writer.counts.values()), lost, writer.duration_s, problems)

    def _judge(self, writer: EpisodeWriter) -> tuple[str, ...]:
        if self._robot is None or writer.failure:
            return ()
        return tuple(self._watch.problems(writer.folder, self._robot, writer.dropped))

    def _ended(self, outcome: str, reason: str, problems: tuple[str, ...]) -> Manifest:
        known = outcome in OUTCOMES
        return replace(
            self._facts,
            outcome=outcome if known else "unknown",
            reason=reason or ("" if known else clipped(outcome)),
            extra={**self._facts.extra, **({"problems": list(problems)} if problems else {})},
        )
