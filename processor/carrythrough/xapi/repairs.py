"""The repairs that a lenient credential allows: few, named, counted, and none that guesses what was meant.

Each mends a mistake that a sender is known to make and that can be undone from the name alone; what
was sent is kept beside what is stored. Repairs look at plain JSON values and know no rule: whether
the result is a statement is for `rules` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from carrythrough.xapi import formats

OBJECT_TYPE_MISSING: Final = "object-type-missing"
OBJECT_TYPE_UNKNOWN: Final = "object-type-unknown"
EXTENSION_KEY: Final = "extension-key-not-iri"
STATEMENT_VERSION: Final = "statement-version-wrong"
REQUEST_VERSION: Final = "request-version-wrong"
CLOCK_NOT_SET: Final = "clock-not-set"
CLOCK_AHEAD: Final = "clock-ahead"

REPAIRS: dict[str, str] = {
    OBJECT_TYPE_MISSING: "`objectType` is added where the specification requires it and the other properties"
    " leave no doubt: Group for what has members, Agent for an object with an identifier of an agent,"
    " StatementRef and SubStatement by where they stand or what they hold",
    OBJECT_TYPE_UNKNOWN: "`GroupActivity`, which Open edX sends and the specification does not have, becomes"
    " Activity (Group when it has members)",
    EXTENSION_KEY: "a key of extensions that is no IRI, as in `sessionId`, is put behind"
    " `urn:carrythrough:extension:`, percent-encoded",
    STATEMENT_VERSION: "a `version` such as 1.03 or v1.0.3 becomes 1.0.3",
    REQUEST_VERSION: "a header X-Experience-API-Version such as 1.03 or v1.0.3 is read as 1.0.3",
    CLOCK_NOT_SET: "a `timestamp` from before 2011, when xAPI did not exist, is taken out: the time of storing"
    " counts",
    CLOCK_AHEAD: "nothing is changed: the `timestamp` lies more than five minutes in the future, so evidence"
    " counts at the time of storing",
}
"""Name to what it does, for the reference page."""

EXTENSION_PREFIX: Final = "urn:carrythrough:extension:"
XAPI_BEGINS_MS: Final = 1_293_840_000_000
"""2011-01-01T00:00:00Z: an older timestamp tells of a clock that was never set."""
SKEW_MS_MAX: Final = 5 * 60_000
"""As far as a clock may run ahead before it is worth a word (evidence has the same bound)."""

_IDENTIFIERS = frozenset({"mbox", "mbox_sha1sum", "openid", "account"})
_NEAR_VERSION = re.compile(r"[vV]?(?P<major>[12])[.,]?0(?:[.,]?0*(?P<patch>\d))?(?:\.0)*")


def near_version(text: str) -> str | None:
    """Return the version that a wrongly written one means ("1.03" → "1.0.3"), None when it is anybody's guess."""
    found = _NEAR_VERSION.fullmatch(text.strip())
    return None if found is None else f"{found['major']}.0.{found['patch'] or 0}"


def repair(value: dict[str, Any], *, v2: bool) -> tuple[str, ...]:
    """Mend a statement in place; return the names of the repairs that changed it, each once, sorted."""
    return tuple(sorted(set(_statement(value, v2=v2))))


def _statement(value: dict[str, Any], *, v2: bool) -> Iterator[str]:
    yield from _common(value)
    version = value.get("version")
    if isinstance(version, str) and not formats.is_version(version, v2=v2):
        meant = near_version(version)
        if meant is not None and formats.is_version(meant, v2=v2):
            value["version"] = meant
            yield STATEMENT_VERSION
    written = value.get("timestamp")
    t_ms = formats.timestamp_ms(written, rfc3339=v2) if isinstance(written, str) else None
    if t_ms is not None and t_ms < XAPI_BEGINS_MS:
        del value["timestamp"]
        yield CLOCK_NOT_SET


def _common(value: dict[str, Any]) -> Iterator[str]:
    """Mend what statements and SubStatements have in common."""
    yield from _actor(value.get("actor"))
    yield from _object(value.get("object"))
    yield from _context(value.get("context"))
    yield from _extended(value.get("result"))


def _actor(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and "objectType" not in value and "member" in value:
        value["objectType"] = "Group"
        yield OBJECT_TYPE_MISSING


def _object(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    kind = value.get("objectType")
    if kind == "GroupActivity":
        value["objectType"] = "Group" if "member" in value else "Activity"
        yield OBJECT_TYPE_UNKNOWN
    elif "objectType" not in value:
        kind = _evident_type(value)
        if kind:
            value["objectType"] = kind
            yield OBJECT_TYPE_MISSING
    if value.get("objectType", "Activity") == "Activity":
        yield from _activity(value)
    elif value["objectType"] == "SubStatement":
        yield from _common(value)


def _evident_type(value: dict[str, Any]) -> str:
    """Return the objectType that an object without one can only mean, "" when it may be an activity."""
    if "member" in value:
        return "Group"
    if not _IDENTIFIERS.isdisjoint(value):
        return "Agent"
    if {"actor", "verb", "object"} <= value.keys():
        return "SubStatement"
    id_ = value.get("id")
    if set(value) == {"id"} and isinstance(id_, str) and formats.uuid_bytes(id_) is not None:
        return "StatementRef"
    return ""


def _activity(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("objectType") == "GroupActivity":
            value["objectType"] = "Activity"
            yield OBJECT_TYPE_UNKNOWN
        yield from _extended(value.get("definition"))


def _context(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    yield from _extended(value)
    yield from _actor(value.get("instructor"))
    yield from _typed(value.get("team"), "Group")
    yield from _typed(value.get("statement"), "StatementRef")
    for name, kind, who in (
        ("contextAgents", "contextAgent", "agent"),
        ("contextGroups", "contextGroup", "group"),
    ):
        for item in _items(value.get(name)):
            yield from _typed(item, kind)
            if isinstance(item, dict) and who == "group":
                yield from _typed(item.get(who), "Group")
    related = value.get("contextActivities")
    if isinstance(related, dict):
        for sent in related.values():
            for activity in _items(sent) if isinstance(sent, list) else (sent,):
                yield from _activity(activity)


def _typed(value: Any, kind: str) -> Iterator[str]:
    """Add the only `objectType` that a value may have where it stands."""
    if isinstance(value, dict) and "objectType" not in value:
        value["objectType"] = kind
        yield OBJECT_TYPE_MISSING


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _extended(value: Any) -> Iterator[str]:
    """Put the keys of `value["extensions"]` that are no IRIs behind our prefix, in their order."""
    found = value.get("extensions") if isinstance(value, dict) else None
    if not isinstance(found, dict) or all(map(formats.is_iri, found)):
        return
    mended = {key if formats.is_iri(key) else iri_of(key): item for key, item in found.items()}
    if len(mended) == len(found):  # a key that is there already stays what it was
        value["extensions"] = mended
        yield EXTENSION_KEY


def iri_of(key: str) -> str:
    """Return the IRI that stands for an extension key which is none."""
    return EXTENSION_PREFIX + quote(key, safe="-._~")
