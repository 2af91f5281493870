"""A disk of a test's own, which fills up, turns read-only, or stands still: ext4 in a file, as a loop device."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from typing_extensions import Self

_SIZE_MB = 1200  # more than the recorder wants free; the file is sparse
_FILLER = "filler"


def why_not() -> str:
    """Why no such disk can be made here; empty when it can."""
    if os.geteuid():
        return "a disk of its own needs root"
    try:
        with tempfile.TemporaryDirectory() as folder, Disk(Path(folder)) as disk, disk.standing_still():
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        return f"loop devices are not permitted: {getattr(error, 'stderr', '') or error}".strip()
    return ""


def _do(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Disk:
    """A context: `path` is its mount point below `folder`. End what writes there before the context."""

    def __init__(self, folder: Path) -> None:
        self.path, self._image = folder / "disk", folder / "disk.img"

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(_SIZE_MB * 2**20)
        _do("mkfs.ext4", "-q", "-m", "0", self._image)
        with ExitStack() as stack:
            self._device = _do("losetup", "--find", "--show", self._image)
            stack.callback(_do, "losetup", "--detach", self._device)
            self._mount()
            stack.callback(_do, "umount", self.path)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _mount(self) -> None:
        _do("mount", "-o", "errors=remount-ro", self._device, self.path)

    def fill(self, left_mb: float) -> None:
        """Take all room but this."""
        size = shutil.disk_usage(self.path).free - int(1e6 * left_mb)
        with (self.path / _FILLER).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def make_room(self) -> None:
        """Give back what was taken."""
        (self.path / _FILLER).unlink()

    def turn_read_only(self) -> None:
        """As the kernel does it when it finds that the disk is damaged; files that are open can be written no more."""
        Path("/sys/fs/ext4", Path(self._device).name, "trigger_fs_error").write_text(
            "tests", encoding="ascii"
        )

    def mend(self) -> None:
        """Check it and mount it again, once nobody uses it."""
        _do("umount", self.path)
        checked = subprocess.run(["e2fsck", "-fy", self._device], capture_output=True, text=True, check=False)
        assert checked.returncode in (0, 1), checked.stdout
        self._mount()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Whoever writes waits for the end of this context."""
        _do("sync", "--file-system", self.path)  # so that it stands at once
        _do("fsfreeze", "--freeze", self.path)
        try:
            yield
        finally:
            _do("fsfreeze", "--unfreeze", self.path)
