"""A new continuation or rule touches no existing file."""

import sys
from pathlib import Path

import pytest

from segue_core.errors import ConfigError, SchedulerError
from segue_scheduler import continuation, termination
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy

TOY = """
from segue_core.sampling import Sampling
from segue_scheduler.continuation.base import Continuation
from segue_scheduler.tick import Outcome

SAMPLING = Sampling("toy_sampling", "toy_guidance")

class Toy(Continuation):
    name = "toy"
    sampling = "toy_sampling"
    resets = 0

    def reset(self):
        Toy.resets += 1

class Never:
    def reset(self): pass
    def check(self, evidence): return None

def create(options):
    return Toy(options)

def create_rule(context):
    return Never()
"""
ENTRY_POINTS = """
[segue.continuation]
toy = toy_method:create
legato = toy_method:create
[segue.samplings]
toy_sampling = toy_method:SAMPLING
[segue.termination]
never = toy_method:create_rule
"""


@pytest.fixture
def toy_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that offers a continuation and a rule."""
    (tmp_path / "toy_method.py").write_text(TOY)
    info = tmp_path / "toy_method-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-method\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "toy_method", raising=False)


@pytest.mark.usefixtures("toy_package")
def test_an_installed_package_adds_a_method_and_a_rule() -> None:
    policy = ScriptedPolicy(SPACE)
    can = frozenset({"toy_guidance"})
    machine = scheduler(can, continuation="toy", termination=("never",))
    drive(machine, policy, SPACE, 60)
    drive(machine, policy, SPACE, 60)
    assert continuation.create("toy", {}).resets == 2  # type: ignore[attr-defined]
    assert {request.sampling for request in policy.requests} == {"toy_sampling"}
    assert "toy" in continuation.available()
    assert "never" in termination.available()


@pytest.mark.usefixtures("toy_package")
def test_a_sampling_of_another_package_declares_its_capability() -> None:
    with pytest.raises(SchedulerError, match="it lacks toy_guidance"):
        scheduler(continuation="toy")
    with pytest.raises(ConfigError, match="did you mean 'toy_guidance'"):
        scheduler(frozenset({"toy_guidanc"}), continuation="toy")


def test_a_method_whose_sampling_nobody_has_is_refused_before_anything_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_alone.py").write_text(TOY)
    monkeypatch.setattr(continuation, "__path__", [*continuation.__path__, str(tmp_path)])
    with pytest.raises(ConfigError, match="unknown sampling 'toy_sampling'"):
        scheduler(continuation="toy_alone")


@pytest.mark.usefixtures("toy_package")
def test_an_installed_package_cannot_replace_a_built_in() -> None:
    assert continuation.create("legato", {}).name == "legato"


def test_a_module_in_the_folder_is_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_in_folder.py").write_text(TOY)
    monkeypatch.setattr(continuation, "__path__", [*continuation.__path__, str(tmp_path)])
    assert continuation.create("toy_in_folder", {}).name == "toy"


def test_the_built_ins_are_found_by_name() -> None:
    names = ("legato", "linear_blend", "naive_async", "rtc", "synchronous", "temporal_ensemble")
    assert set(names) <= set(continuation.available())
    assert {"operator", "policy_stop", "progress_threshold", "stall", "task_detector", "time_limit"} <= set(
        termination.available()
    )
    for name in names:
        assert continuation.create(name, {}).name == name


def test_base_is_not_a_method() -> None:
    with pytest.raises(ConfigError, match="unknown continuation 'base'"):
        continuation.create("base", {})
