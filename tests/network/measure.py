"""What a network between robot and policy costs: one episode per case, as a table and as JSON.

    python -m tests.network.measure --out network.json                          # needs root, from the repository's root
    python -m tests.network.measure --real-time-factor 0.2 robot:=jaco2 task:=place_block

Arguments `name:=value` go to both sides. With a real time factor below 1, for a machine that is too slow for the
graph, the cable's times are stretched alike, so that ticks see the delays that the table says; timers of DDS itself
(heartbeats of 3 s) are not stretched and then recover single lost requests sooner than they would.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .episode import Change, Told, run_episode
from .machines import why_not

_ATTEMPTS = 3
_TOO_SLOW = (305, 306, 310)  # stopped by the guard although the network touches none of these streams
_RUN_S = 12.0


@dataclass(frozen=True)
class Case:
    """One line of the table: the cable from the start, and what happens to it while the task runs (simulated time)."""

    name: str
    cable: Mapping[str, float] = field(default_factory=dict)
    later: tuple[tuple[float, Mapping[str, float]], ...] = ()


def _from_2_s(**settings: float) -> tuple[tuple[float, Mapping[str, float]], ...]:
    return ((2.0, settings),)


CASES = (
    Case("1 ms"),
    Case("20 ms, 5 ms jitter", {"delay_ms": 20.0, "jitter_ms": 5.0}),
    Case("100 ms", {"delay_ms": 100.0}),
    Case("200 ms", {"delay_ms": 200.0}),
    Case("1 % loss", later=_from_2_s(loss=0.01)),
    Case("10 % loss", later=_from_2_s(loss=0.10)),
    Case("50 % loss", later=_from_2_s(loss=0.50)),
    Case("5 s partition", later=((2.0, {"loss": 1.0}), (7.0, {}))),
)
_METRICS = (
    "ticks",
    "requests",
    "chunks",
    "failed_requests",
    "timeouts",
    "late_chunks",
    "refused_chunks",
    "starved_ticks",
)


def measure(case: Case, arguments: list[str], factor: float) -> dict[str, Any]:
    """Run a case until the machine was fast enough for it, at most three times."""
    told: Told | None = None
    for _ in range(_ATTEMPTS):
        with tempfile.TemporaryDirectory() as folder:
            cable = _stretched({"delay_ms": 1.0, **case.cable}, factor)
            changes = [
                Change(after / factor, _stretched({"delay_ms": 1.0, **settings}, factor))
                for after, settings in case.later
            ]
            told = run_episode(Path(folder), [*arguments, f"real_time_factor:={factor}"], cable, changes)
        if told.result["error_code"] not in _TOO_SLOW:
            break
    assert told is not None
    metrics = told.result["metrics"]
    row = {name: metrics.get(name) for name in _METRICS}
    extra = {name: value for name, value in metrics.items() if "delay" in name}
    ending = {name: told.result[name] for name in ("rule", "reason", "error_code", "episode_s")}
    return {"case": case.name, **row, **extra, **ending}


def _stretched(settings: Mapping[str, float], factor: float) -> dict[str, float]:
    return {name: value / factor if name.endswith("_ms") else value for name, value in settings.items()}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("arguments", nargs="*", metavar="name:=value")
    parser.add_argument("--real-time-factor", type=float, default=1.0)
    parser.add_argument("--case", action="append", help="only this case; may be given again")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if why_not():
        print(why_not(), file=sys.stderr)
        return 6
    fixed = ["policy:=hold", "delay_mode:=adaptive", "record:=false", f"time_limit_s:={_RUN_S}"]
    rows = []
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        rows.append(measure(case, [*fixed, *options.arguments], options.real_time_factor))
        print(json.dumps(rows[-1]), flush=True)
        if options.out:
            options.out.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
