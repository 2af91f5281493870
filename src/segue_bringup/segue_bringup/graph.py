"""The graph of processes as plain data: `config/graph/<name>.yaml` and its typed model. No ROS here."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from segue_bringup.catalogue import path_of
from segue_bringup.graph_settings import with_settings
from segue_core.contracts.base import StrictModel
from segue_core.errors import unknown_name
from segue_core.files import load_config

Scalar = bool | int | float | str

Bound = Annotated[float, Field(ge=-(2**53), le=2**53)]  # seeds are exact up to there


class Argument(StrictModel):
    """A launch argument; its type is that of its default."""

    default: Scalar = Field(description="value when none is given; text may use ${...}")
    description: str = Field(min_length=1, description="one line for people")
    choices: tuple[str, ...] = Field(default=(), description="the only valid values, if they are few")
    config: str | None = Field(
        default=None, description="folder of config/ whose file names are the valid values"
    )
    low: Bound | None = Field(default=None, description="least valid number")
    high: Bound | None = Field(default=None, description="largest valid number")

    @model_validator(mode="after")
    def _bounded(self) -> "Argument":
        bounds = (self.low, self.high)
        if isinstance(self.default, str) and any(bound is not None for bound in bounds):
            raise ValueError(f"default: got {self.default!r}; low and high bound numbers, and this is a text")
        return self


class Derived(StrictModel):
    """A value that follows from an argument: `${name}` stands for the entry of what was chosen."""

    argument: str = Field(description="the argument that decides")
    values: Mapping[str, Scalar] = Field(description="the value for each of its choices")


class Respawn(StrictModel):
    """What to do when a node exits by itself before the graph is stopped."""

    attempts: int = Field(default=0, ge=0, le=100, description="restarts before it counts as failed")
    delay_s: float = Field(default=1.0, ge=0, le=60, description="pause before each restart [s]")


class Ready(StrictModel):
    """When a started node counts as ready. At least one condition; all of them must hold."""

    state: str | None = Field(default=None, description="lifecycle state that the node must report")
    service: str | None = Field(default=None, description="service that must be offered")
    timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="time to become ready, from when a node last came further [s]"
    )


class GraphNode(StrictModel):
    """One process of the graph."""

    name: str = Field(min_length=1, description="ROS node name")
    package: str = Field(min_length=1, description="package of the executable")
    executable: str = Field(min_length=1, description="executable of that package")
    when: Mapping[str, Scalar | tuple[Scalar, ...]] = Field(
        default_factory=dict, description="arguments and the value, or one of the values, they must have"
    )
    given: tuple[str, ...] = Field(default=(), description="arguments that must not be empty")
    lifecycle: bool = Field(default=False, description="a managed (lifecycle) node")
    required: bool = Field(default=False, description="the graph stops when it is gone for good")
    respawn: Respawn = Respawn()
    ready: Ready = Ready()
    settings: bool = Field(default=False, description="its parameters include the graph's settings")
    nice: Annotated[int, Field(ge=0, le=19)] | Annotated[str, Field(pattern=r"^\$\{[^}]+\}$")] = Field(
        default=0, description="how much the node yields to others on a busy machine; may be a ${...}"
    )
    urgent: bool | Annotated[str, Field(pattern=r"^\$\{[^}]+\}$")] = Field(
        default=False, description="real-time priority where the system allows it; may be a ${...}"
    )
    ends_last: bool = Field(
        default=False, description="the robot's own side: when a graph is killed it stays until the arm rests"
    )
    parameters: Mapping[str, Any] = Field(default_factory=dict, description="ROS parameters; may use ${...}")


class Graph(StrictModel):
    """A graph file."""

    description: str
    settings: Literal["", "run"] = Field(
        default="",
        description="settings whose fields are arguments, too; `arguments` may change parts of them",
    )
    arguments: Mapping[str, Argument]
    groups: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="names of arguments by what they are about, for help"
    )
    derived: Mapping[str, Derived] = Field(
        default_factory=dict, description="values that follow from an argument, for use as ${...}"
    )
    environment: Mapping[str, str] = Field(
        default_factory=dict, description="for every node, unless already set"
    )
    parameters: Mapping[str, Any] = Field(default_factory=dict, description="parameters of every node")
    namespace: str = Field(default="", description="ROS namespace of every node; may use ${...}")
    remappings: Mapping[str, str] = Field(
        default_factory=dict, description="names that every node takes for others"
    )
    nodes: tuple[GraphNode, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _settings_are_arguments(cls, data: Any) -> Any:
        return with_settings(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _names_are_known(self) -> "Graph":
        seen: set[str] = set()
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(f"node {node.name!r} is there twice")
            seen.add(node.name)
            for argument in (*node.when, *node.given):
                if argument not in self.arguments:
                    raise ValueError(
                        f"node {node.name!r}: {unknown_name('argument', argument, self.arguments).text}"
                    )
        return self

    @model_validator(mode="after")
    def _groups_have_arguments(self) -> "Graph":
        for group, members in self.groups.items():
            for name in members:
                if name not in self.arguments:
                    raise ValueError(
                        f"group {group!r}: {unknown_name('argument', name, self.arguments).text}"
                    )
        return self

    @model_validator(mode="after")
    def _derived_values_are_complete(self) -> "Graph":
        for name, derived in self.derived.items():
            if name in self.arguments:
                raise ValueError(f"derived value {name!r} has the name of an argument")
            if derived.argument not in self.arguments:
                raise ValueError(
                    f"derived value {name!r}: {unknown_name('argument', derived.argument, self.arguments).text}"
                )
            choices = self.arguments[derived.argument].choices
            if set(choices) != set(derived.values):
                raise ValueError(f"derived value {name!r} needs one value for each of: {', '.join(choices)}")
        return self

    def with_defaults(self, defaults: Mapping[str, Scalar]) -> "Graph":
        """The same graph with other defaults for some arguments; KeyError for an argument that it has not."""
        changed = {
            name: self.arguments[name].model_copy(update={"default": defaults[name]}) for name in defaults
        }
        return self.model_copy(update={"arguments": {**self.arguments, **changed}})

    def only(self, names: tuple[str, ...]) -> "Graph":
        """The same graph with just the nodes called `names`.

        Raises:
            ConfigError: a name that the graph has not.
        """
        have = [node.name for node in self.nodes]
        for name in names:
            if name not in have:
                raise unknown_name("node", name, have)
        return self.model_copy(update={"nodes": tuple(node for node in self.nodes if node.name in names)})

    def without(self, names: Collection[str]) -> "Graph":
        """The same graph without the nodes called `names`."""
        return self.only(tuple(node.name for node in self.nodes if node.name not in names))


def load_graph(name: str = "task") -> Graph:
    """The graph `config/graph/<name>.yaml`.

    Raises:
        ConfigError: unknown graph, or a file that is not a graph (names the file and the key).
    """
    path = path_of("graph", name)
    return load_config(path, Graph, "graph")
