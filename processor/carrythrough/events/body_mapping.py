"""Arbitrary JSON to performance events: a mapping of JMESPath expressions, checked before it is used.

A body gives one event, or with `each` one for every entry of a list. What the filters keep out is nothing;
what cannot be mapped is named by the field, its expression and its place in the body, and keeps nothing
else out. JMESPath: https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from msgspec import Meta

from carrythrough.authoring.reading import did_you_mean, listing, pointer_of, read_as
from carrythrough.authoring.source import Lint, Node, SourceError, read_source, refusal
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import DEFAULT_LIMITS, EventLimits, admit_document
from carrythrough.events.conversion import Conversion, Scalar, converted, faults_of
from carrythrough.events.fields import FIELDS, OUTCOMES, PERSONS, FieldError, document_of, field_of
from carrythrough.events.types import OUTCOME_KINDS, OWN_SOURCES, AdmittedEvent

EVENTS_MAX = 1_000
"""Events that one body may become: a vendor's batch is far smaller, and one body must not hold up others."""
EXPRESSION_CHARACTERS_MAX = 1_000
EXPRESSIONS_KEPT = 2_000
REQUIRED = ("id", "kind", "time")

FUNCTIONS = tuple(sorted(Functions.FUNCTION_TABLE))

_STEPS = re.compile(r'(?:^|\.)(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"\\]+)")|\[(\d+)\]')
Expression = Annotated[str, Meta(min_length=1, max_length=EXPRESSION_CHARACTERS_MAX)]


class BodyMapping(Conversion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the JSON that a system posts becomes performance events."""

    source: Annotated[
        str, Meta(description="Source of the events; by default hook:NAME.", max_length=200)
    ] = ""
    each: Annotated[
        str,
        Meta(description="Where the list is of which every entry is an event; by default the body is one."),
    ] = ""
    paths: Annotated[
        dict[str, Expression], Meta(description="By field: where its value is, from the entry (JMESPath).")
    ] = msgspec.field(default_factory=dict)
    body_paths: Annotated[
        dict[str, Expression],
        Meta(description="By field: where its value is, from the whole body, where `each` picks a list."),
    ] = msgspec.field(default_factory=dict)
    constants: Annotated[dict[str, Scalar], Meta(description="By field: one value for all.")] = msgspec.field(
        default_factory=dict
    )
    filters: Annotated[
        tuple[Expression, ...],
        Meta(description="Expressions that must all be true of an entry; what they keep out is no event."),
    ] = ()


class Unmapped(msgspec.Struct, frozen=True):
    """An entry of a body that became no event: which one, and the problem (its `where` is a pointer into the body)."""

    entry: int
    problem: Problem


class Mapped(msgspec.Struct, frozen=True):
    """What became of a body. filtered: entries that the filters kept out."""

    events: list[AdmittedEvent]
    refused: list[Unmapped]
    filtered: int
    entries: int


def load_body_mapping(text: str, filename: str) -> BodyMapping:
    """Return the mapping in a YAML or JSON text; raises PermanentError "bad-mapping" with every fault placed."""
    mapping, lints = check_body_mapping(text, filename)
    if mapping is None or lints:
        raise refusal(lints, "bad-mapping", "The mapping is refused")
    return mapping


def check_body_mapping(text: str, filename: str) -> tuple[BodyMapping | None, list[Lint]]:
    """Return the mapping in a text, None when it cannot be read, and what is wrong with it."""
    try:
        root = read_source(text, filename)
    except SourceError as error:
        return None, [error.lint]
    mapping, lints = read_as(root, BodyMapping, filename)
    if mapping is None:
        return None, lints
    return mapping, [_lint(root, filename, *fault) for fault in _faults(mapping)]


Fault = tuple[tuple[str | int, ...], str, str, str]


def _faults(mapping: BodyMapping) -> Iterator[Fault]:
    """Yield (path, message, rule, fix) of whatever cannot work."""
    given: dict[str, str] = {}
    for part in ("paths", "body_paths", "constants"):
        for name in getattr(mapping, part):
            if name not in FIELDS:
                fix = (
                    did_you_mean(name, FIELDS)
                    or "write our name on the left and the place in the body on the right"
                )
                yield (
                    (part, name),
                    f'"{name}" is no field of an event',
                    f"fields are: {listing(FIELDS, 30)}",
                    fix,
                )
            elif name in given:
                rule, fix = "a field has one value", f"keep {name} in {part} or in {given[name]}"
                yield (part, name), f'"{name}" is given twice', rule, fix
            given[name] = part
    if mapping.source.startswith(OWN_SOURCES):
        rule = f'sources that begin with "{OWN_SOURCES}" are those of forms'
        yield ("source",), "this source is reserved", rule, "name the system that posts"
    for part in ("paths", "body_paths", "constants"):
        if "source" in getattr(mapping, part):
            rule = "the source of a webhook is one name, so that nobody can post in another's"
            yield (part, "source"), "the source is taken from a body", rule, 'write "source: …" beside paths'
    yield from _expression_faults(mapping)
    for name in REQUIRED:
        if name not in given:
            yield (
                ("paths",),
                f'"{name}" has no value',
                f"every event has {listing(REQUIRED)}",
                f"add {name} to paths",
            )
    if not any(name in given for name in PERSONS) and mapping.constants.get("kind") != "retraction":
        fix = 'add for example "email: user.email" to paths'
        yield ("paths",), "nothing says whom the event is about", f"one of {listing(PERSONS)}", fix
    if mapping.constants.get("kind") in OUTCOME_KINDS and not any(name in given for name in OUTCOMES):
        fix = 'add "met", "score" or "value", or make it an "opportunity"'
        yield (
            ("constants", "kind"),
            "its kind needs an outcome, which nothing gives",
            "one of met, score, value",
            fix,
        )
    yield from faults_of(mapping, set(given))


def _expression_faults(mapping: BodyMapping) -> Iterator[Fault]:
    texts: list[tuple[tuple[str | int, ...], str]] = []
    if mapping.each:
        texts.append((("each",), mapping.each))
    texts += [
        ((part, name), text)
        for part in ("paths", "body_paths")
        for name, text in getattr(mapping, part).items()
    ]
    texts += [(("filters", n), text) for n, text in enumerate(mapping.filters)]
    for path, text in texts:
        try:
            for name in _functions(_compiled(text).parsed):
                if name not in FUNCTIONS:
                    message = (
                        f"the expression {text[:60]!r} calls {name[:40]}(), which JMESPath does not have"
                    )
                    fix = did_you_mean(name, FUNCTIONS) or "use one of its functions"
                    yield path, message, f"functions: {listing(FUNCTIONS, 40)}", fix
        except ParseError as error:
            at = getattr(error, "lex_position", 0) or 0
            message = (
                f"the expression {text[:60]!r} does not read at character {at + 1}: {_first_line(error)}"
            )
            yield path, message, "JMESPath (jmespath.org)", "try it beside a sample body at jmespath.org"
        except JMESPathError as error:
            message = f"the expression {text[:60]!r} does not read: {_first_line(error)}"
            yield path, message, "JMESPath (jmespath.org)", "try it beside a sample body at jmespath.org"


def _functions(node: Any) -> Iterator[str]:
    """Yield the names of the functions that a parsed expression calls."""
    if isinstance(node, dict):
        if node.get("type") == "function_expression":
            yield str(node["value"])
        for child in node.get("children", ()):
            yield from _functions(child)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _lint(root: Node, filename: str, path: tuple[str | int, ...], message: str, rule: str, fix: str) -> Lint:
    line, column = root.place(*path)
    pointer = pointer_of(path)
    return Lint(
        code="bad-mapping",
        file=filename,
        line=line,
        column=column,
        message=message,
        rule=rule,
        fix=fix,
        pointer=pointer,
    )


@lru_cache(EXPRESSIONS_KEPT)
def _compiled(text: str) -> ParsedResult:
    return jmespath.compile(text)


def map_body(
    mapping: BodyMapping, body: Any, default_source: str, limits: EventLimits = DEFAULT_LIMITS
) -> Mapped:
    """Return what a decoded JSON body becomes; raises PermanentError when `each` does not point at entries."""
    entries = _entries(mapping, body)
    events: list[AdmittedEvent] = []
    refused: list[Unmapped] = []
    said: dict[bytes, bytes] = {}
    whole: dict[str, Any] = {}
    filtered = 0
    for number, entry in enumerate(entries):
        try:
            if not all(_search(text, entry, "filters") for text in mapping.filters):
                filtered += 1
                continue
            if not whole:  # what is true of the whole body is looked up once, not for each entry
                whole = {name: _search(text, body, name) for name, text in mapping.body_paths.items()}
            event = _event(mapping, whole, entry, default_source, limits)
            if said.setdefault(event.id, event.raw) != event.raw:
                raise _said_otherwise(event)
            events.append(event)
        except FieldError as fault:
            where = _pointer(mapping, fault.field, number)
            refused.append(Unmapped(number, _problem("hook-unmapped", fault, where, mapping)))
        except PermanentError as error:
            names = [*mapping.paths, *mapping.body_paths, *mapping.constants]
            field = field_of(error.problem.where, names)
            wrong = FieldError(field, error.problem.detail, error.problem.rule, error.problem.fix)
            where = _pointer(mapping, field, number)
            refused.append(Unmapped(number, _problem(error.problem.code, wrong, where, mapping)))
    return Mapped(events, refused, filtered, len(entries))


def _said_otherwise(event: AdmittedEvent) -> FieldError:
    message = f'the id "{event.event.id[:60]}" stands in this body before, with other content'
    fix = "let the id tell the entries apart, for example join('-', [id, status])"
    return FieldError("id", message, "an id is unique within its source, and an event never changes", fix)


def _entries(mapping: BodyMapping, body: Any) -> list[Any]:
    if not mapping.each:
        return [body]
    try:
        found = _search(mapping.each, body, "each")
    except FieldError as failed:
        raise PermanentError(_problem("hook-unmapped", failed, "", mapping)) from None
    if found is None:
        return []
    entries = found if isinstance(found, list) else [found]
    if len(entries) > EVENTS_MAX:
        fault = FieldError(
            "each", f"{len(entries)} entries", f"Limit EVENTS_MAX = {EVENTS_MAX}", "post fewer at once"
        )
        raise PermanentError(_problem("hook-unmapped", fault, "", mapping))
    return entries


def _event(
    mapping: BodyMapping, whole: dict[str, Any], entry: Any, default_source: str, limits: EventLimits
) -> AdmittedEvent:
    raw: dict[str, Any] = {"source": mapping.source or default_source, **mapping.constants}
    raw |= {name: _search(text, entry, name) for name, text in mapping.paths.items()}
    raw |= whole
    values = {name: converted(name, value, mapping) for name, value in raw.items()}
    for name in ("id", "time"):
        if values.get(name) is None:
            text = mapping.paths.get(name) or mapping.body_paths.get(name, "")
            message = f"nothing is at {text!r}" if text else "it has no value"
            raise FieldError(
                name, message, f"every event has {listing(REQUIRED)}", "correct the expression, or filter"
            )
    return admit_document(document_of(values), "", limits)


_FAILURES = (JMESPathError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What evaluating an expression may raise: the library lets errors of numbers, slices and the like through."""


def _search(text: str, document: Any, field: str) -> Any:
    try:
        return _compiled(text).search(document)
    except _FAILURES as error:
        fix = "guard it with a filter, or write it so that it takes what this body has"
        rule = "JMESPath (jmespath.org): functions take arguments of their types"
        raise FieldError(field, f"{text!r} fails: {_first_line(error)}", rule, fix) from None


def _pointer(mapping: BodyMapping, field: str, entry: int) -> str:
    """Return the JSON pointer of a field's value where its expression is plain steps, else that of its entry."""
    text = mapping.paths.get(field, "")
    inside = _plain_pointer(text)
    if field in mapping.body_paths:
        return _plain_pointer(mapping.body_paths[field]) or ""
    if not mapping.each:
        return inside or ""
    base = _plain_pointer(re.sub(r"\[\*?\]$", "", mapping.each)) if mapping.each != "@" else ""
    if base is None:
        return ""
    return f"{base}/{entry}{inside or ''}"


def _plain_pointer(text: str) -> str | None:
    """Return the pointer of an expression that is steps by name and number, None for any other."""
    if text in ("", "@"):
        return ""
    at, steps = 0, []
    for match in _STEPS.finditer(text):
        if match.start() != at:
            return None
        at = match.end()
        steps.append(next(group for group in match.groups() if group is not None))
    return pointer_of(tuple(steps)) if at == len(text) else None


def _problem(code: str, fault: FieldError, where: str, mapping: BodyMapping) -> Problem:
    expression = mapping.paths.get(fault.field) or mapping.body_paths.get(fault.field)
    origin = f"paths.{fault.field} ({expression!r})" if expression else fault.field
    return Problem(
        code=code,
        status=422,
        title="The body does not map to a performance event",
        detail=f"{origin}: {fault.message}",
        where=where,
        rule=fault.rule,
        fix=fault.fix,
    )
