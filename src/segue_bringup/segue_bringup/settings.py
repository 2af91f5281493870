"""What the commands that start a graph, or write its files, take: models of their own, and the graph's arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from segue_bringup.graph import Argument, Graph, Scalar, load_graph
from segue_bringup.usage import used_arguments
from segue_core.command_line.form import Form, form_of
from segue_core.command_line.setting import GENERAL, Range, Setting, Word
from segue_core.contracts.base import StrictModel

NOT_OF_A_MOVE = ("perception", "policy", "scheduler", "recorder")
"""Nodes that a planned move does without."""
POLICY_SIDE = ("policy",)
"""Nodes that `segue serve` runs."""
SCRIPTED = "scripted"
"""What `teleop` may be for `segue record` beside the graph's choices."""


WEEK_S = 604_800
"""Longer than anybody waits for a command [s]."""


class GraphOptions(StrictModel):
    """What was given of the graph's arguments, by name."""

    launch: Annotated[dict[str, Scalar], Word(hidden=True)] = Field(
        default={}, description="arguments of the graph"
    )


class Quiet(StrictModel):
    """Of commands that show how far they are."""

    GROUP: ClassVar[str] = "This command"
    quiet: bool = Field(default=False, description="show no progress")


class RunOptions(GraphOptions, Quiet):
    """Run one episode of a task and leave bag, video, report and metrics in a folder below runs/."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue run                                     the default: dual_arm does pick_place with legato
  segue run --seed 7                            another arrangement of the objects
  segue run delay:=4 continuation:=naive_async  other settings
  segue run robot:=franka policy:=scripted      the first task of a robot, by its expert
  segue run policy:=hold time_limit_s:=5        a robot that stays where it is, for a try
  segue run teleop:=keyboard                    t takes the robot over from the policy, b gives it back
  segue run sim:=none hardware:=rehearsal camera_set:=rehearsal    a robot of your own, see docs/hardware.md
  segue run --json result.json || echo $?       for scripts; the exit statuses are in docs/exit-codes.md
"""
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file to write what is printed to"
    )
    timeout: float | None = Field(
        default=None, gt=0, le=WEEK_S, description="give up after so much wall time [s]"
    )
    remote_policy: bool = Field(
        default=False, description="the policy runs on another machine, see segue serve"
    )
    report: bool = Field(default=True, description="make video and report")


class MoveOptions(GraphOptions, Quiet):
    """Plan a way that touches nothing, follow it through the controller and its guard, and disarm."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue move home                                 start the simulated robot, move it, stop it again
  segue move home robot:=franka task:=reach_target
  segue move start task:=pick_place               to the pose that the task begins in
  ROS_DOMAIN_ID=42 segue move home --running      the robot of a graph that runs with planned_moves:=true
"""
    pose: Annotated[str, Word(place=True)] = Field(
        description="home, start (of the task), or a pose that the robot's contract names"
    )
    speed: float = Field(default=1.0, ge=0.01, le=1.0, description="slow-down")
    running: bool = Field(default=False, description="start nothing: use the graph that runs on this domain")
    timeout: float = Field(default=120.0, gt=0, le=WEEK_S, description="give up after so long [s]")
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file to write the result to"
    )


class ServeOptions(GraphOptions):
    """Run the policy node until Ctrl-C. Give both machines the same robot, task and policy."""

    EXAMPLES: ClassVar[str] = """\
example, two machines (docs/two-machines.md):
  GPU box   export ROS_DOMAIN_ID=42 ROS_STATIC_PEERS=<robot>;    segue serve policy:=legato
  robot     export ROS_DOMAIN_ID=42 ROS_STATIC_PEERS=<GPU box>;  segue run --remote-policy policy:=legato
"""


class RecordOptions(GraphOptions, Quiet):
    """Record demonstrations: one bag per episode, judged while it is recorded."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue record task:=pick_place teleop:=keyboard operator:=Ada    in the simulator, with this terminal's keys
  segue record teleop:=gamepad episodes:=50 --out data/bags       until 50 good episodes are there
  segue record teleop:=leader sim:=none robot:=my_robot           a second arm leads the real one
  segue record teleop:=scripted episodes:=50 --out data/bags      the scripted expert, in parallel, no graph

keys (of the terminal; a pad has buttons for the same, see config/teleop):
  Enter start   y success   n failure   x discard   r discard and record again   Esc stop   c recover   Ctrl-C end

The same command goes on where the last one ended.
"""
    workers: int = Field(default=2, ge=1, le=1024, description="processes of teleop:=scripted")
    disturb: bool = Field(default=False, description="teleop:=scripted: disturb what is executed")
    timeout: float | None = Field(
        default=None, gt=0, le=WEEK_S, description="end after so much wall time [s]"
    )


class ReplayOptions(GraphOptions, Quiet):
    """Play a recorded episode again, in the simulator or on the robot, with the guard on."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue replay runs/<run>                                    what a run recorded
  segue replay recordings/episode_000003                     in the simulator, from the episode's own seed
  segue replay recordings/episode_000003 sim:=none           on the robot; it waits for Enter

The robot goes to the episode's first pose at 0.15 m/s, then every recorded command is sent at its tick; the guard
bounds them like any other. The replay is recorded, too, and compared with the recording: tools and joints.
"""
    bag: Annotated[Path, Word(place=True)] = Field(description="folder of one recorded episode, or of a run")
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file to write the comparison to"
    )
    timeout: float | None = Field(
        default=None, gt=0, le=WEEK_S, description="give up after so much wall time [s]"
    )


class SoakOptions(GraphOptions, Quiet):
    """Run goal after goal and say what grows: memory, threads and open files of every process."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue soak                                        ten minutes of a live graph, goal after goal
  segue soak --live 1h task:=push_button robot:=franka policy:=scripted
  segue soak --lockstep 2h                          episodes in one process, without ROS
  segue soak --live 30 --json soak.json || echo $?  for scripts: 1 when something grows

A run's recording is deleted when its goal is over. Take a time of many goals (time_limit_s:=10 makes them short): what
a recorder needs for one long episode looks like growth until the next.
"""
    live: str | None = Field(
        default=None, description="a standing graph, for so long: minutes, or 90s, 10m, 2h (10m)"
    )
    lockstep: str | None = Field(
        default=None, description="episodes in one process, as segue eval runs them, for so long"
    )
    max_growth: float = Field(
        default=60.0, ge=0, description="memory that a process may grow by per hour [MB]; beyond it, by two standard "
        "errors, the status is 1",
    )  # fmt: skip
    max_more: float = Field(
        default=2.0, ge=0, description="threads or files that a process may have more at the end"
    )
    goals: int | None = Field(
        default=None, ge=1, description="live: end after so many goals, if the time is not over"
    )
    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file to write the numbers to"
    )


class GazeboOptions(GraphOptions):
    """Write world.sdf, robot.urdf, bridge.yaml, controllers.yaml, hardware.yaml and meshes, made from the contracts.

    `ros2 launch segue_bringup task.launch.py sim:=gazebo` does the same and starts Gazebo with them: docs/gazebo.md.
    """


class MoveItOptions(GraphOptions):
    """Write robot.urdf with its meshes, robot.srdf, moveit_py.yaml (for MoveItPy and moveit_cpp) and move_group.yaml.

    All are made from the robot's contract. `planner:=moveit` needs none of them; see docs/planned-moves.md.
    """

    GROUP: ClassVar[str] = "This command"
    out: Path = Field(default=Path("moveit"), description="folder to write to")


class ViewsOptions(GraphOptions):
    """Write what RViz and Foxglove should show of a robot: itself, frames, cameras and the predicted path."""

    GROUP: ClassVar[str] = "This command"
    EXAMPLES: ClassVar[str] = """\
examples:
  segue views robot:=franka                     franka.rviz and franka.foxglove.json, here
  segue views robot:=franka namespace:=left --out views
  rviz2 -d franka.rviz --ros-args -p use_sim_time:=true          beside a graph that runs; docs/viewing.md
"""
    out: Path = Field(default=Path(), description="folder to write to; this one when not given")


def _setting(
    name: str, argument: Argument, group: str, shown: str, also: tuple[str, ...], listed: bool
) -> Setting:
    number = isinstance(argument.default, int | float) and not isinstance(argument.default, bool)
    bounded = number and (argument.low is not None or argument.high is not None)
    off = ("headless",) if name == "view" else ()
    return Setting(
        name=shown,
        kind=type(argument.default),
        default=argument.default,
        help=argument.description,
        group=group,
        choices=argument.choices,
        range=Range(argument.low, argument.high) if bounded else None,
        key=name,
        word=Word(names=argument.config or "", also=also, off=off),
        listed=listed,
    )


def graph_form(
    model: type[GraphOptions],
    graph: Graph,
    used: Collection[str],
    out: str = "runs",
) -> Form:
    """The form of `model` and of the graph's arguments, of which help shows the `used`; `out` is called --out."""
    own = form_of(model)
    taken = {setting.name for setting in own.settings}
    groups = {name: group for group, members in graph.groups.items() for name in members}
    arguments = [
        _setting(
            name, argument, groups.get(name, GENERAL),
            "out" if name == out else name, (name,) if name == out else (), name in used,
        )
        for name, argument in graph.arguments.items()
        if name not in taken
    ]  # fmt: skip
    arguments.sort(
        key=lambda setting: list(graph.groups).index(setting.group) if setting.group in graph.groups else 99
    )

    def build(values: Mapping[str, Any]) -> Any:
        launch = {
            name: value for name, value in values.items() if name in graph.arguments and name not in taken
        }
        rest = {name: value for name, value in values.items() if name not in launch}
        return own.build({**rest, "launch": launch})

    return Form((*own.settings, *arguments), build, own.about, own.examples)


def run_form(words: Sequence[str]) -> Form:
    """What `segue run` takes."""
    graph = load_graph()
    hidden = {"collect", "episodes", "replay", "operator", "keep_doubtful"}
    return graph_form(RunOptions, graph, set(graph.arguments) - hidden)


def move_form(words: Sequence[str]) -> Form:
    """What `segue move` takes."""
    graph = load_graph()
    used = set(used_arguments(graph.without(NOT_OF_A_MOVE))) - {
        "policy",
        "teleop",
        "collect",
        "planned_moves",
    }
    return graph_form(MoveOptions, graph, {*used, "runs"})


def serve_form(words: Sequence[str]) -> Form:
    """What `segue serve` takes."""
    graph = load_graph()
    used = {*used_arguments(graph.only(POLICY_SIDE)), "runs"} - {"collect"}
    return graph_form(ServeOptions, graph, used)


def record_form(words: Sequence[str]) -> Form:
    """What `segue record` takes."""
    graph = record_graph()
    teleop = graph.arguments["teleop"]
    choices = tuple(name for name in (*teleop.choices, SCRIPTED) if name != "replay")
    more = {**graph.arguments, "teleop": teleop.model_copy(update={"choices": choices})}
    graph = graph.model_copy(update={"arguments": more})
    nodes = graph.without(("perception", "policy", "scheduler", "mover"))
    used = {*used_arguments(nodes), "seed"} - {"policy", "collect", "replay", "planned_moves", "record"}
    return graph_form(RecordOptions, graph, used)


def record_graph() -> Graph:
    """The graph as `segue record` starts it."""
    return load_graph().with_defaults({"collect": True, "teleop": "keyboard", "runs": "recordings"})


def replay_form(words: Sequence[str]) -> Form:
    """What `segue replay` takes."""
    graph = load_graph()
    used = {"robot", "task", "seed", "sim", "hardware", "camera_set", "real_time_factor", "clock", "runs", "view",
            "namespace", "terminal", "frames"}  # fmt: skip
    return graph_form(ReplayOptions, graph, used)


def soak_form(words: Sequence[str]) -> Form:
    """What `segue soak` takes."""
    run = run_form(words)
    listed = {setting.key for setting in run.settings if setting.listed}
    return graph_form(SoakOptions, load_graph(), listed)


def gazebo_form(words: Sequence[str]) -> Form:
    """What `segue gazebo` takes."""
    return graph_form(GazeboOptions, load_graph(), {"robot", "task", "seed", "gazebo_files"}, "gazebo_files")


def moveit_form(words: Sequence[str]) -> Form:
    """What `segue moveit` takes."""
    return graph_form(MoveItOptions, load_graph(), {"robot"}, "")


def views_form(words: Sequence[str]) -> Form:
    """What `segue views` takes."""
    return graph_form(ViewsOptions, load_graph(), {"robot", "namespace"}, "")
