"""Doubles for tests, benchmarks and examples: a policy that answers, or misbehaves, by script."""
