"""The words of the latent language: each token of a latent action is the nearest of a few codes (VQ).

A code that is hardly used any more takes half of what the most used one stands for: it moves beside it. Else a codebook
ends as one word, since a code that is never the nearest is never moved.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_RARE = 0.1  # of an even share: below it a code moves
_BESIDE = 0.05  # deviations of the latents that KL asks for
_MEMORY = 0.99
_SPREAD = 0.2  # of the codes at first: fresh latents are small, and far codes teach them nothing


class Codes(nn.Module):
    """A codebook `(codes, L)`; without codes nothing changes."""

    share: Tensor
    beside: Tensor

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.book = nn.Parameter(_SPREAD * torch.randn(codes, width)) if codes else None
        self.register_buffer("share", torch.full((codes,), 1 / max(codes, 1)))
        self.register_buffer("beside", _BESIDE * torch.randn(codes, width))

    def nearest(self, latents: Tensor) -> Tensor:
        """The codes in the place of `latents` `(..., L)`."""
        return latents if self.book is None else self.book[self.words(latents)]

    def words(self, latents: Tensor) -> Tensor:
        """Which code each token is, `(...)`; 0 without codes."""
        if self.book is None:
            return torch.zeros(latents.shape[:-1], dtype=torch.long, device=latents.device)
        flat = latents.detach().flatten(0, -2)
        return torch.cdist(flat, self.book.detach()).argmin(dim=1).view(latents.shape[:-1])

    def forward(self, latents: Tensor, commitment: float) -> tuple[Tensor, Tensor]:
        """The nearest codes, with the gradient of the latents (straight-through), and the loss of both."""
        if self.book is None:
            return latents, latents.new_zeros(())
        words = self.words(latents)
        if self.training:
            self._move_rare(self.book, words)
            words = self.words(latents)
        found = self.book[words]
        loss = functional.mse_loss(found, latents.detach())
        loss = loss + commitment * functional.mse_loss(latents, found.detach())
        return latents + (found - latents).detach(), loss

    @torch.no_grad()
    def _move_rare(self, book: nn.Parameter, words: Tensor) -> None:
        """Decided by book and shares alone, which all processes have alike."""
        rare = int(self.share.argmin())
        if self.share[rare] < _RARE / len(book):
            common = int(self.share.argmax())
            book[rare] = book[common] + self.beside[rare]
            self.share[[rare, common]] = self.share[common] / 2
        used = torch.bincount(words.flatten(), minlength=len(book)).to(self.share)
        self.share.lerp_(used / used.sum(), 1 - _MEMORY)
