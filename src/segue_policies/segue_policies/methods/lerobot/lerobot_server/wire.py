"""Messages between a policy and LeRobot's process: plain data and arrays, as safetensors. Nothing is unpickled.

    8 bytes, little-endian     the length L
    L bytes of safetensors     "message": JSON as uint8, and arrays by name

Used on both sides.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

MAX_BYTES = 2**28
"""Longer messages are refused: sixteen cameras of 1280 x 720 need a sixth of it."""

Arrays = Mapping[str, NDArray[Any]]
_PREFIX = 8


class Refused(Exception):
    """An error that crosses the wire: the name of one of Segue's error codes, and a sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text

    def message(self) -> dict[str, str]:
        """As it is sent."""
        return {"code": self.code, "text": self.text}


def send(to: socket.socket, message: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Send one message; OSError when the other side is gone."""
    text = np.frombuffer(json.dumps(message).encode(), np.uint8)
    content = save({"message": text, **{name: np.ascontiguousarray(a) for name, a in (arrays or {}).items()}})
    to.sendall(len(content).to_bytes(_PREFIX, "little") + content)


def receive(source: socket.socket, timeout_s: float | None = None) -> tuple[dict[str, Any], Arrays]:
    """The next message, waiting at most `timeout_s` for the whole of it; None waits for ever.

    Raises:
        EOFError: the other side closed. TimeoutError. OSError. ValueError: what came is no message.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    length = int.from_bytes(_exactly(source, _PREFIX, end), "little")
    if length > MAX_BYTES:
        raise ValueError(f"a message of {length} bytes; at most {MAX_BYTES} are taken")
    try:
        arrays = dict(load(bytes(_exactly(source, length, end))))
        message = json.loads(arrays.pop("message").tobytes())
    except (SafetensorError, KeyError, RecursionError) as error:
        raise ValueError(f"no message: {error}") from error
    if not isinstance(message, dict):
        raise ValueError(f"no message: {type(message).__name__} in place of a mapping")
    return message, arrays


def _exactly(source: socket.socket, count: int, end: float | None) -> bytearray:
    content = bytearray()
    while len(content) < count:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        source.settimeout(left)
        part = source.recv(min(count - len(content), 2**20))
        if not part:
            raise EOFError
        content += part
    return content
