"""Settings from typed models: pydantic's fields with their types, defaults, ranges and descriptions."""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from segue_core.command_line.setting import GENERAL, REQUIRED, Range, Setting, Word

_PLAIN = (bool, int, float, str, Path)


def settings_of(model: type[BaseModel], prefix: str = "", group: str = "") -> tuple[Setting, ...]:
    """Settings of a model in the order of its fields; those of nested models follow, as `network.width`.

    A field belongs to the group that its class names: `GROUP: ClassVar[str] = "What is evaluated"`.
    """
    found: list[Setting] = []
    nested: list[Setting] = []
    for name, info in model.model_fields.items():
        word = next((mark for mark in info.metadata if isinstance(mark, Word)), Word())
        inner = _model_in(info.annotation)
        if word.hidden:
            continue
        if inner is not None:
            parts = settings_of(inner, f"{prefix}{name}.", f"{prefix}{name}")
            nested += parts if info.is_required() or info.default is not None else map(_may_be_absent, parts)
        else:
            found.append(_setting(prefix + name, info, word, group or _group(model, name)))
    found.sort(key=lambda one: -1 if one.word.place else _declared(model, one.key.rpartition(".")[2]))
    return (*found, *nested)


def _may_be_absent(setting: Setting) -> Setting:
    """One of a nested model that need not be there: whether it lacks something is asked once it is."""
    return replace(setting, default=None) if setting.default is REQUIRED else setting


def _declared(model: type[BaseModel], name: str) -> int:
    """How far up a field is declared: what is a command's own comes first, then what it shares."""
    parts = [number for number, part in enumerate(model.__mro__) if name in inspect.get_annotations(part)]
    return parts[0] if parts else len(model.__mro__)


def _group(model: type[BaseModel], name: str) -> str:
    for part in model.__mro__:
        if name in inspect.get_annotations(part):
            return str(part.__dict__.get("GROUP", GENERAL))
    return GENERAL


def _setting(name: str, info: FieldInfo, word: Word, group: str) -> Setting:
    kind, choices = _kind(info.annotation)
    structured = kind is object or any(isinstance(mark, BeforeValidator) for mark in info.metadata)
    default = REQUIRED if info.is_required() else info.get_default(call_default_factory=True)
    return Setting(
        name=word.name or name,
        kind=str if structured else kind,
        default=default,
        help=info.description or "",
        group=group,
        choices=choices,
        range=_range(info.metadata),
        key=name,
        word=word,
        structured=structured,
    )


def _kind(annotation: Any) -> tuple[Any, tuple[str, ...]]:
    """What a text becomes before the model sees it, and the only texts that are valid; object for what has parts."""
    if get_origin(annotation) in (Union, types.UnionType):
        left = [part for part in get_args(annotation) if part is not type(None)]
        return _kind(left[0]) if len(left) == 1 else (object, ())
    if get_origin(annotation) is Literal:
        return str, tuple(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (Ellipsis,):
        kind, choices = _kind(get_args(annotation)[0])
        return (object, ()) if kind is object else (tuple[kind, ...], choices)  # type: ignore[valid-type]
    return (annotation if annotation in _PLAIN else object), ()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    parts = [part for part in get_args(annotation) or (annotation,) if part is not type(None)]
    one = parts[0] if len(parts) == 1 else None
    return one if isinstance(one, type) and issubclass(one, BaseModel) else None


def _range(metadata: Sequence[Any]) -> Range | None:
    low = high = None
    low_open = high_open = False
    for mark in metadata:
        if isinstance(mark, annotated_types.Ge | annotated_types.Gt):
            low_open = isinstance(mark, annotated_types.Gt)
            low = mark.gt if isinstance(mark, annotated_types.Gt) else mark.ge
        elif isinstance(mark, annotated_types.Le | annotated_types.Lt):
            high_open = isinstance(mark, annotated_types.Lt)
            high = mark.lt if isinstance(mark, annotated_types.Lt) else mark.le
    return None if low is None and high is None else Range(low, high, low_open, high_open)  # type: ignore[arg-type]
