"""Instructions by a frozen language encoder (T5, UMT5) in place of a table of hashed words.

Each instruction is read once; a row of `longest` numbers says which, so that everything else is as with hashed words.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_policies.networks.outside import Outside
from segue_policies.networks.pretrained import TextEncoder, read_text_width


class Told:
    """What the encoder made of the instructions that were met; copies of a network share it."""

    def __init__(self, encoder: Outside, longest: int) -> None:
        self._encoder, self._longest = encoder, longest
        self._rows: dict[str, int] = {}
        self.vectors: list[Tensor] = []  # (words, width)

    def row(self, instruction: str) -> int:
        """Number of an instruction, from 1 on; raises what reading the encoder raises."""
        text = " ".join(instruction.split())
        if text not in self._rows:
            with torch.no_grad():
                vectors, words = self._encoder.on(torch.device("cpu"))([text])
            self.vectors.append(vectors[0][words[0]][: self._longest].float())
            self._rows[text] = len(self.vectors)
        return self._rows[text]

    def __deepcopy__(self, _: object) -> Told:
        return self


class Speech(nn.Module):
    """From an encoder's vectors to the network's; what begins each is learned, and is all that there is of none."""

    def __init__(self, folder: Path, width: int, longest: int) -> None:
        """Read the settings of `folder`, not its weights yet; raises as `TextEncoder.from_folder`."""
        super().__init__()
        self._longest, self._encoder = longest, Outside(lambda: TextEncoder.from_folder(folder))
        self._told = Told(self._encoder, longest)
        self.inward = nn.Linear(read_text_width(folder), width)
        self.begin = nn.Parameter(torch.randn(1, 1, width))

    def prepare(self) -> None:
        """Read the weights."""
        self._encoder.on(torch.device("cpu"))

    def spelt(self, instruction: str) -> NDArray[np.int64]:
        """Row (longest,) of an instruction."""
        row = np.zeros(self._longest, dtype=np.int64)
        row[0] = self._told.row(instruction)
        return row

    def read(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, 1 + words, width) of rows (B, longest), 0 for no instruction, and where there is a word."""
        numbers = rows[:, 0].tolist()
        said = [self._told.vectors[number - 1] if number else None for number in numbers]
        most = max([len(each) for each in said if each is not None], default=0)
        vectors = self.begin.new_zeros(len(numbers), most, self.inward.in_features)
        spoken = torch.zeros(len(numbers), 1 + most, dtype=torch.bool, device=rows.device)
        spoken[:, 0] = True
        for sample, each in enumerate(said):
            if each is not None:
                vectors[sample, : len(each)] = each.to(vectors)
                spoken[sample, 1 : 1 + len(each)] = True
        begin = self.begin.expand(len(numbers), 1, -1)
        return torch.cat([begin, self.inward(vectors)], dim=1), spoken
