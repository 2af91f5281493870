"""Every command of `segue` that works in the set-up workspace: where its settings and its work are."""

from __future__ import annotations

from segue_core.command_line.verb import Verb, Verbs
from segue_data.verbs import VERBS as DATA
from segue_eval.verbs import VERBS as EVALUATION

_OPTIONS = "segue_policies.option_settings:with_policy_options"


def _here(name: str, about: str, does: str, more: str = "") -> Verb:
    return Verb(about, f"segue_bringup.settings:{name}_form", f"segue_bringup.run.{does}", more)


VERBS: Verbs = {
    "run": _here(
        "run", "one episode: simulator, policy, controllers, recorder, report", "command:run", _OPTIONS
    ),
    "record": _here("record", "demonstrations by keyboard, gamepad, leader arm or script", "record:record"),
    "replay": _here("replay", "a recorded episode again, in the simulator or on the robot", "replay:replay"),
    "move": _here("move", "the arms to a named pose, by a planned way", "move:run"),
    "serve": _here("serve", "the policy alone, for a robot on another machine", "serve:run", _OPTIONS),
    "gazebo": _here("gazebo", "Gazebo's files for a robot and a task", "gazebo:run"),
    "moveit": _here("moveit", "MoveIt's files for a robot: URDF, SRDF, parameters", "moveit:run"),
    "views": _here("views", "an RViz configuration and a Foxglove layout of a robot", "views:run"),
    "soak": _here(
        "soak", "what grows or jitters over minutes or hours, live or in lockstep", "soak:run", _OPTIONS
    ),
    "data": DATA,
    "learn": Verb(
        "a task: record, train, evaluate, in a given time",
        "segue_bringup.learn.settings:LearnOptions",
        "segue_bringup.learn.command:learn",
    ),
    "train": Verb(
        "a policy from a dataset", "segue_bringup.delegates:train_form", "segue_bringup.delegates:train"
    ),
    "adopt": Verb(
        "a checkpoint of LeRobot for a robot",
        "segue_policies.methods.lerobot.settings:AdoptOptions",
        "segue_policies.methods.lerobot.cli:run",
    ),
    **EVALUATION,
    "doctor": Verb(
        "what is installed and what is missing",
        "segue_bringup.delegates:DoctorOptions",
        "segue_bringup.delegates:doctor",
    ),
}
