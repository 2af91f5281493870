"""Runs the readers in a child process, and takes a hang, a crash or memory without end for what it is: a failure."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HANG_S = 120.0  # without a new input, while the machine was its own


@dataclass(frozen=True)
class Result:
    """What came of one reader's inputs; `failure` is empty when the law held for all of them."""

    reader: str
    refused: int = 0
    accepted: int = 0
    seconds: float = 0.0
    failure: str = ""

    @property
    def inputs(self) -> int:
        """How many were read."""
        return self.refused + self.accepted


def run(readers: Sequence[str], inputs: int, seed: int, place: Path) -> dict[str, Result]:
    """`inputs` damaged inputs for each of the readers; a child that dies takes one of them with it."""
    results: dict[str, Result] = {}
    place.mkdir(parents=True, exist_ok=True)
    while left := [name for name in readers if name not in results]:
        found, end = _child(left, inputs, seed, place)
        results.update({result.reader: result for result in found})
        if end:
            broken = left[len(found)]
            results[broken] = Result(broken, failure=f"{end}\nthe input is in {_set_aside(place, broken)}")
    return results


def _child(readers: Sequence[str], inputs: int, seed: int, place: Path) -> tuple[list[Result], str]:
    """What a child found, and how it ended if that was not well."""
    out, log = place / "results.jsonl", place / "log.txt"
    command = [sys.executable, "-m", "tests.fuzz.child", *readers, f"--inputs={inputs}", f"--seed={seed}"]
    with out.open("wb") as told, log.open("wb") as said:
        process = subprocess.Popen(
            [*command, f"--place={place}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=said,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", "SEGUE_CONFIG_DIR": str(ROOT / "config")},
        )
        hangs = _watch(process, place / "beat")
    found = [_result(json.loads(line)) for line in out.read_text().splitlines()]
    if hangs:
        return found, f"no end after {HANG_S:.0f} s"
    if process.returncode:
        return found, f"ended with {process.returncode}: {log.read_text(errors='replace')[-3000:]}"
    return found, ""


def _watch(process: "subprocess.Popen[bytes]", beat: Path) -> bool:
    """Wait for its end; True when it had to be killed."""
    last, waited_s = time.time(), 0.0
    while process.poll() is None:
        if beat.exists() and beat.stat().st_mtime > last:
            last, waited_s = beat.stat().st_mtime, _waited_s(process.pid)
        if time.time() - last - (_waited_s(process.pid) - waited_s) > HANG_S:
            process.kill()
            process.wait()
            return True
        time.sleep(0.2)
    return False


def _waited_s(pid: int) -> float:
    """How long a process had something to do, and other processes had the machine; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) * 1e-9
    except (OSError, ProcessLookupError):
        return 0.0


def _set_aside(place: Path, reader: str) -> Path:
    kept = place / "kept" / f"{reader}-ended"
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("root", "now.txt"):
        if (place / name).exists():
            (place / name).rename(kept / name)
    return kept


def _result(told: dict[str, object]) -> Result:
    kept = "".join(f"\nkept: {path}" for path in told["kept"])  # type: ignore[attr-defined]
    failure = f"{told['failure']}{kept}" if told["failure"] else ""
    counts = {name: int(str(told.get(name, 0))) for name in ("refused", "accepted")}
    return Result(str(told["reader"]), **counts, seconds=float(str(told["seconds"])), failure=failure)


def table(results: Sequence[Result]) -> str:
    """One line per reader."""
    lines = [f"{'reader':32} {'inputs':>7} {'refused':>8} {'accepted':>9} {'CPU s':>7}"]
    for r in results:
        verdict = "   BROKEN" if r.failure else ""
        lines.append(f"{r.reader:32} {r.inputs:7d} {r.refused:8d} {r.accepted:9d} {r.seconds:7.1f}{verdict}")
    total = sum(r.inputs for r in results)
    refused, accepted = sum(r.refused for r in results), sum(r.accepted for r in results)
    lines.append(f"{'all':32} {total:7d} {refused:8d} {accepted:9d} {sum(r.seconds for r in results):7.1f}")
    return "\n".join(lines)
