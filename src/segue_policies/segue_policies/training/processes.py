"""The part of one process in a training of several: its samples of a batch, and its own random numbers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import distributed

from segue_core.errors import ConfigError, ErrorCode


@dataclass(frozen=True)
class Share:
    """Process `rank` of `count`; a training alone is 0 of 1."""

    rank: int = 0
    count: int = 1

    def of_batch(self, size: int) -> slice:
        """The samples of a batch of `size` that are this process's.

        Raises:
            ConfigError: the batch cannot be divided evenly, so that a mean of gradients would not be the batch's.
        """
        if size % self.count:
            expected = f"a multiple of the {self.count} processes"
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "training.batch_size", got=size, expected=expected
            )
        part = size // self.count
        return slice(self.rank * part, (self.rank + 1) * part)

    def own(self, step: int) -> int:
        """A number that no other process and step has, for streams of random numbers; alone it is `step`."""
        return step * self.count + self.rank


def my_share() -> Share:
    """The share of this process, as `torchrun` and the engine have set it up."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Share()
    return Share(distributed.get_rank(), distributed.get_world_size())
