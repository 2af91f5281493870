"""LeRobot's checkpoints: what is served and refused without LeRobot, and with it in its own interpreter."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ErrorCode, PolicyError
from segue_core.exit_status import ExitStatus
from segue_policies.common.checkpoint import Expected
from segue_policies.common.guidance import sample_masked
from segue_policies.lerobot.adopt import main as adopt
from segue_policies.lerobot.contract import read_contract
from segue_policies.lerobot.guide import Guide
from segue_policies.lerobot.loading import check_weights
from segue_policies.serve import check_checkpoint, load_policy

CAMERAS = ("head", "left_wrist", "right_wrist")
ROBOT = Path(__file__).parents[3] / "config/robots/dual_arm.yaml"
FITS = Expected(action_space=DUAL_ARM_EE, cameras=CAMERAS)
PYTHON = os.environ.get("LEROBOT_PYTHON", "")


def checkpoint(folder: Path, kind: str = "act", cameras: tuple[str, ...] = CAMERAS, **changes: Any) -> Path:
    """A folder with LeRobot's config.json."""
    visual = {"type": "VISUAL", "shape": [3, 72, 96]}
    inputs = {"observation.state": {"type": "STATE", "shape": [14]}}
    inputs |= {f"observation.images.{camera}": visual for camera in cameras}
    config = {"type": kind, "n_obs_steps": 1, "input_features": inputs, "chunk_size": 20}
    config |= {"output_features": {"action": {"type": "ACTION", "shape": [14]}}, **changes}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_what_a_checkpoint_serves_is_read_without_lerobot(tmp_path: Path) -> None:
    info = check_checkpoint(checkpoint(tmp_path / "act"), FITS)
    assert (info.horizon, info.cameras, info.image_size) == (20, CAMERAS, (96, 72))
    assert info.capabilities == frozenset()
    sampled = {"chunk_size": None, "n_action_steps": 8, "horizon": 16, "num_inference_steps": 10}
    diffusion = check_checkpoint(checkpoint(tmp_path / "dp", "diffusion", **sampled), FITS)
    assert (diffusion.horizon, diffusion.num_steps) == (8, 10)
    assert diffusion.capabilities == {"batch_sampling"}
    flow = check_checkpoint(checkpoint(tmp_path / "vla", "smolvla"), FITS)
    assert flow.capabilities == {"batch_sampling", "gradient_guidance"}


def test_a_checkpoint_of_another_robot_is_refused_by_what_differs(tmp_path: Path) -> None:
    other = checkpoint(
        tmp_path / "a",
        cameras=("top",),
        output_features={"action": {"type": "ACTION", "shape": [6]}},
    )
    with pytest.raises(PolicyError, match=r"action: shape \[6\], expected \[14\].*cameras: top are not"):
        read_contract(other, FITS)
    with pytest.raises(PolicyError, match=r"lerobot.adopt FOLDER --robot FILE"):
        read_contract(checkpoint(tmp_path / "b"))


def test_an_adopted_checkpoint_needs_no_more_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = checkpoint(tmp_path / "a", cameras=("top",))
    assert adopt([str(folder), "--robot", str(ROBOT)]) == ExitStatus.POLICY_REFUSED
    assert "cameras: top" in capsys.readouterr().err and not (folder / "segue.yaml").exists()
    assert adopt([str(folder), "--robot", str(ROBOT), "--camera", "head=top", "--instruction", "go"]) == 0
    contract = read_contract(folder)
    assert contract.info.cameras == ("head",) and contract.keys == ("observation.images.top",)
    assert contract.instruction == "go"


@pytest.mark.skipif(find_spec("lerobot") is not None, reason="LeRobot is installed here")
def test_without_lerobot_the_install_line_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"pip install lerobot==") as caught:
        load_policy(checkpoint(tmp_path / "a"), FITS)
    assert caught.value.code == ErrorCode.POLICY_NOT_READY


def test_the_guide_in_lerobots_loop_is_our_guidance() -> None:
    """LeRobot's loop as of 0.4.4: `x + dt v` from time 1 to 0, the network wider than the action."""
    torch.manual_seed(0)
    net, steps, rows, dim, wide = nn.Linear(8, 8), 5, 6, 3, 8

    def lerobots(x: Tensor, time: float) -> Tensor:
        return torch.tanh(net(x)) * (1 + time)

    noise, reference = torch.randn(1, rows, wide), torch.randn(1, rows, dim)
    omega = torch.tensor([1.0, 1.0, 0.5, 0.2, 0.0, 0.0])
    guide, x = Guide(omega, reference, 5.0), noise
    with torch.no_grad():
        for step in range(steps):
            time = 1.0 - step / steps
            v = guide.denoise_step(x, None, None, time, lambda y, time=time: lerobots(y, time))
            x = x - v / steps
    padded = torch.cat([reference, torch.zeros(1, rows, wide - dim)], dim=-1)
    ours = sample_masked(lambda y, t: -lerobots(y, 1 - float(t)), noise, omega, padded, steps, 5.0)
    torch.testing.assert_close(x, ours)
    free = sample_masked(lambda y, t: -lerobots(y, 1 - float(t)), noise, 0 * omega, padded, steps, 5.0)
    held = (omega == 1)[:, None].expand(rows, dim)
    nearer, farther = ((c[0, :, :dim] - reference[0])[held].abs().mean() for c in (ours, free))
    assert nearer < 0.5 * farther


def in_lerobot(folder: Path, script: str, *words: str) -> dict[str, Any]:
    """What a script of this folder finds in LeRobot's interpreter."""
    source = os.pathsep.join(str(path) for path in (ROBOT.parents[2] / "src").glob("segue_*"))
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH", ""), source)))
    done = subprocess.run(
        [PYTHON, str(Path(__file__).with_name(script)), str(folder), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env=os.environ | {"SEGUE_SOURCE": source, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    facts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return facts


needs_lerobot = pytest.mark.skipif(not PYTHON, reason="LEROBOT_PYTHON names no interpreter with LeRobot")


@pytest.mark.timeout(1000)
@needs_lerobot
def test_lerobots_own_checkpoints_are_served(tmp_path: Path) -> None:
    """Tiny ACT and Diffusion Policy: their chunk is LeRobot's, the same for the same seed, finite."""
    facts = in_lerobot(tmp_path, "lerobot_serving.py")
    assert facts["act"] == {"equals": True, "repeats": True, "served": ["plain"]}
    assert facts["diffusion"] == {"equals": True, "repeats": True, "served": ["bidirectional", "plain"]}
    assert facts["closer"] is True


def check_flow(facts: dict[str, Any]) -> None:
    """Its chunk is LeRobot's; with our guidance the held rows come within a fifth of the way to the reference."""
    assert (facts["equals"], facts["repeats"]) == (True, True)
    assert facts["served"] == ["bidirectional", "plain", "rtc"]
    assert facts["guided"] < 0.2


@pytest.mark.timeout(1000)
@needs_lerobot
def test_a_tiny_smolvla_is_served_and_guided(tmp_path: Path) -> None:
    check_flow(in_lerobot(tmp_path, "lerobot_flows.py", "smolvla")["smolvla"])


@pytest.mark.timeout(1000)
@needs_lerobot
@pytest.mark.parametrize("kind", ["pi0", "pi05"])
def test_a_tiny_pi0_is_served_and_guided(tmp_path: Path, kind: str) -> None:
    """LeRobot's pi0 and pi0.5 accept one transformers only: a fork, or 4.53.2 with openpi's replacements."""
    asked = "from transformers.models.siglip import check"
    if subprocess.run([PYTHON, "-c", asked], capture_output=True, check=False).returncode:
        pytest.skip("LeRobot's pi0 needs a patched transformers, see docs/training.md")
    check_flow(in_lerobot(tmp_path, "lerobot_flows.py", kind)[kind])


def test_weights_that_lerobot_leaves_out_are_a_corrupt_checkpoint(tmp_path: Path) -> None:
    """Its loaders print a warning and go on with random weights."""
    net = nn.ModuleDict({"model": nn.ModuleDict({"a": nn.Linear(3, 4), "time_mlp_in": nn.Linear(2, 2)})})
    net["model"]["tied"] = net["model"]["a"]  # type: ignore[index]
    state, file = net.state_dict(), tmp_path / "model.safetensors"

    def stored(**changes: Tensor | None) -> Path:
        short = {name.removeprefix("model."): each for name, each in state.items() if "tied" not in name}
        renamed = {name.replace("time_mlp_in", "action_time_mlp_in"): each for name, each in short.items()}
        save_file({k: v.clone() for k, v in (renamed | changes).items() if v is not None}, file)
        return file

    check_weights(stored(), state)
    for changes in ({"a.weight": None}, {"a.weight": torch.ones(5, 3)}, {"a.weight": torch.zeros(4, 3)}):
        with pytest.raises(
            PolicyError, match=r"1 of 4 tensors from elsewhere, such as model\.a\.weight"
        ) as caught:
            check_weights(stored(**changes), state)
        assert caught.value.code == ErrorCode.CHECKPOINT_CORRUPT
    file.write_bytes(b"cut")
    with pytest.raises(PolicyError, match="model.safetensors"):
        check_weights(file, state)
