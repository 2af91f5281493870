"""A name of a file may lead anywhere: what is no regular file of a sane size is refused at once, and nothing waits."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, ErrorCode
from segue_core.files import MAX_CONFIG_BYTES, load_config, read_bytes, read_json, regular


class _Model(StrictModel):
    name: str = "x"


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is a pipe, expected a file"),
    "folder": (Path.mkdir, "is a folder, expected a file"),
    "socket": (_socket, "is a socket, expected a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, expected a file"),
    "terabyte": (_sparse, f"has {2**40} bytes, allowed: at most"),
    "nothing": (lambda path: None, "No such file"),
    "endless link": (lambda path: path.symlink_to(path), "symbolic links"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_is_refused_by_name_and_never_waited_for(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    path, (make, text) = Path("given.yaml"), STRANGE[kind]
    make(path)
    with pytest.raises(ConfigError, match="robot file 'given.yaml'") as caught:
        load_config(path, _Model, "robot")
    assert caught.value.code == ErrorCode.CONFIG_UNREADABLE and text in caught.value.text
    for read in (read_bytes, read_json, lambda path: regular(path, 2**30)):
        with pytest.raises(OSError, match="given.yaml"):
            read(path)


def test_a_file_without_a_size_is_read_no_further_than_allowed() -> None:
    assert regular("/proc/self/smaps").stat().st_size == 0
    with pytest.raises(OSError, match="more than 100 bytes"):
        read_bytes("/proc/self/smaps", 100)
    assert read_bytes("/proc/self/comm")


def test_what_is_allowed_is_not_what_is_taken(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    assert read_bytes(tmp_path / "small", 2**50) == b"x"


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="null"):
        load_config("a\0b", _Model)


def test_what_is_just_small_enough_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: " + "y" * (900_000))
    assert len(load_config(path, _Model).name) == 900_000
    path.write_bytes(b" " * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(ConfigError, match="at most"):
        load_config(path, _Model)


def test_json_that_is_nested_without_end_is_a_wrong_value(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested"):
        read_json(path)
