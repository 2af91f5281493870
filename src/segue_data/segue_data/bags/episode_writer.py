"""One episode into one rosbag2 MCAP bag: queued, counted, and never blocking the caller's motion.

    <parent>/.recording/<name>/<name>.mcap      while recording (what a crash leaves behind)
    <parent>/<name>/{<name>.mcap, metadata.yaml, manifest.json}      after `finish`, by one rename

The bag is opened and closed by hand: leaving `with rosbags.rosbag2.Writer` by an exception drops the index.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2.errors import WriterError

from segue_core.errors import DataError
from segue_data.bags.byte_queue import ByteQueue
from segue_data.bags.definitions import typestore
from segue_data.bags.manifest import BAG_VERSION, FILE_NAME, RECORDING, RESERVE, Manifest, load
from segue_data.bags.mcap_checksums import ChecksummedWriter
from segue_data.bags.repair import repair
from segue_data.bags.topic import Topic
from segue_data.errors import exists, write_failed
from segue_data.storage.atomic import write_text
from segue_data.storage.folder_lock import FolderLock

DEFAULT_BUDGET_BYTES = 64 * 2**20
_LEFT_OPEN = "./segue data repair closes what an earlier recording has left open"
_RESERVE_BYTES = 2 * 2**20  # a chunk, the index at the end, metadata.yaml and the manifest


Item = tuple[str, int, int, bytes | memoryview]  # topic, log time [ns], time of receipt [ns], message


def _sync(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _discard_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


class EpisodeWriter:
    """Writes messages of one episode from a thread of its own.

    Threading: `write` may be called from any thread; `finish` and `abandon` from one.
    An existing working folder of a killed recorder is an error: `repair_open_episodes` first.
    With `wait=False` (live robot) a full queue drops the message and counts it; with `wait=True` (lockstep)
    the caller waits. After a write error (disk full) everything later is dropped and counted, `failure` says
    why and `on_failure` is called once, from the writer thread.
    `facts` is what the manifest will say, for `repair` if this process is killed. `watch` sees (topic, log
    stamp [ns], bytes) of everything that was written, in the writer thread. `names` says what topics are called in
    the bag and its manifest, where that is not their name here.
    """

    def __init__(
        self,
        folder: Path,
        topics: Mapping[str, Topic],
        *,
        wait: bool = False,
        budget_bytes: int = DEFAULT_BUDGET_BYTES,
        on_failure: Callable[[str], None] | None = None,
        facts: Manifest | None = None,
        names: Mapping[str, str] | None = None,
        watch: Callable[[str, int, bytes], None] | None = None,
    ) -> None:
        if folder.exists():
            raise exists(folder)
        self.folder = folder
        self.failure = ""
        self.counts = dict.fromkeys(topics, 0)
        self.dropped = dict.fromkeys(topics, 0)
        self._topics = dict(topics)
        self._names = {name: (names or {}).get(name, name) for name in topics}
        self._wait = wait
        self._on_failure = on_failure
        self._working = folder.parent / RECORDING / folder.name
        self._watch = watch
        self._begin(facts)
        self._queue: ByteQueue[Item] = ByteQueue(budget_bytes)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"write {folder.name}", daemon=True)
        self._thread.start()

    def _begin(self, facts: Manifest | None) -> None:
        """Open the bag in its working folder. When that fails nothing of it is left, and its name is free again."""
        try:
            self._bag = ChecksummedWriter(
                self._working, version=BAG_VERSION, storage_plugin=StoragePlugin.MCAP
            )
            with ExitStack() as stack:
                self._open(stack, facts)
                stack.pop_all()
        except (OSError, WriterError) as error:
            if isinstance(error, WriterError) and self._working.exists():
                raise exists(self._working, _LEFT_OPEN) from error
            raise write_failed(self._working, f"no recording can begin: {error}") from error

    def _open(self, stack: ExitStack, facts: Manifest | None) -> None:
        stack.callback(_discard_empty, self._working.parent)
        stack.callback(_discard_empty, self._working)
        self._bag.open()
        stack.callback(shutil.rmtree, self._working, ignore_errors=True)
        stack.callback(self._abort)
        self._connections = {name: self._connect(name, topic) for name, topic in self._topics.items()}
        self._reserve()
        self._lock_on_folder = FolderLock(self._working)
        stack.callback(self._lock_on_folder.release)
        if facts is not None:
            write_text(self._working / FILE_NAME, replace(facts, outcome="unknown", complete=False).to_json())

    def _connect(self, name: str, topic: Topic) -> Connection:
        return self._bag.add_connection(
            self._names[name], topic.type_name, typestore=typestore(), offered_qos_profiles=[topic.qos]
        )

    def _reserve(self) -> None:
        """Keep room for the end of the bag: a disk that fills while it is written must not leave it open."""
        with (self._working / RESERVE).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            topic, log_ns, received_ns, data = item
            if self.failure:
                self._drop(topic)
                continue
            try:
                transform = self._topics[topic].transform
                stored = transform(bytes(data)) if transform else data
                self._bag.write_received(self._connections[topic], log_ns, received_ns, stored)
                self.counts[topic] += 1
                if self._watch:
                    self._watch(topic, log_ns, bytes(stored))
            except ValueError:
                self._drop(topic)
            except OSError as error:
                self._drop(topic)
                self._fail(f"{self._working}: {error}")

    def _fail(self, text: str) -> None:
        self.failure = text
        if self._on_failure is not None:
            self._on_failure(text)

    def _drop(self, topic: str) -> None:
        with self._lock:
            self.dropped[topic] += 1

    def write(
        self, topic: str, log_ns: int, data: bytes | memoryview, received_ns: int | None = None
    ) -> bool:
        """Queue one serialised (CDR) message; False when it was dropped.

        `received_ns` is the wall time of its receipt, where the bag's time is another: MCAP's publish time.
        """
        item = (topic, log_ns, log_ns if received_ns is None else received_ns, data)
        accepted = not self.failure and self._queue.put(item, len(data), wait=self._wait)
        if not accepted:
            self._drop(topic)
        return accepted

    def write_message(self, topic: str, log_ns: int, message: Any) -> bool:
        """Serialise a `rosbags` message object and queue it; False when it was dropped."""
        return self.write(topic, log_ns, typestore().serialize_cdr(message, self._topics[topic].type_name))

    @property
    def duration_s(self) -> float:
        """Time between the first and the last message written [s]."""
        return (self._bag.max_timestamp - self._bag.min_timestamp) / 1e9 if any(self.counts.values()) else 0.0

    def drain(self) -> None:
        """Write what is queued and take no more; `finish` or `abandon` must follow."""
        self._queue.close()
        self._thread.join()

    def _stop(self) -> None:
        self.drain()
        self._lock_on_folder.release()

    def finish(self, manifest: Manifest) -> Path:
        """Write what is queued, close the bag and move it to its final place.

        Returns the final folder. The manifest is completed with counts, drops and times.

        Raises:
            DataError: writing failed. The bag holds what fitted and opens; its manifest says incomplete.
        """
        self._stop()
        try:
            return self._finish(manifest)
        except OSError as error:  # read-only by now, or gone
            left = "what was recorded is left there, for ./segue data repair"
            raise write_failed(self._working, f"{self.failure or error}; {left}") from error

    def _finish(self, manifest: Manifest) -> Path:
        (self._working / RESERVE).unlink(missing_ok=True)
        if not self.failure:
            self._close(self._complete(manifest))
        if self.failure:
            self._salvage(self._complete(manifest))
        self._working.replace(self.folder)
        _discard_empty(self._working.parent)  # unless another episode is being recorded
        if self.failure:
            raise write_failed(self.folder, self.failure)
        return self.folder

    def _close(self, manifest: Manifest) -> None:
        try:
            self._bag.close()
            write_text(self._working / FILE_NAME, manifest.to_json())
            _sync(self._working)
        except OSError as error:
            self._fail(f"{self._working}: {error}")

    def _abort(self) -> None:
        with suppress(OSError):  # closing flushes, which a full disk refuses once more
            self._bag.abort()

    def _salvage(self, manifest: Manifest) -> None:
        self._abort()
        try:
            repair(self._working, manifest, keep_original=False)
            self._count_what_was_lost()
        except (OSError, DataError) as error:
            raise write_failed(
                self._working, f"{self.failure}; and closing the bag failed: {error}"
            ) from error

    def _count_what_was_lost(self) -> None:
        """What had been written, but not to the disk, is lost, too."""
        kept = load(self._working)
        lost = {
            stored: self.dropped[name] + self.counts[name] - kept.message_counts.get(stored, 0)
            for name, stored in self._names.items()
        }
        told = replace(kept, dropped={name: count for name, count in lost.items() if count > 0})
        write_text(self._working / FILE_NAME, told.to_json())

    def _complete(self, manifest: Manifest) -> Manifest:
        return replace(
            manifest,
            start_ns=self._bag.min_timestamp if any(self.counts.values()) else 0,
            duration_s=self.duration_s,
            message_counts={self._names[name]: count for name, count in self.counts.items()},
            dropped={self._names[name]: count for name, count in self.dropped.items() if count},
            extra={"recorded_at_unix_s": int(time.time()), **manifest.extra},
        )

    def abandon(self) -> None:
        """Stop and delete what was recorded (a discarded episode). Raises DataError when the disk refuses."""
        self._stop()
        self._abort()
        try:
            shutil.rmtree(self._working)
        except OSError as error:
            raise write_failed(self._working, f"cannot be deleted: {error}") from error
        _discard_empty(self._working.parent)  # unless another episode is being recorded
