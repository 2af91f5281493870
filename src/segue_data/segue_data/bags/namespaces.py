"""Topics of a graph that ran under a ROS namespace, by the names that tools know.

    in the bag      /left/segue/command   /left/joint_states   /tf
    by plain name        /segue/command        /joint_states   /tf      namespace /left

A bag may hold other robots' topics beside its own (`ros2 bag record -a`); the manifest then says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segue_data.errors import Source, corrupt

GLOBAL = frozenset({"/tf", "/tf_static"})
"""Topics that all robots share, whatever their namespace."""

_OURS = tuple(f"/segue/{name}" for name in ("command", "observation", "state", "task_state", "safety"))


def in_namespace(topic: str, namespace: str) -> str:
    """What the topic with the plain name `topic` is called in `namespace` ("/left", or empty)."""
    return topic if topic in GLOBAL else f"{namespace}{topic}"


def namespace_of(topics: Iterable[str], source: Source) -> str:
    """The namespace that Segue's own topics are in: "/left", or empty for none.

    Raises:
        DataError: there are several, so it is not known whose recording this is.
    """
    found = {topic.removesuffix(own) for topic in topics for own in _OURS if topic.endswith(own)}
    if len(found) > 1:
        got = ", ".join(sorted(name or "(none)" for name in found))
        what = f"robots of several namespaces: {got}; say whose it is in manifest.json, as in"
        raise corrupt(source, "topics", f'{what} "namespace": "{max(found)}"')
    return found.pop() if found else ""


def plain_names(topics: Iterable[str], namespace: str) -> Mapping[str, str]:
    """Recorded name to plain name, for every topic that is not hidden by one of the namespace's own."""
    there = list(topics)
    own = {topic: topic.removeprefix(namespace) for topic in there if topic.startswith(f"{namespace}/")}
    taken = set(own.values())
    return {**own, **{topic: topic for topic in there if topic not in own and topic not in taken}}
