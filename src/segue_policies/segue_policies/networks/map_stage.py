"""What stands between a frozen trunk's map and a transformer."""

from __future__ import annotations

from torch import Tensor, nn


class MapStage(nn.Module):
    """Two trained convolutions behind a frozen trunk: its map to one of a quarter of the size, as tokens need it."""

    channels = 128

    def __init__(self, before: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, 64, 3, 2, 1), nn.ReLU(), nn.Conv2d(64, self.channels, 3, 2, 1), nn.ReLU()
        )

    def forward(self, maps: Tensor) -> Tensor:
        """`(B, C, h, w)` to `(B, 128, h/4, w/4)`."""
        found: Tensor = self.layers(maps)
        return found
