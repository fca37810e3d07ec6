"""Writes the table of settings into docs/operators.md, from config.py: names, types, defaults, and the line under each field.

`python tools/settings_table.py` writes; tests/tidy compares.
"""

import ast
import inspect
import sys
import types
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tidegate import config

DOCUMENT = Path(__file__).parents[1] / "docs" / "operators.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def meanings() -> dict[str, dict[str, str]]:
    """For each class of config.py, the docstring under each of its fields, on one line."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(config)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = found.setdefault(node.name, {})
        for field, after in zip(node.body, node.body[1:], strict=False):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=said)):
                    fields[name] = " ".join(str(said).split())
    return found


def type_words(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(annotation))
    if get_origin(annotation) is types.UnionType:
        return " or ".join(type_words(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is dict:
        return "table"
    if get_origin(annotation) in (list, tuple):
        return "list"
    return {
        SecretStr: "secret text",
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
    }.get(annotation, getattr(annotation, "__name__", str(annotation)))


def default_words(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory_takes_validated_data:
        return "by `kind`"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", {}, ()):
        return ""
    if isinstance(value, dict):
        return ", ".join(f'`{key} = "{item}"`' for key, item in value.items())
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def section(name: str, model: type[BaseModel], says: dict[str, dict[str, str]]) -> list[str]:
    """A heading and a table for one section; sections inside it follow."""
    lines = [f"### `[{name}]`" if name else "### At the top", ""]
    about = (inspect.getdoc(model) or "").split("\n\n")[0]
    if about and model.__doc__ and name:
        lines += [" ".join(about.split()), ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    nested: list[tuple[str, type[BaseModel]]] = []
    for key, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, types.UnionType) and len(get_args(inner)) == 2:
            inner = next(part for part in get_args(inner) if part is not type(None))
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            nested.append((f"{name}.{key}".strip("."), inner))
            continue
        if (
            get_origin(inner) is dict
            and isinstance(get_args(inner)[1], type)
            and issubclass(get_args(inner)[1], BaseModel)
        ):
            nested.append((f"{name}.{key}.<name>".strip("."), get_args(inner)[1]))
            continue
        meaning = says.get(model.__name__, {}).get(key, "").replace("|", "\\|")
        lines.append(f"| `{key}` | {type_words(inner)} | {default_words(field)} | {meaning} |")
    lines.append("")
    for inner_name, inner_model in nested:
        lines += section(inner_name, inner_model, says)
    return lines


def table() -> str:
    return "\n".join(section("", config.Settings, meanings())).rstrip() + "\n"


def written(document: str) -> str:
    """The document with the table of now between its marks."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
    sys.exit(0)
