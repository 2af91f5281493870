"""Run by an interpreter that has LeRobot (see `test_lerobot.py`): writes a dataset, or reads and trains on one.

`write FOLDER image|video FRAMES.npz` or `train FOLDER CHECKPOINT`.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

CHUNK = 10


def write(folder: str, mode: str, frames: str) -> None:
    """Episodes of `frames` (images, state, action, episode, cameras, names) as LeRobot writes them."""
    data = SimpleNamespace(**np.load(frames))
    names, size = [str(name) for name in data.names], data.images.shape[2:]
    vector = {"dtype": "float32", "shape": (len(names),), "names": names}
    image = {"dtype": mode, "shape": size, "names": ["height", "width", "channels"]}
    keys = [f"observation.images.{camera}" for camera in data.cameras]
    features = {"observation.state": vector, "action": vector} | dict.fromkeys(keys, image)
    dataset = LeRobotDataset.create(
        "test/dots", 30, features, root=folder, use_videos=mode == "video", **_h264()
    )
    for number in np.unique(data.episode):
        for row in np.flatnonzero(data.episode == number):
            pictures = {key: data.images[row, axis] for axis, key in enumerate(keys)}
            numbers = {"observation.state": data.state[row], "action": data.action[row]}
            dataset.add_frame({**pictures, **numbers, "task": "go to the dot"})
        dataset.save_episode()
    dataset.finalize()


def _h264() -> dict:
    """How `create` is told the codec: by name, and since LeRobot 0.5 by settings."""
    try:
        from lerobot.configs import RGBEncoderConfig
    except ImportError:
        return {"vcodec": "h264"}
    return {"rgb_encoder": RGBEncoderConfig(vcodec="h264")}


def train(folder: str, checkpoint: str) -> None:
    """A few steps of a small ACT; prints the losses and what the dataset says, and saves with its processors."""
    from lerobot.configs.types import FeatureType, PolicyFeature
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.factory import make_pre_post_processors

    offsets = {"action": [k / 30 for k in range(CHUNK)]}
    dataset = LeRobotDataset("test/dots", root=folder, delta_timestamps=offsets)
    cameras = dataset.meta.camera_keys
    height, width, _ = dataset.features[cameras[0]]["shape"]
    visual = PolicyFeature(FeatureType.VISUAL, (3, height, width))
    state = PolicyFeature(FeatureType.STATE, (14,))
    config = ACTConfig(
        input_features={"observation.state": state, **dict.fromkeys(cameras, visual)},
        output_features={"action": PolicyFeature(FeatureType.ACTION, (14,))},
        chunk_size=CHUNK, n_action_steps=CHUNK, dim_model=32, n_heads=2, dim_feedforward=32, latent_dim=4,
        n_encoder_layers=1, n_vae_encoder_layers=1, pretrained_backbone_weights=None, device="cpu",
    )  # fmt: skip
    torch.manual_seed(0)
    policy = ACTPolicy(config)
    before, after = make_pre_post_processors(config, dataset_stats=dataset.meta.stats)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=1e-4)
    losses = []
    for _, batch in zip(range(3), torch.utils.data.DataLoader(dataset, batch_size=4), strict=False):
        loss, _ = policy.forward(before(batch))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss))
    for part in (policy, before, after):
        part.save_pretrained(checkpoint)
    frame = dataset[5]
    facts = {
        "losses": losses,
        "episodes": dataset.num_episodes,
        "frames": dataset.num_frames,
        "action": frame["action"][0].tolist(),
        "task": frame["task"],
        "pixels": float(frame[cameras[0]].mean()),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    Path(sys.argv[2]).parent.mkdir(parents=True, exist_ok=True)
    {"write": write, "train": train}[sys.argv[1]](*sys.argv[2:])
