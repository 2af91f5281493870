"""Latent pictures of Wan's causal video VAE (diffusers' AutoencoderKLWan), frozen, in place of the small autoencoder's.

    step              0      1               2
    pictures          p      p  p  p  p      p  p  p  p        four of every step but the first, which has one
    latent            z_0    z_1             z_2               each knows what was before it

As in the authors' server: pictures in -1..1, the posterior's mean, `latents_mean` and `latents_std` of config.json.
What the encoder keeps from step to step is handed over, so that a memory can be forked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.lingbot_va.config import SHOTS, WorldConfig
from segue_policies.networks.outside import Outside
from segue_policies.networks.pretrained import load_vae, read_vae_config
from segue_policies.samples.normaliser import IMAGE_GAIN

Kept = list[Any]
"""What each convolution of the encoder keeps of earlier pictures."""


class WanLatents(nn.Module):
    """As `autoencoder.Autoencoder`, with nothing to train.

    Attributes:
        grid: rows and columns of a latent picture's places.
        shots: pictures of a step.
    """

    shots = SHOTS

    def __init__(self, config: WorldConfig) -> None:
        """Read the settings of the folder `config.vae`, not its weights yet.

        Raises:
            PolicyError: no such folder, or another model's. ConfigError: settings of this training that do not fit it.
        """
        super().__init__()
        folder = Path(str(config.vae)).expanduser()
        told = read_vae_config(folder)
        channels, mean = int(told["z_dim"]), torch.tensor(told["latents_mean"])
        factor = 2 ** len(told["temperal_downsample"]) * int(told["patch_size"] or 1)
        self.size = (config.picture[1], config.picture[0])
        for name, got, fits, expected in (
            ("latent", config.latent, config.latent == channels, f"{channels}, as {folder.name} has"),
            ("picture", config.picture, not any(side % factor for side in config.picture),
             f"multiples of {factor}, as {folder.name} makes one place of so many pixels"),
            ("vae", folder, len(mean) == channels, f"{channels} latents_mean in config.json"),
        ):  # fmt: skip
            if not fits:
                raise ConfigError(ErrorCode.CONFIG_CONFLICT, name, got=got, expected=expected)
        self.grid = (self.size[0] // factor, self.size[1] // factor)
        self._vae = Outside(lambda: load_vae(folder))
        self._mean, self._deviation = mean, torch.tensor(told["latents_std"])

    def prepare(self) -> None:
        """Read the weights; raises PolicyError where they do not fit their config.json."""
        self._vae.on(torch.device("cpu"))

    @torch.no_grad()
    def step(self, pictures: Tensor, kept: Kept | None) -> tuple[Tensor, Kept]:
        """Latent pictures (cameras, latent, h', w') of a step's (shots, cameras, 3, h, w), and what the next one needs.

        Of a first step, `kept` None, there is the last picture only.
        """
        vae = self._vae.on(pictures.device)
        count = vae._cached_conv_counts["encoder"]
        now: Kept = [None] * count if kept is None else list(kept)
        video = self._shown(pictures[-1:] if kept is None else pictures).to(vae.dtype)
        if vae.config.patch_size is not None:
            video = _patched(video, vae.config.patch_size)
        found = vae.quant_conv(vae.encoder(video, feat_cache=now, feat_idx=[0]))
        return self._normalised(found.float().chunk(2, dim=1)[0])[:, :, 0], now

    @torch.no_grad()
    def encode(self, pictures: Tensor, begins: Tensor) -> Tensor:
        """Latent pictures (B, L, cameras, latent, h', w') of (B, L shots, cameras, 3, h, w).

        Where an episode `begins` (B, L), and before the first step, nothing is known of what was before.
        """
        steps = pictures.unflatten(1, (begins.shape[1], self.shots))
        samples = []
        for sample, fresh in zip(steps, begins.tolist(), strict=True):
            starts = [k for k, new in enumerate(fresh) if new or k == 0]
            parts = zip(starts, [*starts[1:], len(fresh)], strict=True)
            samples.append(torch.cat([self._of_episode(sample[a:b]) for a, b in parts]))
        return torch.stack(samples)

    def decoded(self, latents: Tensor, before: Tensor) -> Tensor:
        """Pictures (n, cameras, 3, h, w) of latent ones (n, cameras, latent, h', w'), which follow one `before`."""
        vae = self._vae.on(latents.device)
        whole = torch.cat([before[None], latents]).transpose(0, 1).movedim(1, 2)
        shape = (1, -1, 1, 1, 1)
        raw = whole * self._deviation.to(whole).view(shape) + self._mean.to(whole).view(shape)
        video = vae.decode(raw.to(vae.dtype)).sample.float()  # (cameras, 3, 1 + shots n, h, w)
        made: Tensor = video[:, :, self.shots :: self.shots].movedim(2, 0) * (IMAGE_GAIN / 2)
        return made

    def _of_episode(self, steps: Tensor) -> Tensor:
        """Latent pictures (n, cameras, latent, h', w') of steps (n, shots, cameras, 3, h, w) of one episode."""
        vae = self._vae.on(steps.device)
        video = self._shown(torch.cat([steps[0, -1:], steps[1:].flatten(0, 1)])).to(vae.dtype)
        found = vae.encode(video).latent_dist.mode().float()
        return self._normalised(found).movedim(2, 0)

    def _shown(self, pictures: Tensor) -> Tensor:
        """(n, cameras, 3, h, w), normalised about one half, as a video (cameras, 3, n, h', w') in -1..1."""
        small = nn.functional.interpolate(
            pictures.flatten(0, 1), self.size, mode="bilinear", align_corners=False
        )
        video: Tensor = small.unflatten(0, pictures.shape[:2]).transpose(0, 1).movedim(1, 2)
        return (video * (2 / IMAGE_GAIN)).clamp(-1, 1)

    def _normalised(self, latents: Tensor) -> Tensor:
        shape = (1, -1, 1, 1, 1)
        made: Tensor = (latents - self._mean.to(latents).view(shape)) / self._deviation.to(latents).view(
            shape
        )
        return made


def _patched(video: Tensor, side: int) -> Tensor:
    """(n, C, T, h, w) to (n, C side side, T, h / side, w / side), columns before rows as Wan has them."""
    apart = video.unflatten(4, (-1, side)).unflatten(3, (-1, side))  # n C T h s w s
    made: Tensor = apart.permute(0, 1, 6, 4, 2, 3, 5).flatten(1, 3)
    return made
