"""What matchers read of a statement, as plain values: the one place where a statement is taken apart for them."""

from __future__ import annotations

from typing import Any

import msgspec

from carrythrough.program.types import Match
from carrythrough.xapi.extensions import value_at
from carrythrough.xapi.statement import Activity, Extensions, Statement

Token = Any
"""A text, a number, or (bool,): a scalar as matchers compare it, so that true is not 1."""
NOTHING: dict[str, Extensions] = {}
_NONE: tuple[str, ...] = ()


class MatchKey(msgspec.Struct, frozen=True, array_like=True):
    """What matchers read of a statement.

    activity, activity_type: id and type of the object ("" when it is no activity). verb: its id.
    parent, grouping, category: ids of the context activities. registration: in lower case, "" for none.
    extensions: place (`xapi.extensions.Place`) to the extensions there.
    """

    activity: str = ""
    activity_type: str = ""
    verb: str = ""
    parent: tuple[str, ...] = ()
    grouping: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    registration: str = ""
    extensions: dict[str, Extensions] = NOTHING


def key_of(st: Statement) -> MatchKey:
    """Return what matchers read of a statement."""
    activity, kind, extensions = "", "", {}
    obj, context = st.object, st.context
    if type(obj) is Activity:
        activity = obj.id
        if obj.definition is not None:
            kind = obj.definition.type or ""
            if obj.definition.extensions:
                extensions["activity"] = obj.definition.extensions
    if st.result is not None and st.result.extensions:
        extensions["result"] = st.result.extensions
    parent = grouping = category = _NONE
    registration = ""
    if context is not None:
        registration = (context.registration or "").lower()
        if context.extensions:
            extensions["context"] = context.extensions
        around = context.context_activities
        if around is not None:
            parent, grouping, category = (
                tuple([near.id for near in near_by]) if near_by else _NONE
                for near_by in (around.parent, around.grouping, around.category)
            )
    return MatchKey(
        activity, kind, st.verb.id, parent, grouping, category, registration, extensions or NOTHING
    )


def token(value: Any) -> Token:
    """Return a scalar as matchers compare it, None for what is none (a list, an object, null)."""
    kind = type(value)
    if kind is bool:
        return (value,)
    return value if kind in (str, int, float) else None


def read_extension(key: MatchKey, at: str, iri: str, path: tuple[str, ...]) -> Any:
    """Return the value that a statement carries there, None for none."""
    return value_at(key.extensions.get(at), iri, path)


def example_of(match: Match) -> MatchKey:
    """Return the key of a statement that `match` holds for, unless it contradicts itself or leaves it out."""
    extensions: dict[str, Extensions] = {}
    for wanted in match.extension:
        value: Any = wanted.equals[0] if wanted.equals else True
        place = extensions.setdefault(wanted.at, {})
        steps = [wanted.iri, *wanted.path]
        for step in steps[:-1]:
            below = place.setdefault(step, {})
            place = below if isinstance(below, dict) else {}
        place[steps[-1]] = value
    return MatchKey(
        activity="".join(match.activity[:1] or match.activity_prefix[:1]),
        activity_type="".join(match.activity_type[:1]),
        verb="".join(match.verb[:1]),
        parent=match.parent[:1],
        grouping=match.grouping[:1],
        category=(*match.category[:1], *match.profile[:1]),
        registration="".join(match.registration[:1]).lower(),
        extensions=extensions,
    )
