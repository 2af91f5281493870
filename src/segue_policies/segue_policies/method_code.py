"""Which version of a method's code there is, so that what was measured with another one is told apart."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.method import Method, own_methods

_LARGEST = 2**24  # bytes of one source file


def code_digest(method: Method) -> str:
    """16 hexadecimal digits over the sources that decide what a method answers; empty where its checkpoint does.

    Of a method of another package these are all of that package, of one of ours without a checkpoint those beside it.
    """
    ours = method.name in own_methods()
    if ours and method.checkpoint:
        return ""
    module = method.policy.partition(":")[0]
    files = _sources(module.rpartition(".")[0] if ours else module.partition(".")[0], method)
    total = hashlib.sha256()
    for name, file in sorted(files.items()):
        with file.open("rb") as opened:
            total.update(name.encode() + hashlib.sha256(opened.read(_LARGEST)).digest())
    return total.hexdigest()[:16]


def _sources(package: str, method: Method) -> dict[str, Path]:
    """Python files of a package, or the one of a module, by their names in it."""
    spec = find_spec(package)
    if spec is None:
        text = f"method {method.name!r}: its package {package!r} is not there"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text)
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        return {package: Path(str(spec.origin))}
    return {str(file.relative_to(folder)): file for folder in folders for file in folder.rglob("*.py")}
