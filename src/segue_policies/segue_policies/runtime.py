"""Where a policy computes. Importing this needs no torch, and neither do the devices `auto` and `cpu`."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from segue_core.errors import ConfigError, ErrorCode

if TYPE_CHECKING:
    import torch

Dtype = Literal["float32", "bfloat16", "float16"]

DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


@dataclass(frozen=True)
class Runtime:
    """Device, precision and threads of one policy.

    Args:
        device: `cpu`, `cuda`, `cuda:1`; `auto` takes a CUDA device where there is one.
        dtype: of convolutions and matrices; weights stay float32.
        threads: CPU threads of this process; None leaves torch's own choice.
    """

    device: str = "auto"
    dtype: Dtype = "float32"
    threads: int | None = None

    def check(self) -> None:
        """Refuse a device that is not there.

        Raises:
            ConfigError: naming the devices that are.
        """
        if not DEVICE.fullmatch(self.device):
            expected = "auto, cpu, cuda or cuda:N"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "device", got=self.device, expected=expected)
        if self.device.startswith("cuda") and self.device not in (there := devices()):
            do = "take one of these, or auto; ./segue doctor says what torch was installed for"
            raise ConfigError(
                ErrorCode.CONFIG_INVALID_VALUE, "no such device here", got=self.device, allowed=there, do=do
            )

    def prepare(self) -> torch.device:
        """The device to compute on, after this process's threads are set; raises as `check`."""
        import torch

        self.check()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def computing(self, device: torch.device) -> AbstractContextManager[Any]:
        """Context of an inference on `device`: autocast where `dtype` is not float32."""
        if self.dtype == "float32":
            return nullcontext()
        import torch

        return torch.autocast(device.type, dtype=getattr(torch, self.dtype))


def devices() -> tuple[str, ...]:
    """Names of the devices that torch finds on this machine."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ("cpu", *(["cuda"] if count else []), *(f"cuda:{index}" for index in range(count)))
