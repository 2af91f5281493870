"""What a person sees while recording: the session, and every topic with its rate and messages written."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from segue_bringup.run.collection import Session
from segue_bringup.run.display import PLAIN_EVERY_S, Display, Shown, choose

_KEYS = "Enter start  y success  n failure  x discard  r again  Esc stop  c recover  Ctrl-C end"
_STYLES = {"recording": "bold red", "ready": "green", "done": "bold green"}


def line(session: Session) -> str:
    """The session in one line."""
    told = session.told
    rates = ", ".join(
        f"{name} {rate:g}" for name, rate in session.rates.items() if "image" in name or "joint" in name
    )
    return (
        f"{told.get('stage', 'starting')}: {told.get('episode', '-')}, {told.get('good', 0)} good, "
        f"{told.get('doubtful', 0)} doubtful; Hz: {rates or '-'}"
    )


class Due:
    """One line for each change of stage or note, and one every few seconds."""

    def __init__(self, shown: Shown, session: Session, clock: Callable[[], float]) -> None:
        self._shown, self._session, self._clock = shown, session, clock
        self._seen, self._written_s = ("", ""), clock()

    def __call__(self) -> str | None:
        """The line to write now, or None."""
        told, now = self._session.told, self._clock()
        seen = (told.get("stage", self._shown.headline), told.get("note", ""))
        if seen == self._seen and now - self._written_s < PLAIN_EVERY_S:
            return None
        self._seen, self._written_s = seen, now
        note = f" ({told['note']})" if told.get("note") else ""
        return f"{line(self._session)}{note}" if told else self._shown.headline


def _draw(shown: Shown, session: Session) -> Group:
    told = session.told
    stage = told.get("stage", shown.headline)
    head = Text(f"{shown.title}: ", style="bold")
    head.append(stage, style=_STYLES.get(stage, "yellow"))
    wanted = told.get("wanted", "0")
    goal = f" of {wanted}" if wanted != "0" else ""
    count = f"{told.get('good', 0)}{goal} good, {told.get('doubtful', 0)} doubtful"
    parts = [head, Text(f"{told.get('episode', '-')}   {count}   arm: {told.get('arm', '-')}")]
    if session.device or told.get("note"):
        parts.append(Text(session.device or told["note"], style="bold red" if session.device else "yellow"))
    return Group(*parts, topic_table(session), Text(_KEYS, style="dim"))


def topic_table(session: Session) -> Table:
    """Every topic that is recorded: rate and messages in this episode; a silent camera or robot is red."""
    table = Table(box=None, padding=(0, 2))
    for title in ("topic", "Hz", "written"):
        table.add_column(title, justify="left" if title == "topic" else "right")
    for name in session.written or session.rates:
        rate = session.rates.get(name, 0.0)
        vital = "image_raw" in name or name == "/joint_states"
        if not vital and rate == 0.0 and not session.written.get(name):
            continue
        style = "red" if vital and rate == 0.0 else ""
        table.add_row(Text(name, style=style), f"{rate:.1f}", str(session.written.get(name, "")))
    return table


def make_display(shown: Shown, session: Session, *, quiet: bool) -> Display:
    """The display of a session."""
    due = Due(shown, session, time.monotonic)
    return choose(quiet, lambda: _draw(shown, session), due, refresh_hz=4)
