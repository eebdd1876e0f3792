"""YAML read into nodes that remember line and column, with everything bounded that a bomb would need.

YAML is read by events with a stack of our own: depth, aliases, size, tags and repeated keys are checked here, and
scalars follow the YAML 1.2 core schema, so that `20:00` stays a time of day and `no` stays a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import yaml

from carrythrough.authoring.nodes import (
    DEPTH_MAX,
    FIX_DEPTH,
    FIX_KEY,
    NODES_MAX,
    Node,
    SourceError,
    source_error,
)

ALIASED_MAX = 200_000
"""Values that the aliases of a text stand for, together; a value read a second time costs like one written out."""
ALIASED_CHARACTERS = 10
"""A long text (a roster) may have more: one such value for every so many characters that somebody wrote."""
_TAG_TEXT = "tag:yaml.org,2002:str"
_TAG_PREFIX = "tag:yaml.org,2002:"


def _short_tag(tag: str) -> str:
    """Return a tag as people write it, cut to a length that a message can bear."""
    return f"!!{tag[len(_TAG_PREFIX) :][:80]}" if tag.startswith(_TAG_PREFIX) else tag[:80]


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


def read_yaml(text: str, filename: str) -> Node:
    """Read YAML text; raises `SourceError`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        line, column = text.count("\n", 0, error.start) + 1, error.start - text.rfind("\n", 0, error.start)
        message = "half of a surrogate pair"
        raise source_error(filename, line, column, "syntax", message, "write the character itself") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlBuilder(filename, len(text)).build(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not readable as YAML: {error.problem or error.context}"
        fix = "check indentation, colons and quotes just before this place"
        if "\t" in _line(text, line)[:column]:
            fix = "indent with spaces: YAML takes no tabs there"
        raise source_error(filename, line, column, "syntax", message, fix) from None
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        message = f"not readable as YAML: {str(error).splitlines()[0]}"
        raise source_error(filename, line, 1, "syntax", message, "save the file as UTF-8 text") from None
    except RecursionError:
        raise source_error(filename, 1, 1, "too-deep", "the text nests too deeply", FIX_DEPTH) from None


def _line(text: str, number: int) -> str:
    return next(islice(text.split("\n"), number - 1, number), "")


class _YamlBuilder:
    """Builds nodes from YAML events without recursion."""

    def __init__(self, filename: str, characters: int) -> None:
        self.filename = filename
        self.stack: list[Node] = []
        self.pending: list[str | None] = []
        self.anchors: dict[str, Node] = {}
        self.names: list[str | None] = []
        self.root: Node | None = None
        self.total = 0
        self.aliased = 0
        self.aliased_max = max(ALIASED_MAX, characters // ALIASED_CHARACTERS)

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
            raise source_error(self.filename, 1, 1, "empty", "the text is empty", fix)
        return self.root

    def _fail(self, mark: Any, code: str, message: str, fix: str) -> SourceError:
        return source_error(self.filename, mark.line + 1, mark.column + 1, code, message, fix)

    def _scalar_event(self, event: Any) -> None:
        mark = event.start_mark
        if self.stack and isinstance(self.stack[-1].value, dict) and self.pending[-1] is None:
            self._key(event, mark)
            return
        if event.tag not in (None, _TAG_TEXT):
            raise self._tagged(event)
        value = _scalar(event.value, plain=event.implicit[0])
        self._add(Node(value, mark.line + 1, mark.column + 1), event.anchor, mark)

    def _tagged(self, event: Any) -> SourceError:
        message = (
            f"the tag {_short_tag(event.tag)} asks for something else than text, numbers, lists and mappings"
        )
        return self._fail(event.start_mark, "tag", message, "remove the tag; put text in quotes instead")

    def _key(self, event: Any, mark: Any) -> None:
        key: str = event.value
        if event.tag not in (None, _TAG_TEXT):
            raise self._tagged(event)
        if key == "<<" and event.implicit[0]:
            message = "a merge key (<<) is not read"
            raise self._fail(mark, "merge-key", message, "write the keys out, or use an alias for each value")
        mapping = self.stack[-1]
        if key in mapping.keys:
            message = f'key "{key}" was given before, in line {mapping.keys[key][0]}'
            raise self._fail(mark, "duplicate-key", message, FIX_KEY)
        mapping.keys[key] = (mark.line + 1, mark.column + 1)
        self.pending[-1] = key

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        if event.anchor in self.names:
            message = f"the alias *{event.anchor} stands inside the value that it stands for"
            raise self._fail(mark, "alias-cycle", message, "write the value out")
        node = self.anchors.get(event.anchor)
        if node is None:
            near = "define the anchor before using it"
            raise self._fail(mark, "syntax", f"unknown alias *{event.anchor}", near)
        self._need_value(mark)
        self.aliased += node.size
        if self.aliased > self.aliased_max:
            message = f"the aliases of the text stand for more than {self.aliased_max} values"
            raise self._fail(mark, "too-many-aliases", message, "write the values out, or split the file")
        self._add(node, None, event.start_mark)

    def _need_value(self, mark: Any) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.pending[-1] is None:
            raise self._fail(mark, "syntax", "a key must be plain text", "write the key as a word")

    def _open(self, value: dict[str, Node] | list[Node], event: Any) -> None:
        mark = event.start_mark
        self._need_value(mark)
        if event.tag not in (None, _TAG_PREFIX + ("map" if isinstance(value, dict) else "seq")):
            raise self._tagged(event)
        if len(self.stack) >= DEPTH_MAX:
            raise self._fail(mark, "too-deep", f"nested more than {DEPTH_MAX} levels deep", FIX_DEPTH)
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
            parent.depth = max(parent.depth, node.depth + 1)
            if len(self.stack) + node.depth > DEPTH_MAX:
                message = f"nested more than {DEPTH_MAX} levels deep, through aliases"
                raise source_error(self.filename, node.line, node.column, "too-deep", message, FIX_DEPTH)
            if parent.size > NODES_MAX or self.total > NODES_MAX:
                message = f"more than {NODES_MAX} values"
                raise source_error(
                    self.filename, node.line, node.column, "too-large", message, "split the file"
                )
            if isinstance(parent.value, dict):
                parent.value[cast("str", self.pending[-1])] = node
                self.pending[-1] = None
            else:
                parent.value.append(node)
        if anchor is not None:
            self.anchors[anchor] = node
