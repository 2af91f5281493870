"""Where a training runs: device and processes, through Lightning Fabric.

    alone               python -m segue_policies.train.command ...
    several GPUs        torchrun --nproc-per-node 4 -m segue_policies.train.command ...
    several machines    torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:PORT
                                 -m segue_policies.train.command ...

Every process computes its share of each batch and the gradients are averaged (DistributedDataParallel); the first one
evaluates and writes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.samples.batches import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_policies.training.config import Device

ValueT = TypeVar("ValueT")


class _Losses(nn.Module):
    """The call that a step makes: gradients are synchronised for what is computed inside a module's `forward`."""

    def __init__(self, model: nn.Module, loss: Callable[[Batch, int], Tensor]) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, images: Tensor, state: Tensor, actions: Tensor, real: Tensor, step: int) -> Tensor:
        return self._loss(Batch(images, state, actions, real), step)


class Engine:
    """Device and processes of one training; `torchrun` decides how many, alone it is one."""

    def __init__(self, device: Device = "auto") -> None:
        """Join the other processes.

        Raises:
            ConfigError: `device` is cuda and there is none.
        """
        from lightning_fabric import Fabric

        kind = resolve(device)
        local, nodes = (int(os.environ.get(name, "1")) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
        strategy = "ddp" if local * nodes > 1 else "auto"
        self._fabric: Any = Fabric(accelerator=kind, devices=local, num_nodes=nodes, strategy=strategy)
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
        self, model: nn.Module, loss: Callable[[Batch, int], Tensor], optimiser: torch.optim.Optimizer
    ) -> None:
        """Take charge of what is trained."""
        self._losses, self._optimiser = self._fabric.setup(_Losses(model, loss), optimiser)

    def descend(self, batch: Batch, step: int, largest_norm: float) -> tuple[Tensor, Tensor]:
        """One optimiser step on this process's share of a batch; its loss and the global gradient norm, scalars.

        The forward pass runs in whatever autocast is active.
        """
        loss = self._losses(batch.images, batch.state, batch.actions, batch.real, step)
        self._fabric.backward(loss)
        norm = self._fabric.clip_gradients(self._losses, self._optimiser, max_norm=largest_norm)
        self._optimiser.step()
        self._optimiser.zero_grad()
        return loss.detach(), norm

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
