"""Node parameters from one typed model: declared with description and range, unknown names refused."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterUninitializedException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.plain import from_plain, is_text, null_of, plain_default, type_of
from segue_core.errors import ConfigError, ErrorCode

ModelT = TypeVar("ModelT", bound=StrictModel)

_TYPES: Mapping[type, Parameter.Type] = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
}
_ARRAYS: Mapping[type, Parameter.Type] = {
    bool: Parameter.Type.BOOL_ARRAY,
    int: Parameter.Type.INTEGER_ARRAY,
    float: Parameter.Type.DOUBLE_ARRAY,
    str: Parameter.Type.STRING_ARRAY,
}
_BUILT_IN = ("use_sim_time", "start_type_description_service", "autostart", "qos_overrides.")


def declare(node: Node, model: type[ModelT], changeable: Collection[str] = ()) -> ModelT:
    """Declares every field of `model` on `node` and returns the values it was started with.

    All are read-only but the `changeable` ones, see `segue_ros.parameter_changes`.

    Fields are bool, int, float, str, tuples of one of these, or what `segue_core.contracts.plain` makes plain; a field
    without default must be given.

    Raises:
        ConfigError: an unknown, missing or invalid parameter, naming the node and the valid names.
    """
    values = {
        name: _declare(node, name, field, name not in changeable)
        for name, field in model.model_fields.items()
    }
    values.update(_unknown(node, values))
    given = {name: value for name, value in values.items() if value is not None}
    return parse_model(from_plain(given, model), model, f"parameters of node {node.get_name()}")


def _declare(node: Node, name: str, field: FieldInfo, read_only: bool) -> Any:
    if not node.has_parameter(name):
        kind = Parameter.Type.STRING if is_text(field) else _parameter_type(type_of(field))
        default = _plain(plain_default(field))
        try:
            node.declare_parameter(
                name, kind if default is None else default, _descriptor(field, kind, read_only)
            )
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            where = f"parameter {name!r} of node {node.get_name()}"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"{where}: {error}") from error
    try:
        return node.get_parameter(name).value
    except ParameterUninitializedException:
        return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parameter_type(annotation: Any) -> Parameter.Type:
    if get_origin(annotation) is tuple:
        return _ARRAYS[get_args(annotation)[0]]
    return _TYPES.get(annotation, Parameter.Type.STRING)


def _descriptor(field: FieldInfo, kind: Parameter.Type, read_only: bool) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=field.description or "", read_only=read_only, type=kind.value
    )
    # "rate_hz: 30" is a number too, and a text may spell one: the model checks it
    descriptor.dynamic_typing = kind in (Parameter.Type.DOUBLE, Parameter.Type.INTEGER)
    null, high = null_of(field), _bound(field, "le")
    low = _bound(field, "ge") if null is None else null
    if kind is Parameter.Type.INTEGER and low is not None and high is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    if kind is Parameter.Type.DOUBLE and low is not None and high is not None:
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    return descriptor


def _bound(field: FieldInfo, name: str) -> float | None:
    found = [getattr(entry, name) for entry in field.metadata if hasattr(entry, name)]
    return found[0] if found else None


def _unknown(node: Node, known: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that the node was started with and that no field has; rclpy would drop them silently."""
    overrides: Mapping[str, Parameter[Any]] = getattr(node, "_parameter_overrides", {})
    return {
        name: parameter.value
        for name, parameter in overrides.items()
        if name not in known and not name.startswith(_BUILT_IN) and not node.has_parameter(name)
    }
