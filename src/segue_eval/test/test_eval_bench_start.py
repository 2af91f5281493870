"""The measurement of a start reads what a run says, and times what it does."""

from pathlib import Path

import pytest

from segue_core.errors import ConfigError
from segue_eval.bench import answers, start

_LINES = """starting the graph
waiting for simulator, controller, policy
waiting for simulator, controller, policy: -, tick 0, 0.0 Hz
waiting for controller, policy
controller: [WARN] [controller]: something
waiting for policy
waiting for the action server
running
running: running, tick 75
"""
_BURN = "for i in {1..20000}; do :; done"


def _clone(folder: Path, script: str) -> Path:
    folder.mkdir()
    (folder / "segue").write_text(f"#!/bin/bash\n{script}\n")
    (folder / "segue").chmod(0o755)
    return folder


def test_a_node_is_ready_when_the_run_waits_for_it_no_more() -> None:
    watch, ready = start.Watch(), []
    for number, line in enumerate(_LINES.splitlines()):
        ready.append(watch.heard(line, float(number)))
    assert ready == [False] * 7 + [True, False]
    assert watch.start.at_s == {
        "checks are done": 0.0, "simulator is ready": 3.0, "controller is ready": 5.0, "policy is ready": 6.0,
        "every node is ready": 7.0,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _clone_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_ROOT", str(tmp_path / "ours"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}/ours/src")


def test_another_clone_is_started_without_what_this_one_put_into_the_environment(tmp_path: Path) -> None:
    clone = _clone(tmp_path / "one", f'{_BURN}; [[ -z "$PYTHONPATH" ]] && echo running >&2; sleep 0.2')
    assert "every node is ready" in start.started(clone).at_s


def test_clones_take_turns_and_the_first_start_of_each_is_not_counted(tmp_path: Path) -> None:
    script = f"{_BURN}; cat >&2 <<<'{_LINES}'; sleep 0.2"
    one, other = (_clone(tmp_path / name, script) for name in ("one", "other"))
    said: list[str] = []
    found = start.bench_start([one, other], 1, said.append)
    assert [line.partition(":")[0] for line in said] == [str(one), str(other)] * 2
    assert [len(starts) for starts in found.values()] == [1, 1]
    assert "every node is ready" in start.table(found) and found[str(one)][0].processor_s > 0.01


def test_what_is_no_clone_or_does_not_start_is_refused_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no clone of Segue"):
        start.started(tmp_path)
    with pytest.raises(ConfigError, match="no such thing"):
        start.started(_clone(tmp_path / "broken", "echo no such thing >&2; exit 2"))


def test_every_clone_is_asked_every_question_as_often(tmp_path: Path) -> None:
    one, other = (
        _clone(tmp_path / name, f'echo "$@" >> {tmp_path}/{name}/asked') for name in ("one", "other")
    )
    found = answers.bench_answers([one, other], 2, start.before_us())
    assert {len(each) for clone in found.values() for each in clone.values()} == {2}
    asked = [" ".join(words) for words in answers.QUESTIONS.values()]
    assert (one / "asked").read_text().splitlines() == (other / "asked").read_text().splitlines() == asked * 3
    rows = answers.table(found).splitlines()
    assert [row[:32].strip() for row in rows[1:]] == list(answers.QUESTIONS) and str(other) in rows[0]
