"""No two modules need each other.

An import counts wherever it stands: at the top, in a function, and under TYPE_CHECKING, since a type that a module
needs to be understood is a need, too. Whoever finds a circle moves what both need into a module of its own.
"""

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def circle(needs: Mapping[str, Set[str]]) -> list[str]:
    """Modules of which each needs the next and the last is the first again; empty when there is no such ring."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))  # graphlib lists who is needed first
    return []


def test_no_modules_import_each_other() -> None:
    packages = sorted(path.parent.name for path in SOURCE.glob("*/*/__init__.py"))
    graph = grimp.build_graph(*packages, cache_dir=None)
    found = circle({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert not found, " -> ".join(found)


@pytest.mark.parametrize("module", ["a", "b"])
def test_a_ring_of_modules_is_named_in_the_order_of_its_imports(module: str) -> None:
    found = circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    place = found.index(module)
    assert (found[0], found[place + 1]) == (found[-1], {"a": "b", "b": "c"}[module])
