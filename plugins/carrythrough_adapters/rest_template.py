"""Templates of the adapter `rest`: texts with places such as {email} that the action and its recipient fill.

A template is never a text of JSON or of a request: it is a value inside of a structure that is written as JSON
afterwards, or a part of an address that is percent-encoded. Whatever a program map or a roster says stays inside
of its own value. {{ and }} are single braces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any
from urllib.parse import quote

from carrythrough.plugin import ActionRequested, Recipient, SettingError, action_members

DEPTH_MAX = 8
"""Levels of a body: more is a mistake."""
OF_ACTION = frozenset(
    {
        "id", "action", "subject", "recipient", "to", "skill", "skill_name", "rule", "stage", "score",
        "title", "body", "link", "why", "as_of", "expires",
    }
)  # fmt: skip
"""Places that the action fills, by the names that the webhook gives them."""
OF_PERSON = frozenset({"email", "name", "time_zone", "locale"})
"""Places that the roster fills: a template that has none of them names nobody."""
PLACES = OF_ACTION | OF_PERSON | {"answer_link"}

Values = Mapping[str, Any]


def check(key: str, template: object, depth: int = 0) -> None:
    """Raise SettingError that blames `key` unless every text inside of `template` can be filled."""
    if depth > DEPTH_MAX:
        raise SettingError(key, f"is deeper than {DEPTH_MAX} levels")
    if isinstance(template, Mapping):
        for name, one in template.items():
            _parsed(key, name)
            check(key, one, depth + 1)
    elif isinstance(template, list):
        for one in template:
            check(key, one, depth + 1)
    elif isinstance(template, str):
        _parsed(key, template)
    elif template is not None and not isinstance(template, bool | int | float):
        raise SettingError(key, f"cannot hold a {type(template).__name__}", "write it as a text")


def places(template: object) -> Iterator[str]:
    """Return the places that a checked template asks for."""
    if isinstance(template, Mapping):
        for name, one in template.items():
            yield from places(name)
            yield from places(one)
    elif isinstance(template, list):
        for one in template:
            yield from places(one)
    elif isinstance(template, str):
        yield from (place for _, place in _parsed("", template) if place)


def values_of(action: ActionRequested, recipient: Recipient | None, key: str) -> dict[str, Any]:
    """Return what fills each place: texts, and the score as a number or None."""
    person = {name: getattr(recipient, name) if recipient is not None else "" for name in OF_PERSON}
    return {**action_members(action), **person, "answer_link": action.answer_link, "id": key}


def filled(template: Any, values: Values) -> Any:
    """Return a template as JSON values. A text that is one place alone becomes its value, number or null."""
    if isinstance(template, Mapping):
        return {str(text(name, values)): filled(one, values) for name, one in template.items()}
    if isinstance(template, list):
        return [filled(one, values) for one in template]
    if not isinstance(template, str):
        return template
    parts = _parsed("", template)
    if len(parts) == 1 and parts[0][0] == "" and parts[0][1]:
        return values[parts[0][1]]
    return text(template, values)


def text(template: str, values: Values) -> str:
    """Return a template as a text; a value that is missing is an empty text."""
    return "".join(
        literal + (_shown(values[place]) if place else "") for literal, place in _parsed("", template)
    )


def address(template: str, values: Values) -> str:
    """Return an address with its places percent-encoded; raises ValueError for a value that would climb in it."""
    asked = {place: _shown(values[place]) for place in places(template)}
    if any(value in ("", ".", "..") for value in asked.values()):
        raise ValueError("a place of the address would be empty or name another folder")
    return text(template, {place: quote(value, safe="") for place, value in asked.items()})


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _parsed(key: str, template: str) -> list[tuple[str, str]]:
    """Return (literal, place) pairs; raises SettingError for a place that there is not."""
    try:
        found = list(Formatter().parse(template))
    except ValueError as error:
        raise SettingError(key, f"has a brace too many or too few: {error}", "write {{ for a brace") from None
    for _, place, form, conversion in found:
        if place is not None and (place not in PLACES or form or conversion):
            raise SettingError(key, f"knows no {{{place}}}", f"places: {', '.join(sorted(PLACES))}")
    return [(literal, place or "") for literal, place, _, _ in found]
