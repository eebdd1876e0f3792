"""Whole statements, SubStatements and their attachments' headers (Data 2.4, 2.3.2, 2.4.4.3, 2.4.11)."""

from __future__ import annotations

from typing import Any

from carrythrough.xapi import formats
from carrythrough.xapi.refusals import refuse, shown, step
from carrythrough.xapi.rules import activity, actor, context, hints, result, values

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
_SHARED = ("actor", "verb", "object", "result", "context", "timestamp", "attachments")
_STATEMENT = ("id", *_SHARED, "stored", "authority", "version")
_SUBSTATEMENT = ("objectType", *_SHARED)
_NOT_IN_SUBSTATEMENTS = dict.fromkeys(
    ("id", "stored", "version", "authority"), "take it out: a SubStatement never happened, so it has none"
)
_ATTACHMENT = ("usageType", "display", "description", "contentType", "length", "sha2", "fileUrl")
_OBJECT_TYPES = ("Activity", "Agent", "Group", "StatementRef", "SubStatement")


def statement(value: Any, where: str, *, v2: bool) -> None:
    """Check a statement against every rule that needs nothing but the statement."""
    found = values.members(
        value, where, allowed=_STATEMENT, required=("actor", "verb", "object"), rule="Data 2.4"
    )
    if "id" in found:
        values.uuid(found["id"], step(where, "id"))
    _shared(found, where, v2=v2)
    if found["verb"]["id"] == VOIDED and found["object"].get("objectType") != "StatementRef":
        refuse(
            "voiding-target",
            step(where, "object"),
            "a voiding statement names the statement that it voids",
            rule="Data 2.3.2.s2.b1",
            fix='make the object {"objectType": "StatementRef", "id": "…"}',
        )
    if "stored" in found:
        values.timestamp(found["stored"], step(where, "stored"), v2=v2)
    if "authority" in found:
        actor.authority(found["authority"], step(where, "authority"))
    if "version" in found:
        _version(found["version"], step(where, "version"), v2=v2)


def _shared(found: dict[str, Any], where: str, *, v2: bool) -> None:
    actor.agent_or_group(found["actor"], step(where, "actor"))
    activity.verb(found["verb"], step(where, "verb"))
    about_activity = _object(found["object"], step(where, "object"), v2=v2)
    if "result" in found:
        result.result(found["result"], step(where, "result"))
    if "context" in found:
        context.context(found["context"], step(where, "context"), about_activity=about_activity, v2=v2)
    if "timestamp" in found:
        values.timestamp(found["timestamp"], step(where, "timestamp"), v2=v2)
    if "attachments" in found:
        values.items(found["attachments"], step(where, "attachments"), _attachment)


def _object(value: Any, where: str, *, v2: bool) -> bool:
    """Check the object and say whether it is an activity."""
    object_type = value.get("objectType", "Activity") if isinstance(value, dict) else "Activity"
    if object_type == "Activity":
        activity.activity(value, where)
        return True
    if object_type == "Agent":
        actor.agent(value, where)
    elif object_type == "Group":
        actor.group(value, where)
    elif object_type == "StatementRef":
        context.statement_reference(value, where)
    elif object_type == "SubStatement":
        _substatement(value, where, v2=v2)
    elif object_type is None:
        values.refuse_type(None, step(where, "objectType"), "")
    else:
        values.one_of(object_type, step(where, "objectType"), _OBJECT_TYPES, "Data 2.4.4.s2")
    return False


def _substatement(value: dict[str, Any], where: str, *, v2: bool) -> None:
    found = values.members(
        value,
        where,
        allowed=_SUBSTATEMENT,
        required=("actor", "verb", "object"),
        rule="Data 2.4.4.3.s8.b3",
        fixes=_NOT_IN_SUBSTATEMENTS,
    )
    inner = found["object"]
    if isinstance(inner, dict) and inner.get("objectType") == "SubStatement":
        refuse(
            "property-misplaced",
            step(where, "object"),
            "a SubStatement cannot hold another one",
            rule="Data 2.4.4.3.s8.b4",
            fix="send the inner one as a statement and refer to it with a StatementRef",
        )
    _shared(found, where, v2=v2)


def _version(value: Any, where: str, *, v2: bool) -> None:
    word = values.text(value, where)
    if not formats.is_version(word, v2=v2):
        refuse(
            "version-unsupported",
            where,
            f"the statement says that it is xAPI {shown(word)}",
            rule="9274.1.1 4.2.4.3: 1.0.x or 2.0.x" if v2 else "Data 2.4.10.s3.b2: it starts with 1.0.",
            fix=hints.version(word, v2=v2)
            or "leave 'version' out; the header X-Experience-API-Version says it",
        )


def _attachment(value: Any, where: str) -> None:
    found = values.members(
        value,
        where,
        allowed=_ATTACHMENT,
        required=("usageType", "display", "contentType", "length", "sha2"),
        rule="Data 2.4.11",
    )
    values.iri(found["usageType"], step(where, "usageType"), rule="Data 2.4.11 (usageType)")
    values.language_map(found["display"], step(where, "display"))
    if "description" in found:
        values.language_map(found["description"], step(where, "description"))
    values.media_type(found["contentType"], step(where, "contentType"))
    values.byte_count(found["length"], step(where, "length"))
    _sha2(found["sha2"], step(where, "sha2"))
    if "fileUrl" in found:
        values.iri(found["fileUrl"], step(where, "fileUrl"), rule="Data 2.4.11 (fileUrl)")


def _sha2(value: Any, where: str) -> None:
    word = values.text(value, where)
    if not formats.is_sha2(word):
        refuse(
            "sha2-invalid",
            where,
            f"{shown(word)} is not a SHA-2 hash",
            rule="Data 2.4.11.s2.table1.row6 (sha2)",
            fix="send the SHA-256 of the attached data as 64 hexadecimal digits",
        )
