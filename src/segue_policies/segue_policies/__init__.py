"""Action-chunk policies: one folder per method in `methods`, and what methods share beside it."""

from pathlib import Path

__path__.append(str(Path(__file__).parent / "former_names"))
