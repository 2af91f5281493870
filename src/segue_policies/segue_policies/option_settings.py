"""`guidance:=2.0`: what the method of a command's policy declares as its options, as settings of that command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from segue_core.command_line.form import Form
from segue_core.command_line.models import settings_of
from segue_core.command_line.setting import Setting
from segue_core.command_line.spelling import first_places
from segue_core.contracts.base import load_mapping
from segue_core.contracts.search import config_files, name_of
from segue_core.errors import ConfigError, ErrorCode
from segue_data.contracts import config_folder
from segue_policies.method import Method, find_method, methods
from segue_policies.policy_entry import policy_entry
from segue_policies.policy_loading import method_in

KEY = "policy_options"
"""The setting that they are a part of; a command that does not show it takes none."""


def with_policy_options(form: Form, words: Sequence[str]) -> Form:
    """The form with the options of the policy that the words name, by their names; a name that is taken stays.

    Raises:
        ConfigError: no such policy. PolicyError: it is that of a checkpoint that cannot be read.
    """
    settings = {one.key or one.name: one for one in form.settings if one.listed}
    if KEY not in settings:
        return form
    method = _method(settings["policy"], form, words)
    form = replace(form, elsewhere=methods_with)
    if method is None or not method.options:
        return form
    return _with(form, option_settings(method, {name for one in form.settings for name in one.spellings}))


def methods_with(name: str) -> tuple[str, ...]:
    """Those that let a deployment say `name`."""
    return tuple(one.name for one in methods() if name in {each.name for each in option_settings(one)})


def option_settings(method: Method, taken: set[str] | frozenset[str] = frozenset()) -> tuple[Setting, ...]:
    """What a method lets a deployment say, but for names that are `taken` and models within its model."""
    if not method.options:
        return ()
    declared = settings_of(method.resolve("options"))
    plain = (one for one in declared if "." not in one.name and one.name not in taken)
    return tuple(replace(one, group=f"Answers of {method.name}") for one in plain)


def _with(form: Form, options: tuple[Setting, ...]) -> Form:
    names = {one.name for one in options}

    def build(values: Mapping[str, Any]) -> Any:
        said = {name: value for name, value in values.items() if name in names}
        rest = {name: value for name, value in values.items() if name not in names}
        return form.build({**rest, KEY: _together(rest.get(KEY, ""), said)} if said else rest)

    return replace(form, settings=(*form.settings, *options), build=build)


def _together(given: str, said: Mapping[str, Any]) -> str:
    """One text of options, of a whole text and those that were said by name."""
    whole = load_mapping(given, KEY)
    for name, value in said.items():
        if whole.get(name, value) != value:
            text = f"{KEY} and {name}:= say different things; leave one out"
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=f"{whole[name]}, {value}")
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
    return yaml.safe_dump({**whole, **plain}, default_flow_style=True, width=10**6, sort_keys=False).strip()


def _method(policy: Setting, form: Form, words: Sequence[str]) -> Method | None:
    """The method of the policy that is named, else of the checkpoint, else the usual one; None for a foreign node."""
    named = first_places(words, form.settings, ("policy", "checkpoint"))
    if "policy" not in named and named.get("checkpoint"):
        return method_in(Path(named["checkpoint"]).expanduser())
    name = name_of("policies", named.get("policy", str(policy.default)))
    method = policy_entry(name, config_files("policies", config_folder())).method
    return find_method(method) if method else None
