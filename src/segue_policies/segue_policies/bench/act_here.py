"""Our ACT: reads settings from the command line, then answers each line of its input with one round's times.

`python -m segue_policies.bench.act_here DATASET SETTINGS_JSON`; see `segue_eval.bench.train`.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import repeat
from pathlib import Path
from typing import Any

import torch

from segue_policies.methods.act.config import ActConfig
from segue_policies.methods.act.learner import ActLearner
from segue_policies.training.command.train import load_data
from segue_policies.training.engine import Engine
from segue_policies.training.optimiser import make_optimiser


def _config(given: dict[str, Any]) -> ActConfig:
    training = {
        "steps": 1,
        "batch_size": given["batch"],
        "threads": given["threads"],
        "learning_rate": 1e-5,
        "weight_decay": 1e-4,
        "gradient_clip": 10.0,
    }
    quiet = {"shift_pixels": 0, "brightness": 0.0, "colour": 0.0, "state_noise": 0.0}
    names = ("width", "heads", "feedforward", "encoder_layers", "latent")
    return ActConfig.model_validate(
        {
            "horizon": given["chunk"],
            "network": {name: given[name] for name in names},
            "training": training | quiet,
        }
    )


def main() -> None:
    """Say how many parameters there are, then serve rounds."""
    data, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(given["threads"])
    engine, config = Engine(given["device"]), _config(given)
    learner = ActLearner(config, load_data(data))
    learner.model.to(engine.device)
    engine.prepare(learner.model, learner.loss, make_optimiser(learner.parameter_groups(), config.training))
    batches = learner.batches(0)
    again = repeat(next(batches))
    print(json.dumps({"parameters": sum(p.numel() for p in learner.model.parameters())}), flush=True)
    for line in sys.stdin:
        steps, times = int(line), {}
        for name in ("compute", "whole"):
            start = time.perf_counter()
            for step in range(steps):
                loss, _ = engine.descend(batches if name == "whole" else again, step, 10.0)
                loss.item()
            times[name] = time.perf_counter() - start
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
