"""A policy trained in seconds, and its data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

from segue_policies.testing.dots import Dots, make_dots, make_settings
from segue_policies.training.command.train import train

settings.register_profile("shared_machine", deadline=None, max_examples=50)
settings.load_profile("shared_machine")
torch.set_num_threads(1)  # two threads on a busy machine wait for each other


@pytest.fixture(scope="session")
def dots() -> Dots:
    return make_dots(60)


@pytest.fixture(scope="session")
def settings() -> Callable[..., dict[str, Any]]:
    return make_settings


@pytest.fixture(scope="session")
def trained(dots: Dots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy trained on the dots; do not change it."""
    out = tmp_path_factory.mktemp("trained") / "legato"
    train(make_settings(steps=350, evaluations=5), "test", dots, out)
    return out


@pytest.fixture
def checkpoint(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained checkpoint, to spoil."""
    return Path(shutil.copytree(trained, tmp_path / "checkpoint"))
