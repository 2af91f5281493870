"""Keys of a terminal, as the names that evdev would give them. A terminal tells presses, not releases."""

from __future__ import annotations

import os
import termios
import tty
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode
from segue_data.teleop.events import DeviceGone, InputEvent

_NAMES = {
    "\n": "KEY_ENTER", "\r": "KEY_ENTER", " ": "KEY_SPACE", "\t": "KEY_TAB", "\x7f": "KEY_BACKSPACE",
    "\x1b": "KEY_ESC", ".": "KEY_DOT", ",": "KEY_COMMA", "-": "KEY_MINUS", "=": "KEY_EQUAL",
    "\x1b[A": "KEY_UP", "\x1b[B": "KEY_DOWN", "\x1b[C": "KEY_RIGHT", "\x1b[D": "KEY_LEFT",
}  # fmt: skip


def key_names(text: str) -> list[str]:
    """Names of the keys that a terminal sent as `text`; what has no name is left out."""
    names, at = [], 0
    while at < len(text):
        size = 3 if text[at : at + 2] == "\x1b[" else 1
        key = text[at : at + size]
        at += size
        if key in _NAMES:
            names.append(_NAMES[key])
        elif key.isalnum() and key.isascii():
            names.append(f"KEY_{key.upper()}")
    return names


class TerminalKeys:
    """Reads the terminal `path` (such as /dev/tty or /dev/pts/3) key by key; `close` puts it back.

    A key counts as held until `hold_s` after its last press, so that the terminal's own repetition of a held key
    is one press. Ctrl-C stays an interrupt.

    Raises:
        ConfigError: it cannot be opened, or is no terminal.
    """

    def __init__(self, path: Path, hold_s: float) -> None:
        self._path, self._hold_s = path, hold_s
        self._held: dict[str, float] = {}
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)
        except (OSError, termios.error) as error:
            text = f"terminal {path}: {error}"
            raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text, expected="a terminal, see `tty`") from error

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Keys have none."""
        return {}

    def read(self, now_s: float) -> list[InputEvent]:
        """Presses, and releases of keys that were not repeated for `hold_s`."""
        events = []
        for name in key_names(self._text()):
            if name not in self._held:
                events.append(InputEvent(name, 1.0))
            self._held[name] = now_s
        for name in [name for name, at_s in self._held.items() if now_s - at_s > self._hold_s]:
            del self._held[name]
            events.append(InputEvent(name, 0.0))
        return events

    def _text(self) -> str:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return ""
        except OSError as error:
            raise DeviceGone(f"{self._path}: {error.strerror}") from error
        if not data:
            raise DeviceGone(f"{self._path}: closed")
        return data.decode("utf-8", errors="ignore")

    def close(self) -> None:
        """Put the terminal back as it was."""
        try:
            termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
        except termios.error:
            pass  # the terminal is gone
        finally:
            os.close(self._fd)
