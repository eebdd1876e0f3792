"""Reading one table of the settings into a Struct, with errors that a person can act on.

Every error names the configuration key, the rule and the fix; an unknown key gets a suggestion. No
error ever repeats the value of a secret.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.plugin import Secret, SettingError

SECRET_BYTES_MAX = 64 * 1024
"""A secret file larger than this is a mistake (a key bundle, a log), not a secret."""

_T = TypeVar("_T", bound=msgspec.Struct)
_PATH = re.compile(r"^(?P<text>.*) - at `\$(?P<path>.*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<key>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<key>.*)`$", re.DOTALL)


def read_struct(struct: type[_T], table: Mapping[str, Any], where: str, *, title: str) -> _T:
    """Return `table` as a `struct`; `where` is the key of the table ("adapters.crm").

    A field of type Secret takes the text itself, {env = "NAME"} or {file = "path"}. Raises
    PermanentError with code "adapter-setting".
    """
    try:
        return msgspec.convert(table, struct, dec_hook=_decode)
    except msgspec.ValidationError as error:
        problem = _problem(struct, error, where, title)
    raise PermanentError(problem)


def _decode(kind: type, value: object) -> object:
    """Decode the one type that msgspec does not know."""
    if kind is not Secret:
        raise NotImplementedError(f"a configuration cannot hold a {kind.__name__}")
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping) and len(value) == 1:
        source, name = next(iter(value.items()))
        if source == "env" and isinstance(name, str):
            return Secret(_from_environment(name))
        if source == "file" and isinstance(name, str):
            return Secret(_from_file(name))
    raise SettingError("", 'a secret is a text, {env = "NAME"} or {file = "path"}')


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingError("", f"the environment variable {name} is not set or empty", f"set {name}")
    return value


def _from_file(name: str) -> str:
    path = Path(name)
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise SettingError("", f"the file {name} cannot be read: {error.strerror}") from None
    if len(content) > SECRET_BYTES_MAX:
        raise SettingError("", f"the file {name} is over {SECRET_BYTES_MAX} bytes")
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingError("", f"the file {name} is not UTF-8 text") from None
    if not text:
        raise SettingError("", f"the file {name} is empty")
    return text


def _problem(struct: type[msgspec.Struct], error: msgspec.ValidationError, where: str, title: str) -> Problem:
    """Turn msgspec's sentence into our problem."""
    text, path = str(error), ""
    if match := _PATH.match(text):
        text, path = match["text"], match["path"]
    fix = ""
    if isinstance(cause := error.__cause__, SettingError):
        path = path or (f".{cause.key}" if cause.key else "")
        fix = cause.fix
    elif match := _UNKNOWN.match(text):
        key = match["key"]
        known = [field.encode_name for field in msgspec.structs.fields(struct)] if not path else []
        path, text, fix = f"{path}.{key}", f"unknown key `{key}`", _suggestion(key, known)
    elif match := _MISSING.match(text):
        key = match["key"]
        path, text, fix = f"{path}.{key}", f"the key `{key}` is missing", f"add `{key}`"
    key = path.lstrip(".").partition(".")[0].partition("[")[0]
    return Problem(
        code="adapter-setting",
        status=400,
        title=title,
        detail=text,
        where=f"{where}{path}",
        rule=_rule(struct, key),
        fix=fix,
    )


def _suggestion(key: str, known: list[str]) -> str:
    if not known:
        return f"remove `{key}`"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"remove it; known keys: {', '.join(known)}"


def _rule(struct: type[msgspec.Struct], key: str) -> str:
    """Return what the Struct says about a key (its `Meta` description), or the keys that there are."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if key in fields:
        said = field_description(fields[key])
        return f"`{key}`: {said}" if said else ""
    return f"keys: {', '.join(fields)}"


def field_description(field: msgspec.structs.FieldInfo) -> str:
    """Return the `Meta(description=...)` of a field, "" when it has none."""
    for meta in getattr(field.type, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return ""
