"""Laws of Action Stream's baselines: compressed tokens, plain regression, single steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.methods.action_stream.compressed import CompressedNet
from segue_policies.methods.action_stream.compression import ChunkCode
from segue_policies.methods.action_stream.config import CompressedSettings
from segue_policies.methods.action_stream.instructions import NOTHING
from segue_policies.policy_loading import load_policy
from segue_policies.supervised.config import Shape
from segue_policies.testing.dots import CAMERAS, Dots, make_dots, make_settings
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.train import train

ROWS = 6
TRAININGS = Path(__file__).resolve().parents[3] / "config" / "training"


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 12), dim=st.integers(1, 8), scale=st.floats(1, 100), seed=st.integers(0, 10**6))
def test_a_chunk_comes_back_within_half_a_step_in_the_mean_square(
    rows: int, dim: int, scale: float, seed: int
) -> None:
    chunk = np.random.default_rng(seed).uniform(-1.2, 1.2, (1, rows, dim)).astype(np.float32)
    code = ChunkCode(rows, dim, scale)
    symbols = code.rounded(chunk)[0]
    assert symbols.min() >= 0 and symbols.max() < code.symbols
    back = code.decode(symbols)  # without merges a symbol is its own code
    mean_square = ((back - chunk[0].clip(-1, 1)) ** 2).mean(axis=0)
    assert (np.sqrt(mean_square) <= 0.5 / scale + 1e-6).all()


def smooth_chunks(count: int) -> np.ndarray:
    """(n, 6, 2): slow sines, as motions are."""
    phase = np.random.default_rng(0).uniform(0, 6, (count, 1, 2))
    rows: np.ndarray = (0.8 * np.sin(phase + np.linspace(0, 0.6, 6)[None, :, None])).astype(np.float32)
    return rows


def test_merges_make_motions_shorter_and_lose_nothing() -> None:
    chunks = smooth_chunks(400)
    plain = ChunkCode(6, 2, 10.0)
    code = plain.learned(chunks, plain.symbols + 100)
    assert 20 < len(code.merges) <= 100
    for spelt, symbols in zip(code.encode(chunks[:50]), code.rounded(chunks[:50]).tolist(), strict=True):
        assert [symbol for one in spelt for symbol in code.spelled[one]] == symbols
        assert np.array_equal(code.decode(spelt), code.decode(symbols))
    assert np.mean([len(one) for one in code.encode(chunks)]) < 0.6 * 12
    again = ChunkCode(6, 2, 10.0, tuple((a, b) for a, b in code.merges))  # as a checkpoint has it
    assert again.encode(chunks[:5]) == code.encode(chunks[:5])


def test_whatever_the_network_says_its_code_is_a_chunk() -> None:
    torch.manual_seed(0)
    small = {"vocabulary": 300, "width": 16, "layers": 1, "heads": 2, "feedforward": 16}
    merges = ((10, 11), (47, 12), (10, 10), (49, 49))  # of 1 to 4 symbols
    config = CompressedSettings.model_validate(
        {"language": small, "backbone_width": 4, "codes": 64, "horizon": 5, "merges": merges}
    )
    net = CompressedNet(config, Shape(("eye",), (32, 32), state=3, horizon=5, dim=3)).eval()
    assert net.code.count == 47 + 4
    with torch.no_grad():
        net.language.lm_head.weight.mul_(50)  # type: ignore[union-attr, operator]
        words = torch.tensor([[0, NOTHING, 5, 1]] * 4)
        chunks = net.likeliest(net.prompt(torch.randn(4, 1, 3, 32, 32), torch.randn(4, 3), words))
    assert chunks.shape == (4, 5, 3)


@pytest.mark.parametrize("name", ["single", "fast", "regression"])
def test_each_baseline_differs_from_action_stream_in_its_answers_only(name: str) -> None:
    ours, theirs = (read_settings(TRAININGS / f"action_stream{end}.yaml") for end in ("", f"_{name}"))
    own = {"method", "horizon", "language", "label_sigma"}  # the last is of bins, which baselines lack
    assert {key: value for key, value in ours.items() if key not in own} == {
        key: value for key, value in theirs.items() if key not in own
    }


def test_a_code_that_leaves_no_words_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"codes is 740, expected 65 .* to 736"):
        parse_model({"codes": 740}, CompressedSettings, "settings")
    with pytest.raises(ConfigError, match="codes is 64, expected 65"):
        parse_model({"codes": 64}, CompressedSettings, "settings")
    with pytest.raises(
        ConfigError, match=r"merges: pair 1 is \(3, 66\), expected two of the 66 codes before it"
    ):
        parse_model({"merges": [[1, 2], [3, 66]]}, CompressedSettings, "settings")


@pytest.fixture(scope="module")
def dots() -> Dots:
    return make_dots(12)


def settings_of(method: str, **more: Any) -> dict[str, Any]:
    quick = make_settings()["training"] | {"learning_rate": 3e-3, "brightness": 0.0, "colour": 0.0}
    quick |= {"steps": 8, "batch_size": 8, "evaluations": 2, "validation_frames": 8, "average_decay": 0.0}
    small = {"vocabulary": 384, "width": 16, "layers": 1, "heads": 2, "feedforward": 32}
    base = {"method": method, "horizon": ROWS, "language": small, "backbone_width": 4, "training": quick}
    return base | more


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("action_stream_fast", {"codes": 128}),
        ("action_stream_regression", {}),
        ("action_stream", {"horizon": 1}),
    ],
)
def test_a_baseline_learns_and_its_checkpoint_is_served(
    method: str, more: dict[str, Any], dots: Dots, tmp_path: Path
) -> None:
    train(settings_of(method, **more), "test", dots, tmp_path / "trained")
    lines = (tmp_path / "trained/training/scores.csv").read_text().splitlines()
    column = lines[0].split(",").index("validation_loss")
    first, last = (float(line.split(",")[column]) for line in (lines[1], lines[-1]))
    assert last < first
    policy = load_policy(tmp_path / "trained")
    rows = policy.info.horizon
    request = PredictRequest(
        start_tick=0, sequence=0, sampling="plain", omega=np.zeros(rows, np.float32),
        reference=np.tile(dots.state[3], (rows, 1)), delay=0, seed=0, instruction=dots.instruction(0),
        observations=(Observation(0, dots.state[3], dict(zip(CAMERAS, dots.images[3], strict=True))),),
    )  # fmt: skip
    chunk = policy.predict(request).chunk
    assert chunk.horizon == more.get("horizon", ROWS)
    np.testing.assert_array_equal(policy.predict(request).chunk.actions, chunk.actions)
    with pytest.raises(PolicyError, match="tokens; got 42; expected at most 24"):
        policy.predict(replace(request, instruction="go " * 40))


def test_a_code_is_not_begun_with_the_weights_of_another(dots: Dots, tmp_path: Path) -> None:
    given = settings_of("action_stream_fast", codes=128)
    given["training"]["init"] = str(tmp_path)
    with pytest.raises(ConfigError, match=r"training.init: the code is learned on the data"):
        train(given, "test", dots, tmp_path / "out")
