"""26: a damaged bag, dataset, checkpoint or configuration is given to the command that reads it.

It is refused before anything starts or moves: a code, the file that is damaged, in little time and memory. Not here:
every other way to damage them (`tests/fuzz`), files that are made to harm (row 27).
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from own_domain import own_domain

from segue_core.exit_status import ExitStatus
from segue_data.contracts import load_robot, load_task
from segue_data.recording.lockstep import RecordingOptions, record_episode
from segue_data.testing import tiny_stage

from .damages import DAMAGES, Damage
from .figures import Figures
from .measured import ROOT, Measured, measured

pytestmark = pytest.mark.slow

_MOST_MB = 1000  # torch alone takes 500
_MOST_S = 60.0
_SHIPPED = ROOT / "config" / "checkpoints" / "act_push_button"
_RUN = ("run", "robot:=franka", "task:=push_button")

# Kind of file: the command that is given the damaged folder, and its exit status.
Given = Callable[[Path], Sequence[str | Path]]
COMMANDS: Mapping[str, tuple[Given, ExitStatus]] = {
    "checkpoint": (lambda folder: (*_RUN, "policy:=act", f"checkpoint:={folder}"), ExitStatus.POLICY_REFUSED),
    "configuration": (lambda _: (*_RUN, "policy:=sway"), ExitStatus.USAGE),
    "bag": (lambda folder: ("replay", folder), ExitStatus.DATA),
    "dataset": (lambda folder: ("train", "act", f"data={folder}", "--steps", "1"), ExitStatus.DATA),
}
CASES = [
    pytest.param(kind, damage, id=f"{kind}, {damage.name}", marks=() if first else pytest.mark.thorough)
    for kind, damages in DAMAGES.items()
    for first, damage in ((damage is damages[0], damage) for damage in damages)
]


def _segue(words: Sequence[str | Path], config: Path | None, out: Path) -> Measured:
    """A `segue` command that may leave things in `out`."""
    environment = {
        "ROS_DOMAIN_ID": str(own_domain()),
        **({"SEGUE_CONFIG_DIR": str(config)} if config else {}),
    }
    where = (
        (f"out={out}",) if words[0] == "train" else ("--out", out) if words[0] in ("run", "replay") else ()
    )
    return measured([ROOT / "segue", *words, *where], environment)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded episode."""
    stage = tiny_stage(load_robot("dual_arm"), load_task("pick_place"))
    folder = tmp_path_factory.mktemp("bags") / "episode_000001"
    record_episode(stage, 1, folder, RecordingOptions(settle_ticks=1))
    return folder


@pytest.fixture(scope="module")
def dataset(bag: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It as a dataset."""
    folder = tmp_path_factory.mktemp("sets") / "set"
    made = _segue(("data", "convert", bag, folder, "--workers", "1"), None, folder)
    assert made.status == ExitStatus.SUCCESS, made.said
    return folder


@pytest.fixture
def source(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Path:
    """The folder that is damaged, as it was."""
    if kind in ("bag", "dataset"):
        return Path(request.getfixturevalue(kind))
    if kind == "checkpoint":
        return _SHIPPED
    config = tmp_path / "shipped"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("checkpoints"))
    return config


@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_a_damaged_file_is_refused_by_its_name_before_anything_starts(
    kind: str, damage: Damage, source: Path, tmp_path: Path, figures: Figures
) -> None:
    given, status = COMMANDS[kind]
    folder, out = tmp_path / "given" / source.name, tmp_path / "out"
    file = damage.copy(source, folder)
    ended = _segue(given(folder), folder if kind == "configuration" else None, out)
    figures.add(
        26,
        f"{kind}: {damage.name}",
        code=int(ended.status),
        note=f"{ended.peak_mb} MB, {ended.seconds:.1f} s",
    )
    assert ended.status == status, ended.said
    named = (
        (file.name, str(folder)) if kind == "bag" else (file.name,)
    )  # a bag is one file and what is said of it
    assert any(name in ended.said for name in named), ended.said
    assert "What to do:" in ended.said and "Traceback" not in ended.said
    assert not out.exists(), "something was begun"
    assert ended.peak_mb < _MOST_MB and ended.seconds < _MOST_S
