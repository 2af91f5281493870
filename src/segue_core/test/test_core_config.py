"""Configuration: unknown keys and bad values are refused, naming file, key, found and allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from segue_core.contracts.base import StrictModel, load_mapping, load_yaml, merge, parse_model
from segue_core.errors import ConfigError, ErrorCode
from segue_core.scheduler_config import SchedulerConfig


class Lens(StrictModel):
    focal_mm: float


class Camera(StrictModel):
    width: int = 4
    lens: Lens | None = None


class Rig(StrictModel):
    cameras: dict[str, Camera]


def refused(text: str, model: type[StrictModel] = SchedulerConfig) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_yaml(text, model, "rig.yaml")
    return caught.value


def test_an_empty_document_is_the_defaults_of_the_legato_paper() -> None:
    config = load_yaml("", SchedulerConfig, "x")
    assert (config.horizon, config.stride, config.delay, config.ramp) == (60, 30, 8, None)


def test_an_unknown_key_gets_the_nearest_valid_one() -> None:
    error = refused("strid: 3")
    assert error.code is ErrorCode.CONFIG_UNKNOWN_KEY
    assert "rig.yaml: strid: unknown key 'strid' (did you mean 'stride'?)" in str(error)


def test_an_unknown_nested_key_is_compared_with_the_keys_at_its_place() -> None:
    assert "cameras.head.widht: unknown key 'widht' (did you mean 'width'?)" in str(
        refused("cameras: {head: {widht: 3}}", Rig)
    )
    assert "(did you mean 'focal_mm'?)" in str(refused("cameras: {head: {lens: {focal: 3}}}", Rig))


def test_a_value_out_of_range_says_found_and_allowed() -> None:
    error = refused("stride: -3")
    assert error.code is ErrorCode.CONFIG_INVALID_VALUE
    assert "stride: got -3" in str(error)
    assert "greater than or equal to 1" in str(error)


def test_every_problem_is_reported_at_once() -> None:
    assert len(str(refused("{stride: -3, horizon: x, nonsense: 1}")).splitlines()) == 3


@pytest.mark.parametrize("text", ["time_limit_s: .nan", "time_limit_s: .inf", "delay_mode: sometimes"])
def test_not_a_number_infinity_and_unknown_choices_are_refused(text: str) -> None:
    assert refused(text).code is ErrorCode.CONFIG_INVALID_VALUE


def test_a_missing_key_is_named() -> None:
    assert "cameras: required key is missing" in str(refused("{}", Rig))


@pytest.mark.parametrize("text", ["a: [", "- 1", "'just text'", "a: !!python/object:os.system 1"])
def test_text_that_is_no_mapping_is_refused(text: str) -> None:
    assert refused(text).code is ErrorCode.CONFIG_UNREADABLE


def test_configuration_cannot_be_changed_after_the_fact() -> None:
    with pytest.raises(ValidationError):
        SchedulerConfig().stride = 3


def test_presets_only_override_what_they_name() -> None:
    base = {"a": {"x": 1, "y": 2}, "b": [1, 2]}
    assert merge(base, {"a": {"y": 3}, "b": [9]}) == {"a": {"x": 1, "y": 3}, "b": [9]}
    assert base == {"a": {"x": 1, "y": 2}, "b": [1, 2]}
    assert load_mapping("# nothing", "x") == {}


def test_plain_data_is_validated_like_text() -> None:
    assert parse_model({"stride": 10}, SchedulerConfig, "argument").stride == 10
    with pytest.raises(ConfigError, match="argument: stride"):
        parse_model({"stride": 0}, SchedulerConfig, "argument")


def test_every_field_is_described() -> None:
    for name, field in SchedulerConfig.model_fields.items():
        assert field.description, name


def test_the_core_imports_no_ros_torch_clock_or_sockets() -> None:
    banned = {"rclpy", "torch", "time", "datetime", "socket", "subprocess", "threading", "asyncio"}
    for file in (Path(__file__).parents[1] / "segue_core").glob("*.py"):
        words = {line.split()[1].split(".")[0] for line in file.read_text().splitlines() if _is_import(line)}
        assert not words & banned, file.name


def _is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"name: \xff\xfe", "not UTF-8 text at byte 6"),
        ("seed: 010", "not valid YAML: 010 is octal to some and decimal to others: write it without the 0"),
        ("sizes: [1, -0777]", "not valid YAML: -0777 is octal"),
        ("count: " + "9" * 5000, "not valid YAML"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("{a: " * 100_000, "nested too deeply"),
        ("a: [1, 2", r"line 1, column 4:\n +a: \[1, 2\n +\^"),
        (
            "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "".join(
                f"{c}: &{c} [{', '.join(['*' + b] * 9)}]\n"
                for b, c in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "aliases written out",
        ),
        ("a: &a\n  b: *a", "aliases written out"),
        ("a: " + "x" * 1_000_001, "characters"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_text_that_is_no_configuration_is_refused_in_one_sentence_with_the_file(
    text: str | bytes, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        load_mapping(text, "mine.yaml")
    assert refusal.value.code is ErrorCode.CONFIG_UNREADABLE
    assert "mine.yaml" in str(refusal.value) and len(str(refusal.value)) < 1000


def test_aliases_are_fine_as_long_as_they_are_few() -> None:
    assert load_mapping("a: &a [1, 2]\nb: *a", "x") == {"a": [1, 2], "b": [1, 2]}


class _Numbers(StrictModel):
    rate: float = 1.0
    count: int | None = None
    pair: tuple[float, float] = (0.0, 0.0)
    table: Mapping[str, tuple[int, ...]] | None = None
    plain: bool | int = 0
    free: dict[str, Any] | None = None
    lit: bool = False
    either: Literal["on", True] = "on"


@pytest.mark.parametrize(
    "text", ["rate: true", "count: no", "pair: [0, on]", "table: {a: [1, false]}", "rate: True"]
)
def test_true_and_false_are_no_numbers(text: str) -> None:
    """`tick_rate_hz: true` was 1 Hz."""
    with pytest.raises(ConfigError, match=f"{text.split(':')[0]}: got .*are no numbers") as caught:
        load_yaml(text, _Numbers, "test.yaml")
    assert caught.value.code == ErrorCode.CONFIG_INVALID_VALUE


@pytest.mark.parametrize("text", ["rate: {}", "count: {}", "pair: [0, {}]", "table: {{a: [1, {}]}}"])
@pytest.mark.parametrize("spelt", ["1e3", "'1e3'", "'1000'", '"1.0e+3"', "1000.0", "1_000", "0x3e8"])
def test_a_number_is_the_same_however_it_is_spelt(text: str, spelt: str) -> None:
    """YAML takes 1e3 for a text: a count of it was refused, a rate was not."""
    assert load_yaml(text.format(spelt), _Numbers, "x") == load_yaml(text.format(1000), _Numbers, "x")


@pytest.mark.parametrize(
    "spelt", ["2:30", "2026-01-01", "2026-02-31", "12:00:00", "'2:30'", "30 Hz", "'.inf'", ".inf", "1,5"]
)
@pytest.mark.parametrize("name", ["rate", "count"])
def test_what_is_no_number_is_refused_by_name_where_one_is_wanted(name: str, spelt: str) -> None:
    """`tick_rate_hz: 2:00` was 120 Hz."""
    with pytest.raises(ConfigError, match=rf"x: {name}: got .*; Input should be a (valid|finite) ") as caught:
        load_yaml(f"{name}: {spelt}", _Numbers, "x")
    assert caught.value.code == ErrorCode.CONFIG_INVALID_VALUE


def test_dates_times_and_numbers_in_quotes_are_texts_where_a_text_is_wanted() -> None:
    text = "{a: 2026-01-01, b: 12:30, c: '30', d: '010', e: 1e3}"
    assert load_mapping(text, "x") == {"a": "2026-01-01", "b": "12:30", "c": "30", "d": "010", "e": "1e3"}


def test_true_and_false_stay_what_they_are_where_they_are_asked_for() -> None:
    read = load_yaml("{plain: true, free: {a: true}, lit: yes, either: true}", _Numbers, "test.yaml")
    assert (read.plain, read.free, read.lit, read.either) == (True, {"a": True}, True, True)
