"""The robot's image has what a robot needs and no torch; docker is not needed to see that."""

import ast
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
ROBOT = (ROOT / "docker/robot.Dockerfile").read_text().replace("\\\n", " ")
HEAVY = {"torch", "lightning-fabric", "tensorboardx", "triton"}

_IMPORT = """
import importlib, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Hidden())
for module in {modules}:
    importlib.import_module(module)
"""


def _lines(name: str) -> list[str]:
    """The requirements of a file and of those that it includes, without comments."""
    found: list[str] = []
    for line in (REQUIREMENTS / name).read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            found += _lines(text[3:])
        elif text:
            found.append(text)
    return found


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match, requirement
    return match[0].lower().replace("_", "-")


def _brought_by(names: set[str]) -> set[str]:
    """Distributions that pip would install for these, by what the ones installed here say they need."""
    seen: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting |= {_name(one) for one in needed if "extra ==" not in one} - seen
    return seen


def _pip_files(dockerfile: str, *, alone: bool) -> set[str]:
    """Requirement files that an image installs, with what they bring or (`alone`) without."""
    commands = re.findall(r"pip install ([^&\n]+)", dockerfile)
    chosen = (command for command in commands if ("--no-deps" in command) == alone)
    return {name for command in chosen for name in re.findall(r"-r requirements/(\S+)", command)}


def _entry_points() -> dict[str, str]:
    """Modules of the nodes that robot.launch.py starts, by their names in the graph."""
    graph: dict[str, Any] = yaml.safe_load((ROOT / "config/graph/task.yaml").read_text())
    tree = ast.parse((ROOT / "launch/robot.launch.py").read_text())
    only = next(node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "only")
    names = ast.literal_eval(only)
    return {
        node["name"]: _module(node["package"], node["executable"])
        for node in graph["nodes"]
        if node["name"] in names
    }


def _module(package: str, executable: str) -> str:
    match = re.search(rf'"{executable} = ([\w.]+):', (ROOT / f"src/{package}/setup.py").read_text())
    assert match, (package, executable)
    return match[1]


def test_the_robots_requirements_bring_no_torch() -> None:
    files = _pip_files(ROBOT, alone=False)
    assert files == {"robot.txt"}
    named = {_name(line) for file in files | _pip_files(ROBOT, alone=True) for line in _lines(file)}
    assert not HEAVY & named
    assert not HEAVY & _brought_by({_name(line) for file in files for line in _lines(file)})
    assert "torch" in _brought_by({"lightning-fabric"})  # this is how it came in before


def test_every_image_installs_pinned_files_only() -> None:
    for path in ROOT.glob("docker/*.Dockerfile"):
        text = path.read_text().replace("\\\n", " ")
        for command in re.findall(r"pip install ([^&\n]+)", text):
            words = re.sub(r"\$\{.*?\}", "", command).split()
            packages = [
                word for word in words if not word.startswith("-") and not word.startswith("requirements/")
            ]
            assert packages == [], f"{path.name} installs {packages} by name"
        for file in _pip_files(text, alone=True) | _pip_files(text, alone=False):
            loose = [line for line in _lines(file) if "==" not in line and line != "numpy<2"]
            checks = {"hypothesis", "import-linter"}  # of ros.txt, tools of whoever develops
            assert {_name(line) for line in loose} <= checks, file


def test_the_robots_nodes_run_without_what_its_image_does_not_have() -> None:
    table: dict[str, str] = yaml.safe_load((REQUIREMENTS / "modules.yaml").read_text())["pip"]
    there = {_name(line) for line in _lines("robot.txt")}
    hidden = {module for module, name in table.items() if name.lower() not in there}
    assert {"torch", "pyarrow"} <= hidden
    modules = _entry_points()
    assert {"controller", "hardware", "cameras", "scheduler", "recorder"} <= set(modules)
    script = _IMPORT.format(hidden=sorted(hidden), modules=sorted(set(modules.values())))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_robots_image_can_reach_cameras_and_arms() -> None:
    assert "hardware.txt" in _pip_files(ROBOT, alone=True)
    assert "libusb-1.0-0" in ROBOT
    robot = yaml.safe_load((ROOT / "docker/compose.hardware.yaml").read_text())["services"]["robot"]
    assert robot["ulimits"]["rtprio"] == 99 and robot["ulimits"]["memlock"] == -1
    assert "/dev:/dev" in robot["volumes"]
    majors = {rule.split()[1].split(":")[0] for rule in robot["device_cgroup_rules"]}
    assert majors == {
        "13",
        "81",
        "189",
    }  # input, video4linux, USB: linux/Documentation/admin-guide/devices.txt


@pytest.mark.parametrize("image", ["robot", "policy"])
def test_images_without_gazebo_do_not_install_it(image: str) -> None:
    text = (ROOT / f"docker/{image}.Dockerfile").read_text()
    skipped = re.search(r'--skip-keys "([^"]*)"', text)
    assert skipped and {"ros_gz_sim", "ros_gz_bridge", "gz_ros2_control"} <= set(skipped[1].split())
