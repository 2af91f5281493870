"""What set-up does again after a change: a compiler starts for what is compiled, and for nothing else."""

from pathlib import Path

import pytest

from segue_bringup.environment.ros import Ros
from segue_bringup.environment.setup_steps import Setup
from segue_bringup.environment.stamps import StampStore
from segue_bringup.environment.steps import pending
from segue_bringup.environment.workspace import Workspace

FILES = (
    "requirements/torch.txt",
    "requirements/wheels.txt",
    "requirements/models.txt",
    "colcon.meta",
    "config/robots/arm.yaml",
    "launch/run.launch.py",
    "src/messages/package.xml",
    "src/messages/CMakeLists.txt",
    "src/messages/msg/State.msg",
    "overlay/lacking/package.xml",
    "overlay/lacking/CMakeLists.txt",
    "src/segue_bringup/package.xml",
    "src/segue_bringup/setup.py",
    "src/tool/package.xml",
    "src/tool/setup.py",
    "src/segue_bringup/segue_bringup/code.py",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Set up, as far as the stamps say."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before\n")
    space = Workspace(tmp_path)
    installed = ("setup.bash", "segue_interfaces/share", "segue_bringup", "tool")
    for output in (space.python, *(space.install / name for name in installed)):
        output.mkdir(parents=True)
    stamps = StampStore(space.state)
    for step, stamp in pending(setup(space).steps(), stamps):
        stamps.write(step.key, stamp)
    for package, stamp in setup(space).changed_packages().items():
        setup(space).package_stamps.write(package.name, stamp)
    assert stale(space) == [] and not setup(space).changed_packages()
    return space


def setup(space: Workspace) -> Setup:
    return Setup(space, Ros("kilted", None), {})


def stale(space: Workspace) -> list[str]:
    return [step.key for step, _ in pending(setup(space).steps(), StampStore(space.state))]


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("src/segue_bringup/segue_bringup/code.py", []),
        ("src/segue_bringup/segue_bringup/new.py", []),
        ("config/robots/arm.yaml", []),
        ("config/robots/another.yaml", ["build"]),
        ("launch/another.launch.py", ["build"]),
        ("src/tool/setup.py", ["build"]),
        ("src/tool/package.xml", ["build"]),
        ("src/another/package.xml", ["build"]),
        ("src/messages/msg/State.msg", ["messages", "build"]),
        ("src/messages/srv/Ask.srv", ["messages", "build"]),
        ("src/messages/CMakeLists.txt", ["messages", "build"]),
        ("overlay/lacking/package.xml", ["messages", "build"]),
        ("colcon.meta", ["messages", "build"]),
        ("requirements/wheels.txt", ["libraries", "render", "build"]),
        ("requirements/torch.txt", ["torch", "libraries", "render", "build"]),
    ],
)
def test_only_what_is_compiled_starts_a_compiler(file: str, again: list[str], workspace: Workspace) -> None:
    """A new robot in config/ built the messages again, for minutes where the caches of CMake were another folder's."""
    path = workspace.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("after\n")
    assert stale(workspace) == again


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("config/robots/another.yaml", {"segue_bringup"}),
        ("src/tool/setup.py", {"tool"}),
        ("src/another/package.xml", {"another"}),
        ("src/messages/msg/State.msg", set()),
    ],
)
def test_only_the_python_package_that_changed_is_installed_again(
    file: str, again: set[str], workspace: Workspace
) -> None:
    """A new robot installed ten packages again: 25 s of one core, minutes beside other work."""
    path = workspace.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("after\n")
    assert {package.name for package in setup(workspace).changed_packages()} == again


def test_another_ros_compiles_the_messages_again(workspace: Workspace) -> None:
    (workspace.requirements / "wheels.txt").write_text("ros-rosidl-cmake==9\n")
    assert stale(workspace) == ["libraries", "render", "messages", "build"]
