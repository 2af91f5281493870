"""Messages whose fields are changed to anything that their type can carry on the wire."""

import copy
import math
from array import array
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .damage import Draw, Held

_FLOATS = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1.0, 0.5, 7.0, 1e30, -1e30, 1e-30)
_BITS = {f"{sign}int{bits}": (sign == "", bits) for sign in ("", "u") for bits in (8, 16, 32, 64)}
_TEXTS = (
    "",
    "x",
    "\ufffd\ufffd",
    "é🤖",
    "a" * 100_000,
    "../../exploded",
    "/",
    "nan",
    "{0}%s",
    "rgb8",
    "mono16",
    "human",
)
_LONG = 50_000


def _is(kind: Any, *ends: str) -> bool:
    """Whether a field's type is of a kind, such as UnboundedString or BoundedSequence, by the end of its name."""
    return type(kind).__name__.endswith(ends)


def _numbers(kind: str) -> tuple[Any, ...]:
    """What a basic type can be; numbers close to its ends, and a few in between."""
    if kind in ("double", "float"):
        return (*_FLOATS, 1e300, -1e300) if kind == "double" else _FLOATS
    if kind == "boolean":
        return (False, True)
    if kind in ("octet", "char"):
        return (b"\x00", b"\xff") if kind == "octet" else (0, 255)
    signed, bits = _BITS[kind]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    inside = (-1, 1, 2, 1000, 2**31 - 1, 2**31, 2**60)
    return (low, high, 0, *(value for value in inside if low <= value <= high))


def leaves(message: Any) -> list[tuple[Any, str, Any]]:
    """(owner, field, type) of everything in a message that is no message itself."""
    found = []
    for name, kind in zip(message.get_fields_and_field_types(), message.SLOT_TYPES, strict=True):
        value = getattr(message, name)
        if _is(kind, "NamespacedType"):
            found += leaves(value)
            continue
        found.append((message, name, kind))
        if _is(kind, "Sequence", "Array") and _is(kind.value_type, "NamespacedType"):
            found += [leaf for part in value for leaf in leaves(part)]
    return found


def _changed(draw: Draw, old: Any, kind: Any) -> Any:
    if _is(kind, "BasicType"):
        return draw(st.sampled_from(_numbers(kind.typename)))
    if _is(kind, "String"):
        return draw(st.sampled_from(_TEXTS))
    values = list(old)
    if _is(kind, "Array"):
        if _is(kind.value_type, "BasicType") and values:
            place = draw(st.integers(0, len(values) - 1))
            values[place] = draw(st.sampled_from(_numbers(kind.value_type.typename)))
        return np.array(values, old.dtype) if isinstance(old, np.ndarray) else values
    return _sequence(draw, old, values, kind.value_type)


def _sequence(draw: Draw, old: Any, values: list[Any], inner: Any) -> Any:
    way = draw(st.sampled_from(("one", "one", "none", "half", "twice", "long")))
    one: list[Any] = []
    if _is(inner, "BasicType"):
        one = [draw(st.sampled_from(_numbers(inner.typename)))]
    elif _is(inner, "String"):
        one = [draw(st.sampled_from(_TEXTS[:4]))]
    elif values:
        one = [copy.deepcopy(values[0])]
    if way == "one" and values and one:
        values[draw(st.integers(0, len(values) - 1))] = one[0]
    elif way != "one":
        long = (one or values[:1]) * (_LONG if _is(inner, "BasicType") else 50)
        values = {"none": [], "half": values[: len(values) // 2], "twice": values * 2, "long": long}[way]
    return array(old.typecode, values) if isinstance(old, array) else values


def changed(message: Any) -> st.SearchStrategy[Any]:
    """`message` with one to four fields changed."""
    return _changed_message(Held(message)) if leaves(message) else st.builds(type(message))


@st.composite
def _changed_message(draw: Draw, held: Held) -> Any:
    message = copy.deepcopy(held.it)
    for _ in range(draw(st.integers(1, 4))):
        owner, name, kind = draw(st.sampled_from(leaves(message)))
        setattr(owner, name, _changed(draw, getattr(owner, name), kind))
    return message
