"""Independent random streams from one seed, addressed by purpose and step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch


class RandomStream(IntEnum):
    """What a stream of random numbers is for."""

    INITIALISE = 0
    ORDER = 1
    AUGMENT = 2
    LOSS = 3
    EVALUATE = 4
    CORRECTIONS = 5
    VIEWS = 6


def numpy_rng(seed: int, stream: RandomStream, step: int = 0) -> np.random.Generator:
    """Generator for one purpose at one step; the same arguments give the same numbers on every machine."""
    return np.random.default_rng((seed, int(stream), step))


def torch_rng(seed: int, stream: RandomStream, step: int = 0) -> torch.Generator:
    """As `numpy_rng`, for torch on the CPU."""
    state = np.random.SeedSequence((seed, int(stream), step)).generate_state(2, np.uint32)
    return torch.Generator().manual_seed((int(state[0]) << 32 | int(state[1])) >> 1)


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Inside, what draws from torch's own generators (dropout) is decided by the next number of `generator`."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        yield
