"""LeRobot's ACT, run by an interpreter that has LeRobot (imports nothing of Segue); as `act_here`.

Its training step is that of `lerobot_train.update_policy`: preprocessor, forward, backward, clip, AdamW.
"""

# mypy: ignore-errors

import json
import sys
import time

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors


def _policy(dataset, given):
    """ACT of the same sizes on the dataset's features."""
    cameras = dataset.meta.camera_keys
    height, width, _ = dataset.features[cameras[0]]["shape"]
    dim = dataset.features["action"]["shape"][0]
    visual = PolicyFeature(FeatureType.VISUAL, (3, height, width))
    state = PolicyFeature(FeatureType.STATE, (dim,))
    config = ACTConfig(
        input_features={"observation.state": state, **dict.fromkeys(cameras, visual)},
        output_features={"action": PolicyFeature(FeatureType.ACTION, (dim,))},
        chunk_size=given["chunk"], n_action_steps=given["chunk"], dim_model=given["width"], n_heads=given["heads"],
        dim_feedforward=given["feedforward"], n_encoder_layers=given["encoder_layers"],
        n_vae_encoder_layers=given["encoder_layers"], latent_dim=given["latent"],
        pretrained_backbone_weights=None, device=given["device"],
    )  # fmt: skip
    before, _ = make_pre_post_processors(config, dataset_stats=dataset.meta.stats)
    return ACTPolicy(config).to(given["device"]).train(), before


def _endless(loader):
    while True:
        yield from loader


def main():
    """Say how many parameters there are, then serve rounds."""
    root, given = sys.argv[1], json.loads(sys.argv[2])
    torch.set_num_threads(given["threads"])
    rate = LeRobotDataset("bench/act", root=root).fps
    offsets = {"action": [k / rate for k in range(given["chunk"])]}
    dataset = LeRobotDataset("bench/act", root=root, delta_timestamps=offsets)
    policy, before = _policy(dataset, given)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=1e-5, weight_decay=1e-4)
    loader = torch.utils.data.DataLoader(
        dataset, given["batch"], shuffle=True, num_workers=given["workers"], drop_last=True
    )
    batches = _endless(loader)
    kept = next(batches)
    print(json.dumps({"parameters": sum(p.numel() for p in policy.parameters())}), flush=True)
    for line in sys.stdin:
        steps, times = int(line), {}
        for name in ("compute", "whole"):
            start = time.perf_counter()
            for _ in range(steps):
                loss, _ = policy.forward(before(next(batches) if name == "whole" else kept))
                loss.backward()
                torch.nn.utils.clip_grad_norm_(policy.parameters(), 10.0)
                optimiser.step()
                optimiser.zero_grad()
                loss.item()
            times[name] = time.perf_counter() - start
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
