"""Latent pictures behind a frozen trunk: soft keypoints of its map, and back to a picture.

    map of each camera --keypoints, values--> linear --> z_t (places x latent numbers)  -->  the picture
                                                          z_t of all cameras, a_t       -->  the coming chunk of actions

A place in a picture is a number here, which a small transformer can use; in a convolution's map it is a pattern. The
picture says what a keypoint may follow, and the foretold chunk what is worth following. Numbers are standardised once
this is learned, so noise of unit deviation fits them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue_policies.methods.lingbot_va.actions import WIDTH
from segue_policies.methods.lingbot_va.autoencoder import resized, screen
from segue_policies.methods.lingbot_va.config import DOWNSAMPLING, WorldConfig
from segue_policies.networks.encoders import Places
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import PIXELS, Given

_HIDDEN = 256
_LEAST = 0.1
"""Deviation of a number that hardly changes, over the median of all."""

SHOWN = 4
"""Of so many steps one has its picture shown in training."""


class KeypointLatents(nn.Module):
    """See above; as `autoencoder.Autoencoder` is asked, of maps (..., cameras, C, h, w) in place of pictures.

    Attributes:
        grid: rows and columns of a latent picture's places.
        shots: pictures of a step.
    """

    shots = 1

    def __init__(self, config: WorldConfig, shape: Shape) -> None:
        super().__init__()
        self.config, self.grid, cameras = config, (1, config.places), len(shape.cameras)
        self.size = (config.picture[1], config.picture[0])
        numbers, given = config.latent * config.places, Given(shape.channels, shape.image_size)
        self.looks = nn.ModuleList(Places(given, numbers) for _ in range(cameras))
        rows, columns = (side // DOWNSAMPLING for side in self.size)
        widest = 4 * config.autoencoder_width
        self.opens = nn.ModuleList(
            nn.Sequential(
                nn.Linear(numbers, widest * rows * columns), nn.Unflatten(1, (widest, rows, columns))
            )
            for _ in range(cameras)
        )
        self.show = screen(widest, config.autoencoder_width, PIXELS)
        self.foretells = nn.Sequential(
            nn.Linear(cameras * numbers + WIDTH, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, config.horizon * WIDTH),
        )
        whole = (cameras, config.latent, *self.grid)
        self.middle = nn.Parameter(torch.zeros(whole), requires_grad=False)
        self.deviation = nn.Parameter(torch.ones(whole), requires_grad=False)

    def prepare(self) -> None:
        """There is nothing to read."""

    def standardise(self, features: Tensor) -> None:
        """Let the latent pictures of `features` (F, cameras, latent, 1, places) have zero mean and unit deviation."""
        deviation = features.std(dim=0)
        self.middle.copy_(features.mean(dim=0))
        self.deviation.copy_(deviation.clamp(min=_LEAST * float(deviation.median())))

    def features(self, maps: Tensor) -> Tensor:
        """Of each picture's map (..., cameras, C, h, w): (..., cameras, latent, 1, places)."""
        flat = maps.flatten(0, -5).float()
        found = [look(flat[:, camera]) for camera, look in enumerate(self.looks)]
        made = torch.stack(found, dim=1).unflatten(2, (self.config.latent, *self.grid))
        features: Tensor = made.unflatten(0, maps.shape[:-4])
        return features

    def step(self, maps: Tensor, kept: None) -> tuple[Tensor, None]:
        """Latent pictures (cameras, latent, 1, places) of a step's maps (1, cameras, C, h, w); nothing is kept."""
        return self._standard(self.features(maps))[0], None

    def encode(self, maps: Tensor, begins: Tensor) -> Tensor:
        """Latent pictures (B, L, cameras, latent, 1, places) of (B, L, cameras, C, h, w), each of its own map alone."""
        return self.latents(self.features(maps), begins)

    def latents(self, features: Tensor, begins: Tensor) -> Tensor:
        """The same of `features`."""
        return self._standard(features)

    def decoded(self, latents: Tensor, before: Tensor) -> Tensor:
        """Pictures (n, cameras, 3, h, w) of latent ones (n, cameras, latent, 1, places); none needs the one before."""
        return self._shown(latents * self.deviation + self.middle)

    def loss(self, maps: Tensor, actions: Tensor, episode: Tensor, pictures: Tensor, first: int) -> Tensor:
        """Scalar: mean squared error of some pictures, and `foresight` times the error of a foretold action.

        Args:
            maps: (B, L, cameras, C, h, w).
            actions: (B, L, tau, 30), normalised, that lead to each step.
            episode: (B, L).
            pictures: (B, n, cameras, 3, H, W), normalised, of each `SHOWN`th step from step `first` on.
        """
        found = self.features(maps)
        shown = self._shown(found[:, first::SHOWN].flatten(0, 1))
        error = functional.mse_loss(shown, resized(pictures.flatten(0, 1), self.size))
        return error + self.config.foresight * self._foresight(found, actions, episode)

    def _shown(self, features: Tensor) -> Tensor:
        flat = features.flatten(2)
        opened = [open_(flat[:, camera]) for camera, open_ in enumerate(self.opens)]
        pictures: Tensor = self.show(torch.stack(opened, dim=1).flatten(0, 1)).unflatten(0, flat.shape[:2])
        return pictures

    def _foresight(self, features: Tensor, actions: Tensor, episode: Tensor) -> Tensor:
        steps = self.config.chunk
        known = torch.cat([features.flatten(2), actions[:, :, -1]], dim=2)
        told = self.foretells(known).unflatten(2, (steps, -1, WIDTH))
        behind = functional.pad(actions, (0, 0, 0, 0, 0, steps)).unfold(1, steps, 1)[:, 1:].movedim(-1, 2)
        same = functional.pad(episode, (0, steps), value=-1).unfold(1, steps, 1)[:, 1:] == episode[..., None]
        error = functional.smooth_l1_loss(told, behind, reduction="none", beta=0.1).sum(dim=(3, 4))
        counted = same.float()
        return (error * counted).sum() / (counted.sum() * actions.shape[2]).clamp(min=1)

    def _standard(self, features: Tensor) -> Tensor:
        return (features - self.middle) / self.deviation
