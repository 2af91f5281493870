"""Parameters that may change while a node lives: checked together with all the others, refused with the reason."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.plain import from_plain
from segue_core.errors import SegueError

ModelT = TypeVar("ModelT", bound=StrictModel)


class Changes(Generic[ModelT]):
    """Follows `ros2 param set` on a node whose parameters are the fields of one model (see `parameters.declare`).

    Args:
        given: the values that the node has now.
        names: the fields that may change.
        why_not: why new values cannot be taken now, or empty; may raise SegueError, whose text is the reason.
        take: gets the new values once they are set.
    """

    def __init__(
        self,
        node: Node,
        given: ModelT,
        names: Collection[str],
        why_not: Callable[[ModelT], str],
        take: Callable[[ModelT], None],
    ) -> None:
        self._node, self._given, self._names = node, given, frozenset(names)
        self._why_not, self._take = why_not, take
        node.add_on_set_parameters_callback(self._judge)
        node.add_post_set_parameters_callback(self._apply)

    def close(self) -> None:
        """Follow no more."""
        self._node.remove_on_set_parameters_callback(self._judge)
        self._node.remove_post_set_parameters_callback(self._apply)

    def _judge(self, asked: Sequence[Parameter[Any]]) -> SetParametersResult:
        if not self._concerns(asked):
            return SetParametersResult(successful=True)
        try:
            reason = self._why_not(self._with(asked))
        except SegueError as error:
            reason = str(error)
        return SetParametersResult(successful=not reason, reason=reason)

    def _apply(self, changed: Sequence[Parameter[Any]]) -> None:
        if self._concerns(changed):
            self._given = self._with(changed)
            self._take(self._given)

    def _concerns(self, parameters: Sequence[Parameter[Any]]) -> bool:
        return any(parameter.name in self._names for parameter in parameters)

    def _with(self, changed: Sequence[Parameter[Any]]) -> ModelT:
        new = {parameter.name: parameter.value for parameter in changed if parameter.name in self._names}
        where = f"parameters of node {self._node.get_name()}"
        model = type(self._given)
        return parse_model({**self._given.model_dump(), **from_plain(new, model)}, model, where)
