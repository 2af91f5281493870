"""`segue bench chain`: what is timed is the same chain, with kept keys and values and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from segue_data.contracts import config_folder
from segue_eval.cli import main
from segue_policies.bench.chain import ACT, AGAIN, DIFFUSION, KEPT, chain_calls


def test_both_ways_of_decoding_make_the_same_chain_of_as_many_actions_as_asked() -> None:
    torch.manual_seed(0)
    calls, parameters = chain_calls(config_folder() / "training", "small", 4)
    with torch.inference_mode():
        kept, again = calls[KEPT](), calls[AGAIN]()
        assert kept.shape[1] == 4
        torch.testing.assert_close(kept, again, atol=1e-5, rtol=1e-5)
        assert calls[DIFFUSION]().shape[1:] == (16, 7) and calls[ACT]().shape[2] == 7
    assert min(parameters.values()) > 1e5


def test_the_numbers_are_written_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "chain.json"
    assert main(["bench", "chain", "--actions", "3", "--rounds", "1", "--json", str(out)]) == 0
    said = json.loads(out.read_text())
    assert said["ratios"][KEPT] == 1.0 and set(said["ratios"]) >= {AGAIN, ACT, DIFFUSION}
    assert "over the control period at 10 Hz" in capsys.readouterr().out
