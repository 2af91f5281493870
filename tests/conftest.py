"""For tests of the whole: what waits for nobody may be run once more."""

from tests.real_time import pytest_runtest_protocol

__all__ = ["pytest_runtest_protocol"]
