"""Run by an interpreter that has LeRobot (see `test_lerobot_policy.py`): serves tiny random checkpoints."""

import json
import os
import sys
from pathlib import Path

sys.path[:0] = os.environ["SEGUE_SOURCE"].split(os.pathsep)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from lerobot.configs.types import FeatureType, PolicyFeature  # noqa: E402
from lerobot.policies.act.configuration_act import ACTConfig  # noqa: E402
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig  # noqa: E402
from lerobot.policies.factory import get_policy_class, make_pre_post_processors  # noqa: E402

from segue_core.action_space import DUAL_ARM_EE  # noqa: E402
from segue_core.errors import PolicyError  # noqa: E402
from segue_core.observation import Observation  # noqa: E402
from segue_core.policy import PredictRequest  # noqa: E402
from segue_policies.common.checkpoint import Expected  # noqa: E402
from segue_policies.serve import check_checkpoint, load_policy  # noqa: E402

CAMERAS, TASK = ("head", "left_wrist"), "put it there"
FEATURES = {
    "input_features": {"observation.state": PolicyFeature(FeatureType.STATE, (14,))}
    | {f"observation.images.{c}": PolicyFeature(FeatureType.VISUAL, (3, 72, 96)) for c in CAMERAS},
    "output_features": {"action": PolicyFeature(FeatureType.ACTION, (14,))},
    "device": "cpu",
}
ACT = ACTConfig(
    **FEATURES, chunk_size=10, n_action_steps=10, dim_model=32, n_heads=2, dim_feedforward=32, latent_dim=4,
    n_encoder_layers=1, n_vae_encoder_layers=1, pretrained_backbone_weights=None,
)  # fmt: skip
DIFFUSION = DiffusionConfig(
    **FEATURES, down_dims=(32, 64), horizon=16, n_action_steps=8, num_inference_steps=3, num_train_timesteps=10,
    noise_scheduler_type="DDIM", diffusion_step_embed_dim=16, spatial_softmax_num_keypoints=4,
)  # fmt: skip


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


def ask(policy, state, images, method="plain", seed=3, omega=None, reference=None):
    """The chunk of one request."""
    rows = policy.info.horizon
    omega = np.zeros(rows, np.float32) if omega is None else omega
    reference = np.zeros((rows, 14), np.float32) if reference is None else reference
    observation = Observation(5, state, images)
    request = PredictRequest(observation, 5, 1, method, omega, reference, 2, seed, instruction=TASK)
    return policy.predict(request).chunk.actions


def theirs(policy, before, after, state, images, seed=3):
    """The first actions as LeRobot's own `select_action` gives them, one after the other."""
    torch.manual_seed(seed)
    policy.reset()
    rows = []
    for _ in range(policy.config.n_action_steps):
        batch = {
            f"observation.images.{c}": torch.from_numpy(i).permute(2, 0, 1) / 255.0 for c, i in images.items()
        }
        batch |= {"observation.state": torch.from_numpy(state), "task": TASK}
        rows.append(after(policy.select_action(before(batch)))[0].numpy())
    return np.stack(rows)


def observed():
    """A state and a picture of each camera."""
    rng = np.random.default_rng(5)
    state = rng.normal(size=14).astype(np.float32) * 0.1
    return state, {camera: rng.integers(0, 256, (72, 96, 3), dtype=np.uint8) for camera in CAMERAS}


def serve(folder, saved):
    """The policy of a saved checkpoint, and what was found."""
    state, images = observed()
    expected = Expected(action_space=DUAL_ARM_EE, cameras=CAMERAS)
    policy = load_policy(folder, expected, 1)
    assert policy.info == check_checkpoint(folder, expected)
    chunk = ask(policy, state, images)
    wanted = DUAL_ARM_EE.clip(theirs(*saved, state, images)).astype(np.float32)
    served = []
    for method in ("bidirectional", "plain", "rtc"):
        try:
            ask(policy, state, images, method)
            served.append(method)
        except PolicyError as error:
            assert "method" in str(error), error
    return policy, {
        "equals": bool(np.allclose(chunk, wanted, atol=1e-4)),
        "repeats": bool(np.array_equal(chunk, ask(policy, state, images))),
        "served": served,
    }


def main(root):
    """Serve both and print what was found."""
    facts = {}
    for config in (ACT, DIFFUSION):
        folder = root / config.type
        policy, facts[config.type] = serve(folder, save(config, folder))
    state, images = observed()
    target, omega = ask(policy, state, images, seed=9), np.ones(8, np.float32)
    drawn = [ask(policy, state, images, m, 3, omega, target) for m in ("plain", "bidirectional")]
    plain, best = (float(np.square(rows - target).mean()) for rows in drawn)
    facts["closer"] = best < plain
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
