"""`python -m segue_eval.synthetic`: train one policy per objective, then print the table of all methods."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from segue_data.storage.atomic import write_text
from segue_eval.synthetic.benchmark import DELAY, POLICY_OF, run_method, table
from segue_eval.synthetic.training import train_policy


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, and write JSON when asked to; exit status 0."""
    parser = argparse.ArgumentParser(prog="segue_eval.synthetic", description=__doc__)
    parser.add_argument("--steps", type=int, default=1000, help="optimiser steps per policy")
    parser.add_argument("--episodes", type=int, default=50, help="episodes per method")
    parser.add_argument("--delay", type=int, default=DELAY, help="ticks d of one inference")
    parser.add_argument("--seed", type=int, default=0, help="of data, weights and noise")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    began = time.perf_counter()
    policies = {name: train_policy(name, given.steps, given.seed) for name in sorted(set(POLICY_OF.values()))}
    trained_s = time.perf_counter() - began
    rows = [
        run_method(method, policies[name], range(given.episodes), given.delay)
        for method, name in POLICY_OF.items()
    ]
    print(table(rows))
    print(
        f"{len(policies)} policies trained in {trained_s:.1f} s, {time.perf_counter() - began:.1f} s in all"
    )
    if given.json:
        data = {"delay": given.delay, "steps": given.steps, "rows": [row.to_dict() for row in rows]}
        write_text(given.json, json.dumps(data, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
