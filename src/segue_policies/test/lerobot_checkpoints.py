"""Run by an interpreter that has LeRobot (see `test_lerobot_policy.py`), without Segue: a tiny random checkpoint.

`act FOLDER`, or another type: FOLDER becomes LeRobot's pretrained_model, and `FOLDER/theirs.npz` an observation with
the actions that LeRobot's own `select_action` gives for it, one after the other: `chunk` at an episode's first step,
`later_chunk` after a step with the state `earlier`, of a policy that looks at several observations.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.factory import get_policy_class, make_pre_post_processors

CAMERAS, TASK, SEED = ("head", "left_wrist"), "put it there", 3
FEATURES = {
    "input_features": {"observation.state": PolicyFeature(FeatureType.STATE, (14,))}
    | {f"observation.images.{c}": PolicyFeature(FeatureType.VISUAL, (3, 72, 96)) for c in CAMERAS},
    "output_features": {"action": PolicyFeature(FeatureType.ACTION, (14,))},
    "device": "cpu",
}


def configuration(kind, hub):
    """Of a small network; what it would fetch from the hub is written to `hub`."""
    if kind == "act":
        return ACTConfig(
            **FEATURES, chunk_size=10, n_action_steps=10, dim_model=32, n_heads=2, dim_feedforward=32, latent_dim=4,
            n_encoder_layers=1, n_vae_encoder_layers=1, pretrained_backbone_weights=None,
        )  # fmt: skip
    if kind == "diffusion":
        return DiffusionConfig(
            **FEATURES, down_dims=(32, 64), horizon=16, n_action_steps=8, num_inference_steps=3,
            num_train_timesteps=10, noise_scheduler_type="DDIM", diffusion_step_embed_dim=16,
            spatial_softmax_num_keypoints=4, pretrained_backbone_weights=None,
        )  # fmt: skip
    import lerobot_flows  # needs transformers, which not every LeRobot has

    return lerobot_flows.configuration(kind, hub, FEATURES)


def save(config, folder):
    """A checkpoint as LeRobot's training saves it, and its policy and processors."""
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    numbers = {
        "mean": rng.normal(size=14),
        "std": 1 + rng.random(14),
        "min": -np.ones(14),
        "max": np.ones(14),
        "q01": -np.ones(14),
        "q99": np.ones(14),
    }
    pixels = {"mean": np.full((3, 1, 1), 0.5), "std": np.full((3, 1, 1), 0.3)}
    stats = {"observation.state": numbers, "action": numbers}
    stats |= {f"observation.images.{c}": pixels for c in CAMERAS}
    policy = get_policy_class(config.type)(config).eval()
    processors = make_pre_post_processors(config, dataset_stats=stats)
    for part in (policy, *processors):
        part.save_pretrained(folder)
    return policy, *processors


def theirs(policy, before, after, state, images, earlier=None):
    """The first actions as LeRobot's own `select_action` gives them, where it saw the state `earlier` a tick before."""
    policy.reset()

    def next_action(state):
        batch = {
            f"observation.images.{c}": torch.from_numpy(i).permute(2, 0, 1) / 255.0 for c, i in images.items()
        }
        batch |= {"observation.state": torch.from_numpy(state), "task": TASK}
        return after(policy.select_action(before(batch)))[0].numpy()

    if earlier is not None:
        next_action(earlier)
        policy._queues["action"].clear()  # what it planned then
    torch.manual_seed(SEED)
    return np.stack([next_action(state) for _ in range(policy.config.n_action_steps)])


def main(kind, folder):
    """Write both."""
    hub = folder.with_name(f"{folder.name}-hub")
    saved = save(configuration(kind, hub), folder)
    rng = np.random.default_rng(5)
    state = rng.normal(size=14).astype(np.float32) * 0.1
    images = {camera: rng.integers(0, 256, (72, 96, 3), dtype=np.uint8) for camera in CAMERAS}
    answers = {"chunk": theirs(*saved, state, images)}
    if getattr(saved[0].config, "n_obs_steps", 1) > 1:
        answers |= {"earlier": state + 0.3, "later_chunk": theirs(*saved, state, images, state + 0.3)}
    np.savez(folder / "theirs.npz", state=state, **answers, **images)
    if hub.is_dir():
        hub.rename(folder / ("vlm" if kind == "smolvla" else "tokenizer"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1], Path(sys.argv[2]))
