"""Texts that people write (program maps, rosters): from bytes or characters to nodes, or a refusal with its place.

Every refusal must say file:line:column, so plain loaders that forget positions are of no use. JSON and YAML have
a reader each; what they read into stands in `authoring.nodes`.
"""

from __future__ import annotations

import codecs

from carrythrough.authoring.findings import Severity
from carrythrough.authoring.json_text import JsonReader
from carrythrough.authoring.nodes import (
    DEPTH_MAX,
    NODES_MAX,
    Lint,
    Node,
    SourceError,
    node_of,
    source_error,
)
from carrythrough.authoring.yaml_text import read_yaml
from carrythrough.errors import PermanentError, Problem

__all__ = [
    "DEPTH_MAX",
    "NODES_MAX",
    "Lint",
    "Node",
    "Severity",
    "SourceError",
    "decoded",
    "node_of",
    "read_source",
    "refusal",
]

MAP_CHARACTERS_MAX = 8_000_000
"""Length of a program map text; a map of 5,000 activities is about 2 million characters."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_FIX_ENCODING = 'save the file as UTF-8 text (in many editors: "Save as", encoding "UTF-8")'


def refusal(lints: list[Lint], code: str, title: str) -> PermanentError:
    """Return the error that refuses a text: its place is that of the first error, its detail all."""
    ordered = sorted(lints, key=lambda lint: (lint.severity != "error", lint.line, lint.column))
    first = ordered[0]
    detail = first.message if len(ordered) == 1 else "\n".join(lint.sentence() for lint in ordered)
    return PermanentError(
        Problem(
            code=code,
            status=422,
            title=title,
            detail=detail,
            where=first.where,
            rule=first.rule or first.code,
            fix=first.fix,
        )
    )


def decoded(body: bytes, filename: str) -> str:
    """Return the text of a file in UTF-8, with or without its byte order mark; raises `SourceError`."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            raise source_error(filename, 1, 1, "not-utf8", f"the file is {name}", _FIX_ENCODING)
    nothing = body.find(b"\0", 0, 1_000)
    if nothing >= 0:
        message = f"byte {nothing} is 0: the file is UTF-16, or no text at all"
        raise source_error(filename, 1, 1, "not-utf8", message, _FIX_ENCODING)
    try:
        return body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        start = body.rfind(b"\n", 0, error.start) + 1
        line = body.count(b"\n", 0, error.start) + 1
        column = len(body[start : error.start].decode("utf-8", "replace")) + 1
        message = f"byte {error.start} ({body[error.start]:#04x}) begins no UTF-8 character"
        raise source_error(filename, line, column, "not-utf8", message, _FIX_ENCODING) from None


def read_source(text: str, filename: str, characters_max: int = MAP_CHARACTERS_MAX) -> Node:
    """Read YAML or JSON text into nodes; raises `SourceError` with file:line:column."""
    if len(text) > characters_max:
        message = f"the text has {len(text)} characters, more than {characters_max}"
        raise source_error(
            filename, 1, 1, "too-large", message, "split it, or raise the limit that is named here"
        )
    text = text.removeprefix("\ufeff")
    bare = text.lstrip(" \t\r\n")
    if filename.lower().endswith(".json") or bare[:1] == "{":
        try:
            return JsonReader(text, filename).read()
        except SourceError:
            if filename.lower().endswith(".json"):
                raise
    return read_yaml(text, filename)
