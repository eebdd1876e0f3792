"""What texts are read into: values that remember where they stand, and findings about them."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from carrythrough.authoring.findings import TEXT_FINDINGS, Severity

DEPTH_MAX = 32
"""Nesting of a program map or roster; real ones stay under 8."""
NODES_MAX = 5_000_000
"""Values in one text, aliases counted by what they stand for (a bomb of aliases stays small)."""
FIX_DEPTH = f"nest less: at most {DEPTH_MAX} levels are read"
FIX_KEY = "remove one of the two; the later would silently win"


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

    keys: position of each key of a mapping. size: nodes in it, itself included. depth: levels in it, itself
    included.
    """

    value: Any
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = {}
    size: int = 1
    depth: int = 1

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


def source_error(file: str, line: int, column: int, code: str, message: str, fix: str) -> SourceError:
    """Return the error that ends the reading of a text; `code` is one of `TEXT_FINDINGS`."""
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
