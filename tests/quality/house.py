"""Numbers of how the code is built, for the table of docs/adr/0017: python tests/quality/house.py [CHECKOUT]."""

import re
import sys
from functools import cache
from pathlib import Path

import grimp


def packages(root: Path) -> list[str]:
    """Names of our packages in a checkout."""
    return sorted(
        path.parent.name for path in root.glob("src/*/setup.py") if (path.parent / path.parent.name).is_dir()
    )


def floors(imports: dict[str, set[str]]) -> int:
    """The longest chain of imports, a circle counted as its first module."""
    on_the_way: set[str] = set()

    @cache
    def below(module: str) -> int:
        on_the_way.add(module)
        found = 1 + max((below(other) for other in imports[module] - on_the_way), default=0)
        on_the_way.discard(module)
        return found

    return max(map(below, imports))


def room(root: Path, module: str) -> str:
    """The folder that a module is in."""
    parts = module.split(".")
    return module if root.joinpath("src", parts[0], *parts).is_dir() else ".".join(parts[:-1])


def main(root: Path) -> None:
    """Print them."""
    names = packages(root)
    sys.path[:0] = [str(root / "src" / name) for name in names]
    graph = grimp.build_graph(*names, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    fullest, files = 0, 0
    for name in names:
        own = {module for module in imports if module.split(".")[0] == name}
        code = sorted((root / "src" / name / name).rglob("*.py"))
        folders = [file.parent for file in code]
        here = max(map(folders.count, set(folders)))
        files, fullest = files + len(code), max(fullest, here)
        lines = sum(len(file.read_text().splitlines()) for file in code)
        count = floors({module: imports[module] & own for module in own})
        print(f"{name:18} files {len(code):4}  lines {lines:6}  floors {count:3}  fullest folder {here:3}")
    arrows = sum(map(len, imports.values()))
    doors = {(room(root, a), room(root, b)) for a, found in imports.items() for b in found}
    doors = {(a, b) for a, b in doors if a != b}
    print(f"{files} files, {arrows} imports, {arrows / files:.2f} a file, fullest folder {fullest}")
    both = sum((b, a) in doors for a, b in doors) // 2
    print(
        f"{len({room(root, module) for module in imports})} rooms, {len(doors)} doors, {both} of them both ways"
    )
    text = (root / "pyproject.toml").read_text()
    excepted = re.findall(r"ignore_imports = \[(.*?)\n\]", text, re.DOTALL)
    print(f"{sum(block.count('->') for block in excepted)} exception lines of the linter")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
