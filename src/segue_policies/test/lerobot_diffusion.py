"""LeRobot's Diffusion Policy, small, run by an interpreter that has it: weights, a batch and answers."""

import sys
from pathlib import Path

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from safetensors.torch import save_file

ROWS, DIM, STATE, PLACE = 16, 3, 4, 5


def policy(**changes):
    """Of states and no pictures."""
    given = {"observation.state": STATE, "observation.environment_state": PLACE}
    inputs = {
        name: PolicyFeature(FeatureType.STATE if name.endswith("n.state") else FeatureType.ENV, (width,))
        for name, width in given.items()
    }
    config = DiffusionConfig(
        input_features=inputs, output_features={"action": PolicyFeature(FeatureType.ACTION, (DIM,))},
        horizon=ROWS, n_action_steps=8, down_dims=(16, 32, 64), diffusion_step_embed_dim=16, device="cpu", **changes,
    )  # fmt: skip
    return DiffusionPolicy(config).eval()


@torch.no_grad()
def main(folder):
    """One loss with known noise and steps, and the chunks of both samplers with known noise."""
    torch.manual_seed(0)
    net = policy()
    batch = {
        "observation.state": torch.randn(6, 2, STATE), "observation.environment_state": torch.randn(6, 2, PLACE),
        "action": torch.randn(6, ROWS, DIM).clamp(-1, 1), "action_is_pad": torch.zeros(6, ROWS, dtype=torch.bool),
    }  # fmt: skip
    seen = torch.cat([batch["observation.state"], batch["observation.environment_state"]], dim=-1)
    torch.manual_seed(1)
    noise, steps = torch.randn(6, ROWS, DIM), torch.randint(0, 100, (6,))
    torch.manual_seed(1)
    loss, _ = net.forward(batch)
    told = {"seen": seen, "action": batch["action"], "noise": noise, "steps": steps, "loss": loss}
    for name, count in (("DDPM", 100), ("DDIM", 10)):
        drawn = policy(noise_scheduler_type=name, num_inference_steps=count)
        drawn.load_state_dict(net.state_dict())
        torch.manual_seed(2)
        first = torch.randn(6, ROWS, DIM)
        told[name] = drawn.diffusion.conditional_sample(6, global_cond=seen.flatten(1), noise=first)
    save_file({name: value.contiguous() for name, value in told.items()}, Path(folder) / "told.safetensors")
    weights = {name: value.contiguous() for name, value in net.diffusion.unet.state_dict().items()}
    save_file(weights, Path(folder) / "weights.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
