"""Reads the fields of a msgspec Struct for a reference page: name, type, default and what it means.

The meaning of a field is looked for in three places, in this order: a text standing below it in the
class, a part "name: meaning." of the class docstring, and `Meta(description=...)` in its annotation,
which may only say what kind of value it is.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from carrythrough.authoring.meanings import meanings_of


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a configuration. default: as text, "" for none (the field is required)."""

    name: str
    kind: str
    default: str
    required: bool
    meaning: str
    struct: type | None = None


def fields_of(struct: type) -> Iterator[Field]:
    """Yield the fields of `struct` in their order; nested structs are named in `Field.struct`."""
    info = msgspec.inspect.type_info(struct)
    if not isinstance(info, msgspec.inspect.StructType):
        raise TypeError(f"{struct} is no msgspec Struct")
    texts = _texts_below(struct)
    names = [*(field.name for field in info.fields), *(field.encode_name for field in info.fields)]
    parts = meanings_of(struct.__doc__ or "", names)
    for field in info.fields:
        kind, description = _unwrap(field.type)
        yield Field(
            name=field.encode_name,
            kind=_type_words(kind),
            default=_default_words(field),
            required=field.required,
            meaning=texts.get(field.name)
            or parts.get(field.encode_name)
            or parts.get(field.name)
            or description,
            struct=_struct_in(kind),
        )


def _unwrap(kind: Any) -> tuple[Any, str]:
    """Return the type without its metadata, and the description found on the way."""
    description = ""
    while isinstance(kind, msgspec.inspect.Metadata):
        extra = kind.extra_json_schema or {}
        description = description or str(extra.get("description", ""))
        kind = kind.type
    return kind, description


def _struct_in(kind: Any) -> type | None:
    if isinstance(kind, msgspec.inspect.StructType):
        return kind.cls
    if isinstance(kind, msgspec.inspect.DictType):
        return _struct_in(_unwrap(kind.value_type)[0])
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((found for part in kind.types if (found := _struct_in(_unwrap(part)[0]))), None)
    return None


_NAMES = {
    "AnyType": "anything",
    "BoolType": "true or false",
    "BytesType": "bytes",
    "FloatType": "number",
    "IntType": "integer",
    "NoneType": "none",
    "StrType": "text",
}
_BOUNDS = (
    ("ge", "≥"),
    ("gt", ">"),
    ("le", "≤"),
    ("lt", "<"),
    ("min_length", "length ≥"),
    ("max_length", "length ≤"),
)


def _type_words(kind: Any) -> str:
    kind, _ = _unwrap(kind)
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            return f"table {cls.__name__}"
        case msgspec.inspect.LiteralType(values=values):
            return " or ".join(f"`{value}`" for value in values)
        case msgspec.inspect.UnionType(types=types):
            known = [_type_words(part) for part in types if not isinstance(part, msgspec.inspect.NoneType)]
            return " or ".join(known)
        case msgspec.inspect.DictType(value_type=value):
            return f"table of {_type_words(value)}"
        case (
            msgspec.inspect.ListType(item_type=item)
            | msgspec.inspect.VarTupleType(item_type=item)
            | msgspec.inspect.SetType(item_type=item)
            | msgspec.inspect.FrozenSetType(item_type=item)
        ):
            return f"list of {_type_words(item)}"
        case msgspec.inspect.CustomType(cls=cls):
            return "path" if cls.__name__ == "Path" else cls.__name__.lower()
    name = _NAMES.get(type(kind).__name__, type(kind).__name__)
    bounds = [
        f"{sign} {limit}" for bound, sign in _BOUNDS if (limit := getattr(kind, bound, None)) is not None
    ]
    return f"{name}, {', '.join(bounds)}" if bounds else name


def _default_words(field: msgspec.inspect.Field) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
        return f"`{json.dumps(value)}`" if isinstance(value, dict | list | tuple) else ""
    if field.default is msgspec.NODEFAULT or field.default is None or field.default == "":
        return ""
    if not isinstance(field.default, str | int | float | list | tuple | dict):
        return ""  # a secret, or another value that a settings file cannot spell
    return f"`{json.dumps(field.default, default=str)}`"


def _texts_below(struct: type) -> dict[str, str]:
    """Return the texts that stand below fields in the source of the class."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    return found


def table(fields: Iterator[Field], prefix: str = "") -> str:
    """Return the fields as a Markdown table; `prefix` stands before each name ("limits.")."""
    lines = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for field in fields:
        default = "required" if field.required else field.default or "–"
        cells = (f"`{prefix}{field.name}`", field.kind, default, field.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
