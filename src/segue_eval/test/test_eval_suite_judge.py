"""Laws of verdicts: every rule can come out each way, and only the paired differences decide."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_eval.claims import Claim, Verdict
from segue_eval.result import EpisodeResult
from segue_eval.smoothness import Smoothness
from segue_eval.suite.judge import Rule, judge, not_run, rule_for, together
from segue_eval.suite.spec import ClaimSpec
from segue_eval.testing.doubles import result_for

EXPECTATIONS = ("lower", "higher", "not_worse", "factor")
BASE = [2.0, 3.0, 2.5, 4.0, 3.5, 2.2, 3.1, 2.9]  # what the seeds themselves decide


def claim(expect: str, metric: str = "nsparc", **changes: object) -> ClaimSpec:
    values = {"id": "c", "text": "first and second", "metric": metric, "first": "a", "second": "b"}
    return ClaimSpec.model_validate(values | {"expect": expect} | changes)


def episodes(values: Sequence[float]) -> list[EpisodeResult]:
    return [replace(result_for(1000 + i), smooth=Smoothness(nsparc=v)) for i, v in enumerate(values)]


def verdict_of(spec: ClaimSpec, first: Sequence[float], second: Sequence[float]) -> Verdict:
    return judge(spec, episodes(first), episodes(second), "c/task").verdict


def shifted(by: float, noise: float) -> list[float]:
    return [value + by + noise * (-1) ** i for i, value in enumerate(BASE)]


@pytest.mark.parametrize(
    ("expect", "first", "verdict"),
    [
        ("lower", shifted(-0.5, 0.1), Verdict.REPRODUCED),
        ("lower", shifted(+0.5, 0.1), Verdict.NOT_REPRODUCED),
        ("lower", shifted(0.0, 0.01), Verdict.NOT_REPRODUCED),  # certainly no effect that matters
        ("lower", shifted(-0.1, 1.0), Verdict.INCONCLUSIVE),
        ("higher", shifted(+0.5, 0.1), Verdict.REPRODUCED),
        ("higher", shifted(-0.5, 0.1), Verdict.NOT_REPRODUCED),
        ("higher", shifted(0.0, 0.01), Verdict.NOT_REPRODUCED),
        ("higher", shifted(+0.1, 1.0), Verdict.INCONCLUSIVE),
        ("not_worse", shifted(0.0, 0.01), Verdict.REPRODUCED),
        ("not_worse", shifted(-1.0, 0.1), Verdict.REPRODUCED),
        ("not_worse", BASE, Verdict.REPRODUCED),
        ("not_worse", shifted(+1.0, 0.1), Verdict.NOT_REPRODUCED),
        ("not_worse", shifted(+0.1, 1.0), Verdict.INCONCLUSIVE),
        ("factor", [2.5 * v for v in BASE], Verdict.REPRODUCED),
        ("factor", [1.5 * v for v in BASE], Verdict.NOT_REPRODUCED),
        ("factor", [2.0 * v + (-1) ** i for i, v in enumerate(BASE)], Verdict.INCONCLUSIVE),
    ],
)
def test_every_rule_comes_out_each_way(expect: str, first: list[float], verdict: Verdict) -> None:
    assert verdict_of(claim(expect, factor=2.0), first, BASE) is verdict


@pytest.mark.parametrize("expect", EXPECTATIONS)
@given(st.floats(-10, 10), st.floats(0, 5), st.floats(0.1, 10))
def test_a_verdict_never_turns_round_as_the_interval_moves_in_favour(
    expect: str, middle: float, half: float, scale: float
) -> None:
    rule = rule_for(claim(expect), scale)
    order = [Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE, Verdict.REPRODUCED]
    steps = [rule.verdict(m - half, m + half) for m in (middle, middle + rule.sign * 0.5)]
    assert order.index(steps[0]) <= order.index(steps[1])


@pytest.mark.parametrize("expect", EXPECTATIONS)
@given(st.floats(-10, 10), st.floats(0, 5), st.floats(0, 5), st.floats(0.1, 10))
def test_a_wider_interval_never_decides_what_a_narrower_one_left_open(
    expect: str, middle: float, half: float, more: float, scale: float
) -> None:
    rule = rule_for(claim(expect), scale)
    wide = rule.verdict(middle - half - more, middle + half + more)
    if wide is not Verdict.INCONCLUSIVE:
        assert rule.verdict(middle - half, middle + half) is wide


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_one_common_seed_decides_nothing(expect: str) -> None:
    assert verdict_of(claim(expect), [1.0], [9.0]) is Verdict.INCONCLUSIVE


@given(st.lists(st.floats(1, 9), min_size=8, max_size=8), st.floats(-2, 2))
def test_what_seeds_share_never_changes_the_difference(shared: list[float], gap: float) -> None:
    made = judge(claim("lower"), episodes([v + gap for v in shared]), episodes(shared), "c/task")
    assert made.statistics["difference"] == pytest.approx(gap, abs=1e-9)
    assert made.statistics["n"] == 8


def test_only_seeds_where_both_have_a_value_count() -> None:
    made = judge(claim("lower"), episodes([1.0, math.nan, 3.0]), episodes([2.0, 2.0, math.nan]), "c/task")
    assert made.statistics["n"] == 1 and made.statistics["second_mean"] == 2.0


def test_lower_is_worse_for_a_score_and_better_for_a_time() -> None:
    def run(metric: str, ticks: int, score: float) -> Verdict:
        noise = np.arange(8) % 2
        second = [result_for(i, score=8.0 + n, ticks=300 + n) for i, n in enumerate(noise)]
        first = [replace(r, score=r.score + score, ticks=r.ticks + ticks) for r in second]
        return judge(claim("not_worse", metric), first, second, "c/task").verdict

    assert run("score", 0, -2.0) is Verdict.NOT_REPRODUCED and run("score", 0, +2.0) is Verdict.REPRODUCED
    assert run("seconds", -60, 0) is Verdict.REPRODUCED and run("seconds", 60, 0) is Verdict.NOT_REPRODUCED


def part(verdict: Verdict, task: str) -> Claim:
    return Claim(f"c/{task}", verdict, {}, "text")


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (["reproduced", "reproduced"], Verdict.REPRODUCED),
        (["reproduced", "not"], Verdict.NOT_REPRODUCED),
        (["not run", "not"], Verdict.NOT_REPRODUCED),
        (["reproduced", "inconclusive"], Verdict.INCONCLUSIVE),
        (["reproduced", "not run"], Verdict.INCONCLUSIVE),
        (["not run", "not run"], Verdict.NOT_RUN),
    ],
)
def test_all_tasks_must_reproduce_a_claim_and_one_refutes_it(parts: list[str], verdict: Verdict) -> None:
    made = together(claim("lower"), [part(Verdict(p), f"t{i}") for i, p in enumerate(parts)])
    assert made.verdict is verdict
    assert ("not run on" in made.reason) == ("not run" in parts)


def test_a_claim_that_was_not_run_says_why() -> None:
    assert not_run(claim("lower"), "c/t", "no checkpoint x").to_dict() == {
        "id": "c/t", "verdict": "not run", "statistics": {}, "text": "first and second", "reason": "no checkpoint x",
    }  # fmt: skip


def test_bounds_that_are_not_numbers_decide_nothing() -> None:
    assert Rule(1, 0.0, 0.0).verdict(math.nan, 5.0) is Verdict.INCONCLUSIVE
