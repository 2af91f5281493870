"""One folder per method, found by its `method.py`; no method imports another."""
