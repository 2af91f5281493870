"""The benchmark and the statistics, with a clock that only counts."""

import json
from itertools import count

from segue_scheduler.bench import tick_cost
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import ScriptedPolicy


def test_the_benchmark_times_every_step_and_only_the_step() -> None:
    clock = count(step=1000)
    cost = tick_cost(lambda: next(clock), ticks=120)
    assert (cost.ticks, cost.median_us, cost.max_us) == (120, 1.0, 1.0)
    assert next(clock) == 240_000


def test_statistics_are_plain_data_and_agree_with_the_seams() -> None:
    machine = scheduler()
    outputs, _ = drive(machine, ScriptedPolicy(SPACE, disagreement=0.5), SPACE, 200)
    data = json.loads(json.dumps(machine.stats.to_dict(), allow_nan=False))
    reports = [output.seam for output in outputs if output.seam]
    assert data["chunks"] == len(reports)
    assert data["requests"] == 7
    assert data["ticks"] == 200
    assert data["delays"] == {"8": len(reports)}
    assert data["delay_mean"] == 8
    rmse = [report.overlap_rmse for report in reports if report.overlap_rmse is not None]
    assert data["overlap_rmse_mean"] == sum(rmse) / len(rmse)
    assert data["jump_max"] == max(report.jump for report in reports[1:])


def test_statistics_handed_out_do_not_change_any_more() -> None:
    machine = scheduler()
    drive(machine, ScriptedPolicy(SPACE), SPACE, 50)
    early = machine.stats
    drive(machine, ScriptedPolicy(SPACE), SPACE, 20)
    assert early.ticks == 50
    assert machine.stats.ticks == 20
