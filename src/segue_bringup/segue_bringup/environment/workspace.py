"""Where things are in the workspace."""

from pathlib import Path
from typing import NamedTuple


class Workspace(NamedTuple):
    """The folders of one checkout. Only `venv`, `build`, `install` and `logs` are ever written by set-up."""

    root: Path

    @classmethod
    def of_this_file(cls) -> "Workspace":
        """The workspace that this module was loaded from, also through the links of a symlink install."""
        return cls(Path(__file__).resolve().parents[4])

    @property
    def venv(self) -> Path:
        """Virtual environment with the Python libraries (and ROS 2, where none is installed)."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def state(self) -> Path:
        """What set-up remembers. Inside the virtual environment, so that deleting that starts afresh."""
        return self.venv / "segue"

    @property
    def build(self) -> Path:
        """Colcon's build folder."""
        return self.root / "build"

    @property
    def install(self) -> Path:
        """Colcon's install folder."""
        return self.root / "install"

    @property
    def logs(self) -> Path:
        """One log file per set-up step, and the lock file."""
        return self.root / "log" / "setup"

    @property
    def requirements(self) -> Path:
        """The pinned requirements."""
        return self.root / "requirements"

    @property
    def dds_profiles(self) -> Path:
        """Fast DDS profiles: `this_machine.xml`, deaf to the network, and `large_images.xml` for several machines."""
        return self.root / "config" / "dds"

    @property
    def site_packages(self) -> Path:
        """The virtual environment's site-packages; may not exist yet."""
        found = sorted(self.venv.glob("lib/python3.*/site-packages"))
        return found[0] if found else self.venv / "lib" / "site-packages"
