"""One verdict on every machine, however slow."""

from hypothesis import settings

settings.register_profile("segue", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("segue")
