"""The devices of one person: the one that moves the robot, and a terminal whose keys end episodes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_data.teleop.config import Action, TeleopConfig
from segue_data.teleop.evdev_device import EvdevDevice, find_device
from segue_data.teleop.events import DeviceGone, InputDevice, InputEvent
from segue_data.teleop.terminal import TerminalKeys

_TERMINALS = ("/dev/tty", "/dev/pts/")


def _is_terminal(path: str) -> bool:
    return path.startswith(_TERMINALS)


def _is_pad(config: TeleopConfig, path: str) -> bool:
    """Whether evdev events are read: of a gamepad, or of a keyboard that is no terminal."""
    return config.device == "gamepad" or (
        config.device == "keyboard" and path != "" and not _is_terminal(path)
    )


def _pad(config: TeleopConfig, path: str) -> Path:
    return Path(path) if path else find_device((*config.controls, *config.actions))


def refuse_absent(config: TeleopConfig, device: str) -> None:
    """Raises ConfigError when the pad that `Inputs` would read is not there, or not for this user."""
    if _is_pad(config, device) and not os.access(pad := _pad(config, device), os.R_OK):
        do = "see that it is plugged in and may be read (group `input`), or leave teleop_device out to find one"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"input device {pad} cannot be read", do=do)


class Inputs:
    """Opens what a teleoperation file asks for.

    Args:
        device: file of the device; empty: the terminal for a keyboard, the first fitting device for a gamepad.
        terminal: terminal for the keys that start and end episodes; empty for none.

    Raises:
        ConfigError: a device is not there or is not what it should be.
    """

    def __init__(self, config: TeleopConfig, robot: RobotConfig, device: str, terminal: str) -> None:
        self._config = config
        self._device = self._open(config, device or (terminal if config.device == "keyboard" else ""))
        shared = config.device == "keyboard" and _is_terminal(device or terminal)
        self._terminal = TerminalKeys(Path(terminal), config.key_hold_s) if terminal and not shared else None
        self.gone = ""

    def _open(self, config: TeleopConfig, path: str) -> InputDevice | None:
        if _is_pad(config, path):
            return EvdevDevice(_pad(config, path), (*config.controls, *config.actions))
        if config.device == "keyboard":
            return TerminalKeys(Path(path or "/dev/tty"), config.key_hold_s)
        return None

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Ranges that the device knows by itself."""
        return self._device.ranges() if self._device else {}

    def read(self, now_s: float, pilot: Callable[[InputEvent], Action | None]) -> list[Action]:
        """What the person asks for; the device's events pass through `pilot`. Sets `gone` when it is unplugged."""
        requests: list[Action] = []
        try:
            events = self._device.read(now_s) if self._device and not self.gone else []
            requests += filter(None, map(pilot, events))
            if self._terminal:
                pressed = [event.name for event in self._terminal.read(now_s) if event.value]
                requests += [self._config.terminal[name] for name in pressed if name in self._config.terminal]
        except DeviceGone as error:
            self.gone = str(error)
        return requests

    def close(self) -> None:
        """Close the devices and put terminals back."""
        for device in (self._device, self._terminal):
            if device:
                device.close()
