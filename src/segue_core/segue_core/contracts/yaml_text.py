"""YAML text to plain data: by libyaml, eight times as fast, or by PyYAML's own parser what libyaml does not take."""

import contextlib
from typing import Any

import yaml

_DEEPEST = 100  # libyaml has no limit of its own: it would end the process, and takes quadratic time before


def parse_yaml(text: str) -> Any:
    """Plain data; nothing else is ever constructed.

    Raises:
        yaml.YAMLError: not YAML, in the words of PyYAML's parser, which shows the place.
        ValueError: a date or a number that cannot be. RecursionError: nested too deeply.
    """
    with contextlib.suppress(yaml.YAMLError, ValueError):
        if hasattr(yaml, "CSafeLoader") and _is_shallow(text):
            return yaml.load(text, yaml.CSafeLoader)
    return yaml.safe_load(text)


def _is_shallow(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            return False
    return True
