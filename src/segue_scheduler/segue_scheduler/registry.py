"""Continuations and termination rules are found by name, see `segue_core.registry`."""

from segue_core.registry import available, find

__all__ = ["available", "find"]
