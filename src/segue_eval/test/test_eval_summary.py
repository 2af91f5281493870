import csv
import html
import io
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from segue_core.command_line.form import form_of
from segue_core.command_line.reading import read
from segue_eval.claims import Verdict, rate_claim
from segue_eval.cli import known
from segue_eval.options import setup_from
from segue_eval.plots import write_page
from segue_eval.recording import best_and_worst, seeds_to_film
from segue_eval.reproduce_command import command
from segue_eval.result import EpisodeResult
from segue_eval.settings import EvalOptions
from segue_eval.statistics import estimate
from segue_eval.summary import COLUMNS, explained, shortenings, table, to_csv, to_json
from segue_eval.testing.doubles import result_for
from segue_scheduler.tick import SeamReport

RESULTS = [result_for(1), result_for(2, success=False, score=-1.0, ticks=1350), result_for(3, ticks=240)]


def test_the_table_has_a_line_per_metric_and_a_column_per_group() -> None:
    lines = table({"legato": RESULTS, "rtc": RESULTS[:1]}).splitlines()
    assert lines[0].split() == ["legato", "rtc"]
    titles = [column.title for column in COLUMNS if column.printed]
    assert [line[: len(title)] for line, title in zip(lines[3:], titles, strict=True)] == titles
    assert "66.7 ± 33.3" in lines[3]


def test_every_metric_says_what_it_is_in_words_and_the_guards_count_beside_the_number(tmp_path: Path) -> None:
    """A column `guard 940.0` of perfect runs was explained nowhere."""
    write_page(tmp_path / "page.html", "legato", to_json({}, RESULTS), RESULTS)
    text = (tmp_path / "page.html").read_text()
    assert all(column.means and html.escape(column.means) in text for column in COLUMNS)
    (said,) = explained("interventions")
    assert said.startswith("guard interventions: ") and "no fault" in said


def test_a_median_stands_beside_the_mean_where_one_episode_outweighs_the_rest() -> None:
    (jump,) = [column for column in COLUMNS if column.key == "seam_jump"]
    (success,) = [column for column in COLUMNS if column.key == "success"]
    values = [90.0, 91.0, 95.0, 4000.0]
    assert jump.text(estimate(values)).endswith(", median 93.00")
    assert "median" not in jump.text(estimate(values[:3]))
    assert "median" not in success.text(estimate([100.0, 100.0, 0.0]))


def test_arms_and_grippers_share_the_squares_of_the_overlap() -> None:
    seams = tuple(SeamReport(i, 30 * i, 8, 8, 0, 0.05, 0.0, overlap_motion=0.03) for i in range(3))
    result = replace(result_for(1), seams=seams)
    assert (result.overlap_motion, result.overlap_gripper) == pytest.approx((0.03, 0.04))
    assert result.to_row()["overlap_gripper"] == pytest.approx(0.04)


@pytest.mark.parametrize("width", [40, 60, 80, 210])
def test_the_table_fits_the_terminal_and_leaves_no_group_out(width: int) -> None:
    """One setup was a line of 210 characters, broken in five."""
    names = [f"method_{number}" for number in range(9)]
    text = table(dict.fromkeys(names, RESULTS), width)
    assert max(map(len, text.splitlines())) <= width
    assert [word for word in text.split() if word.startswith("method_")] == names


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
    text = table({"a": [_ended("progress_threshold", False), _ended("time_limit", True), *RESULTS[:2]]})
    assert [line.split()[-3] for line in text.splitlines()[3:6]] == ["25.0", "25.0", "25.0"]


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
    assert "src=" not in text and "@import" not in text
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', text))
    assert "seed 2: time_limit" in text


def test_the_page_lists_every_seed_with_how_it_ended_what_to_see_and_the_command(tmp_path: Path) -> None:
    (tmp_path / "seed-2").mkdir()
    (tmp_path / "seed-2" / "episode.mp4").touch()
    setup = setup_from(_parsed("--policy scripted --delay 4"))
    write_page(tmp_path / "page.html", "legato", to_json(setup.to_dict(), RESULTS), RESULTS)
    text = (tmp_path / "page.html").read_text()
    lines = {
        result.seed: text.split(f'<tr id="seed-{result.seed}">')[1].split("</tr>")[0] for result in RESULTS
    }
    assert [">success<" in line for line in lines.values()] == [result.success for result in RESULTS]
    for (
        line
    ) in lines.values():  # on a narrow screen, where a row is a block and the head of the table is hidden
        assert re.findall(r'data-name="([^"]+)"', line) == re.findall(r"<th[^>]*>([^<]+)</th>", text)[:9]
    assert 'href="seed-2/episode.mp4"' in lines[2] and "href" not in lines[1]
    assert all(f"--seeds {seed}:{seed + 1}" in line for seed, line in lines.items())


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--policy scripted --task push_button",
        "--policy flow --continuation rtc --continuation-options '{max_guidance_weight: 7}' --ramp 5",
        "--checkpoint config/checkpoints/act_push_button --delay 4 --stride 20 --delay-mode adaptive --latency 3:9",
        "--policy act --task push_button",
        "--policy act --task push_button --stride 30 --delay 8",
        "--policy act --task push_button --continuation naive_async --stride 1 --delay 1",
        "--policy flow --dtype bfloat16 --device cpu",
        "--when-infeasible shorten --robot dual_arm --time-limit 7.5",
        "--termination stall,time_limit --rule-options '{stall: {window_s: 3.0}}' --max-action-age-s 2",
    ],
)
def test_the_command_beside_a_seed_describes_the_setup_that_was_run(words: str) -> None:
    setup = setup_from(_parsed(words))
    again = _parsed(command(setup.to_dict(), 7, Path("out")).removeprefix("./segue eval "))
    assert setup_from(again) == setup and again.seeds == "7:8" and again.videos


def test_films_are_of_the_best_the_worst_and_of_failures_up_to_a_number() -> None:
    results = [result_for(1), *(result_for(seed, success=False, score=0.0) for seed in range(2, 9))]
    assert seeds_to_film(results, 0) == [1, 8]
    assert seeds_to_film(results, 3) == [1, 8, 2, 3, 4]


def _parsed(words: str) -> EvalOptions:
    given: EvalOptions = read(shlex.split(words), form_of(EvalOptions), "segue eval", known)
    return given
