"""The YAML of a bag is parsed once, however often the bag is opened: a report opens one nine times.

`rosbags` reads metadata.yaml, and the quality of service in every file, with a parser in Python and has no place to say
otherwise; what is put in that parser's place here remembers what a text means.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from rosbags.rosbag2 import metadata, reader

_TEXTS = 64
_PARSER: Any = reader.YAML  # type: ignore[attr-defined]


@lru_cache(_TEXTS)
def _meaning(text: str) -> Any:
    return _PARSER(typ="safe").load(text)


class _RememberedYaml:
    def __init__(self, typ: str) -> None:
        self._parser = _PARSER(typ=typ)

    def load(self, text: str) -> Any:
        return deepcopy(_meaning(text))

    def dump(self, data: Any, stream: Any) -> None:
        self._parser.dump(data, stream)


def remember() -> None:
    """Have `rosbags` read with it."""
    for module in (metadata, reader):
        module.YAML = _RememberedYaml  # type: ignore[attr-defined]
