"""The YAML of a bag is parsed once, however often the bag is opened: a report opens one nine times.

`rosbags` reads metadata.yaml, and the quality of service in every file, with a parser in Python and has no place to say
otherwise; what is put in that parser's place here remembers what a text means.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from rosbags.rosbag2 import metadata, reader
from ruamel.yaml import YAML

_TEXTS = 64


@lru_cache(_TEXTS)
def _meaning(text: str) -> Any:
    return YAML(typ="safe").load(text)


class _RememberedYaml(YAML):
    def load(self, stream: Any) -> Any:
        return deepcopy(_meaning(stream)) if isinstance(stream, str) else super().load(stream)


def remember() -> None:
    """Have `rosbags` read with it."""
    for module in (metadata, reader):
        module.YAML = _RememberedYaml  # type: ignore[attr-defined]
