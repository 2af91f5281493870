"""What people keep is written whole or not at all, through `segue_data.storage.atomic`: a disk may fill at any byte."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
WRITERS = {"write_text", "write_bytes", "savefig"}  # as methods: of a path, of a figure
WHOLE = {
    "segue_data/segue_data/storage/atomic.py": "it is what makes the others whole",
    "segue_data/segue_data/datasets/writer.py": "a dataset takes its place when it is complete",
    "segue_policies/segue_policies/checkpoints/checkpoint.py": "drafts that take their place",
    "segue_policies/segue_policies/training/run_state.py": "drafts that take their place",
}
MADE_ANEW = {
    "segue_bringup/segue_bringup/environment": "works before anything is set up, and does what it did not finish again",
    "segue_bringup/segue_bringup/supervision/commands.py": "parameters of one run, read at once",
    "segue_control/segue_control/node/moveit_planner.py": "parameters that MoveIt reads at once",
    "segue_policies/segue_policies/training/curves.py": "a picture of numbers that are kept, drawn again and again",
    "segue_policies/segue_policies/training/command/train.py": "the first file of a training, which ends with it",
    "segue_sim/segue_sim/gazebo": "made from the contract for every run",
}


def _direct(file: Path) -> list[str]:
    """Where a file writes beside the atomic writers, such as "report.py:12 write_text"."""
    tree = ast.parse(file.read_text())
    into_parts = {
        node.items[0].optional_vars.id
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        and isinstance(node.items[0].context_expr, ast.Call)
        and getattr(node.items[0].context_expr.func, "id", "") == "whole_file"
        and isinstance(node.items[0].optional_vars, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        to = node.args[0] if node.func.attr == "savefig" else node.func.value
        if node.func.attr in WRITERS and not (isinstance(to, ast.Name) and to.id in {*into_parts, "buffer"}):
            found.append(f"{file.relative_to(SOURCE)}:{node.lineno} {node.func.attr}")
    return found


def test_every_file_that_people_keep_is_there_whole_or_as_it_was() -> None:
    allowed = (*WHOLE, *MADE_ANEW)
    files = [
        f for f in SOURCE.glob("*/*/**/*.py") if f.parts[len(SOURCE.parts) + 1] not in ("test", "setup.py")
    ]
    assert len(files) > 300
    direct = [line for file in files for line in _direct(file)]
    assert [line for line in direct if not line.startswith(allowed)] == []
    assert [name for name in allowed if not any(line.startswith(name) for line in direct)] == []
