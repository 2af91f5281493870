"""How soon `./segue` answers a shell's Tab and a mistyped word: milliseconds of clones by turns."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

QUESTIONS: Final[Mapping[str, Sequence[str]]] = {
    "Tab: a command": ("--complete", "ru"),
    "Tab: a policy": ("--complete", "run", "policy:=l"),
    "Tab: a setting of a training": ("--complete", "train", "act", "network."),
    "a mistyped command": ("rum",),
    "a mistyped setting": ("run", "tsk:=drawer"),
    "a mistyped policy": ("run", "policy:=legatto"),
}
"""Of a person, and the words that ask them."""


@dataclass(frozen=True)
class Answer:
    """One answer: wall time, and time of the processor, which other programs of the machine do not add to."""

    wall_s: float
    processor_s: float


def answer(clone: Path, words: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Ask a clone once, whatever it says."""
    used_s, began_s = _processor_s(), time.monotonic()
    subprocess.run([clone / "segue", *words], env=dict(environment), capture_output=True, check=False)
    return Answer(time.monotonic() - began_s, _processor_s() - used_s)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def bench_answers(
    clones: Sequence[Path], rounds: int, environment: Mapping[str, str]
) -> dict[str, dict[str, list[Answer]]]:
    """Answers of each clone to each question, taking turns, after one of each that is not counted."""
    found: dict[str, dict[str, list[Answer]]] = {
        str(clone): {name: [] for name in QUESTIONS} for clone in clones
    }
    for number in range(rounds + 1):
        for name, words in QUESTIONS.items():
            for clone in clones:
                one = answer(clone, words, environment)
                if number:
                    found[str(clone)][name].append(one)
    return found


def medians_ms(answers: Sequence[Answer]) -> dict[str, float]:
    """Medians [ms]."""
    return {
        "wall": 1e3 * statistics.median(one.wall_s for one in answers),
        "processor": 1e3 * statistics.median(one.processor_s for one in answers),
    }


def table(found: Mapping[str, Mapping[str, Sequence[Answer]]]) -> str:
    """A column for each clone: wall time, and the processor's in brackets."""
    lines = [f"{'milliseconds (of the processor)':32}" + "".join(f"  {name}" for name in found)]
    for question in QUESTIONS:
        cells = [medians_ms(answers[question]) for answers in found.values()]
        texts = [f"{cell['wall']:.0f} ({cell['processor']:.0f})" for cell in cells]
        lines.append(
            f"{question:32}" + "".join(f"  {text:>{len(n)}}" for text, n in zip(texts, found, strict=True))
        )
    return "\n".join(lines)
