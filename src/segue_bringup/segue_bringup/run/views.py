"""`segue views`: what RViz and Foxglove should show of a robot."""

import json

from segue_bringup.arguments import resolve_arguments
from segue_bringup.graph import load_graph
from segue_bringup.resolution import checked_namespace
from segue_bringup.settings import ViewsOptions
from segue_bringup.usage import say_not_among
from segue_core.exit_status import ExitStatus
from segue_data.storage.atomic import write_text


def run(options: ViewsOptions) -> int:
    """Do it; the exit status."""
    from segue_data.contracts import load_robot
    from segue_data.views.foxglove import live_layout
    from segue_data.views.rviz import rviz_config

    arguments = resolve_arguments(load_graph(), options.launch)
    say_not_among(("robot", "namespace"), options.launch)
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
