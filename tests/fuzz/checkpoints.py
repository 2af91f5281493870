"""Checkpoints, trainings to go on with, and what comes from LeRobot's process. Their digests are made to fit."""

import hashlib
import json
import math
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hypothesis import strategies as st
from safetensors.numpy import save
from torch import nn

from segue_core.action_space import DUAL_ARM_EE
from segue_core.observation import Observation
from segue_core.policy import Policy, PolicyInfo, PredictRequest
from segue_policies.checkpoints.checkpoint import CONFIG, STATS, WEIGHTS, save_checkpoint
from segue_policies.methods.act import build as act_build
from segue_policies.methods.act.config import NetworkConfig as ActNetwork
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import NetworkConfig
from segue_policies.methods.lerobot.client import LeRobotServer
from segue_policies.methods.lerobot.contract import read_contract
from segue_policies.methods.lerobot.lerobot_server.serving import FORMAT
from segue_policies.methods.lerobot.policy import LeRobotPolicy
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.policy_loading import load_policy, warm_up
from segue_policies.samples.demonstrations import ChunkDataset, split
from segue_policies.samples.normaliser import Normaliser
from segue_policies.testing.dots import make_dots
from segue_policies.training import run_state
from segue_policies.training.state_numbers import StateNumbers

from .damage import damaged, to_yaml, torn
from .reader import Change, Changes, Reader, any_file, must, one_file, one_folder

SPACE, HORIZON, SIZE = DUAL_ARM_EE, 8, (16, 16)
CAMERAS = ("head", "left_wrist", "right_wrist")


def _facts(method: str, network: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {"horizon": HORIZON, "num_steps": 2, "image_size": SIZE, "state_dim": SPACE.dim}
    space = {"action_space": SPACE.to_dict(), "fingerprint": SPACE.fingerprint()}
    lengths = {"max_delay": 4, "max_ramp": 4}
    return {"method": method, "cameras": CAMERAS, "network": dict(network), **sizes, **space, **lengths}


def _save(folder: Path, method: str, net: nn.Module, network: Mapping[str, Any]) -> Path:
    zero, one = np.zeros((HORIZON, SPACE.dim), np.float32), np.ones((HORIZON, SPACE.dim), np.float32)
    units = Normaliser(zero[0], zero, one, zero[0], one[0], np.zeros((len(CAMERAS), 3), np.float32))
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    save_checkpoint(folder, _facts(method, network), units, weights, "readme")
    return folder


def _flow(folder: Path) -> Path:
    torch.manual_seed(0)
    small = NetworkConfig(
        channels=(8, 8, 8),
        keypoints=4,
        values=2,
        image_width=8,
        condition_width=16,
        head_width=16,
        head_blocks=1,
    )
    net = build_network(small, CAMERAS, SIZE, SPACE.dim, (HORIZON, SPACE.dim), 2)
    return _save(folder, "legato", net, small.model_dump(mode="json"))


def _act(folder: Path) -> Path:
    torch.manual_seed(0)
    small = ActNetwork(
        backbone_width=4, backbone_norm="group", width=16, heads=2, feedforward=16, latent=4, encoder_layers=1
    )
    net = act_build.build_network(small, SPACE.dim, (HORIZON, SPACE.dim))
    return _save(folder, "act", net, small.model_dump(mode="json"))


def header_change(content: bytes) -> st.SearchStrategy[Change]:
    """Damage to what a safetensors file says about its tensors, and to the tensors."""
    length = int.from_bytes(content[:8], "little")
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]

    def packed(changed: Any) -> bytes:
        text = json.dumps(changed).encode()
        return len(text).to_bytes(8, "little") + text + rest

    lengths = st.sampled_from((0, 2**31, 2**60, 2**63, 2**64 - 1))
    huge = lengths.map(lambda value: value.to_bytes(8, "little") + content[8:])
    values = torn(rest).map(lambda tail: content[: 8 + length] + tail)
    numbers = st.sampled_from((np.nan, np.inf, 6e4)).map(
        lambda number: content[: 8 + length] + np.full(len(rest) // 2, number, np.float16).tobytes()
    )
    return st.one_of(damaged(header).map(packed), values, values, huge, numbers, torn(content))


def _sealed(source: Path, changes: Changes) -> Changes:
    """The same, with the digests in config.yaml of what is there now."""
    config = changes.get(CONFIG, (source / CONFIG).read_bytes())
    try:
        told = yaml.safe_load(config or b"")
    except (yaml.YAMLError, ValueError, RecursionError):
        return changes
    if not isinstance(told, dict):
        return changes
    seals = {name: changes.get(name, (source / name).read_bytes()) for name in (WEIGHTS, STATS)}
    digests = {
        name: hashlib.sha256(content).hexdigest() for name, content in seals.items() if content is not None
    }
    if "stats_sha256" in told and STATS in digests:
        told["stats_sha256"] = digests[STATS]
    files = told.get("weights")
    if isinstance(files, dict) and isinstance(files.get(WEIGHTS), dict) and WEIGHTS in digests:
        files[WEIGHTS]["sha256"] = digests[WEIGHTS]
    try:
        return {**changes, CONFIG: to_yaml(told)}
    except (yaml.YAMLError, ValueError, RecursionError):
        return changes


def _predicted(folder: Path) -> tuple[Policy, np.ndarray[Any, Any]]:
    """As the policy node at its start: loaded, and asked once."""
    policy = load_policy(folder)
    warm_up(policy, str(folder))
    return policy, _plain_chunk(policy)


def _plain_chunk(policy: Policy) -> np.ndarray[Any, Any]:
    info = policy.info
    width, height = info.image_size
    picture = np.full((height, width, 3), 100, dtype=np.uint8)
    zeros = np.zeros((info.horizon, info.action_space.dim), dtype=np.float32)
    seen = Observation(0, np.zeros(SPACE.dim, dtype=np.float32), dict.fromkeys(info.cameras, picture))
    request = PredictRequest(0, 0, "plain", zeros[:, 0], zeros, 0, 0, observations=(seen,))
    return policy.predict(request).chunk.actions


def _check_policy(found: tuple[Policy, np.ndarray[Any, Any]]) -> None:
    policy, actions = found
    check_info(policy.info)
    space = policy.info.action_space
    must(bool(np.isfinite(actions).all()), "an action is not finite", actions)
    inside = (actions >= space.low - 1e-3) & (actions <= space.high + 1e-3)
    must(bool(inside.all()), "an action is out of the bounds", actions)
    nets: list[nn.Module] = [value for value in vars(policy).values() if isinstance(value, nn.Module)]
    for tensor in (tensor for net in nets for tensor in net.state_dict().values()):
        must(bool(torch.isfinite(tensor).all()), "weights are not finite", tensor)


def check_info(info: PolicyInfo) -> None:
    """What a policy may say of itself."""
    space = info.action_space
    for bounds in (space.low, space.high):
        must(bool((np.isfinite(bounds) & (np.abs(bounds) <= 1e6)).all()), "a bound is nowhere", bounds)
    must(bool((space.low <= space.high).all()), "bounds are the wrong way round", (space.low, space.high))
    must(0 < info.rate_hz <= 10_000, "a rate", info.rate_hz)
    must(1 <= info.horizon <= 1024 and 0 <= info.num_steps <= 1000, "sizes", (info.horizon, info.num_steps))
    must(all(1 <= side <= 4096 for side in info.image_size), "a picture", info.image_size)
    must(len(info.cameras) <= 16 and space.dim <= 4096, "sizes", (info.cameras, space.dim))


def _policy(name: str, make: Callable[[Path], Path]) -> Callable[[Path], Reader]:
    def reader(place: Path) -> Reader:
        source = make(place)
        ways = {WEIGHTS: header_change((source / WEIGHTS).read_bytes())}
        changes = any_file(source, ways).map(lambda changed: _sealed(source, changed))
        return one_folder(name, source, changes, _predicted, _check_policy)

    return reader


LEROBOT = {
    "type": "act", "chunk_size": 10, "n_action_steps": 10, "n_obs_steps": 1, "device": "cpu",
    "input_features": {
        "observation.state": {"type": "STATE", "shape": [14]},
        "observation.images.head": {"type": "VISUAL", "shape": [3, 72, 96]},
        "observation.images.left_wrist": {"type": "VISUAL", "shape": [3, 72, 96]},
    },
    "output_features": {"action": {"type": "ACTION", "shape": [14]}},
}  # fmt: skip
ADOPTION = {
    "action_space": SPACE.to_dict(),
    "cameras": {"head": "head"},
    "instruction": "go",
    "lerobot": "x:1",
}


def _lerobot(place: Path) -> Reader:
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps(LEROBOT))
    (place / "segue.yaml").write_text(yaml.safe_dump(ADOPTION))
    read = read_contract
    return one_folder(
        "checkpoint lerobot", place, any_file(place), read, lambda found: check_info(found.info)
    )


def _trained() -> run_state.TrainingState:
    torch.manual_seed(0)
    model, average = nn.Linear(3, 2), nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return run_state.TrainingState(model, average, optimiser)


def _training(place: Path) -> Reader:
    numbers = {"elapsed_s": 1.5, "precision": "float32", "best": 0.5, "without": 1, "unevaluated": False}
    memory = {"winners": [0.5, 0.25]}
    run_state.save_state(place, _trained(), {"step": 3, **numbers, "unlogged": [0.5], "memory": memory})
    (tensors,) = place.glob(f"*.{run_state.TENSORS}")
    ways = {tensors.name: header_change(tensors.read_bytes())}
    read = lambda folder: run_state.load_state(folder, _trained())  # noqa: E731
    return one_folder("training to go on with", place, any_file(place, ways), read, _check_numbers)


def _check_numbers(found: StateNumbers) -> None:
    must(type(found.step) is int and found.step >= 0, "no step", found)
    must(math.isfinite(found.elapsed_s) and found.elapsed_s >= 0, "a time that nobody spent", found)
    must(all(map(math.isfinite, found.unlogged)), "a loss is not finite", found)
    must(all(type(value) is float for values in found.memory.values() for value in values), "memory", found)


def _resnet(suffix: str) -> Callable[[Path], Reader]:
    def reader(place: Path) -> Reader:
        place.mkdir(parents=True)
        file = place / f"net{suffix}"
        weights = ResNet("resnet18", 4, "group").state_dict()
        if suffix == ".pth":
            torch.save(weights, file)
        else:
            file.write_bytes(save({name: tensor.numpy() for name, tensor in weights.items()}))
        content = file.read_bytes()
        plain = one_file(f"weights {suffix}", file.name, content, _loaded, lambda net: None)
        inputs = header_change(content) if suffix != ".pth" else plain.inputs
        return Reader(plain.name, inputs, plain.read, plain.check, plain.named)

    return reader


def _loaded(path: Path) -> ResNet:
    net = ResNet("resnet18", 4, "group")
    load_weights(net, path)
    return net


def _split(_: Path) -> Reader:
    dots = make_dots(4)
    content = json.dumps({"episodes": {"train": [0, 1, 2], "validation": [3]}, "seed": 0}).encode()
    read = lambda path: split(dots, 8, 0.1, 0, str(path))  # noqa: E731
    return one_file("split", "split.json", content, read, _check_split)


def _check_split(parts: tuple[ChunkDataset, ChunkDataset]) -> None:
    training, validation = (set(part.data.episode[part.frames].tolist()) for part in parts)
    must(bool(training and validation), "a part is empty", parts)
    must(not training & validation, "an episode is trained and validated on", training & validation)


def _lerobot_answers(place: Path) -> Reader:
    _lerobot(place)
    contract = read_contract(place)
    rows = np.zeros((1, contract.info.horizon, SPACE.dim), np.float32)
    greeting, chunk = _message({"format": FORMAT, "lerobot": "0.4"}, {}), _message({}, {"chunks": rows})

    def received(sent: bytes, _: Path) -> object:
        """As the policy node hears LeRobot's process: a greeting, then a chunk."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            policy = LeRobotPolicy(contract, LeRobotServer(ours, "lerobot"))
            return policy, _plain_chunk(policy)

    whole = torn(_framed(greeting) + _framed(chunk))
    greeted = header_change(greeting).map(lambda change: _framed(change or b"") + _framed(chunk))
    deep = st.just(_framed(save({"message": np.frombuffer(b"[" * 50_000, np.uint8)})))
    inner = header_change(chunk).map(lambda change: _framed(greeting) + _framed(change or b""))
    return Reader(
        "answers of lerobot", st.one_of(whole, inner, inner, greeted, deep), received, _check_policy
    )


def _message(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    return bytes(save({"message": np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays}))


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(8, "little") + content


CHECKPOINTS: Mapping[str, Callable[[Path], Reader]] = {
    "checkpoint flow": _policy("checkpoint flow", _flow),
    "checkpoint act": _policy("checkpoint act", _act),
    "checkpoint lerobot": _lerobot,
    "training to go on with": _training,
    "weights safetensors": _resnet(".safetensors"),
    "weights pth": _resnet(".pth"),
    "split": _split,
    "answers of lerobot": _lerobot_answers,
}
