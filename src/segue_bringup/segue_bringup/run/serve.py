"""`segue serve`: the policy alone, on a machine of its own beside `segue run --remote-policy` on the robot's."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from segue_bringup.arguments import given_arguments
from segue_bringup.graph import load_graph
from segue_bringup.resolution import Plan, make_plan
from segue_bringup.settings import POLICY_SIDE, ServeOptions
from segue_bringup.usage import say_unused
from segue_core.exit_status import ExitStatus

_POLL_S = 0.05


def run(options: ServeOptions) -> int:
    """Do it; the exit status. A policy that ends by itself is a ConfigError with the end of its log."""
    from segue_bringup.run.folder import create_run_folder
    from segue_bringup.run.interrupts import Interrupts
    from segue_bringup.run.refusals import refuse_before_start
    from segue_bringup.supervision.instance import acquire_domain

    graph = load_graph().only(POLICY_SIDE)
    given = given_arguments(graph, options.launch)
    plan = make_plan(graph, given)
    say_unused(graph, plan, options.launch, ("robot", "task", "policy", "runs"))
    refuse_before_start(plan)
    parent = Path(str(plan.arguments["runs"]))
    folder = create_run_folder(parent, "serve", str(plan.arguments["policy"]), datetime.now().astimezone())
    lock = acquire_domain(os.environ, plan.namespace)
    os.environ["ROS_DOMAIN_ID"] = str(lock.domain)
    try:
        with Interrupts() as interrupts:
            _keep(plan, folder, interrupts)
    finally:
        lock.release()
    return int(ExitStatus.SUCCESS)


def _keep(plan: Plan, folder: Any, interrupts: Any) -> None:
    from segue_bringup.supervision.commands import (
        make_fork_server,
        node_command,
        node_environment,
        write_parameters,
    )
    from segue_bringup.supervision.supervisor import Job, Supervisor

    with make_fork_server(plan) as server, Supervisor(print, server=server) as supervisor:
        for node in plan.nodes:
            command = node_command(node, write_parameters(node, folder.parameters))
            environment = node_environment(node, os.environ)
            log = folder.log(node.name)
            supervisor.start(
                Job(node.name, command, environment, log, node.required, node.respawn, node.nice)
            )
        domain = os.environ["ROS_DOMAIN_ID"]
        peers = os.environ.get("ROS_STATIC_PEERS") or "none"
        print(
            f"serving {plan.arguments['policy']} on ROS domain {domain}, peers: {peers}; Ctrl-C ends",
            flush=True,
        )
        while not interrupts.count:
            supervisor.poll()
            time.sleep(_POLL_S)
