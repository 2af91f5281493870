"""Damage as Hypothesis strategies: to plain data (keys, values, types, sizes), to the text made of it, to raw bytes."""

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import strategies as st

Plain = Any  # dict, list and scalars
Draw = Callable[[st.SearchStrategy[Any]], Any]

# Text that no dumper writes, put where a value was: nesting, numbers and aliases that are larger than they look, tags.
_SPECIAL = {
    "@deep@": "[" * 3000 + "]" * 3000,
    "@digits@": "9" * 5000,
    "@bomb@": "[&a [x,x,x,x,x,x,x,x,x], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], "
    "&d [*c,*c,*c,*c,*c,*c,*c,*c,*c], &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]]",
    "@self@": "&s [*s]",
    "@call@": "!!python/object/apply:os.mkdir [exploded]",
    "@date@": "2023-02-31",
    "@tag@": "!!binary '???'",
    "@surrogate@": '"\\ud800"',
    "@sexagesimal@": "1:2:3:4:5:6:7:8:9",
}
_NUMBERS = (
    0, -1, 1, 7, 0.5, 2**31 - 1, 2**31, 2**53, 2**60, 2**63 - 1, 2**64, -(2**63), 10**400, -0.0, 1e-300, 5e-324, 1e9,
    1e30, -1e30, 1e300, -1e308, math.inf, -math.inf, math.nan,
)  # fmt: skip
_TEXTS = (
    "", " ", "x", "../../../../exploded", "/dev/zero", "/exploded", "..", ".", "a\x00b", "é", "🤖",
    "a" * 100_000, "${HOME}", "nan", "inf", "1e30", "true", "%s%n{0}", "$(touch exploded)", "world/../..", "a/b", "-1",
)  # fmt: skip
_OTHERS: tuple[Plain, ...] = (None, True, False, [], {}, [[]], [None], {"x": None}, [0] * 3, {"": 0})
NUMBERS = st.sampled_from(_NUMBERS)
ABSURD = st.one_of(
    NUMBERS,
    NUMBERS,
    st.sampled_from(_TEXTS),
    st.sampled_from(_OTHERS).map(copy.deepcopy),  # a later change must not reach what the next input gets
    st.sampled_from(sorted(_SPECIAL)),
)
_HUGE = tuple(
    value.to_bytes(8, "little")
    for value in (0, 1, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
)


def places(data: Plain, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value is, as keys and indices, from the whole down to every scalar."""
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in parts for place in places(value, (*path, key)))]


def at(data: Plain, path: tuple[Any, ...]) -> Plain:
    """What is at one of the `places`."""
    for key in path:
        data = data[key]
    return data


def _scaled(draw: Draw, value: Plain) -> Plain:
    """A number a little or very much beside, else anything."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        factor = draw(st.sampled_from((-1, 0, 0.5, 2, 1.001, 10, 1e3, 1e6, 1e12, -1e6)))
        return value * factor
    return draw(ABSURD)


def _resized(draw: Draw, value: Plain) -> Plain:
    """A list shorter, longer or turned round; a mapping without a key or with one more; a text in a list."""
    if isinstance(value, list):
        times = draw(st.sampled_from((0, 2, 100)))
        return draw(st.sampled_from((value[:-1], value[::-1], [*value, 0], value * times)))
    if isinstance(value, dict):
        if value and draw(st.booleans()):
            gone = draw(st.sampled_from(sorted(value, key=repr)))
            return {key: part for key, part in value.items() if key != gone}
        return {**value, draw(st.sampled_from(("unknown", "", "name", 0, None, "a" * 1000))): draw(ABSURD)}
    return draw(st.sampled_from(([value], {"value": value}, str(value), [value] * 1000)))


def _change(draw: Draw, data: Plain) -> Plain:
    path = draw(st.sampled_from(places(data)))
    old = at(data, path)
    ways = (lambda: draw(ABSURD), lambda: _scaled(draw, old), lambda: _resized(draw, old))
    other = draw(
        st.sampled_from((*ways, lambda: copy.deepcopy(at(data, draw(st.sampled_from(places(data)))))))
    )
    if not path:
        return other()
    at(data, path[:-1])[path[-1]] = other()
    return data


class Held:
    """An input before it is damaged; Hypothesis writes strategies out, and would write out all of it."""

    def __init__(self, it: Any) -> None:
        self.it = it


def damaged(plain: Plain, most: int = 3) -> st.SearchStrategy[Plain]:
    """`plain` with one to `most` changes."""
    return _damaged(Held(plain), most)


@st.composite
def _damaged(draw: Draw, held: Held, most: int) -> Plain:
    data = copy.deepcopy(held.it)
    for _ in range(draw(st.integers(1, most))):
        data = _change(draw, data)
    return data


def to_yaml(data: Plain) -> bytes:
    """Text of damaged data."""
    text = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=False)
    for name, special in _SPECIAL.items():
        text = text.replace(f"'{name}'", special)
    return text.encode()


def to_json(data: Plain) -> bytes:
    """Text of damaged data; NaN and infinity as Python's JSON writes and reads them."""
    text = json.dumps(data)
    for name, special in _SPECIAL.items():
        text = text.replace(f'"{name}"', special)
    return text.encode()


def _place(draw: Draw, size: int) -> int:
    """An offset: at the front, at the end, or anywhere."""
    near = st.integers(0, min(size, 64))
    return int(draw(st.one_of(near, near.map(lambda back: size - back), st.integers(0, size))))


def _cut(draw: Draw, content: bytes) -> bytes:
    at = _place(draw, len(content))
    way = draw(st.sampled_from(("flip", "huge", "end", "junk", "gap", "twice", "text")))
    if way == "flip" and at < len(content):
        return content[:at] + bytes([content[at] ^ 1 << draw(st.integers(0, 7))]) + content[at + 1 :]
    if way == "huge":
        return content[:at] + draw(st.sampled_from(_HUGE)) + content[at + 8 :]
    if way == "end":
        return content[:at]
    if way == "gap":
        return content[:at] + content[at + draw(st.integers(1, 4096)) :]
    if way == "twice":
        length = draw(st.integers(1, 4096))
        return content[: at + length] + content[at:]
    junk = draw(st.sampled_from((b"\xff\xfe", b"\x00", b"\xc3\x28", b"\n", b"\t", b"{[", b"\x00" * 5000)))
    return content[:at] + junk + content[at:]


def torn(content: bytes) -> st.SearchStrategy[bytes]:
    """`content` with one to four cuts: bits flipped, lengths made huge, ends lost, bytes lost, doubled or put in."""
    return _torn(Held(content))


@st.composite
def _torn(draw: Draw, held: Held) -> bytes:
    content: bytes = held.it
    for _ in range(draw(st.integers(1, 4))):
        content = _cut(draw, content)
    return content
