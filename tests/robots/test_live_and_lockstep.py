"""What the graph says of a tick and what a lockstep recording says of it are one message."""

from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time

from segue_data.bags.reader import read
from segue_data.contracts import load_robot, load_task
from segue_eval.build import Runner, Setup
from segue_eval.recording import LockstepRecorder
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import WavingPolicy
from segue_scheduler.node.messages import state_to_msg
from segue_scheduler.statistics import Statistics
from segue_scheduler.tick import TickInput, TickOutput


def test_the_state_of_every_tick_has_the_same_fields_and_a_first_seam_overlaps_nothing(
    tmp_path: Path,
) -> None:
    robot, task = load_robot("dual_arm"), load_task("pick_place")
    plant = SimulatedPlant(robot, task)
    recorder = LockstepRecorder(tmp_path / "bag", plant, robot, "legato", task.name, 5)
    outputs: list[TickOutput] = []

    def on_tick(inputs: TickInput, output: TickOutput) -> None:
        outputs.append(output)
        recorder(inputs, output)

    setup = Setup("pick_place", "waving", "", scheduler={"time_limit_s": 2.0})
    recorder.finish(Runner(robot, task, WavingPolicy(), plant, setup)(5, on_tick=on_tick))
    bag = next(tmp_path.rglob("metadata.yaml")).parent
    recorded = [record.message() for record in read(bag, frozenset({"/segue/state"}))]
    commands = [record.message() for record in read(bag, frozenset({"/segue/command"}))]
    assert len(recorded) == len(outputs) > 30
    starved = 0
    for output, kept, command in zip(outputs, recorded, commands, strict=True):
        starved += output.starved
        live = state_to_msg(output, Statistics(starved_ticks=starved), "legato", kept.run_id, Time())
        for name in live.get_fields_and_field_types():
            if name != "header":
                np.testing.assert_equal(getattr(kept, name), getattr(live, name), err_msg=name)
        assert command.hold == output.hold and command.starved == output.starved
    seams = [state for state in recorded if state.spliced]
    assert np.isnan(seams[0].overlap_rmse) and np.isfinite([s.overlap_rmse for s in seams[1:]]).all()
    assert commands[0].hold and len(seams) >= 2
