"""Laws of words: every spelling says the same, and what is wrong is named with what is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from segue_core.command_line.form import form_of
from segue_core.command_line.models import settings_of
from segue_core.command_line.reading import read
from segue_core.command_line.setting import REQUIRED, Range, Word
from segue_core.command_line.spelling import first_places, spelled
from segue_core.command_line.typed import help_text
from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, ErrorCode


class Net(StrictModel):
    """Sizes."""

    width: int = Field(default=8, ge=1, le=64, description="width")


class Common(StrictModel):
    """What several commands share."""

    GROUP: ClassVar[str] = "Task"
    task: Annotated[str, Word(names="tasks")] = Field(default="pour", description="task")


class Example(Common):
    """Do an example."""

    EXAMPLES: ClassVar[str] = "examples:\n  segue example home"
    GROUP: ClassVar[str] = "This command"
    pose: Annotated[str, Word(place=True)] = Field(description="pose")
    bags: Annotated[tuple[Path, ...], Word(place=True)] = Field(default=(), description="bags")
    share: float | None = Field(default=None, ge=0, lt=1, description="share")
    mode: Literal["fast", "slow"] = Field(default="fast", description="mode")
    view: Annotated[bool, Word(off=("headless",))] = Field(default=False, description="window")
    report: bool = Field(default=True, description="report")
    out: Annotated[Path | None, Word(also=("runs",))] = Field(default=None, description="result")
    json_file: Annotated[Path | None, Word(name="json")] = Field(default=None, description="file")
    network: Net = Net()


FORM = form_of(Example)
_PLAIN_WORDS = """
import sys
from segue_core.command_line.reading import read
from segue_core.command_line.setting import Setting
from segue_core.command_line.form import Form
settings = tuple(Setting(kind.__name__, kind, None, "one") for kind in (str, int, float, bool))
form = Form(settings, lambda values: values, "About.")
found = read(["str=a", "--int", "3", "float:=2", "--bool"], form, "segue example", lambda kind: ())
print(found, "cyclopts" in sys.modules)
"""


def names(kind: str) -> tuple[str, ...]:
    return {"tasks": ("pour", "pick_place")}.get(kind, ())


def said(*words: str) -> Example:
    found = read(words, FORM, "segue example", names)
    assert isinstance(found, Example)
    return found


def test_words_become_the_model() -> None:
    found = said("home", "a", "b", "task=pick_place", "--share", ".5", "mode:=slow", "--json=j")
    assert (found.pose, found.bags, found.task) == ("home", (Path("a"), Path("b")), "pick_place")
    assert (found.share, found.mode, found.json_file, found.out) == (0.5, "slow", Path("j"), None)
    assert said("pose=home", "--bags", "a", "b", "--view").bags == said("--pose", "home", "a", "b").bags


@pytest.mark.parametrize(
    ("words", "view", "report"),
    [
        ("--view --no-report", True, False),
        ("view:=on report=no", True, False),
        ("--headless --report=true", False, True),
        ("--view=false", False, True),
        ("--no-view", False, True),
    ],
)
def test_a_switch_is_put_both_ways(words: str, view: bool, report: bool) -> None:
    found = said("home", *words.split())
    assert (found.view, found.report) == (view, report)


@given(st.text(max_size=20), st.sampled_from(["--out {}", "--out={}", "out:={}", "out={}", "runs:={}"]))
def test_any_text_is_a_value_in_any_spelling(text: str, spelling: str) -> None:
    words = ["--out", text] if spelling == "--out {}" else [spelling.format(text)]
    if spelling == "--out {}" and text.startswith("--"):
        return
    assert spelled(words, FORM.settings, "segue example", names) == {"out": (text,)}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (
            "home --shrae=1",
            ErrorCode.CONFIG_UNKNOWN_NAME,
            "'shrae' (did you mean 'share'?); allowed: bags, json",
        ),
        ("home -x", ErrorCode.CONFIG_UNKNOWN_NAME, "unknown option of segue example '-x'"),
        ("home share=1", ErrorCode.CONFIG_INVALID_VALUE, "--share; got 1; expected 0 or more, less than 1"),
        ("home share=much", ErrorCode.CONFIG_INVALID_VALUE, "--share; got 'much'; expected a number"),
        ("home mode=slwo", ErrorCode.CONFIG_UNKNOWN_NAME, "unknown mode 'slwo' (did you mean 'slow'?)"),
        (
            "home task=pik_place",
            ErrorCode.CONFIG_UNKNOWN_NAME,
            "unknown task 'pik_place' (did you mean 'pick_place'?)",
        ),
        (
            "home view=perhaps",
            ErrorCode.CONFIG_INVALID_VALUE,
            "--view; got 'perhaps'; expected true or false",
        ),
        (
            "home network.width=65",
            ErrorCode.CONFIG_INVALID_VALUE,
            "--network.width; got 65; expected 1 to 64",
        ),
        ("home --share", ErrorCode.CONFIG_INVALID_VALUE, "--share has no value"),
        ("task=pour", ErrorCode.CONFIG_INVALID_VALUE, "POSE is not given"),
        ("home out=a --out b", ErrorCode.CONFIG_CONFLICT, "out= and --out say different things of out"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(words: str, code: ErrorCode, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        said(*words.split())
    assert refused.value.code == code and text in refused.value.text


def test_a_setting_that_comes_twice_takes_its_last_value() -> None:
    assert said("home", "share=.1", "share=.2").share == 0.2
    assert said("home", "--out=here", f"runs={Path('here').absolute()}").out == Path("here").absolute()


def test_the_settings_of_a_model_are_its_own_first_and_the_places_in_their_order() -> None:
    found = settings_of(Example)
    assert [one.name for one in found[:2]] == ["pose", "bags"] and found[0].default is REQUIRED
    assert [one.name for one in found[-2:]] == ["task", "network.width"]
    assert (found[-2].group, found[-1].group) == ("Task", "network")


def test_what_a_part_that_need_not_be_there_lacks_is_not_asked_of_every_command() -> None:
    class Base(StrictModel):
        folder: Path = Field(description="folder")

    class Whole(StrictModel):
        base: Base | None = Field(default=None, description="base")
        needed: Base = Field(description="needed")

    defaults = {setting.name: setting.default for setting in settings_of(Whole)}
    assert defaults == {"base.folder": None, "needed.folder": REQUIRED}


@given(st.floats(-10, 10), st.booleans(), st.booleans())
def test_an_open_bound_is_outside(value: float, low_open: bool, high_open: bool) -> None:
    bounds = Range(0.0, 1.0, low_open, high_open)
    assert (value in bounds) == (
        0 <= value <= 1 and not (low_open and value == 0) and not (high_open and value == 1)
    )


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Range(0, 9007199254740992), "0 to 9007199254740992"),
        (Range(0, None, low_open=True), "more than 0"),
        (Range(None, 0.5), "at most 0.5"),
        (Range(0, 1, high_open=True), "0 or more, less than 1"),
    ],
)
def test_a_range_says_what_is_inside(bounds: Range, text: str) -> None:
    assert str(bounds) == text


def test_help_has_groups_defaults_ranges_and_choices() -> None:
    page = help_text(FORM, "segue example", names, 80)
    told = ["usage: segue example POSE [BAGS ...] [SETTINGS]", "Do an example.", "segue example home"]
    told += [
        "[default: fast]",
        "[choices: fast,",
        "[1 to 64] [default: 8]",
        "[one of: pour, pick_place]",
        "[also runs]",
    ]
    assert [part for part in (*told, "--no-report") if part not in page] == []
    groups = [line.split()[1] for line in page.splitlines() if line.startswith("╭")]
    assert groups == ["This", "Task", "network"]


def test_what_a_command_depends_on_is_found_among_words_that_are_not_known_yet() -> None:
    found: dict[str, Any] = first_places(
        ["--strange", "1", "home", "other=2", "--view", "--task", "pour"],
        FORM.settings,
        ("pose", "task", "out"),
    )
    assert found == {"pose": "home", "task": "pour"}


def test_plain_words_are_read_without_the_library_that_lays_out_help() -> None:
    """Its import was a tenth of the time from `segue run` to its first node."""
    told = subprocess.run([sys.executable, "-c", _PLAIN_WORDS], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "{'str': 'a', 'int': 3, 'float': 2.0, 'bool': True} False"
