"""Where a training runs: device and processes, through Lightning Fabric.

    alone               python -m segue_policies.training.command.train ...
    several GPUs        torchrun --nproc-per-node 4 -m segue_policies.training.command.train ...
    several machines    torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:PORT
                                 -m segue_policies.training.command.train ...

Every process computes its share of each batch and the gradients are averaged (DistributedDataParallel); the first one
evaluates and writes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segue_policies.training.config import Device, Strategy

ValueT = TypeVar("ValueT")


class _Losses(nn.Module):
    """The call that a step makes: gradients are synchronised for what is computed inside a module's `forward`."""

    def __init__(self, model: nn.Module, loss: Callable[[Any, int], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, held: _Held, number: int) -> Tensor:
        return self._loss(held.batch, number)


class _Held:
    """A batch of any class, which Fabric would otherwise take apart in search of tensors."""

    def __init__(self, batch: object) -> None:
        self.batch = batch


class Engine:
    """Device and processes of one training; `torchrun` decides how many, alone it is one."""

    def __init__(self, device: Device = "auto", strategy: Strategy = "auto") -> None:
        """Join the other processes; `strategy` says how gradients are shared, where there are several.

        Raises:
            ConfigError: `device` is cuda and there is none.
        """
        from lightning_fabric import Fabric

        kind = resolve(device)
        local, nodes = (int(os.environ.get(name, "1")) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
        several = "ddp" if strategy == "auto" else strategy
        shared = several if local * nodes > 1 else "auto"
        self._fabric: Any = Fabric(accelerator=kind, devices=local, num_nodes=nodes, strategy=shared)
        self._fabric.launch()
        self._losses: Any = None
        self._optimiser: Any = None

    @property
    def device(self) -> torch.device:
        """Where the weights belong."""
        device: torch.device = self._fabric.device
        return device

    @property
    def first(self) -> bool:
        """Whether this process evaluates and writes."""
        return bool(self._fabric.is_global_zero)

    @property
    def processes(self) -> int:
        """How many share a batch."""
        return int(self._fabric.world_size)

    def prepare(
        self, model: nn.Module, loss: Callable[[Any, int], Tensor], optimiser: torch.optim.Optimizer
    ) -> None:
        """Take charge of what is trained."""
        self._losses, self._optimiser = self._fabric.setup(_Losses(model, loss), optimiser)

    def descend(
        self, batches: Iterator[Any], first: int, largest_norm: float, count: int = 1
    ) -> tuple[Tensor, Tensor]:
        """One optimiser step on the next `count` of `batches`, numbered from `first`; loss and gradient are means.

        The forward pass runs in whatever autocast is active. Returns the loss and the gradient's global norm, scalars.
        """
        losses = []
        for number in range(first, first + count):
            last = number == first + count - 1
            with self._fabric.no_backward_sync(self._losses, enabled=not last and self.processes > 1):
                loss = self._losses(_Held(next(batches)), number) / count
                self._fabric.backward(loss)
            losses.append(loss.detach())
        norm = self._fabric.clip_gradients(self._losses, self._optimiser, max_norm=largest_norm)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return torch.stack(losses).sum(), norm

    def mean(self, value: Tensor) -> Tensor:
        """Mean of a scalar over the processes."""
        reduced: Tensor = self._fabric.all_reduce(value, reduce_op="mean") if self.processes > 1 else value
        return reduced

    def agreed(self, value: ValueT) -> ValueT:
        """The first process's `value`, for decisions; the others wait for it."""
        decided: ValueT = self._fabric.broadcast(value) if self.processes > 1 else value
        return decided

    def first_alone(self) -> Any:
        """Context that the first process passes before the others enter it: for caches on disk."""
        return self._fabric.rank_zero_first(local=True)


def resolve(device: Device) -> str:
    """`cuda` where there is one, if not told otherwise; raises ConfigError when told so and there is none."""
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "training.device", got=device, allowed=("auto", "cpu")
        )
    return "cuda" if device != "cpu" and there else "cpu"
