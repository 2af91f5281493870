"""Gamepads and keyboards of the Linux input subsystem: `struct input_event` from a file, names from evdev.

Source: linux/input.h; Documentation/input/gamepad.rst. The events are read here and not by `evdev.InputDevice`,
because that insists on a character device, while a recorded or relayed stream of events is a pipe.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import evdev
from evdev import ecodes

from segue_core.errors import ConfigError, ErrorCode
from segue_data.teleop.events import DeviceGone, InputEvent

_EVENT = struct.Struct("llHHi")  # seconds, microseconds, type, code, value
_REPEAT = 2  # value of a key event that the kernel repeats
_MOST = 256 * _EVENT.size


def _codes(names: Iterable[str]) -> dict[tuple[int, int], str]:
    """(type, code) -> name as the configuration spells it (BTN_X and BTN_NORTH are the same code)."""
    found = {}
    for name in names:
        if (code := ecodes.ecodes.get(name)) is None or not name.startswith(("KEY_", "BTN_", "ABS_")):
            text = f"control {name!r} of a teleoperation file"
            raise ConfigError(
                ErrorCode.CONFIG_UNKNOWN_NAME, text, expected="an evdev name: KEY_*, BTN_*, ABS_*"
            )
        found[(ecodes.EV_ABS if name.startswith("ABS_") else ecodes.EV_KEY, code)] = name
    return found


def find_device(names: Iterable[str]) -> Path:
    """The first input device that has every control of `names`.

    Raises:
        ConfigError: there is none; the text lists those that are there.
    """
    wanted, seen = set(_codes(names)), []
    for path in evdev.list_devices():
        device = evdev.InputDevice(path)
        seen.append(f"{path} ({device.name})")
        has = {(kind, code) for kind, codes in device.capabilities(absinfo=False).items() for code in codes}
        device.close()
        if wanted <= has:
            return Path(path)
    expected = "a device with all controls of the teleoperation file; readable (group `input`)"
    got = ", ".join(seen) or "no input device at all"
    do = "plug one in, name its file (teleop_device:=/dev/input/eventN), or take teleop:=keyboard"
    raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, "no gamepad found", got=got, expected=expected, do=do)


class EvdevDevice:
    """Reads the events of `path` (a device of /dev/input, or a pipe that carries the same bytes).

    Raises:
        ConfigError: the file cannot be opened, or a name is no evdev name.
    """

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        self._codes = _codes(names)
        self._path = path
        self._rest = b""
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigError(
                ErrorCode.CONFIG_UNREADABLE, f"input device {path}: {error.strerror}"
            ) from error

    def ranges(self) -> dict[str, tuple[float, float]]:
        """What the kernel says about the axes; nothing for a pipe."""
        if not stat.S_ISCHR(os.fstat(self._fd).st_mode):
            return {}
        device = evdev.InputDevice(self._path)
        capabilities: dict[int, Any] = device.capabilities()
        axes = dict(capabilities.get(ecodes.EV_ABS, ()))
        device.close()
        return {
            name: (float(axes[code].min), float(axes[code].max))
            for (kind, code), name in self._codes.items()
            if kind == ecodes.EV_ABS and code in axes
        }

    def read(self, now_s: float) -> list[InputEvent]:
        """Every event that has arrived; repeats of held keys are left out."""
        try:
            data = os.read(self._fd, _MOST)
        except BlockingIOError:
            return []
        except OSError as error:  # ENODEV: unplugged
            raise DeviceGone(f"{self._path}: {error.strerror}") from error
        if not data:
            raise DeviceGone(f"{self._path}: end of file")
        data = self._rest + data
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        return [
            InputEvent(self._codes[kind, code], float(value))
            for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole])
            if (kind, code) in self._codes and not (kind == ecodes.EV_KEY and value == _REPEAT)
        ]

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
