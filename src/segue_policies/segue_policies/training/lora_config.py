"""Settings of low-rank adapters; `lora` puts them into a network."""

from __future__ import annotations

from pydantic import Field

from segue_core.contracts.base import StrictModel


class LoraConfig(StrictModel):
    """Which matrices are adapted, and how."""

    rank: int = Field(default=16, ge=1, le=1024, description="r, width of the adapters")
    alpha: float = Field(default=32.0, gt=0, description="scale of the adapters is alpha / r")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="on what adapters are shown")
    targets: tuple[str, ...] = Field(
        default=("query", "value", "q_proj", "v_proj", "q", "v"),
        description="ends of the names of the layers that are adapted, those of attention by default",
    )
