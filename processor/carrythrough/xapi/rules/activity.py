"""Verbs and activities, with their definitions and the components of interactions (Data 2.4.3, 2.4.4.1)."""

from __future__ import annotations

from typing import Any

from carrythrough.xapi.refusals import refuse, shown, step
from carrythrough.xapi.rules import values

INTERACTION_TYPES = (
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
)
COMPONENT_LISTS = ("choices", "scale", "source", "target", "steps")
_DEFINITION = (
    "name",
    "description",
    "type",
    "moreInfo",
    "extensions",
    "interactionType",
    "correctResponsesPattern",
    *COMPONENT_LISTS,
)

_OTHER_KINDS = {
    **dict.fromkeys(
        ("mbox", "mbox_sha1sum", "openid", "account"),
        'an object that is an agent says so: add "objectType": "Agent"',
    ),
    "member": 'an object that is a group says so: add "objectType": "Group"',
    **dict.fromkeys(("actor", "verb"), 'a statement as object says so: add "objectType": "SubStatement"'),
    **dict.fromkeys(
        ("name", "description", "type", "moreInfo", "extensions", "interactionType"),
        "put it into 'definition'",
    ),
}
"""Members that tell what an object without an objectType was meant to be."""


def verb(value: Any, where: str) -> None:
    """Check a verb: an IRI and, when given, its words in some languages."""
    found = values.members(value, where, allowed=("id", "display"), required=("id",), rule="Data 2.4.3")
    values.iri(found["id"], step(where, "id"), rule="Data 2.4.3 (verb id)")
    if "display" in found:
        values.language_map(found["display"], step(where, "display"))


def activity(value: Any, where: str) -> None:
    """Check an activity; `objectType` may be left out."""
    found = values.members(
        value,
        where,
        allowed=("objectType", "id", "definition"),
        required=("id",),
        rule="Data 2.4.4.1",
        fixes=_OTHER_KINDS,
    )
    if "objectType" in found:
        values.one_of(found["objectType"], step(where, "objectType"), ("Activity",), "Data 2.4.4.1")
    values.iri(found["id"], step(where, "id"), rule="Data 2.4.4.1 (activity id)")
    if "definition" in found:
        _definition(found["definition"], step(where, "definition"))


def _definition(value: Any, where: str) -> None:
    found = values.members(value, where, allowed=_DEFINITION, rule="Data 2.4.4.1.s2")
    for name in ("name", "description"):
        if name in found:
            values.language_map(found[name], step(where, name))
    for name in ("type", "moreInfo"):
        if name in found:
            values.iri(found[name], step(where, name), rule=f"Data 2.4.4.1.s2 ({name})")
    if "extensions" in found:
        values.extensions(found["extensions"], step(where, "extensions"))
    if "interactionType" in found:
        values.one_of(
            found["interactionType"],
            step(where, "interactionType"),
            INTERACTION_TYPES,
            "Data 2.4.4.1.s13.b1",
        )
    else:
        _refuse_interaction_without_type(found, where)
    if "correctResponsesPattern" in found:
        values.items(
            found["correctResponsesPattern"], step(where, "correctResponsesPattern"), _response_pattern
        )
    for name in COMPONENT_LISTS:
        if name in found:
            _components(found[name], step(where, name))


def _refuse_interaction_without_type(found: dict[str, Any], where: str) -> None:
    for name in ("correctResponsesPattern", *COMPONENT_LISTS):
        if name in found:
            refuse(
                "property-missing",
                where,
                f"{name!r} belongs to an interaction, and 'interactionType' is missing",
                rule="Data 2.4.4.1.s13.b1",
                fix=f"add 'interactionType', one of {', '.join(INTERACTION_TYPES)}",
            )


def _response_pattern(value: Any, where: str) -> None:
    values.text(value, where)


def _components(value: Any, where: str) -> None:
    values.items(value, where, _component)
    seen: set[str] = set()
    for number, component in enumerate(value):
        if component["id"] in seen:
            refuse(
                "value-repeated",
                step(step(where, number), "id"),
                f"the id {shown(component['id'])} stands twice in this list",
                rule="Data 2.4.4.1.s16.b1",
                fix="give each component an id of its own",
            )
        seen.add(component["id"])


def _component(value: Any, where: str) -> None:
    found = values.members(
        value, where, allowed=("id", "description"), required=("id",), rule="Data 2.4.4.1.s15"
    )
    values.text(found["id"], step(where, "id"))
    if "description" in found:
        values.language_map(found["description"], step(where, "description"))
