"""The training log as TensorBoard reads it: `tensorboard --logdir FOLDER/training` shows runs beside each other.

Written by the training's own thread: tensorboardX's SummaryWriter has one of its own, which a full disk ends with a
trace, and which then blocks whoever logs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_FLUSH_S = 30.0


class EventLog:
    """A context that writes event files into a folder, or nothing when it is told to be off.

    Args:
        first_step: a run that goes on there replaces what was logged from there on.

    Raises:
        OSError: on entering, in `add` and at the end: the disk refuses.
    """

    def __init__(self, folder: Path, first_step: int, on: bool) -> None:
        self._folder, self._first_step, self._on = folder, first_step, on
        self._writer: Any = None
        self._flush_at_s = 0.0

    def __enter__(self) -> EventLog:
        if self._on:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import SessionLog

            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(str(self._folder / "events"), f".{self._first_step}")
            if self._first_step > 0:
                self._write(self._first_step, session_log=SessionLog(status=SessionLog.START))
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._writer is None:
            return
        file = (
            self._writer._py_recordio_writer
        )  # its own close keeps the file open when the flush before it fails
        with suppress(*[OSError] if error else []):  # of two errors the first one is told
            file.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, by name."""
        if self._writer is None:
            return
        from tensorboardX.summary import scalar

        for name, value in values.items():
            self._write(step, summary=scalar(name, value))
        if time.monotonic() >= self._flush_at_s:
            self._writer.flush()
            self._flush_at_s = time.monotonic() + _FLUSH_S

    def _write(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write_event(Event(step=step, wall_time=time.time(), **content))
