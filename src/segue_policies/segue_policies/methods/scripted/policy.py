"""From a deployment to the expert of `segue_sim.scripted`."""

from __future__ import annotations

from segue_core.policy import PolicyInfo
from segue_policies.deployment import Deployment
from segue_sim.scripted.policy import ScriptedPolicy, scripted_info


def scripted(deployment: Deployment) -> ScriptedPolicy:
    """Builds the replica of the world, which takes a moment."""
    return ScriptedPolicy(deployment.for_robot(), deployment.for_task(), deployment.world)


def info(deployment: Deployment) -> PolicyInfo:
    """What it is, without a replica."""
    return scripted_info(deployment.for_robot())
