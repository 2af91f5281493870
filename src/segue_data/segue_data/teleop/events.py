"""What every input device says, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class InputEvent:
    """One control changed: its evdev name, and its value, raw for axes, 1 pressed or 0 released for keys."""

    name: str
    value: float


class DeviceGone(Exception):
    """The device was unplugged, or its other end is closed."""


class InputDevice(Protocol):
    """A source of events. Used from one thread; never blocks."""

    def read(self, now_s: float) -> list[InputEvent]:
        """Events since the last call; `now_s` is the steady clock. Raises DeviceGone when there will be no more."""
        ...

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Range of every axis that the device itself knows, by name."""
        ...

    def close(self) -> None:
        """Let go of the device and leave it as it was."""
        ...
