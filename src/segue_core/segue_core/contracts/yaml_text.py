"""YAML text to plain data: by libyaml, eight times as fast, or by PyYAML's own parser what libyaml does not take.

PyYAML knows YAML 1.1, in which 010 is 8, 1:30 is 90 and 2026-01-01 is no text. Later YAML reads 10 and texts: a whole
number that begins with 0 is refused, dates and times of day are texts.
"""

import contextlib
import re
from typing import Any

import yaml

_DEEPEST = 100  # libyaml has no limit of its own: it would end the process, and takes quadratic time before

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_DROPPED = {_INT, _FLOAT, "tag:yaml.org,2002:timestamp"}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0b[0-1_]+|0x[0-9a-fA-F_]+)$")
_OCTAL, _OCTALS = "!octal", re.compile(r"[-+]?0[0-7_]+$")
_DECIMAL = re.compile(
    r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|\.inf|\.Inf|\.INF)"
    r"|\.nan|\.NaN|\.NAN)$"
)


def _refuse_octal(loader: Any, node: Any) -> None:
    text = f"{node.value} is octal to some and decimal to others: write it without the 0, a text in quotes"
    raise yaml.constructor.ConstructorError(None, None, text, node.start_mark)


def _readable(base: Any) -> Any:
    """A loader of plain data that reads what YAML 1.1 and 1.2 agree upon."""
    loader: Any = type(f"Plain{base.__name__}", (base,), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag not in _DROPPED]
        for first, found in base.yaml_implicit_resolvers.items()
    }
    loader.add_implicit_resolver(_OCTAL, _OCTALS, list("-+0"))
    loader.add_implicit_resolver(_INT, _WHOLE, list("-+0123456789"))
    loader.add_implicit_resolver(_FLOAT, _DECIMAL, list("-+0123456789."))
    loader.add_constructor(_OCTAL, _refuse_octal)
    return loader


_SLOW = _readable(yaml.SafeLoader)
_FAST = _readable(yaml.CSafeLoader) if hasattr(yaml, "CSafeLoader") else None


def parse_yaml(text: str) -> Any:
    """Plain data; nothing else is ever constructed.

    Raises:
        yaml.YAMLError: not YAML, in the words of PyYAML's parser, which shows the place.
        ValueError: a number that cannot be. RecursionError: nested too deeply.
    """
    with contextlib.suppress(yaml.YAMLError, ValueError):
        if _FAST is not None and _is_shallow(text):
            return yaml.load(text, _FAST)
    return yaml.load(text, _SLOW)


def _is_shallow(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            return False
    return True
