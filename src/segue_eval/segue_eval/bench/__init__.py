"""Benchmarks that compare within one run: ratios travel between machines, milliseconds do not."""
