"""Fields of settings as plain values, for those who know neither null nor nesting: ROS parameters and launch arguments.

field                         plain
int | None, from 0            a number; -1, one less than the least, stands for null
a tuple of names              text with commas
a mapping                     YAML text
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationInfo
from pydantic.fields import FieldInfo

from segue_core.contracts.base import load_mapping

Scalar = bool | int | float | str


def _mapping(value: Any, info: ValidationInfo) -> Any:
    return load_mapping(value, str(info.field_name)) if isinstance(value, str) else value


def _names(value: Any) -> Any:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


Options = Annotated[Mapping[str, Any], BeforeValidator(_mapping)]
"""A mapping that may be given as YAML text."""

Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""Names that may be given as one text with commas."""


def type_of(field: FieldInfo) -> Any:
    """The type of a field that is not null: int for `int | None`."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        left = [part for part in get_args(annotation) if part is not type(None)]
        return left[0] if len(left) == 1 else annotation
    return annotation


def null_of(field: FieldInfo) -> int | float | None:
    """The number that stands for null; None for a field that cannot be null, or has no least number."""
    least = [mark.ge for mark in field.metadata if hasattr(mark, "ge")]
    return type_of(field)(least[0] - 1) if least and type_of(field) is not field.annotation else None


def plain_default(field: FieldInfo) -> Any:
    """The default of a field as a plain value; None when it has none."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if value is None and not field.is_required():
        return null_of(field)
    if isinstance(value, Mapping) and not value:
        return ""
    return ", ".join(value) if value and _is_names(field) else value


def _is_names(field: FieldInfo) -> bool:
    return any(isinstance(mark, BeforeValidator) and mark.func is _names for mark in field.metadata)


def is_text(field: FieldInfo) -> bool:
    """Whether a field's plain value is a text that a validator reads."""
    return any(isinstance(mark, BeforeValidator) for mark in field.metadata)


def from_plain(values: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Plain values by the fields' names, with null where a number stands for it."""
    fields = model.model_fields
    return {
        name: None if name in fields and value == null_of(fields[name]) is not None else value
        for name, value in values.items()
    }
