"""Nodes to typed values: what msgspec's decoder does, but naming place, rule and fix.

msgspec stops at the first fault and knows no positions. Here the same Struct types and the
same annotated limits are read field by field, all faults are gathered, and each suggests what
was probably meant. `tests/property/test_schemas_agree.py` holds this and the JSON Schema together.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any, TypeVar, cast

from msgspec import inspect

from carrythrough.authoring.findings import TEXT_FINDINGS
from carrythrough.authoring.patterns import format_fault
from carrythrough.authoring.source import Lint, Node

T = TypeVar("T")

_SCALARS: dict[type[inspect.Type], type | tuple[type, ...]] = {
    inspect.StrType: str,
    inspect.FloatType: (int, float),
    inspect.IntType: (int, float),
    inspect.BoolType: bool,
}
"""What the parts of a union of scalars are written as."""

LINTS_MAX = 200
"""Faults gathered from one text before reading stops: nobody reads more at once."""
SUGGESTIONS_FROM_MAX = 2_000
"""Names compared for a suggestion; the comparison is slow, and a longer list suggests nothing useful."""
SUGGESTION_LENGTH_MAX = 100
"""Words longer than this are nobody's slip of the pen; comparing them would take long."""

_OTHER_WORDS = {"higher": "up", "increase": "up", "lower": "down", "decrease": "down"}
"""Names as people say them, to ours."""
_BOOLEANS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
"""What YAML 1.1 read as true and false, and 1.2 reads as text."""
_NUMBER = re.compile(
    r"\s*(?P<number>[+-]?\d{1,12}(?:\.\d{1,12}|,(?!\d{3}\b)\d{1,12})?)\s*(?P<percent>%)?\s*\Z", re.ASCII
)

_FAULT = object()

Path = tuple[str | int, ...]
"""The steps from the root to a value."""


def pointer_of(path: Path) -> str:
    """Return the JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def label_of(path: Path) -> str:
    """Return a path as people write it: 'skills[2].target'; the root is 'the text'."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the text"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return 'did you mean "…"?' for the nearest of `known`, or "" when none is near."""
    if len(word) > SUGGESTION_LENGTH_MAX:
        return ""
    names = list(known)[:SUGGESTIONS_FROM_MAX]
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if not near:
        folded = {name.lower().replace("_", "-"): name for name in names}
        near = [folded[key] for key in get_close_matches(word.lower().replace("_", "-"), folded, 1, 0.6)]
    return f'did you mean "{near[0]}"?' if near else ""


def listing(names: Iterable[str], most: int = 12) -> str:
    """Return names as 'a, b, c and 3 more', for messages that must stay readable."""
    known = list(names)
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"


def read_as(node: Node, target: type[T], filename: str) -> tuple[T | None, list[Lint]]:
    """Read `node` as the Struct type `target`; on any fault return None and every lint found."""
    reader = _Reader(filename)
    value = reader.read(node, _type_of(cast("Hashable", target)), ())
    if value is _FAULT or reader.lints:
        return None, reader.lints
    return value, []


@cache
def _type_of(target: Any) -> inspect.Type:
    return inspect.type_info(target)


@cache
def _fields(cls: type) -> dict[str, inspect.Field]:
    kind = cast("inspect.StructType", inspect.type_info(cls))
    return {field.encode_name: field for field in kind.fields}


def may_stand_alone(item: inspect.Type, value: Any) -> bool:
    """Say whether `value` may stand for a list with it as the one entry.

    Texts, scalars, and tables without an id of their own may; a table with an id is an entry of a section, and
    a mapping in the place of a section is rather a section written wrongly.
    """
    if isinstance(item, inspect.StructType):
        return isinstance(value, dict) and "id" not in _fields(item.cls)
    if isinstance(item, inspect.UnionType):
        return isinstance(value, (str, int, float))
    return isinstance(item, (inspect.StrType, inspect.LiteralType)) and isinstance(value, str)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # "$" would also match before a last newline, which JSON Schema's does not.
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text)


class _Reader:
    """One pass over one text."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.lints: list[Lint] = []

    def fault(
        self, place: Node | tuple[int, int], path: Path, code: str, message: str, rule: str, fix: str
    ) -> Any:
        line, column = (place.line, place.column) if isinstance(place, Node) else place
        if len(self.lints) < LINTS_MAX:
            self.lints.append(
                Lint(
                    code=code,
                    file=self.filename,
                    line=line,
                    column=column,
                    message=message,
                    rule=rule,
                    why=TEXT_FINDINGS[code].why,
                    fix=fix,
                    pointer=pointer_of(path),
                )
            )
        return _FAULT

    def read(self, node: Node, kind: inspect.Type, path: Path) -> Any:
        match kind:
            case inspect.StrType():
                return self.text(node, kind, path)
            case inspect.Metadata():
                return self.read(node, kind.type, path)
            case inspect.StructType():
                return self.struct(node, kind, path)
            case inspect.VarTupleType() | inspect.ListType():
                return self.sequence(node, kind, path)
            case inspect.UnionType():
                return self.union(node, kind, path)
            case inspect.LiteralType():
                return self.literal(node, kind, path)
            case inspect.DictType():
                return self.mapping(node, kind, path)
            case inspect.BoolType():
                return node.value if isinstance(node.value, bool) else self.not_bool(node, path)
            case inspect.IntType() | inspect.FloatType():
                return self.number(node, kind, path)
            case inspect.AnyType():
                return node.plain()
        raise AssertionError(f"no reader for {kind!r}")

    def wrong(self, node: Node, path: Path, wanted: str, write: str = "") -> Any:
        given = _describe(node.value)
        label = label_of(path)
        message = f"{label} must be {wanted}, not {given}"
        return self.fault(
            node, path, "wrong-type", message, f"{label} is {wanted}", f"write {write or wanted}"
        )

    def struct(self, node: Node, kind: inspect.StructType, path: Path) -> Any:
        if not isinstance(node.value, dict):
            return self.wrong(node, path, "a mapping of keys to values")
        known = _fields(kind.cls)
        values: dict[str, Any] = {}
        sound = True
        for key, child in node.value.items():
            field = known.get(key)
            if field is None:
                sound = False
                self.unknown_key(node, key, known, path)
                continue
            if child.value is None and not field.required:
                continue
            value = self.read(child, field.type, (*path, key))
            sound = sound and value is not _FAULT
            values[field.name] = value
        for name, field in known.items():
            if field.required and name not in node.value:
                sound = False
                inner = (*path, name)
                message, rule = f"{label_of(inner)} is missing", f'"{name}" is required'
                self.fault(node, inner, "missing-field", message, rule, f'add "{name}: …" here')
        return kind.cls(**values) if sound else _FAULT

    def unknown_key(self, node: Node, key: str, known: Iterable[str], path: Path) -> None:
        if len(self.lints) >= LINTS_MAX:
            return
        names = list(known)
        place = f" in {label_of(path)}" if path else ""
        fix = did_you_mean(key, names) or f"known here: {listing(names)}"
        rule = f"only these keys are known{place}: {listing(names, 20)}"
        message = f'unknown key "{key[:60]}"{place}'
        self.fault(node.keys.get(key, node), (*path, key[:200]), "unknown-field", message, rule, fix)

    def sequence(self, node: Node, kind: inspect.VarTupleType | inspect.ListType, path: Path) -> Any:
        item = kind.item_type
        if isinstance(item, inspect.Metadata):
            item = item.type
        if not isinstance(node.value, list):
            if may_stand_alone(item, node.value):
                single = self.read(node, item, path)
                return _FAULT if single is _FAULT else (single,)
            return self.wrong(node, path, "a list")
        label = label_of(path)
        if kind.min_length is not None and len(node.value) < kind.min_length:
            rule = f"{label} has at least {kind.min_length}"
            return self.fault(node, path, "out-of-range", f"{label} is too short", rule, "add an entry")
        if kind.max_length is not None and len(node.value) > kind.max_length:
            rule = f"{label} has at most {kind.max_length} entries"
            message = f"{label} has {len(node.value)} entries"
            return self.fault(node, path, "out-of-range", message, rule, "shorten the list")
        values = [self.read(child, item, (*path, index)) for index, child in enumerate(node.value)]
        return _FAULT if any(value is _FAULT for value in values) else tuple(values)

    def mapping(self, node: Node, kind: inspect.DictType, path: Path) -> Any:
        if not isinstance(node.value, dict):
            return self.wrong(node, path, "a mapping of names to values")
        values: dict[Any, Any] = {}
        sound = True
        for key, child in node.value.items():
            place = Node(key, *node.keys.get(key, (node.line, node.column)))
            name = self.read(place, kind.key_type, (*path, key))
            value = self.read(child, kind.value_type, (*path, key))
            sound = sound and name is not _FAULT and value is not _FAULT
            if sound:
                values[name] = value
        return values if sound else _FAULT

    def union(self, node: Node, kind: inspect.UnionType, path: Path) -> Any:
        others = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
        if node.value is None and len(others) < len(kind.types):
            return None
        if len(others) == 1:
            return self.read(node, others[0], path)
        for part in others:
            # Python counts true among the numbers, YAML and JSON do not.
            same = isinstance(node.value, bool) is isinstance(part, inspect.BoolType)
            if same and isinstance(node.value, _SCALARS[type(part)]):
                return self.read(node, part, path)
        return self.wrong(node, path, "a text, a number, or true or false")

    def literal(self, node: Node, kind: inspect.LiteralType, path: Path) -> Any:
        if isinstance(node.value, str) and node.value in kind.values:
            return node.value
        label = label_of(path)
        names = [str(value) for value in kind.values]
        given = node.value[:60] if isinstance(node.value, str) else _describe(node.value)
        word = str(given).lower()
        meant = _OTHER_WORDS.get(word, "")
        near = [
            name for name in (meant, *names) if name in names and (meant == name or word.startswith(name))
        ]
        fix = f'did you mean "{near[0]}"?' if near else did_you_mean(str(given), names)
        fix = fix or f"write one of: {listing(names)}"
        rule = f"{label} is one of: {listing(names)}"
        return self.fault(node, path, "not-allowed", f'{label} is "{given}", which is not known', rule, fix)

    def text(self, node: Node, kind: inspect.StrType, path: Path) -> Any:
        value = node.value
        if not isinstance(value, str):
            return self.not_text(node, path)
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            message = f"{label_of(path)} has half of a surrogate pair"
            rule, fix = "text is Unicode; RFC 7493, 2.1", "send both halves or the character itself"
            return self.fault(node, path, "bad-format", message, rule, fix)
        if kind.pattern is not None and not _pattern(kind.pattern).search(value):
            return self.fault(node, path, "bad-format", *format_fault(label_of(path), value, kind.pattern))
        if kind.min_length is not None and len(value) < kind.min_length:
            message, rule = f"{label_of(path)} is empty", f"{label_of(path)} has text"
            return self.fault(node, path, "out-of-range", message, rule, "write something")
        if kind.max_length is not None and len(value) > kind.max_length:
            label = label_of(path)
            rule = f"{label} has at most {kind.max_length} characters"
            message = f"{label} has {len(value)} characters"
            return self.fault(node, path, "out-of-range", message, rule, "shorten it")
        return value

    def not_bool(self, node: Node, path: Path) -> Any:
        meant = _BOOLEANS.get(node.value.lower(), "") if isinstance(node.value, str) else ""
        return self.wrong(node, path, "true or false", f"{meant}, without quotes" if meant else "")

    def not_text(self, node: Node, path: Path) -> Any:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.wrong(node, path, "text")
        label, number = label_of(path), str(value)[:40]
        message = f"{label} must be text, not the number {number}"
        return self.fault(
            node, path, "wrong-type", message, f"{label} is text", f'put it in quotes: "{number}"'
        )

    def number(self, node: Node, kind: inspect.IntType | inspect.FloatType, path: Path) -> Any:
        value = node.value
        whole = isinstance(kind, inspect.IntType)
        wanted = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.wrong(node, path, wanted, _number_meant(value, kind))
        if whole and isinstance(value, float):
            if not value.is_integer():
                return self.wrong(node, path, wanted)
            value = int(value)
        value = value if whole else _as_float(value)
        if not isfinite(value):
            return self.wrong(node, path, "a finite number")
        low = kind.ge if kind.ge is not None else kind.gt
        high = kind.le if kind.le is not None else kind.lt
        if (low is not None and value < low) or (high is not None and value > high):
            label, bounds = label_of(path), _bounds(low, high)
            percent = high == 1.0 and 1 < value <= 100
            fix = f"write {value / 100:g}, a share" if percent else f"write {bounds}"
            message = f"{label} is {_plain(value)}, out of range"
            return self.fault(node, path, "out-of-range", message, f"{label} is {bounds}", fix)
        return value


def _number_meant(value: Any, kind: inspect.IntType | inspect.FloatType) -> str:
    """Return the number that a text is likely to mean ("34,50", "90 %"), "" where that is not plain."""
    found = _NUMBER.match(value) if isinstance(value, str) else None
    if found is None:
        return ""
    number = float(found["number"].replace(",", "."))
    if found["percent"] and kind.le == 1.0:
        number /= 100
    if isinstance(kind, inspect.IntType) and not number.is_integer():
        return ""
    return f"{number:.12g}" + (
        ", without quotes" if value.strip() == found["number"].replace(",", ".") else ""
    )


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"a number from {_plain(low)} to {_plain(high)}"
    return f"at least {_plain(low)}" if low is not None else f"at most {_plain(high or 0.0)}"


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:g}"


def _describe(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:40]}"
        case str():
            return f'the text "{value[:40]}"'
        case dict():
            return "a mapping"
    return "a list"
