"""A checkpoint is loaded whole and right, or refused with the reason, and nothing in it is ever executed."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save

from segue_core.action_space import DUAL_ARM_EE, UNIVERSAL_DUAL_ARM
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_policies.checkpoints.checkpoint import (
    CONFIG,
    STATS,
    WEIGHTS,
    Expected,
    WeightGroup,
    load_checkpoint,
    save_checkpoint,
)
from segue_policies.estimator_loading import check_estimator
from segue_policies.policy_loading import check_checkpoint, load_policy, method_in

Spoil = Callable[[Path], None]


def cut_in_half(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return spoil


def flip_a_bit(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 4
        (folder / name).write_bytes(content)

    return spoil


def rewrite_config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        config = yaml.safe_load((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(yaml.safe_dump(config | changes))

    return spoil


def replace_weights(content: Callable[[Path], bytes]) -> Spoil:
    """Weights whose digest is right but whose content is not, as an attacker or a broken trainer would leave them."""

    def spoil(folder: Path) -> None:
        import hashlib

        written = content(folder)
        (folder / WEIGHTS).write_bytes(written)
        rewrite_config(weights={WEIGHTS: {"sha256": hashlib.sha256(written).hexdigest()}})(folder)

    return spoil


def with_nan(folder: Path) -> bytes:
    arrays = load_file(folder / WEIGHTS)
    name = sorted(arrays)[0]
    arrays[name] = np.full_like(arrays[name], np.nan)
    return save(arrays)


def without_a_layer(folder: Path) -> bytes:
    arrays = load_file(folder / WEIGHTS)
    arrays.pop(sorted(arrays)[0])
    return save(arrays)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path("exploded").touch, ())


MISSING, CORRUPT = ErrorCode.CHECKPOINT_MISSING, ErrorCode.CHECKPOINT_CORRUPT
SPOILED = {
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), MISSING, WEIGHTS),
    "no config": (lambda folder: (folder / CONFIG).unlink(), MISSING, CONFIG),
    "truncated weights": (cut_in_half(WEIGHTS), CORRUPT, WEIGHTS),
    "a flipped bit in the weights": (flip_a_bit(WEIGHTS), CORRUPT, WEIGHTS),
    "a flipped bit in the statistics": (flip_a_bit(STATS), CORRUPT, STATS),
    "NaN weights": (replace_weights(with_nan), CORRUPT, "not finite"),
    "a missing layer": (replace_weights(without_a_layer), CORRUPT, "do not fit"),
    "a pickle": (replace_weights(lambda folder: pickle.dumps(Bomb())), CORRUPT, "not safetensors"),
    "a huge header": (
        replace_weights(lambda folder: (2**62).to_bytes(8, "little") + b"{}"),
        CORRUPT,
        "not safetensors",
    ),
    "a huge network": (rewrite_config(horizon=10**9), CORRUPT, "horizon"),
    "a camera twice": (rewrite_config(cameras=["head"] * 3), CORRUPT, "camera 'head' is there twice"),
    "a camera that no topic is named like": (
        rewrite_config(cameras=["../x", "a", "b"]),
        CORRUPT,
        "cameras.0",
    ),
    "an unknown key": (rewrite_config(horizn=60), CORRUPT, "horizn"),
    "a foreign fingerprint": (rewrite_config(fingerprint="0" * 16), CORRUPT, "fingerprint"),
    "no YAML": (lambda folder: (folder / CONFIG).write_bytes(b"\xff\x00{"), CORRUPT, CONFIG),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_checkpoint_is_refused_and_the_file_named(
    case: str, checkpoint: Path, tmp_path: Path
) -> None:
    spoil, code, text = SPOILED[case]
    spoil(checkpoint)  # type: ignore[no-untyped-call]
    with pytest.raises(PolicyError, match=text) as caught:
        load_policy(checkpoint)
    assert caught.value.code == code
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    ("expected", "named"),
    [
        (Expected(action_space=UNIVERSAL_DUAL_ARM), ["dual_arm_ee", "universal_dual_arm"]),
        (Expected(num_steps=10), ["N: got 5, expected 10"]),
        (Expected(horizon=60), ["horizon H: got 20, expected 60"]),
        (Expected(cameras=("head",)), ["cameras", "left_wrist"]),
        (Expected(horizon=60, num_steps=10), ["horizon", "denoising steps"]),
    ],
)
def test_a_checkpoint_for_something_else_is_refused_naming_all_that_differs(
    expected: Expected, named: list[str], checkpoint: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        check_checkpoint(checkpoint, expected)
    assert caught.value.code == ErrorCode.CHECKPOINT_MISMATCH
    assert all(name in str(caught.value) for name in named)


def test_what_is_expected_is_accepted(checkpoint: Path) -> None:
    expected = Expected(DUAL_ARM_EE, 20, 5, ("head", "left_wrist", "right_wrist"))
    assert check_checkpoint(checkpoint, expected) == load_policy(checkpoint, expected).info


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="nowhere") as caught:
        load_policy(tmp_path / "nowhere")
    assert caught.value.code == MISSING


def test_a_checkpoint_of_another_method_is_refused(checkpoint: Path) -> None:
    rewrite_config(method="somebodys")(checkpoint)
    with pytest.raises(ConfigError, match="legato"):
        load_policy(checkpoint)
    with pytest.raises(PolicyError, match="method: got somebodys, expected legato"):
        load_checkpoint(checkpoint, "legato")


def test_statistics_that_would_divide_by_zero_are_refused(checkpoint: Path) -> None:
    import hashlib

    stats = json.loads((checkpoint / STATS).read_text())
    stats["action_scale"][0][3] = 0.0
    content = json.dumps(stats).encode()
    (checkpoint / STATS).write_bytes(content)
    rewrite_config(stats_sha256=hashlib.sha256(content).hexdigest())(checkpoint)
    with pytest.raises(PolicyError, match="action_scale must be positive"):
        check_checkpoint(checkpoint)


def test_checking_a_checkpoint_does_not_import_torch(checkpoint: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from segue_policies.policy_loading import check_checkpoint;"
        f"check_checkpoint(Path({str(checkpoint)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SHIPPED = sorted(
    path.parent for path in (Path(__file__).parents[3] / "config" / "checkpoints").glob(f"*/{CONFIG}")
)


OF_VERSION_1 = [folder for folder in SHIPPED if yaml.safe_load((folder / CONFIG).read_text())["format"] == 1]


@pytest.mark.parametrize("folder", OF_VERSION_1, ids=lambda path: path.name)
def test_a_checkpoint_of_version_1_is_read_as_it_was(folder: Path) -> None:
    told = yaml.safe_load((folder / CONFIG).read_text())
    checkpoint = load_checkpoint(folder, told["method"])
    config = checkpoint.config
    assert (config.num_steps, config.settings.max_delay) == (told["num_steps"], told["max_delay"])
    assert config.network == told["network"] and config.weights_sha256 == told["weights_sha256"]
    assert check_checkpoint(folder).max_ramp == told["max_ramp"]


def saved_anew(source: Path, folder: Path, groups: list[WeightGroup], shard_bytes: int = 2**28) -> Path:
    was = load_checkpoint(source, "legato")
    config = was.config.model_dump(mode="json")
    save_checkpoint(folder, config, was.normaliser, groups, "readme", shard_bytes)
    return folder


def test_weights_may_be_in_several_files_each_of_its_own_precision(checkpoint: Path, tmp_path: Path) -> None:
    weights = load_checkpoint(checkpoint, "legato").weights
    fine = {
        name: array + np.float32(1e-6) for name, array in weights.items() if name.startswith("head.leave")
    }
    rest = {name: array for name, array in weights.items() if name not in fine}
    groups = [WeightGroup(rest), WeightGroup(fine, "head", "float32")]
    folder = saved_anew(checkpoint, tmp_path / "new", groups, shard_bytes=2**16)
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    assert "weights-00001-of" in " ".join(files) and any(name.startswith("head") for name in files)
    loaded = load_checkpoint(folder, "legato").weights
    assert loaded.keys() == weights.keys()
    for name, array in {**rest, **fine}.items():
        np.testing.assert_array_equal(loaded[name], array)
    assert load_policy(folder).info == check_checkpoint(folder)
    saved_anew(checkpoint, folder, [WeightGroup(weights)])
    assert [path.name for path in folder.glob("*.safetensors")] == [WEIGHTS], "no file of before is left"


def test_a_tensor_that_is_in_two_files_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    weights = load_checkpoint(checkpoint, "legato").weights
    folder = saved_anew(checkpoint, tmp_path / "new", [WeightGroup(weights), WeightGroup(weights, "again")])
    with pytest.raises(PolicyError, match=r"again\.safetensors: .* is in another file, too"):
        load_checkpoint(folder, "legato")


def test_a_file_of_weights_lies_in_the_checkpoint(checkpoint: Path) -> None:
    rewrite_config(weights={"../other.safetensors": {"sha256": "0" * 64}})(checkpoint)
    with pytest.raises(PolicyError, match="other.safetensors"):
        load_checkpoint(checkpoint, "legato")


def test_a_check_reads_the_header_of_a_large_file_alone(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue_policies.checkpoints.checkpoint.WHOLE_BYTES", 0)
    flip_a_bit(WEIGHTS)(checkpoint)
    assert check_checkpoint(checkpoint).horizon == 20
    with pytest.raises(PolicyError, match="truncated or changed"):
        load_policy(checkpoint)
    cut_in_half(WEIGHTS)(checkpoint)
    with pytest.raises(PolicyError, match=f"{WEIGHTS}: not safetensors"):
        check_checkpoint(checkpoint)


@pytest.mark.parametrize("name", ["act_push_button", "flow_pick_place", "legato_pick_place"])
def test_loading_a_checkpoint_imports_nothing_of_torchs_compiler(name: str) -> None:
    """Two seconds of every start: networks without memory are built without what makes tables and noise there."""
    folder = Path(__file__).resolve().parents[3] / "config" / "checkpoints" / name
    code = (
        "import sys; from pathlib import Path; from segue_policies.policy_loading import load_policy; "
        f"load_policy(Path({str(folder)!r})); print({{'sympy', 'torch._dynamo'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


FOLDERS = Path(__file__).resolve().parents[3] / "config" / "checkpoints"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("act_push_button", {"heads": 3}, "width is 128, expected a multiple of 4 and of heads"),
        ("act_push_button", {"width": 2**20}, "width: got 1048576"),
        ("act_push_button", {"backbone_config": {"a": 1}}, "backbone_config is of backbone transformers"),
        ("act_push_button", {"layers": 1}, "unknown key 'layers'"),
        ("legato_drawer", {"keypoints": 0}, "keypoints: got 0"),
        ("flow_drawer", {"values": "x"}, "values: got 'x'"),
    ],
)
def test_a_network_that_cannot_be_is_refused_by_the_check_as_by_loading(
    name: str, change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """`segue check` and the refusal before a run took sizes that the policy's own node then ended with."""
    folder = tmp_path / name
    shutil.copytree(FOLDERS / name, folder)
    config = yaml.safe_load((folder / CONFIG).read_text())
    config.get("settings", config)["network"] |= change
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    with pytest.raises(PolicyError, match=f"{CONFIG}: network: .*{said}") as caught:
        check_checkpoint(folder)
    assert caught.value.code == CORRUPT


def test_every_shipped_checkpoint_passes_the_check() -> None:
    for folder in sorted(FOLDERS.iterdir()):
        check = check_checkpoint if method_in(folder).policy else check_estimator
        assert check(folder).cameras
