"""Laws of tasks that are YAML alone: scripts, conditions, assemblies."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driven_world import DrivenWorld

from segue_core.contracts.base import load_yaml, parse_model
from segue_core.contracts.condition import Condition
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.script import For, Step, for_each
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError
from segue_sim import experts
from segue_sim.conditions import holds
from segue_sim.episode import Episode
from segue_sim.testing import load_robot, load_task

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "tasks.md"
TASK = """
name: gate
description: Swing the gate and lift the peg
instruction: swing the gate
robot: franka
time_limit_s: 20
expert: waypoints
things:
  peg: {rest_height_m: 0.03, shapes: [{kind: box, size: [0.015, 0.015, 0.03], mass_kg: 0.05}]}
objects: [peg]
object_region: {x: [0.40, 0.40], y: [-0.20, -0.20]}
object_yaw_rad: [0.5, 0.5]
fixtures:
  gate:
    kind: assembly
    region: {x: [0.62, 0.62], y: [0.10, 0.10]}
    joints: {leaf: [0.2, 0.2]}
    options:
      bodies:
        post: {shapes: [{kind: cylinder, size: [0.01, 0.08], at: [0, 0, 0.08]}]}
        leaf:
          joint: {kind: hinge, axis: [0, 0, 1], range: [0, 1.5], damping: 0.2}
          shapes:
            - {kind: box, size: [0.005, 0.06, 0.03], at: [0, -0.07, 0.10], mass_kg: 0.1}
            - {kind: cylinder, size: [0.008, 0.03], at: [-0.02, -0.12, 0.12], mass_kg: 0.02}
          sites: {knob: {at: [-0.02, -0.12, 0.13]}}
script:
  - repeat:
      until: {above: {what: peg, by_m: 0.1}}
      do:
        - go: {to: peg, offset: [0, 0, 0.1], turn_rad: [0, 0, 0]}
        - go: {to: peg, slow: 0.5, within_m: 0.004, precise: true}
        - grip: 0.0
        - need: {held: peg}
        - go: {to: here, offset: [0, 0, 0.12]}
score: conditions
goal:
  steps: [{name: taken, when: {held: peg}}]
  success: {above: {what: peg, by_m: 0.1}}
"""


@pytest.fixture(scope="module")
def franka() -> RobotConfig:
    return load_robot("franka")


def task(**changes: Any) -> TaskConfig:
    return load_yaml(TASK, TaskConfig, "gate.yaml").model_copy(update=changes)


class Player(DrivenWorld):
    """A robot in a world of its own, and the expert that plays it."""

    def __init__(self, robot: RobotConfig, declared: TaskConfig) -> None:
        super().__init__(Episode(robot, declared, 0, render=False), 0)
        self.expert = experts.create(self.world, 0)

    def ticks(self, limit: int = 500) -> Iterator[int]:
        return self.play(self.expert, limit)


def steps(*data: dict[str, Any]) -> tuple[Step, ...]:
    return tuple(parse_model(entry, Step, "script") for entry in data)


def asked(data: dict[str, Any]) -> Condition:
    return parse_model(data, Condition, "condition")


def test_a_script_is_tried_again_when_what_it_needs_is_not_so(franka: RobotConfig) -> None:
    player = Player(franka, task())
    missed = False
    for tick in player.ticks():
        if not missed and player.world.tool_position("arm")[2] < 0.06:
            address = player.world.model.joint("peg").qposadr[0]
            player.world.data.qpos[address : address + 2] += (
                0.09,
                0.06,
            )  # somebody moves it under the fingers
            missed = True
        assert tick < 499
    assert missed
    assert player.world.task_state().success, player.world.task_state().text


def test_the_task_of_the_documentation_is_done_as_it_stands_there(franka: RobotConfig) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = [block for block in blocks if "name: shut_away" in block]
    player = Player(franka, load_yaml(text, TaskConfig, DOCUMENTED.name))
    for _ in player.ticks():
        pass
    assert player.world.task_state().score == 10.0, player.world.task_state().text


def test_driving_a_hinge_moves_the_tool_and_the_hand_along_its_arc(franka: RobotConfig) -> None:
    script = steps(
        {"go": {"to": "gate_knob", "offset": [-0.0, 0, 0.08], "turn_rad": [0, 0, 0]}},
        {"go": {"to": "gate_knob", "slow": 0.4, "within_m": 0.004, "precise": True}},
        {"grip": 0.0},
        {"need": {"held": "gate_leaf"}},
        {"drive": {"joint": "gate_leaf", "to": 0.9}},
    )
    goal = {"success": {"joint": {"name": "gate_leaf", "above": 0.8}}}
    player = Player(franka, task(script=script, goal=goal))
    assert not holds(player.world, asked({"joint": {"name": "gate_leaf", "above": 0.21}}))  # it starts at 0.2
    for _ in player.ticks():
        pass
    assert player.world.task_state().success, player.world.task_state().text


def test_conditions_say_what_is_so(franka: RobotConfig) -> None:
    world = Episode(franka, task(), 0, render=False)
    world.advance(0.2)
    true = (
        {"near": {"what": "peg", "to": "table", "within_m": 0.46}},
        {"near": {"to": "peg", "within_m": 0.21, "level": True}},
        {"above": {"what": "gate_knob", "frame": "peg", "by_m": 0.09}},
        {"upright": {"what": "peg", "within_rad": 0.1}},
        {"inside": {"what": "peg", "frame": "table", "low": [0.3, -0.3, 0], "high": [0.5, 0, 0.1]}},
        {"free": "peg", "none": [{"held": "peg"}, {"upright": {"what": "peg", "lying": True}}]},
    )
    for data in true:
        assert holds(world, asked(data)), data
        assert not holds(world, asked({"none": [data]})), data


def test_a_loop_does_its_steps_for_every_name() -> None:
    loop = parse_model(
        {"each": {"thing": ["a", "b"]}, "do": [{"go": {"to": "$thing"}}, {"need": {"held": "$thing_x"}}]},
        For,
        "loop",
    )
    first, second = for_each(loop)
    assert first[0].go is not None and first[0].go.to == "a"
    assert second[1].need is not None and second[1].need.held == "b_x"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"goal": {"success": {"held": "pegg"}}}, "unknown frame 'pegg'.*did you mean 'peg'"),
        ({"goal": {"success": {"joint": {"name": "gate_lef", "above": 1}}}}, "unknown joint 'gate_lef'"),
        ({"goal": {"succes": {}}}, "unknown key 'succes'.*did you mean 'success'"),
        ({"robot": "jaco2"}, "made for another robot; got franka; expected jaco2"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_start(
    franka: RobotConfig, changes: dict[str, Any], match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        Episode(franka, task(**changes), render=False)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("grip: 0.0\n    wait: 3", "a step is exactly one of"),
        ("go: {to: peg, offst: [0, 0, 0]}", "unknown key 'offst'"),
        ("need: {}\n  - repeat: {until: {held: peg}, do: [{go: {}}]}", "go.to: required key is missing"),
    ],
)
def test_a_misspelt_script_is_refused_when_it_is_read(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        load_yaml(TASK.split("script:")[0] + f"score: conditions\nscript:\n  - {text}\n", TaskConfig, "gate")


def test_a_capsule_with_one_size_is_refused() -> None:
    wrong = TASK.replace("kind: box, size: [0.015, 0.015, 0.03]", "kind: capsule, size: [0.015]")
    with pytest.raises(ConfigError, match="a capsule has 2 sizes, not 1"):
        load_yaml(wrong, TaskConfig, "gate")


def test_a_free_body_of_a_fixture_starts_where_it_stands_on_it(franka: RobotConfig) -> None:
    world = Episode(franka, load_task("take_lid"), 3, render=False)
    pan, lid = world.frame("saucepan"), world.frame("saucepan_lid")
    world.advance(1.0)
    moved = world.frame("saucepan_lid").position - lid.position
    assert np.abs(moved).max() < 0.003
    assert np.allclose(pan.seen(lid.position)[:2], 0.0, atol=1e-6)
