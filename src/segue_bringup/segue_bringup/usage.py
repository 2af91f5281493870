"""Which arguments a part of a graph needs: those that its nodes refer to, and those that these refer to in turn."""

import re
import sys
from collections.abc import Collection, Iterable

from segue_bringup.catalogue import config_root
from segue_bringup.graph import Graph
from segue_bringup.resolution import Plan

_REFERENCE = re.compile(r"\$\{(\w+)")
_WHOLE_GRAPH = {"parameters", "environment", "namespace"}


def used_arguments(graph: Graph) -> tuple[str, ...]:
    """Names of the arguments that can make a difference to the nodes of `graph`, in the graph's order."""
    text = graph.model_dump_json(include={"nodes", *_WHOLE_GRAPH})
    wanted = {*_REFERENCE.findall(text), *(name for node in graph.nodes for name in node.when)}
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted.update(_leads_to(graph, name))
    return tuple(name for name in graph.arguments if name in found)


def say_unused(graph: Graph, plan: Plan, given: Iterable[str], also: Collection[str]) -> None:
    """Say which of the arguments that are `given` make no difference to what is planned.

    `also` are those that the command itself uses.
    """
    nodes = [node.name for node in plan.nodes]
    choosing = {name for node in graph.nodes for name in node.when}
    used = {*used_arguments(graph.only(tuple(nodes))), *choosing, *also}
    for name in given:
        if name not in used:
            print(f"segue: {name}:= makes no difference here: no node of this graph uses it", file=sys.stderr)


def say_not_among(used: Collection[str], given: Iterable[str]) -> None:
    """Say which of the arguments that are `given` are not among those that are `used`."""
    for name in given:
        if name not in used:
            all_used = ", ".join(f"{other}:=" for other in used)
            print(f"segue: {name}:= makes no difference here; used are {all_used}", file=sys.stderr)


def _leads_to(graph: Graph, name: str) -> Iterable[str]:
    if name in graph.derived:
        derived = graph.derived[name]
        return (derived.argument, *_REFERENCE.findall(" ".join(map(str, derived.values.values()))))
    if name not in graph.arguments:
        return ()
    argument = graph.arguments[name]
    files = (config_root() / argument.config).glob("*.yaml") if argument.config else ()
    texts = (
        path.read_bytes().decode(errors="replace") for path in files
    )  # a damaged one is refused where it is used
    text = " ".join((str(argument.default), *texts))
    return _REFERENCE.findall(text)
