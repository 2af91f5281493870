import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from segue_eval.claims import Verdict, rate_claim
from segue_eval.plots import write_page
from segue_eval.recording import best_and_worst
from segue_eval.result import EpisodeResult
from segue_eval.summary import COLUMNS, shortenings, table, to_csv, to_json
from segue_eval.testing.doubles import result_for

RESULTS = [result_for(1), result_for(2, success=False, score=-1.0, ticks=1350), result_for(3, ticks=240)]


def test_the_table_has_a_line_per_group_and_a_column_per_metric() -> None:
    lines = table({"legato": RESULTS, "rtc": RESULTS[:1]}).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["legato", "rtc"]
    assert all(column.title in lines[0] for column in COLUMNS if column.printed)
    assert "66.7 ± 33.3" in lines[2]


def _ended(rule: str, judged: bool) -> EpisodeResult:
    return replace(result_for(1), success=judged and rule == "progress_threshold", judged=judged, rule=rule)


@pytest.mark.parametrize(
    ("rule", "judged", "false_stop", "missed_stop"),
    [
        ("progress_threshold", True, False, False),
        ("progress_threshold", False, True, False),
        ("time_limit", True, False, True),
        ("stall", True, False, True),
        ("time_limit", False, False, False),
    ],
)
def test_a_stop_is_false_when_the_judge_says_no_and_missed_when_only_the_judge_says_yes(
    rule: str, judged: bool, false_stop: bool, missed_stop: bool
) -> None:
    result = _ended(rule, judged)
    assert (result.false_stop, result.missed_stop) == (false_stop, missed_stop)


def test_stop_rates_stand_next_to_success() -> None:
    titles = [column.title for column in COLUMNS]
    assert titles[:3] == ["success [%]", "false stop [%]", "missed stop [%]"]
    line = table({"a": [_ended("progress_threshold", False), _ended("time_limit", True), *RESULTS[:2]]})
    assert line.splitlines()[2].split()[2:11:3] == ["25.0", "25.0", "25.0"]


def test_shortened_requests_are_said_with_the_schedulers_own_words() -> None:
    told = replace(result_for(4), shortened=3, notes=("ramp shortened from 22 to 18", "request failed: x"))
    assert shortenings(RESULTS) == []
    assert shortenings([*RESULTS, told]) == [
        "3 requests of 1 episodes asked for less than configured",
        "ramp shortened from 22 to 18",
    ]


def test_csv_has_one_line_per_episode_with_every_number_of_its_row() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(RESULTS))))
    assert [row["seed"] for row in rows] == ["1", "2", "3"]
    assert {"success", "score", "nsparc", "nldlj", "overlap_rmse", "seconds"} <= set(rows[0])


def test_json_holds_rows_claims_and_the_interval_without_nan() -> None:
    text = json.dumps(
        to_json({"task": "t"}, RESULTS, [rate_claim("a", 0.2, 0.9, 0.8, 0.67)]), allow_nan=False
    )
    data = json.loads(text)
    assert data["claims"][0] == {
        "id": "a",
        "verdict": "inconclusive",
        "statistics": {"rate": 0.67, "interval_low": 0.2, "interval_high": 0.9, "wanted": 0.8},
    }
    assert len(data["rows"]) == 3 and data["summary"]["endings"] == {"task_detector": 2, "time_limit": 1}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.85, 0.95, Verdict.REPRODUCED), (0.6, 0.75, Verdict.NOT_REPRODUCED), (0.7, 0.9, Verdict.INCONCLUSIVE)],
)
def test_a_claim_is_decided_only_when_its_whole_interval_is_on_one_side(
    low: float, high: float, verdict: Verdict
) -> None:
    assert rate_claim("success", low, high, 0.8, 0.8).verdict is verdict


def test_best_is_the_highest_score_then_the_shortest_and_worst_the_other_end() -> None:
    assert best_and_worst(RESULTS) == (3, 2)


def test_the_page_of_an_evaluation_fetches_nothing(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "legato", to_json({}, RESULTS), RESULTS)
    text = (tmp_path / "page.html").read_text()
    assert "src=" not in text and "href=" not in text and "@import" not in text
    assert "seed 2: time_limit" in text
