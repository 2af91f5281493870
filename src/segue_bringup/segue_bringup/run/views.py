"""`segue views`: what RViz and Foxglove should show of a robot."""

import argparse
import json
from pathlib import Path
from typing import Any

from segue_bringup.arguments import resolve_arguments, split_assignments
from segue_bringup.graph import load_graph
from segue_bringup.resolution import checked_namespace
from segue_bringup.usage import say_not_among
from segue_core.exit_status import ExitStatus
from segue_data.storage.atomic import write_text

_EXAMPLES = """\
examples:
  segue views robot:=franka                     franka.rviz and franka.foxglove.json, here
  segue views robot:=franka namespace:=left --out views
  rviz2 -d franka.rviz --ros-args -p use_sim_time:=true          beside a graph that runs; docs/viewing.md
"""


def add_parser(subparsers: Any) -> None:
    """Add `views` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "views",
        help="write an RViz configuration and a Foxglove layout for a robot",
        description="Robot, frames, cameras and the predicted path, for RViz and for Foxglove, made from the contract.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="robot:= and namespace:=")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="where to; here when not given"
    )
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    from segue_data.contracts import load_robot
    from segue_data.views.foxglove import live_layout
    from segue_data.views.rviz import rviz_config

    given = split_assignments(options.arguments)
    arguments = resolve_arguments(load_graph(), given)
    say_not_among(("robot", "namespace"), given)
    robot, own = (
        load_robot(str(arguments["robot"])),
        checked_namespace(str(arguments["namespace"]), arguments),
    )
    namespace = own and f"/{own}"
    options.out.mkdir(parents=True, exist_ok=True)
    name = "-".join([*filter(None, own.split("/")), robot.name])
    texts = {
        f"{name}.rviz": rviz_config(robot, namespace),
        f"{name}.foxglove.json": json.dumps(live_layout(robot, namespace), indent=2) + "\n",
    }
    for file, text in texts.items():
        write_text(options.out / file, text)
        print(options.out / file)
    return int(ExitStatus.SUCCESS)
