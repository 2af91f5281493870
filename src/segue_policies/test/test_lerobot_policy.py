"""LeRobot's checkpoints: what is served and refused without LeRobot, and what LeRobot's own interpreters answer."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lerobot_double import stub
from lerobot_pythons import each_lerobot
from safetensors.torch import save_file
from torch import Tensor, nn

from segue_core.action_space import DUAL_ARM_EE
from segue_core.arrays import Floats32
from segue_core.errors import PolicyError
from segue_core.observation import Observation
from segue_core.policy import Policy, PredictRequest
from segue_data.contracts import load_robot
from segue_policies.checkpoints.checkpoint import Expected
from segue_policies.guidance.rtc import sample_masked
from segue_policies.methods.lerobot.adopt import adopt
from segue_policies.methods.lerobot.contract import Adoption, read_contract
from segue_policies.methods.lerobot.lerobot_server.guide import Guide
from segue_policies.methods.lerobot.lerobot_server.weights import check_weights
from segue_policies.methods.lerobot.lerobot_server.wire import Refused
from segue_policies.policy_loading import load_policy
from segue_policies.runtime import Runtime

CAMERAS = ("head", "left_wrist", "right_wrist")
FITS = Expected(action_space=DUAL_ARM_EE, cameras=CAMERAS)

_TINY = Path(__file__).with_name("lerobot_tiny.py")
_PI = (
    "import transformers\n"
    "if int(transformers.__version__[0]) < 5: from transformers.models.siglip import check"  # a patched one
)
_NEEDS = {"smolvla": "import transformers", "pi0": _PI, "pi05": _PI}


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
    info = read_contract(checkpoint(tmp_path / "act"), FITS).info
    assert (info.horizon, info.cameras, info.image_size) == (20, CAMERAS, (96, 72))
    assert info.capabilities == frozenset()
    sampled = {"chunk_size": None, "n_action_steps": 8, "horizon": 16, "num_inference_steps": 10}
    diffusion = read_contract(checkpoint(tmp_path / "dp", "diffusion", **sampled), FITS).info
    assert (diffusion.horizon, diffusion.num_steps) == (8, 10)
    assert diffusion.capabilities == {"batch_sampling"}
    flow = read_contract(checkpoint(tmp_path / "vla", "smolvla"), FITS).info
    assert flow.capabilities == {"batch_sampling", "gradient_guidance"}


def test_a_checkpoint_of_another_robot_is_refused_by_what_differs(tmp_path: Path) -> None:
    other = checkpoint(
        tmp_path / "a",
        cameras=("top",),
        output_features={"action": {"type": "ACTION", "shape": [6]}},
    )
    with pytest.raises(PolicyError, match=r"action: shape \[6\], expected \[14\].*cameras: top are not"):
        read_contract(other, FITS)
    with pytest.raises(PolicyError, match=r"./segue adopt .*/b --robot NAME"):
        read_contract(checkpoint(tmp_path / "b"))


def test_an_adopted_checkpoint_needs_no_more_words(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "a", cameras=("top",))
    robot = load_robot("dual_arm")
    space = robot.action_space.to_dict()
    with pytest.raises(PolicyError, match="cameras: top are not of the robot"):
        adopt(folder, robot, Adoption(action_space=space), None)
    assert not (folder / "segue.yaml").exists()
    adopt(folder, robot, Adoption(action_space=space, cameras={"head": "top"}, instruction="go"), None)
    contract = read_contract(folder)
    assert contract.info.cameras == ("head",) and contract.keys == ("observation.images.top",)
    assert contract.instruction == "go"


def test_a_folder_above_a_checkpoint_is_told_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "out/checkpoints/last").mkdir(parents=True)
    inside = checkpoint(tmp_path / "out/checkpoints/last/pretrained_model")
    for look in (read_contract, load_policy):
        with pytest.raises(PolicyError, match=f"did you mean {inside}"):
            look(tmp_path / "out", FITS)


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


def lerobots(python: str, kind: str, folder: Path) -> Path:
    """A tiny random checkpoint that LeRobot writes in `folder`, with what it answers itself."""
    script = Path(__file__).with_name("lerobot_checkpoints.py")
    done = subprocess.run(
        [python, "-E", str(script), kind, str(folder)],
        capture_output=True, text=True, check=False, timeout=900, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def ask(
    policy: Policy,
    folder: Path,
    sampling: str = "plain",
    seed: int = 3,
    then: str = "state",
    **guidance: Floats32,
) -> Floats32:
    """A chunk for the observation that LeRobot was shown, with the state called `then` in those before it."""
    shown, rows = np.load(folder / "theirs.npz"), policy.info.horizon
    given = {"omega": np.zeros(rows, np.float32), "reference": np.zeros((rows, 14), np.float32)} | guidance
    images = {camera: shown[camera] for camera in policy.info.cameras}
    now, earlier = Observation(5, shown["state"], images), Observation(4, shown[then], images)
    seen = (*[earlier] * (len(policy.info.history) - 1), now)
    request = PredictRequest(
        5, 1, sampling, **given, delay=2, seed=seed, observations=seen, instruction="put it there"
    )
    return policy.predict(request).chunk.actions


def check_served(policy: Policy, folder: Path, served: set[str]) -> None:
    """Its chunk is LeRobot's own, the same for the same seed, and other samplings are refused."""
    wanted = DUAL_ARM_EE.clip(np.load(folder / "theirs.npz")["chunk"])
    chunk = ask(policy, folder)
    np.testing.assert_allclose(chunk, wanted, atol=1e-4)
    np.testing.assert_array_equal(ask(policy, folder), chunk)
    for sampling in ("bidirectional", "rtc"):
        if sampling in served:
            ask(policy, folder, sampling)
        else:
            with pytest.raises(PolicyError, match="sampling"):
                ask(policy, folder, sampling)


@pytest.mark.timeout(1000)
@each_lerobot
def test_lerobots_own_checkpoints_are_served(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network and an empty cache, also where the training began with weights that were fetched."""
    for name, value in (
        ("LEROBOT_PYTHON", python),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("TORCH_HOME", tmp_path),
    ):
        monkeypatch.setenv(name, str(value))
    act = lerobots(python, "act", tmp_path / "act")
    config = json.loads((act / "config.json").read_text())
    config["pretrained_backbone_weights"] = "ResNet18_Weights.IMAGENET1K_V1"
    (act / "config.json").write_text(json.dumps(config))
    check_served(load_policy(act, FITS, Runtime(threads=1)), act, set())
    folder = lerobots(python, "diffusion", tmp_path / "diffusion")
    policy = load_policy(folder, FITS, Runtime(threads=1))
    check_served(policy, folder, {"bidirectional"})
    assert policy.info.history == (-1, 0)
    later = DUAL_ARM_EE.clip(np.load(folder / "theirs.npz")["later_chunk"])
    np.testing.assert_allclose(ask(policy, folder, then="earlier"), later, atol=1e-4)
    assert np.abs(later - ask(policy, folder)).max() > 1e-3
    target, omega = ask(policy, folder, seed=9), np.ones(8, np.float32)
    plain, best = (
        ask(policy, folder, sampling, omega=omega, reference=target)
        for sampling in ("plain", "bidirectional")
    )
    assert np.square(best - target).mean() < np.square(plain - target).mean()


@pytest.mark.timeout(1000)
@each_lerobot
@pytest.mark.parametrize("kind", ["smolvla", "pi0", "pi05"])
def test_a_tiny_flow_of_lerobot_is_served_and_guided(
    python: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With our guidance the held rows come within a fifth of the way to the reference."""
    if why_not := subprocess.run(
        [python, "-E", "-c", _NEEDS[kind]], capture_output=True, text=True, check=False
    ).stderr:
        pytest.skip(f"{kind}: {why_not.strip().splitlines()[-1]}")
    place = python if kind == "smolvla" else str(stub(tmp_path, _TINY, python, kind))
    monkeypatch.setenv("LEROBOT_PYTHON", place)
    folder = lerobots(python, kind, tmp_path / kind)
    policy = load_policy(folder, FITS, Runtime(threads=1))
    check_served(policy, folder, {"bidirectional", "rtc"})
    target = ask(policy, folder, seed=9)
    omega = np.array([1, 1, 1, 0.5, 0, 0, 0, 0], np.float32)
    free, held = (ask(policy, folder, m, omega=omega, reference=target)[:3] for m in ("plain", "rtc"))
    assert np.abs(held - target[:3]).mean() < 0.2 * np.abs(free - target[:3]).mean()


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
            Refused, match=r"1 of 4 tensors from elsewhere, such as model\.a\.weight"
        ) as caught:
            check_weights(stored(**changes), state)
        assert caught.value.code == "CHECKPOINT_CORRUPT"
    file.write_bytes(b"cut")
    with pytest.raises(Refused, match="model.safetensors"):
        check_weights(file, state)
