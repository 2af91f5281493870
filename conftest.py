"""For every test: what must be imported before anything renders, and memory that is given back."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

import pytest

# A CUDA build of torch brings Triton, which torch imports with the first optimiser. Its LLVM crashes the process when
# it is loaded after the one of Mesa's software renderer, and not when it is loaded before.
if find_spec("triton"):
    import_module("triton")


def pytest_collection_finish() -> None:
    """What the modules have made stays: looking through it again and again would cost half a second each time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Else libraries complain of what they find at the end."""
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def memory_is_given_back() -> Iterator[None]:
    """Worlds and ROS contexts are circles of 40 to 90 MB and a dozen threads, and Python seldom looks for circles."""
    yield
    gc.collect()
    with suppress(AttributeError, OSError):  # the C library's own; without it 200 MB of what is free are kept
        ctypes.CDLL(None).malloc_trim(0)
