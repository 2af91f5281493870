"""What was measured with one version of a method's code is not taken for what another one does."""

from pathlib import Path

import pytest

from segue_policies.method import Method, find_method, method_names
from segue_policies.method_code import code_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "lab_of_code"
    (folder / "parts").mkdir(parents=True)
    for name in ("__init__.py", "walk.py", "parts/__init__.py", "parts/speed.py"):
        (folder / name).write_text("SPEED = 1\n")
    (tmp_path / "lab_of_a_file.py").write_text("SPEED = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.mark.parametrize("checkpoint", [False, True])
def test_any_source_of_another_package_counts(package: Path, checkpoint: bool) -> None:
    method = Method("walk", "lab_of_code.walk:Walk", checkpoint=checkpoint)
    before = code_digest(method)
    assert before and code_digest(method) == before
    (package / "parts" / "speed.py").write_text("SPEED = 2\n")
    assert code_digest(method) != before


def test_a_module_alone_counts(package: Path) -> None:
    method = Method("walk", "lab_of_a_file:Walk")
    before = code_digest(method)
    (package.parent / "lab_of_a_file.py").write_text("SPEED = 2\n")
    assert code_digest(method) != before


def test_of_ours_it_is_the_checkpoint_that_decides_where_there_is_one() -> None:
    own = [method for name in method_names() if "segue_" in (method := find_method(name)).policy]
    assert all(bool(code_digest(method)) is not method.checkpoint for method in own)
