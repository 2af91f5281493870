"""A method: what it is called, how it is trained and served. Found by name wherever it is installed.

    in this package    methods/<folder>/method.py with METHODS, a tuple of `Method`
    in any other       an entry point of the group `segue.methods`: NAME = "package.module:METHOD"

Neither touches a file that is there already. Torch, and whatever else is slow to import, stays behind the strings.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.registry import installed

GROUP = "segue.methods"
FOLDERS = f"{__package__}.methods"
MODULE = "method"


@dataclass(frozen=True)
class Method:
    """How a policy, or a progress estimator, is found, trained and served.

    A string is "package.module:name", imported when it is needed.

    Args:
        name: what `policy:=`, `--policy` and `segue train` call it, and the `method` of its checkpoints.
        policy: from a `Deployment` to a `segue_core.policy.Policy`: a class or a function; "" for what is none.
        settings: a `MethodConfig`, what can be set in training; "" for what is not trained here.
        learner: from (settings, demonstrations) to a `training.loop.Learner`; "" likewise.
        info: from a `Deployment` to its `PolicyInfo` without building the policy; "": what the checkpoint says, and the
            policy's own where there is no checkpoint.
        estimator: from a `Deployment` to a `segue_core.progress.estimator.ProgressEstimator`, for a method that looks
            on while any policy works; "" for others.
        estimator_info: from a `Deployment` to its `EstimatorInfo` without building the estimator.
        online: from (checkpoint folder, `samples.rollouts.Rollout`s, settings, new folder) to scores by name: writes
            the checkpoint finetuned with the episodes of a policy; "" for what does not learn so.
        options: a `StrictModel`, what a deployment may say of how it answers (`policy_options`); "" for nothing.
        network: a `StrictModel`, what `network` of its checkpoints must be, so that sizes are judged without building
            them; method, horizon and history are added where it has them. "": only the policy judges.
        tokens: from (settings of a training, checkpoint folder or None) to a `segue_eval.bench.tokens.Streams`, what
            `segue bench tokens` times; "" for what does not answer token by token.
        description: one sentence for people.
        continuation: the one when none is asked for.
        stride: ticks between two inference starts with that continuation, when nothing else is asked for; fewer where a
            checkpoint's horizon leaves no rows for the delay after so many.
        delay: ticks that an inference takes, likewise.
        capabilities: what every checkpoint of it can do, see `segue_core.sampling`.
        checkpoint: whether it needs a folder of trained weights.
        corrections: whether `learner` takes corrections as its third argument.
        privileged: whether it is told the simulator's state, in `Deployment.world`, and shown no observation.
        recognises: from a folder to whether it holds a checkpoint of this method that is not in our format.
    """

    name: str
    policy: str = ""
    settings: str = ""
    learner: str = ""
    info: str = ""
    estimator: str = ""
    estimator_info: str = ""
    online: str = ""
    options: str = ""
    network: str = ""
    tokens: str = ""
    description: str = ""
    continuation: str = "naive_async"
    stride: int = 30
    delay: int = 8
    capabilities: frozenset[str] = frozenset()
    checkpoint: bool = True
    corrections: bool = False
    privileged: bool = False
    recognises: str = ""

    def resolve(self, what: str) -> Any:
        """The object that a string of this method names, such as `resolve("policy")`.

        Raises:
            ConfigError: it cannot be imported; the text says why.
        """
        where = getattr(self, what)
        try:
            return pkgutil.resolve_name(where)
        except (ImportError, AttributeError, ValueError) as error:
            text = f"method {self.name!r}: its {what} {where!r} cannot be imported: {error}"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text) from error


def method_names() -> tuple[str, ...]:
    """All methods, ours and installed, sorted."""
    return tuple(sorted({*own_methods(), *installed(GROUP)}))


def methods() -> tuple[Method, ...]:
    """All of them, in the order of their names."""
    return tuple(find_method(name) for name in method_names())


def policy_names() -> tuple[str, ...]:
    """Names of the methods that are policies, sorted; what is installed is taken for one until it is needed."""
    others = {name for name, method in own_methods().items() if not method.policy}
    return tuple(sorted({*method_names()} - others))


def trainable() -> tuple[str, ...]:
    """Names of the methods that `segue train` trains."""
    return tuple(method.name for method in methods() if method.learner)


def find_method(name: str) -> Method:
    """The method called `name`; one of ours cannot be replaced by an entry point.

    Raises:
        ConfigError: no such method, with those there are; or an entry point that does not name a `Method`.
    """
    ours = own_methods()
    if name in ours:
        return ours[name]
    entries = installed(GROUP)
    if name not in entries:
        raise unknown_name("method", name, (*ours, *entries))
    return _loaded(entries[name])


def method_that_recognises(folder: Path) -> Method | None:
    """The method whose own kind of checkpoint is in `folder`, if there is one."""
    asked = (method for method in methods() if method.recognises)
    return next((method for method in asked if method.resolve("recognises")(folder)), None)


@cache
def own_methods() -> Mapping[str, Method]:
    """Methods of the folders in `methods`, by name."""
    folders = importlib.import_module(FOLDERS).__path__
    packages = (module.name for module in pkgutil.iter_modules(folders) if module.ispkg)
    modules = (f"{FOLDERS}.{name}.{MODULE}" for name in packages)
    there = (name for name in modules if importlib.util.find_spec(name) is not None)
    return {method.name: method for name in there for method in importlib.import_module(name).METHODS}


def _loaded(entry: EntryPoint) -> Method:
    source = f"entry point {entry.name} = {entry.value} of {GROUP}"
    try:
        method = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"{source}: {error}") from error
    if not isinstance(method, Method) or method.name != entry.name:
        got = f"Method {method.name!r}" if isinstance(method, Method) else type(method).__name__
        expected = f"a Method called {entry.name!r}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, source, got=got, expected=expected)
    return method
