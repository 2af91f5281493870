"""Which episode comes next in a folder of recordings, and what may be asked for when. Pure but for reading names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from segue_core.text_enum import TextEnum
from segue_data.bags.manifest import FILE_NAME, load

_NAME = re.compile(r"episode_(\d+)$")


class SessionStage(TextEnum):
    """Where a session of recordings is."""

    READY = "ready"
    STARTING = "starting"
    RECORDING = "recording"
    CLOSING = "closing"
    DONE = "done"


_ALLOWED = {
    SessionStage.READY: ("start",),
    SessionStage.RECORDING: ("success", "failure", "discard", "again"),
}


@dataclass
class Episodes:
    """Numbers episodes on from what is in `root` already; `wanted` good ones end the session (0: never).

    Attributes:
        number: of the episode that is recorded now or next.
        good: successes without a doubt in the folder.
        doubtful: episodes that the recorder flagged.
    """

    root: Path
    wanted: int
    first_seed: int
    stage: SessionStage = SessionStage.READY
    number: int = 0
    good: int = 0
    doubtful: int = 0
    note: str = ""
    _taken: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Read what is in the folder: a session that is started again goes on where the last one ended.

        So does one whose recorder was killed and has repaired what it left.
        """
        self._taken.clear()
        self.good = self.doubtful = 0
        for folder in self.root.glob("episode_*") if self.root.is_dir() else ():
            if (found := _NAME.search(folder.name)) and (folder / FILE_NAME).is_file():
                self._taken.add(int(found.group(1)))
                manifest = load(folder)
                self._count(manifest.outcome == "success", bool(manifest.problems))
        self.number = max(self._taken, default=-1) + 1
        self._finish_if_enough()

    @property
    def name(self) -> str:
        """Folder name of the episode."""
        return f"episode_{self.number:06d}"

    @property
    def seed(self) -> int:
        """Seed of the episode: the same when it is recorded again."""
        return self.first_seed + self.number

    def allows(self, request: str) -> bool:
        """Whether `request` makes sense now."""
        return request in _ALLOWED.get(self.stage, ())

    def closed(self, *, kept: bool, success: bool, doubts: str) -> None:
        """An episode came to its end."""
        if kept:
            self._taken.add(self.number)
            self._count(success, bool(doubts))
            self.number += 1
        self.stage = SessionStage.READY
        self.note = f"doubtful: {doubts}" if doubts else ""
        self._finish_if_enough()

    def _count(self, success: bool, doubtful: bool) -> None:
        self.doubtful += doubtful
        self.good += success and not doubtful

    def _finish_if_enough(self) -> None:
        if self.wanted and self.good >= self.wanted:
            self.stage = SessionStage.DONE
