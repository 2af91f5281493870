"""Each package.xml declares what its package uses, and nothing else; what rosdep does not have is in requirements/."""

import ast
import functools
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, Any] = yaml.safe_load((ROOT / "requirements/modules.yaml").read_text())
PACKAGES = sorted(path.parent for path in ROOT.glob("src/*/setup.py"))
OURS = {path.parent.name for path in ROOT.glob("src/*/package.xml")}
# Folders outside of a package that belong to one all the same: its launch files and the tests of the whole graph.
ALSO = {"segue_bringup": {"launch": False, "tests": True}}
_TYPE = re.compile(r"^([a-z]\w+)/(?:msg|srv|action)/")  # "sensor_msgs/msg/Image": imported by that name
_ATTRIBUTE = re.compile(r"^(segue_\w+)(?:\.\w+)*:\w+$")  # "segue_data.datasets.dataset:load"
_SAMPLES = {"pkg", "package"}  # of names in messages for people


def _python(package: Path, *, tests: bool) -> Iterator[Path]:
    yield from (
        path
        for path in package.rglob("*.py")
        if path.name != "setup.py" and ("test" in path.relative_to(package).parts) == tests
    )
    for folder, are_tests in ALSO.get(package.name, {}).items():
        if are_tests == tests:
            yield from (ROOT / folder).rglob("*.py")


def _names(path: Path, *, strings: bool) -> Iterator[str]:
    """Modules that a file imports, starts (`Node(package=...)`) or, with `strings`, names as a message type."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.keyword) and node.arg == "package" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "FindPackageShare":
            yield str(ast.literal_eval(node.args[0]))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and strings:
            found = _TYPE.match(node.value) or _ATTRIBUTE.match(node.value)
            if found and found[1] not in _SAMPLES:
                yield found[1]


@functools.cache
def _used(package: Path, *, tests: bool) -> set[str]:
    """First names of everything used that is neither Python's own, the package's own nor a helper beside the tests."""
    helpers = {path.stem for path in ROOT.glob("src/*/test/*.py")}
    named = {
        name.split(".")[0]
        for path in _python(package, tests=tests)
        for name in _names(path, strings=not tests)
    }
    return named - sys.stdlib_module_names - helpers - {package.name, "", "setuptools", "tests"}


def _keys(modules: set[str]) -> set[str]:
    return {
        TABLE["rosdep"].get(module, module)
        for module in modules
        if module in TABLE["rosdep"] or module in TABLE["ros"] or module in OURS
    }


def _declared(package: Path, *tags: str) -> set[str]:
    root = ElementTree.parse(package / "package.xml").getroot()
    return {element.text or "" for element in root if element.tag in tags}


def _needs(package: str, other: str) -> bool:
    """Whether `package` of ours stands on `other`, directly or not."""
    below = _declared(ROOT / "src" / package, "exec_depend", "depend") & OURS
    return other in below or any(_needs(one, other) for one in below)


@functools.cache
def _graph_packages() -> frozenset[str]:
    """Packages whose programs the launch files start, as config/ names them."""
    lines = [line for path in (ROOT / "config").rglob("*.yaml") for line in path.read_text().splitlines()]
    found = (re.match(r"^\s*(?:- )?package: (segue_\w+)", line) for line in lines)
    return frozenset(match[1] for match in found if match)


# What is used without being imported: `ros2 launch`, and ros2_control's controllers and plugin in the files for Gazebo.
_UNSEEN = {
    "segue_bringup": {"ros2launch", "gz_ros2_control", "joint_state_broadcaster", "joint_trajectory_controller",
                      "forward_command_controller"},
}  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_declares_what_it_uses_and_nothing_else(package: Path) -> None:
    started = _graph_packages() if package.name == "segue_bringup" else frozenset()
    at_run_time = _keys(_used(package, tests=False) | started) | _UNSEEN.get(package.name, set())
    in_tests = _keys(_used(package, tests=True)) - at_run_time
    # The controller is tested on the simulator, which stands on the controller: colcon refuses to see such a circle.
    in_tests -= {name for name in in_tests & OURS if _needs(name, package.name)}
    assert _declared(package, "exec_depend", "depend") == at_run_time - {package.name}
    assert _declared(package, "test_depend") == in_tests - {package.name}


def test_every_module_that_is_imported_has_a_known_origin() -> None:
    used = {
        module for package in PACKAGES for tests in (False, True) for module in _used(package, tests=tests)
    }
    known = {*TABLE["rosdep"], *TABLE["ros"], *TABLE["pip"], *TABLE["optional"], *OURS}
    assert sorted(used - known) == [], "say in requirements/modules.yaml where they come from"
    assert sorted({*TABLE["rosdep"], *TABLE["pip"]} - used) == [], "used by nobody"


@pytest.mark.parametrize("file", ["ros.txt", "wheels.in"])
def test_what_rosdep_does_not_have_is_in_the_requirements(file: str) -> None:
    files = [file, "robot.txt"] if file == "ros.txt" else [file, "torch.txt"]
    text = "\n".join((ROOT / "requirements" / name).read_text() for name in files)
    pinned = {match.lower() for match in re.findall(r"^([\w.-]+)\s*(?:[=<>]|$)", text, re.MULTILINE)}
    assert sorted({name.lower() for name in TABLE["pip"].values()} - pinned) == []


def test_what_is_done_without_is_said_where_the_reader_looks() -> None:
    for module, page in TABLE["optional"].items():
        text = (ROOT / page).read_text().lower()
        assert module.replace("franky", "franky-control") in text or page.startswith("requirements"), module


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_colcon_is_told_to_test_with_pytest(package: Path) -> None:
    calls = [
        node for node in ast.walk(ast.parse((package / "setup.py").read_text())) if isinstance(node, ast.Call)
    ]
    setup = next(call for call in calls if getattr(call.func, "id", "") == "setup")
    extras = next((word.value for word in setup.keywords if word.arg == "extras_require"), None)
    assert extras and ast.literal_eval(extras) == {"test": ["pytest"]}


def test_colcon_test_runs_a_packages_tests(tmp_path: Path) -> None:
    colcon = [sys.executable, "-m", "colcon", "--log-base", str(tmp_path / "log")]
    command = [*colcon, "test", "--base-paths", "src", "--packages-select", "segue_core"]
    command += [
        "--test-result-base",
        str(tmp_path / "results"),
        "--pytest-args",
        "test/test_core_rotation.py",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    asked = [*colcon, "test-result", "--all", "--test-result-base", str(tmp_path / "results")]
    said = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    counted = re.search(r"Summary: (\d+) tests, 0 errors, 0 failures", said)
    assert counted and int(counted[1]) > 0, said
