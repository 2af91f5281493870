"""Names of a driver's topics: relative ones are in the namespace of our node, as the driver is."""

from typing import TypeVar

from rclpy.node import Node

from segue_control.hardware.settings import CommandTopic, GripperMap, StateTopic, TopicOptions

TopicT = TypeVar("TopicT", StateTopic, CommandTopic)


def in_full(node: Node, options: TopicOptions) -> TopicOptions:
    """The options with every topic and action by its full name."""

    def full(topic: TopicT) -> TopicT:
        return topic.model_copy(update={"topic": node.resolve_topic_name(topic.topic)})

    def gripper(told: GripperMap) -> GripperMap:
        if not told.command.topic:
            return told
        command = told.command.model_copy(update={"topic": node.resolve_topic_name(told.command.topic)})
        return told.model_copy(update={"command": command})

    changed = {
        "states": tuple(full(topic) for topic in options.states),
        "commands": tuple(full(topic) for topic in options.commands),
        "grippers": {name: gripper(told) for name, told in options.grippers.items()},
    }
    return options.model_copy(update=changed)
