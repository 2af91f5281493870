"""From a deployment to an expert: that of our own simulator, or of a world that others wrote."""

from __future__ import annotations

from segue_core.policy import Policy, PolicyInfo
from segue_core.world import WorldPlant
from segue_policies.deployment import Deployment
from segue_sim.scripted.policy import ScriptedPolicy, scripted_info
from segue_sim.scripted.world_policy import WorldScriptedPolicy


def scripted(deployment: Deployment) -> Policy:
    """Builds the replica of our own world, which takes a moment; another's is its own replica."""
    if isinstance(deployment.world, WorldPlant):
        return WorldScriptedPolicy(deployment.for_robot(), deployment.world)
    return ScriptedPolicy(*deployment.simulated(), deployment.world)


def info(deployment: Deployment) -> PolicyInfo:
    """What it is, without a replica."""
    return scripted_info(deployment.for_robot())
