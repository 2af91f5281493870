"""Files are read by the modules that are listed here, and each of them is damaged by a reader of tests/fuzz.

A name of a file may lead to a pipe, a device or a terabyte: text is opened by `segue_core.files`, and libraries that
open files by themselves are given what `segue_core.files.regular` has looked at.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for path in ROOT.glob("src/*/*/**/*.py") if "test" not in path.relative_to(ROOT / "src").parts
)

# Calls that read a file, or what came in one.
_METHODS = {"read_text", "read_bytes"}
_FUNCTIONS = {
    "json.load", "json.loads", "yaml.load", "yaml.safe_load", "np.load", "np.fromfile", "np.loadtxt", "np.memmap",
    "torch.load", "pickle.load", "pickle.loads", "load_file", "load_arrays", "safe_open", "pq.ParquetFile",
    "pq.read_schema", "pq.read_table", "av.open", "cv2.imread", "cv2.imdecode", "cv2.VideoCapture", "open",
    "mujoco.MjSpec.from_file", "csv.DictReader", "csv.reader", "tomllib.load", "Reader", "make_reader", "StreamReader",
}  # fmt: skip
_LAST = {name.rpartition(".")[2] for name in _FUNCTIONS} | _METHODS

OPENS = {"segue_core/files.py"}
"""Opens every file of text."""

CHECKED = {
    "segue_core/contracts/yaml_text.py": "YAML text, bounded by contracts/base.py",
    "segue_data/bags/reader.py": "bags; its files are looked at first",
    "segue_data/bags/mcap_rewrite.py": "bags; of files that a scan has read",
    "segue_data/bags/stored.py": "bags; of files that are regular",
    "segue_data/datasets/video_frames.py": "videos",
    "segue_data/datasets/parquet.py": "tables",
    "segue_perception/colours.py": "pictures, whose size is looked at before they are decoded",
    "segue_policies/checkpoints/checkpoint.py": "weights, from bytes whose digest fits",
    "segue_policies/networks/openvla.py": "weights",
    "segue_policies/networks/resnet.py": "weights",
    "segue_policies/training/run_state.py": "weights",
    "segue_policies/methods/lerobot/lerobot_server/wire.py": "messages of LeRobot's process, bounded",
    "segue_policies/methods/lerobot/lerobot_server/weights.py": "weights, in LeRobot's own process",
    "segue_policies/methods/lerobot/lerobot_server/network.py": "config.json that LeRobot has read already",
    "segue_perception/drivers/usb.py": "a camera, or a film for tests, that the settings name",
    "segue_control/robot/model_files.py": "the robot's model, which is a regular file of a bounded size",
}
"""What else reads, and what of."""

OWN = {
    "segue_bringup/environment/words/index.py", "segue_bringup/environment/words/installed.py",
    "segue_bringup/environment/lock.py",
    "segue_bringup/environment/setup_display.py", "segue_bringup/environment/ros_conditions.py",
    "segue_bringup/environment/setup_steps.py",
    "segue_bringup/environment/stamps.py",
    "segue_bringup/environment/torch_choice.py",
    "segue_bringup/environment/variables.py", "segue_bringup/environment/wheels.py",
    "segue_bringup/gazebo_launch.py", "segue_bringup/supervision/fork_server.py",
    "segue_bringup/supervision/instance.py",
    "segue_bringup/supervision/supervisor.py", "segue_bringup/usage.py",
    "segue_ros/calm.py",
    "segue_data/bench/command.py", "segue_data/node/recorder_load.py", "segue_data/bags/definitions.py",
    "segue_data/datasets/video_writer.py", "segue_data/settings.py",
    "segue_eval/bench/growth.py", "segue_eval/bench/start.py",
    "segue_eval/bench/train.py", "segue_eval/corrections.py", "segue_eval/page.py", "segue_eval/report/html.py",
    "segue_eval/report/video.py", "segue_eval/rows.py", "segue_eval/suite/write.py",
    "segue_policies/bench/act_here.py", "segue_policies/bench/act_in_lerobot.py", "segue_policies/training/curves.py",
}  # fmt: skip
"""Read only what this workspace wrote a moment ago, what is installed with it, or words of a command line."""


@functools.cache
def _told(path: Path) -> list[ast.Import | ast.ImportFrom | ast.Call]:
    """Imports of a file, and calls of what is named like something that reads."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [
        node
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Call) and _last_name(node.func) in _LAST)
    ]


def _last_name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _calls(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    ours = {"load_file"} if "safetensors" not in text else set()  # of configuration
    for node in _told(path):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in _FUNCTIONS - ours or (
                isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
            ):
                yield f"{name} in line {node.lineno}"


@pytest.fixture(scope="module")
def readers() -> dict[str, list[str]]:
    found = {"/".join(path.relative_to(ROOT / "src").parts[1:]): list(_calls(path)) for path in SOURCES}
    return {module: calls for module, calls in found.items() if calls}


def test_only_listed_modules_read_files(readers: dict[str, list[str]]) -> None:
    unlisted = {module: calls for module, calls in readers.items() if module not in {*OPENS, *CHECKED, *OWN}}
    assert unlisted == {}, "use segue_core.files, add a reader to tests/fuzz, and list the module here"


def test_the_list_names_no_module_that_reads_nothing(readers: dict[str, list[str]]) -> None:
    assert sorted({*OPENS, *CHECKED, *OWN} - set(readers)) == []


def test_nothing_unpickles() -> None:
    """`torch.load` takes weights only, `np.load` no objects, and nobody imports pickle or its kin."""
    unsafe = []
    for path in SOURCES:
        for node in _told(path):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            unsafe += [
                f"{path}: {name}"
                for name in names
                if name in ("pickle", "dill", "cloudpickle", "shelve", "marshal")
            ]
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load"):
                wanted = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
                key, value = wanted[ast.unparse(node.func)]
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                unsafe += (
                    [] if given.get(key) == str(value) else [f"{path}:{node.lineno} without {key}={value}"]
                )
    assert unsafe == []
