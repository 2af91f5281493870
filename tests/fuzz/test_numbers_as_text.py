"""In every kind of configuration a number in quotes is that number."""

import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .configs import CONFIG, KINDS
from .damage import at, places

# What its own reader makes sense of later, and what a file may say as a number or as a text of its own.
_LATER = {"options", "goal", "default", "values", "when", "until", "scheduler", "parameters"}


def _numbers(data: Any) -> list[tuple[Any, ...]]:
    return [
        place
        for place in places(data)
        if isinstance(at(data, place), int | float) and not isinstance(at(data, place), bool)
    ]


def _in_quotes(data: Any, chosen: Iterable[tuple[Any, ...]]) -> Any:
    """The same with the numbers at these places as texts."""
    changed = copy.deepcopy(data)
    for place in chosen:
        at(changed, place[:-1])[place[-1]] = repr(at(data, place))
    return changed


@pytest.mark.parametrize(("kind", "read", "file"), [(kind, read, file) for kind, read, _, file in KINDS])
def test_a_number_in_quotes_is_that_number(
    kind: str, read: Callable[[Path], object], file: str, tmp_path: Path
) -> None:
    data = json.loads(json.dumps(yaml.safe_load((CONFIG / file).read_text())))  # aliases written out
    given = tmp_path / Path(file).name

    def reading(of: Any) -> str:
        given.write_text(yaml.safe_dump(of))
        return repr(read(given))

    now = [place for place in _numbers(data) if not _LATER & set(place)]
    assert reading(_in_quotes(data, now)) == reading(data)
