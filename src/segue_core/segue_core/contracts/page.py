"""The robot contract as a page: every field with its default and meaning, from the models that check it.

docs/your-own-robot.md carries the text between two marks; a test keeps it as the models are.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from segue_core.contracts.robot import RobotConfig

BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"
_KIND = "kind"


def contract_fields() -> str:
    """Markdown: a heading and a table for the contract and for every section of it, depth first."""
    return "\n".join(_section(RobotConfig, "", set())).strip() + "\n"


def settings_fields(titles: Mapping[str, type[BaseModel]]) -> str:
    """The same for other models, each under its title."""
    seen: set[type[BaseModel]] = set()
    sections = [[f"### {title}", *list(_section(model, "", seen))[1:]] for title, model in titles.items()]
    return "\n".join(line for section in sections for line in section).strip() + "\n"


def with_fields(page: str, fields: str | None = None) -> str:
    """`page` with the text between the marks replaced, by the contract's fields unless others are given.

    Raises ValueError when there are no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n\n{fields or contract_fields()}\n{END}{after}"


def _section(model: type[BaseModel], path: str, seen: set[type[BaseModel]]) -> Iterator[str]:
    seen.add(model)
    yield from (
        f"### {_title(model, path)}",
        "",
        _summary(model),
        "",
        "| field | default | what |",
        "|---|---|---|",
    )
    for name, field in model.model_fields.items():
        yield f"| `{name}` | {_default(field)} | {_meaning(name, field)} |"
    yield ""
    for name, field in model.model_fields.items():
        for part in _models_in(field.annotation):
            if part not in seen:
                yield from _section(part, f"{path}{_step(name, field.annotation)}", seen)


def _title(model: type[BaseModel], path: str) -> str:
    if not path:
        return "The contract"
    kind = model.model_fields.get(_KIND)
    chosen = kind is not None and isinstance(kind.default, str)
    return f"`{path.rstrip('.')}`" + (f" of kind `{kind.default}`" if kind is not None and chosen else "")


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _step(name: str, annotation: Any) -> str:
    """One step of a key path: `arms[].` for a list, `cameras.<name>.` for a mapping."""
    kinds = {get_origin(part) for part in (annotation, *get_args(annotation))}
    return f"{name}[]." if tuple in kinds else f"{name}.<name>." if dict in kinds else f"{name}."


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return ""
    return f"`{json.dumps(value)}`"


def _meaning(name: str, field: FieldInfo) -> str:
    parts = _models_in(field.annotation)
    text = field.description or (_summary(parts[0]).rstrip(".") if parts else "")
    if not text and name == _KIND:
        text = "this kind"
    return text.replace("|", "\\|")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
