"""Context: registration, people around, related activities, language (Data 2.4.6; 9274 for 2.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carrythrough.xapi.refusals import refuse, step
from carrythrough.xapi.rules import activity, actor, values

CONTEXT_TYPES = ("parent", "grouping", "category", "other")


def context(value: Any, where: str, *, about_activity: bool, v2: bool) -> None:
    """Check a context; `about_activity` says whether the statement's object is an activity."""
    found = values.members(
        value,
        where,
        allowed=[name for name in _CHECKS if v2 or name not in _ONLY_2_0],
        rule="9274.1.1 4.2.2.5" if v2 else "Data 2.4.6",
        fixes=values.NO_FIXES if v2 else _OF_2_0,
    )
    for name, item in found.items():
        _CHECKS[name](item, step(where, name))
        if name in {"revision", "platform"} and not about_activity:
            _refuse_without_activity(name, where)


def context_activities(value: Any, where: str) -> None:
    """Check the related activities: each kind an activity or an array of them."""
    found = values.members(value, where, allowed=CONTEXT_TYPES, rule="Data 2.4.6.2.s4.b1")
    for name, item in found.items():
        if isinstance(item, list):
            values.items(item, step(where, name), activity.activity)
        else:
            activity.activity(item, step(where, name))


def statement_reference(value: Any, where: str) -> None:
    """Check a reference to a statement: its UUID, and the objectType that says so."""
    found = values.members(
        value, where, allowed=("objectType", "id"), required=("objectType", "id"), rule="Data 2.4.4.3.s4"
    )
    values.one_of(found["objectType"], step(where, "objectType"), ("StatementRef",), "Data 2.4.4.3.s4.b1")
    values.uuid(found["id"], step(where, "id"))


def _context_agent(value: Any, where: str) -> None:
    found = _related(value, where, "contextAgent", "agent")
    actor.agent(found["agent"], step(where, "agent"))


def _context_group(value: Any, where: str) -> None:
    found = _related(value, where, "contextGroup", "group")
    actor.group(found["group"], step(where, "group"))


def _related(value: Any, where: str, object_type: str, who: str) -> dict[str, Any]:
    rule = f"9274.1.1 4.2.2.5 ({object_type})"
    found = values.members(
        value,
        where,
        allowed=("objectType", who, "relevantTypes"),
        required=("objectType", who),
        rule=rule,
    )
    values.one_of(found["objectType"], step(where, "objectType"), (object_type,), rule)
    if "relevantTypes" in found:
        values.items(found["relevantTypes"], step(where, "relevantTypes"), values.iri)
        if not found["relevantTypes"]:
            refuse(
                "value-not-allowed",
                step(where, "relevantTypes"),
                "the array is empty",
                rule=rule,
                fix="name at least one activity type, or leave relevantTypes out",
            )
    return found


def _refuse_without_activity(name: str, where: str) -> None:
    refuse(
        "property-misplaced",
        step(where, name),
        f"{name!r} says something about an activity, and the object of this statement is none",
        rule="Data 2.4.6.s4.b1 and b2",
        fix=f"leave {name!r} out, or make the object an activity",
    )


def _context_agents(value: Any, where: str) -> None:
    values.items(value, where, _context_agent)


def _context_groups(value: Any, where: str) -> None:
    values.items(value, where, _context_group)


_CHECKS: dict[str, Callable[[Any, str], object]] = {
    "registration": values.uuid,
    "instructor": actor.agent_or_group,
    "team": actor.group,
    "contextActivities": context_activities,
    "contextAgents": _context_agents,
    "contextGroups": _context_groups,
    "revision": values.text,
    "platform": values.text,
    "language": values.language_tag,
    "statement": statement_reference,
    "extensions": values.extensions,
}
_ONLY_2_0 = frozenset({"contextAgents", "contextGroups"})
_OF_2_0 = dict.fromkeys(
    _ONLY_2_0, "it belongs to xAPI 2.0: send X-Experience-API-Version: 2.0.0, or leave it out"
)
