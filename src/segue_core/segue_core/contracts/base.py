"""Typed configuration: frozen models that refuse unknown keys, and YAML text turned into them.

The core reads no files: callers pass the text and say where it came from.
"""

import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from segue_core.contracts.yaml_text import parse_yaml
from segue_core.errors import ConfigError, ErrorCode, nearest_name

_NUMBER = re.compile(r"(?P<whole>[-+]?\d{1,40})(\.\d{0,40})?([eE][-+]?\d{1,4})?", re.ASCII)
_MAX_LENGTH = 1_000_000
_MAX_SIZE = 200_000
_MAX_BITS = 63
_MAX_SHOWN = 200
_FEW_KEYS = 6  # so many are listed with what their values may be
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class StrictModel(BaseModel):
    """Base of every configuration model: immutable, unknown keys refused, no NaN or infinity.

    A text that spells a number is one where only numbers may stand: YAML takes 1e3 and "30" for texts.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        fields = {name: cls.model_fields[name] for name in data if name in cls.model_fields}
        return {
            **data,
            **{name: _settled(name, data[name], field.annotation) for name, field in fields.items()},
        }


def _settled(name: str, value: Any, annotation: Any) -> Any:
    """A field's value with the numbers that its texts spell; ValueError for true or false where numbers stand."""

    def settle(part: Any, annotation: Any) -> Any:
        if isinstance(part, bool | str):
            kinds = _kinds(annotation)
            if not kinds & {int, float} or type(part) in kinds:
                return part
            if isinstance(part, bool):
                text = f"got {_shortened(repr(value))}; true and false (yes, no, on, off) are no numbers"
                raise ValueError(f"{name}: {text}")
            return _spelt(part)
        if isinstance(part, Mapping):
            pairs = [found for found in _of(annotation, Mapping) if len(found) == 2]
            return {key: settle(item, pairs[0][1]) for key, item in part.items()} if pairs else part
        if isinstance(part, list | tuple) and (found := _of(annotation, Sequence)):
            items = found[0]
            return [settle(item, items[min(index, len(items) - 1)]) for index, item in enumerate(part)]
        return part

    return settle(value, annotation)


def _spelt(text: str) -> str | int | float:
    """The number that a text spells in decimal, else the text."""
    spelt = _NUMBER.fullmatch(text)
    if spelt is None:
        return text
    return int(text) if spelt["whole"] == text else float(text)


def _alternatives(annotation: Any) -> list[Any]:
    """A type without its marks, or those of a union."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [found for part in get_args(annotation) for found in _alternatives(part)]
    return [annotation]


def _kinds(annotation: Any) -> set[Any]:
    found = _alternatives(annotation)
    return {type(value) for part in found if get_origin(part) is Literal for value in get_args(part)} | {
        part for part in found if isinstance(part, type)
    }


def _of(annotation: Any, *kinds: type) -> list[tuple[Any, ...]]:
    """What the containers of an annotation contain, without the dots of `tuple[int, ...]`."""
    return [
        tuple(part for part in get_args(found) if part is not ...)
        for found in _alternatives(annotation)
        if isinstance(get_origin(found), type) and issubclass(get_origin(found), kinds) and get_args(found)
    ]


ModelT = TypeVar("ModelT", bound=BaseModel)


FOLDER = "folder"
"""Key of the validation context: the folder that plain paths in a file are relative to."""


def parse_model(data: Any, model: type[ModelT], source: str, folder: str = "") -> ModelT:
    """Validate plain data (as read from YAML or JSON) into `model`; `folder` is what its paths are relative to.

    Raises:
        ConfigError: names `source`, the key path, what was found and what is allowed.
    """
    try:
        return model.model_validate(data, context={FOLDER: folder})
    except ValidationError as error:
        raise _config_error(error, model, source) from error
    except ConfigError as error:  # of what a validator looks up, such as an action space by its name
        raise ConfigError(error.code, f"{source}: {error.text}") from error


def load_yaml(text: str | bytes, model: type[ModelT], source: str, folder: str = "") -> ModelT:
    """Parse YAML `text` (as bytes: UTF-8) into `model`; `source` (a file name) appears in every error.

    `folder` is what plain paths in the text are relative to.

    Raises:
        ConfigError: not UTF-8, not YAML, not a mapping, unknown key, or a value out of range.
    """
    return parse_model(load_mapping(text, source), model, source, folder)


def load_mapping(text: str | bytes, source: str) -> dict[str, Any]:
    """Parse YAML `text` that must be a mapping (an empty document is an empty mapping).

    Raises:
        ConfigError: not UTF-8, not YAML, too long, too deep, larger than it looks (aliases), or not a mapping.
    """
    if len(text) > _MAX_LENGTH:
        limit = f"at most {_MAX_LENGTH}"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{source}: characters", got=len(text), expected=limit)
    try:
        data = parse_yaml(text.decode() if isinstance(text, bytes) else text)
        size = _size(data, {})
    except UnicodeDecodeError as error:
        text = f"{source}: not UTF-8 text at byte {error.start}"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text, do="save it as UTF-8") from error
    except RecursionError as error:
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{source}: nested too deeply") from error
    except (
        yaml.YAMLError,
        ValueError,
    ) as error:  # ValueError: the 31st of February, an integer of 5000 digits
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{source}: not valid YAML: {error}") from error
    if size > _MAX_SIZE:
        limit = f"at most {_MAX_SIZE}, aliases written out"
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{source}: values", got=size, expected=limit)
    if data is None:
        return {}
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, f"{source}: top level", got=kind, expected="a mapping")
    return data


def _size(data: Any, known: dict[int, int]) -> int:
    """How many values there are with every alias written out; what is written once is counted once."""
    if isinstance(data, int) and data.bit_length() > _MAX_BITS:
        raise ValueError(f"a whole number of {data.bit_length()} bits, allowed: at most {_MAX_BITS}")
    if not isinstance(data, dict | list | tuple | set):
        return 1
    if id(data) not in known:
        known[id(data)] = _MAX_SIZE + 1  # what contains itself is endless
        parts = [*data.keys(), *data.values()] if isinstance(data, dict) else data
        known[id(data)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(data)]


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay `override` on `base`, key by key into nested mappings; lists are replaced whole."""
    merged = dict(base)
    for key, value in override.items():
        old = merged.get(key)
        nested = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def _config_error(error: ValidationError, model: type[BaseModel], source: str) -> ConfigError:
    details = error.errors()
    lines = [_describe(detail, model) for detail in details]
    unknown = details[0]["type"] == "extra_forbidden"
    code = ErrorCode.CONFIG_UNKNOWN_KEY if unknown else ErrorCode.CONFIG_INVALID_VALUE
    return ConfigError(code, "\n".join(f"{source}: {line}" for line in lines))


def _describe(detail: ErrorDetails, model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        key, fields = str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1])
        return f"{path}: {_unknown_key(key, detail['input'], fields)}"
    if detail["type"] == "missing":
        return f"{path}: required key is missing"
    where, why = f"{path}: " if path else "", detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error" and isinstance(detail["input"], Mapping):  # of a whole section
        return f"{where}{why}"
    return f"{where}got {_shortened(repr(detail['input']))}; {why}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _unknown_key(key: str, value: Any, fields: Mapping[str, FieldInfo]) -> str:
    valid = sorted(fields)
    near = nearest_name(key, valid)
    hint = f" (did you mean {near!r}?)" if near else ""
    if len(valid) <= _FEW_KEYS:
        valid = [name + _bounds(fields[name]) for name in valid]
    allowed = f"valid keys: {', '.join(valid)}" if valid else "there are none to set"
    return f"unknown key {key!r}{hint}, got {_shortened(repr(value))}; {allowed}"


def _bounds(field: FieldInfo) -> str:
    """What its value may be, as " (at least 0, below 1)" or " (linear or exp)"; empty where it is not bounded."""
    choices = getattr(field.annotation, "__args__", ()) if get_origin(field.annotation) is Literal else ()
    words = [" or ".join(map(str, choices))] if choices else []
    for mark in field.metadata:
        words += [f"{word} {getattr(mark, name):g}" for name, word in _BOUNDS.items() if hasattr(mark, name)]
    return f" ({', '.join(words)})" if words else ""


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Mapping[str, FieldInfo]:
    """Fields of the (possibly nested) model that the key path `loc` leads to."""
    models = [model]
    for part in loc:
        field = models[0].model_fields.get(str(part)) if models else None
        if field is not None:
            models = _models_in(field.annotation)
        else:  # an index, a key of a mapping, or the tag of one model of a union
            models = [m for m in models if _is_tag(part, m)] or models
    return models[0].model_fields if models else {}


def _is_tag(part: int | str, model: type[BaseModel]) -> bool:
    return any(field.default == part for field in model.model_fields.values())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Pydantic models inside an annotation such as ``dict[str, Camera]`` or ``Arm | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]
