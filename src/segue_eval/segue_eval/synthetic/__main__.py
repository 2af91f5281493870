"""`python -m segue_eval.synthetic`: train one policy per variant, then print the table of all continuations."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field

from segue_core.command_line.main import program
from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel
from segue_data.storage.atomic import write_text
from segue_eval.synthetic.benchmark import DELAY, POLICY_OF, run_continuation, table
from segue_eval.synthetic.training import train_policy


class SyntheticOptions(StrictModel):
    """Train one policy per variant, then print the table of all continuations."""

    steps: int = Field(default=1000, ge=1, le=10**7, description="optimiser steps per policy")
    episodes: int = Field(default=50, ge=1, le=10**6, description="episodes per continuation")
    delay: int = Field(default=DELAY, ge=0, le=1024, description="ticks d of one inference")
    seed: int = Field(default=0, ge=0, description="of data, weights and noise")
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the rows"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, and write JSON when asked to; exit status 0."""
    return program(arguments, SyntheticOptions, run, "segue_eval.synthetic")


def run(given: SyntheticOptions) -> int:
    """Do it; exit status 0."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    policies = {name: train_policy(name, given.steps, given.seed) for name in sorted(set(POLICY_OF.values()))}
    trained_s = time.perf_counter() - began
    rows = [
        run_continuation(continuation, policies[name], range(given.episodes), given.delay)
        for continuation, name in POLICY_OF.items()
    ]
    print(table(rows))
    print(
        f"{len(policies)} policies trained in {trained_s:.1f} s, {time.perf_counter() - began:.1f} s in all"
    )
    if given.json_file:
        data = {"delay": given.delay, "steps": given.steps, "rows": [row.to_dict() for row in rows]}
        write_text(given.json_file, json.dumps(data, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
