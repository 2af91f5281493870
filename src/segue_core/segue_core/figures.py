"""Figures in sentences: what is beyond its bound does not read as if it kept it."""

from __future__ import annotations

from typing import Final

_MOST: Final = 9  # decimals


def told_apart(got: float, bound: float, decimals: int = 0) -> tuple[str, str]:
    """Both with `decimals` decimals, or with as many more as it takes for them to read differently.

    37.304 and 37.333 with one decimal are 37.30 and 37.33; equal ones stay as they are.
    """
    for places in range(decimals, _MOST + 1):
        texts = f"{got:.{places}f}", f"{bound:.{places}f}"
        if texts[0] != texts[1]:
            return texts
    return f"{got:.{decimals}f}", f"{bound:.{decimals}f}"


def beyond(got: float, low: float, high: float, decimals: int = 0) -> tuple[str, str]:
    """`told_apart` of what is outside of `low` to `high`: the figure, and the range."""
    nearest = low if got < low else high
    text, bound = told_apart(got, nearest, decimals)
    places = len(bound.partition(".")[2])
    return text, f"{low:.{places}f} to {high:.{places}f}"


def size(count: float) -> str:
    """Bytes as a figure of two digits or more: 161 B, 37 kB, 4.2 MB, 1.3 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.1f} {unit}" if count < 9.95 and unit != "B" else f"{count:.0f} {unit}"
        count /= 1e3
    return f"{count:.1f} GB"
