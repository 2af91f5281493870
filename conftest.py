"""For every test: what must be imported before anything renders."""

from importlib import import_module
from importlib.util import find_spec

# A CUDA build of torch brings Triton, which torch imports with the first optimiser. Its LLVM crashes the process when
# it is loaded after the one of Mesa's software renderer, and not when it is loaded before.
if find_spec("triton"):
    import_module("triton")
