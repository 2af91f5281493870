"""Public functions of core, scheduler and policies say what they do, and of arrays which shape or unit they have.

An array counts when a parameter or the result is one; tensors by name, such as a network's weights, have no one shape.
What a function leaves to its class is said there.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
ROOMS = ("segue_core", "segue_scheduler", "segue_policies")
LEAST = 0.9
ARRAY = re.compile(r"\b(NDArray|Floats|Floats32|Rgb|Tensor)\b")
BY_NAME = re.compile(r"(Mapping|dict)\[str, [\w.]*\]")
SHAPE = re.compile(r"\((\w+|\.\.\.|min\(\w+, \w+\)),[^()]*\)|\[[^\]]+\]|\bscalars?\b|\bshape\b")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, around: str = "") -> Iterator[tuple[Function, str]]:
    """Public functions below `tree`, each with the docstring of the class that it is in."""
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node, ast.get_docstring(node) or "")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node, around


def takes_arrays(function: Function) -> bool:
    """Whether a parameter or the result is an array."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    types = [ast.unparse(one) for one in (*(arg.annotation for arg in given), function.returns) if one]
    return any(ARRAY.search(BY_NAME.sub("", text)) for text in types)


@functools.cache
def measured(room: str) -> list[tuple[str, bool]]:
    """Every public function of a package, with whether its docstring says enough."""
    found = []
    for file in sorted((SOURCE / room / room).rglob("*.py")):
        for function, around in functions(ast.parse(file.read_text(encoding="utf-8"))):
            said = ast.get_docstring(function) or ""
            enough = bool(said) and (not takes_arrays(function) or bool(SHAPE.search(said + around)))
            found.append((f"{file.relative_to(SOURCE)}:{function.lineno} {function.name}", enough))
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_nine_of_ten_public_functions_say_what_they_do_and_the_shapes_of_their_arrays(room: str) -> None:
    found = measured(room)
    lacking = [name for name, enough in found if not enough]
    share = 1 - len(lacking) / len(found)
    print(f"{room}: {share:.1%} of {len(found)} public functions")
    assert share > LEAST, "\n".join(lacking)


@pytest.mark.parametrize("room", ROOMS)
def test_nine_of_ten_functions_of_arrays_say_their_shapes(room: str) -> None:
    """Most functions have no array: the share of all would not see that half of those that have one say nothing."""
    source = {
        f"{file.relative_to(SOURCE)}:{function.lineno} {function.name}"
        for file in (SOURCE / room / room).rglob("*.py")
        for function, _ in functions(ast.parse(file.read_text(encoding="utf-8")))
        if takes_arrays(function)
    }
    lacking = [name for name, enough in measured(room) if name in source and not enough]
    print(f"{room}: {1 - len(lacking) / len(source):.1%} of {len(source)} functions of arrays")
    assert len(lacking) < (1 - LEAST) * len(source), "\n".join(lacking)


@pytest.mark.parametrize(
    ("said", "enough"),
    [("Mix two chunks.", False), ("Mix two chunks (H, D).", True), ("The pull [N].", True), ("", False)],
)
def test_a_docstring_without_shape_or_unit_does_not_count(said: str, enough: bool) -> None:
    (function, _), *_ = functions(ast.parse(f'def mix(a: Floats) -> Floats:\n    """{said}"""'))
    assert takes_arrays(function) and bool(SHAPE.search(ast.get_docstring(function) or "")) == enough
