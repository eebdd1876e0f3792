"""Where in a text something stands: YAML or JSON read into nodes that remember line and column.

Every refusal of a program map or a roster must say file:line:column, so plain loaders that
forget positions are of no use. YAML is read by events with a stack of our own: depth, aliases,
size and repeated keys are bounded here, and scalars follow the YAML 1.2 core schema, so that
`20:00` stays a time of day and `no` stays a word.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any, cast

import msgspec
import yaml

from carrythrough.authoring.findings import TEXT_FINDINGS, Severity
from carrythrough.errors import PermanentError, Problem

__all__ = ["Lint", "Node", "Severity", "SourceError", "node_of", "read_source", "refusal"]

DEPTH_MAX = 32
"""Nesting of a program map or roster; real ones stay under 8."""
NODES_MAX = 5_000_000
"""Values in one text, aliases counted by what they stand for (a bomb of aliases stays small)."""
MAP_CHARACTERS_MAX = 8_000_000
"""Length of a program map text; a map of 5,000 activities is about 2 million characters."""


class Lint(msgspec.Struct, frozen=True, kw_only=True):
    """One finding in a text that a person wrote: a stable code, where, what, and how to fix it.

    line and column count from 1. message: what is wrong. rule: what must hold. why: what goes wrong otherwise.
    pointer: JSON pointer of the value, "" for the whole text. severity "error" refuses the text, "warning" does
    not.
    """

    code: str
    file: str
    line: int
    column: int
    message: str
    rule: str = ""
    why: str = ""
    fix: str = ""
    severity: Severity = "error"
    pointer: str = ""

    @property
    def where(self) -> str:
        """Return "file:line:column"."""
        return f"{self.file}:{self.line}:{self.column}"

    def sentence(self) -> str:
        """Return the finding as one plain line."""
        text = f"{self.where}: {self.severity}: {self.message} [{self.code}]"
        if self.rule:
            text += f" · rule: {self.rule}"
        return f"{text} · fix: {self.fix}" if self.fix else text


class Node(msgspec.Struct):
    """A value and where it stands: `value` is a scalar, a dict of nodes, or a list of nodes.

    keys: position of each key of a mapping. size: nodes in it, itself included.
    """

    value: Any
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = {}
    size: int = 1

    def place(self, *path: str | int) -> tuple[int, int]:
        """Return (line, column) of the value at `path`, or of the deepest part of it that exists."""
        node = self
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                node = node.value[cast("str", step)]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            elif step == 0 and not isinstance(node.value, list):
                continue  # one entry, written without its list
            else:
                break
        return node.line, node.column

    def plain(self) -> Any:
        """Return the value without positions."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def node_of(value: Any, depth_max: int = DEPTH_MAX) -> Node:
    """Return plain decoded JSON as nodes without places; raises ValueError beyond `depth_max` levels."""
    if isinstance(value, (dict, list)) and depth_max == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return Node({key: node_of(item, depth_max - 1) for key, item in value.items()}, 1, 1)
    if isinstance(value, list):
        return Node([node_of(item, depth_max - 1) for item in value], 1, 1)
    return Node(value, 1, 1)


class SourceError(Exception):
    """The text cannot be read at all; `lint` says where and why."""

    def __init__(self, lint: Lint) -> None:
        super().__init__(lint.sentence())
        self.lint = lint


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


def read_source(text: str, filename: str, characters_max: int = MAP_CHARACTERS_MAX) -> Node:
    """Read YAML or JSON text into nodes; raises `SourceError` with file:line:column."""
    if len(text) > characters_max:
        message = f"the text has {len(text)} characters, more than {characters_max}"
        raise _error(filename, 1, 1, "too-large", message, "split it, or raise the limit that is named here")
    bare = text.lstrip("\ufeff \t\r\n")
    if filename.lower().endswith(".json") or bare[:1] == "{":
        try:
            return _JsonReader(text.removeprefix("\ufeff"), filename).read()
        except SourceError:
            if filename.lower().endswith(".json"):
                raise
    return _read_yaml(text, filename)


def _error(file: str, line: int, column: int, code: str, message: str, fix: str) -> SourceError:
    finding = TEXT_FINDINGS[code]
    return SourceError(
        Lint(
            code=code,
            file=file,
            line=line,
            column=column,
            message=message,
            rule=finding.rule,
            why=finding.why,
            fix=fix,
        )
    )


_FIX_KEY = "remove one of the two; the later would silently win"
_FIX_DEPTH = f"nest less: at most {DEPTH_MAX} levels are read"

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)


def _scalar(text: str, *, plain: bool) -> Any:
    """Resolve a scalar by the YAML 1.2 core schema; numbers too long for us stay text."""
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 40:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    return text


def _read_yaml(text: str, filename: str) -> Node:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlBuilder(filename).build(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not readable as YAML: {error.problem or error.context}"
        fix = "check indentation, colons and quotes just before this place"
        raise _error(filename, line, column, "syntax", message, fix) from None
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        message = f"not readable as YAML: {str(error).splitlines()[0]}"
        raise _error(filename, line, 1, "syntax", message, "save the file as UTF-8 text") from None
    except RecursionError:
        raise _error(filename, 1, 1, "too-deep", "the text nests too deeply", _FIX_DEPTH) from None


class _YamlBuilder:
    """Builds nodes from YAML events without recursion."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.stack: list[Node] = []
        self.pending: list[str | None] = []
        self.anchors: dict[str, Node] = {}
        self.names: list[str | None] = []
        self.root: Node | None = None
        self.total = 0

    def build(self, events: Iterator[Any]) -> Node:
        documents = 0
        for event in events:
            mark = event.start_mark
            if isinstance(event, yaml.ScalarEvent):
                self._scalar_event(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second YAML document begins here"
                    raise self._fail(mark, "syntax", message, "keep one in a file")
        if self.root is None:
            fix = "write a mapping of keys to values"
            raise _error(self.filename, 1, 1, "empty", "the text is empty", fix)
        return self.root

    def _fail(self, mark: Any, code: str, message: str, fix: str) -> SourceError:
        return _error(self.filename, mark.line + 1, mark.column + 1, code, message, fix)

    def _scalar_event(self, event: Any) -> None:
        mark = event.start_mark
        if self.stack and isinstance(self.stack[-1].value, dict) and self.pending[-1] is None:
            self._key(event.value, mark)
            return
        value = _scalar(event.value, plain=event.implicit[0])
        self._add(Node(value, mark.line + 1, mark.column + 1), event.anchor, mark)

    def _key(self, key: str, mark: Any) -> None:
        mapping = self.stack[-1]
        if key in mapping.keys:
            message = f'key "{key}" was given before, in line {mapping.keys[key][0]}'
            raise self._fail(mark, "duplicate-key", message, _FIX_KEY)
        mapping.keys[key] = (mark.line + 1, mark.column + 1)
        self.pending[-1] = key

    def _alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            fix = "define the anchor before using it; it may not contain itself"
            raise self._fail(event.start_mark, "syntax", f"unknown alias *{event.anchor}", fix)
        self._need_value(event.start_mark)
        self._add(node, None, event.start_mark)

    def _need_value(self, mark: Any) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.pending[-1] is None:
            raise self._fail(mark, "syntax", "a key must be plain text", "write the key as a word")

    def _open(self, value: dict[str, Node] | list[Node], event: Any) -> None:
        mark = event.start_mark
        self._need_value(mark)
        if len(self.stack) >= DEPTH_MAX:
            raise self._fail(mark, "too-deep", f"nested more than {DEPTH_MAX} levels deep", _FIX_DEPTH)
        self.stack.append(Node(value, mark.line + 1, mark.column + 1, {}))
        self.pending.append(None)
        self.names.append(event.anchor)

    def _close(self) -> None:
        node, anchor = self.stack.pop(), self.names.pop()
        self.pending.pop()
        self._add(node, anchor, None)

    def _add(self, node: Node, anchor: str | None, mark: Any) -> None:
        self.total += 1 if mark is not None else 0
        if not self.stack:
            self.root = node
        else:
            parent = self.stack[-1]
            parent.size += node.size
            if parent.size > NODES_MAX or self.total > NODES_MAX:
                message = f"more than {NODES_MAX} values"
                raise _error(self.filename, node.line, node.column, "too-large", message, "split the file")
            if isinstance(parent.value, dict):
                parent.value[cast("str", self.pending[-1])] = node
                self.pending[-1] = None
            else:
                parent.value.append(node)
        if anchor is not None:
            self.anchors[anchor] = node


_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_JSON_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_LITERALS: tuple[tuple[str, Any], ...] = (("true", True), ("false", False), ("null", None))


class _JsonReader:
    """Reads strict JSON into nodes; recursion is bounded by `DEPTH_MAX`."""

    def __init__(self, text: str, filename: str) -> None:
        self.text = text
        self.filename = filename
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> Node:
        node, end = self._value(self._skip(0), 0)
        end = self._skip(end)
        if end != len(self.text):
            raise self._fail(end, "syntax", "text after the end of the JSON value", "remove it")
        return node

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def _fail(self, offset: int, code: str, message: str, fix: str) -> SourceError:
        line, column = self._place(offset)
        return _error(self.filename, line, column, code, message, fix)

    def _skip(self, offset: int) -> int:
        match = _JSON_SPACE.match(self.text, offset)
        return match.end() if match else offset

    def _string(self, offset: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, offset + 1, True)
        except JSONDecodeError as error:
            fix = "close the quotes and escape backslashes and control characters"
            raise self._fail(error.pos, "syntax", f"bad JSON string: {error.msg}", fix) from None
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise self._fail(offset, "syntax", "half of a surrogate pair", "write the character itself")
        return text, end

    def _value(self, offset: int, depth: int) -> tuple[Node, int]:
        line, column = self._place(offset)
        first = self.text[offset : offset + 1]
        if first == '"':
            text, end = self._string(offset)
            return Node(text, line, column), end
        if first in ("{", "[") and first:
            if depth >= DEPTH_MAX:
                raise self._fail(offset, "too-deep", f"nested more than {DEPTH_MAX} levels deep", _FIX_DEPTH)
            build = self._object if first == "{" else self._array
            return build(Node({} if first == "{" else [], line, column, {}), offset + 1, depth + 1)
        for word, value in _JSON_LITERALS:
            if self.text.startswith(word, offset):
                return Node(value, line, column), offset + len(word)
        match = _JSON_NUMBER.match(self.text, offset)
        if match is None or len(match.group()) > 40:
            raise self._fail(offset, "syntax", "no JSON value here", "write a value in plain JSON")
        number = float(match.group()) if match.group(1) or match.group(2) else int(match.group())
        return Node(number, line, column), match.end()

    def _object(self, node: Node, offset: int, depth: int) -> tuple[Node, int]:
        offset = self._skip(offset)
        if self.text.startswith("}", offset):
            return node, offset + 1
        while True:
            if not self.text.startswith('"', offset):
                raise self._fail(offset, "syntax", "a key in double quotes is expected", "quote the key")
            key, end = self._string(offset)
            if key in node.keys:
                message = f'key "{key}" was given before, in line {node.keys[key][0]}'
                raise self._fail(offset, "duplicate-key", message, _FIX_KEY)
            node.keys[key] = self._place(offset)
            end = self._skip(end)
            if not self.text.startswith(":", end):
                raise self._fail(end, "syntax", "a colon is expected after a key", "add it")
            node.value[key], end = self._value(self._skip(end + 1), depth)
            node.size += node.value[key].size
            offset, done = self._next(end, "}")
            if done:
                return node, offset

    def _array(self, node: Node, offset: int, depth: int) -> tuple[Node, int]:
        offset = self._skip(offset)
        if self.text.startswith("]", offset):
            return node, offset + 1
        while True:
            item, end = self._value(offset, depth)
            node.value.append(item)
            node.size += item.size
            offset, done = self._next(end, "]")
            if done:
                return node, offset

    def _next(self, offset: int, closer: str) -> tuple[int, bool]:
        offset = self._skip(offset)
        if self.text.startswith(closer, offset):
            return offset + 1, True
        if not self.text.startswith(",", offset):
            raise self._fail(offset, "syntax", f'"," or "{closer}" is expected here', "add it")
        return self._skip(offset + 1), False
