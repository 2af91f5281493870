"""Doubles for tests and examples: a policy whose answers are known, and runners that need no robot."""
