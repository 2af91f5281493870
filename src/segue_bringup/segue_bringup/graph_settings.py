"""Settings of the core as arguments of a graph: declared once, in their model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from segue_core.command_line.models import settings_of
from segue_core.command_line.setting import Range, Setting
from segue_core.contracts.base import merge
from segue_core.contracts.plain import plain_default
from segue_core.scheduler_config import RunSettings

MODELS: Mapping[str, type[BaseModel]] = {"run": RunSettings}
"""What `settings` of a graph file may be."""


def with_settings(graph: Mapping[str, Any]) -> Mapping[str, Any]:
    """A graph file's data with an argument for every field of its settings, and these for the nodes that take them."""
    model, given, nodes = MODELS.get(graph.get("settings", "")), graph.get("arguments"), graph.get("nodes")
    if model is None or not isinstance(given, Mapping) or not isinstance(nodes, list | tuple):
        return graph
    arguments = {
        one.key: _argument(one, plain_default(model.model_fields[one.key])) for one in settings_of(model)
    }
    taken = {name: f"${{{name}}}" for name in arguments}
    return {**graph, "arguments": merge(arguments, given), "nodes": [_told(node, taken) for node in nodes]}


def _argument(field: Setting, plain: Any) -> dict[str, Any]:
    bounds = field.range or Range()
    low = plain if field.default is None else bounds.low  # what stands for null is below the range
    said = {"default": plain, "description": field.help, "low": low, "high": bounds.high}
    return {"choices": field.choices} | {key: value for key, value in said.items() if value is not None}


def _told(node: Any, taken: Mapping[str, str]) -> Any:
    if not isinstance(node, Mapping) or node.get("settings") is not True:
        return node
    own = node.get("parameters", {})
    return {**node, "parameters": {**taken, **own} if isinstance(own, Mapping) else own}
