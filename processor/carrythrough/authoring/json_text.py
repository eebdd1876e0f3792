"""Strict JSON (RFC 8259) read into nodes that remember line and column.

The standard decoder forgets positions, takes the last of two equal keys, and reads NaN.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined] # the C scanner, which typeshed leaves out
from typing import Any

from carrythrough.authoring.nodes import DEPTH_MAX, FIX_DEPTH, FIX_KEY, Node, SourceError, source_error

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_JSON_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_LITERALS: tuple[tuple[str, Any], ...] = (("true", True), ("false", False), ("null", None))


class JsonReader:
    """Reads strict JSON into nodes; recursion is bounded by `DEPTH_MAX`."""

    def __init__(self, text: str, filename: str) -> None:
        self.text = text
        self.filename = filename
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> Node:
        """Return the root; raises `SourceError`."""
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
        return source_error(self.filename, line, column, code, message, fix)

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
                raise self._fail(offset, "too-deep", f"nested more than {DEPTH_MAX} levels deep", FIX_DEPTH)
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
                raise self._fail(offset, "duplicate-key", message, FIX_KEY)
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
