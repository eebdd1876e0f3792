"""When two statements are the same, and the key of a statement that came without an id.

Data 2.3.1: what a store may assign or return differently does not make a statement another one.
So ignored are `id`, `authority`, `stored`, `version`, a `timestamp` that one of the two lacks, the
`display` of verbs, the definitions of activities, the order of a group's members, the case of
UUIDs and of e-mail domains, the way an instant is written (to the millisecond), a single activity
instead of an array of one, an `objectType` that says the default, hundredths of a second and less
in durations, and where an attachment's data lies. Everything else counts.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

import msgspec

from carrythrough.xapi import formats
from carrythrough.xapi.refusals import shown, step

KEY_BYTES = 16
_ASSIGNED_BY_A_STORE = ("id", "authority", "stored", "version")
_CONTEXT_TYPES = ("parent", "grouping", "category", "other")
_FINE_SECONDS = re.compile(r"([.,]\d\d)\d+S$")

_sorted = msgspec.json.Encoder(order="sorted").encode


def content_key(credential: str, raw: bytes, ordinal: int) -> bytes:
    """Return the 16-byte key of a statement without an id: the same content gives the same key.

    credential: name of the credential that sent it; two senders never share a key. ordinal: the
    how many-th statement of this content it is (from 0) where content alone may repeat. The order
    of members and white space in `raw` do not matter; numbers count as written (1 is not 1.0).
    """
    canonical = _sorted(msgspec.json.decode(raw))
    digest = blake2b(digest_size=KEY_BYTES, person=b"statement-key")
    digest.update(f"{len(credential)}:{credential}:{ordinal}:".encode())
    digest.update(canonical)
    return digest.digest()


def same_statement(a_raw: bytes, b_raw: bytes) -> str:
    """Return "" when the two admitted texts say the same, else the first difference in words.

    The words begin with its JSON pointer: "/result/score/scaled is 0.5 in one and 0.7 in the other".
    """
    if a_raw == b_raw:
        return ""
    a, b = msgspec.json.decode(a_raw), msgspec.json.decode(b_raw)
    for name in _ASSIGNED_BY_A_STORE:
        a.pop(name, None)
        b.pop(name, None)
    if "timestamp" not in a or "timestamp" not in b:
        a.pop("timestamp", None)
        b.pop("timestamp", None)
    return _difference(_plain_statement(a), _plain_statement(b), "")


def _plain_statement(value: dict[str, Any]) -> dict[str, Any]:
    plain = dict(value)
    plain["actor"] = _plain_actor(value["actor"])
    plain["verb"] = {"id": value["verb"]["id"]}
    plain["object"] = _plain_object(value["object"])
    if "timestamp" in value:
        plain["timestamp"] = _instant(value["timestamp"])
    if "result" in value and "duration" in value["result"]:
        plain["result"] = {
            **value["result"],
            "duration": _FINE_SECONDS.sub(r"\1S", value["result"]["duration"]),
        }
    if "context" in value:
        plain["context"] = _plain_context(value["context"])
    if "attachments" in value:
        plain["attachments"] = [
            {name: item for name, item in attachment.items() if name != "fileUrl"}
            for attachment in value["attachments"]
        ]
    return plain


def _plain_object(value: dict[str, Any]) -> dict[str, Any]:
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        return {"id": value["id"]}
    if kind == "SubStatement":
        return _plain_statement(value)
    if kind == "StatementRef":
        return {**value, "id": value["id"].lower()}
    return _plain_actor(value)


def _plain_actor(value: dict[str, Any]) -> dict[str, Any]:
    plain = {"objectType": "Agent", **value}
    if "mbox" in value:
        name, _, domain = value["mbox"].rpartition("@")
        plain["mbox"] = f"{name}@{domain.lower()}"
    if "mbox_sha1sum" in value:
        plain["mbox_sha1sum"] = value["mbox_sha1sum"].lower()
    if "member" in value:
        plain["member"] = sorted((_plain_actor(member) for member in value["member"]), key=_sorted)
    return plain


def _plain_context(value: dict[str, Any]) -> dict[str, Any]:
    plain = dict(value)
    if "registration" in value:
        plain["registration"] = value["registration"].lower()
    if "statement" in value:
        plain["statement"] = {**value["statement"], "id": value["statement"]["id"].lower()}
    for name in ("instructor", "team"):
        if name in value:
            plain[name] = _plain_actor(value[name])
    for name, who in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in value:
            plain[name] = [{**item, who: _plain_actor(item[who])} for item in value[name]]
    if "contextActivities" in value:
        plain["contextActivities"] = {
            kind: [{"id": item["id"]} for item in (sent if isinstance(sent, list) else [sent])]
            for kind, sent in value["contextActivities"].items()
        }
    return plain


def _instant(text: str) -> int | str:
    # Both versions' forms are read here: the two texts may have come under different ones.
    t_ms = formats.timestamp_ms(text, rfc3339=False)
    return text if t_ms is None else t_ms


def _difference(a: Any, b: Any, where: str) -> str:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in (*a, *(key for key in b if key not in a)):
            if name not in a or name not in b:
                return f"{step(where, name)} is only in one of them"
            words = _difference(a[name], b[name], step(where, name))
            if words:
                return words
        return ""
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{where} has {len(a)} items in one and {len(b)} in the other"
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            words = _difference(x, y, step(where, number))
            if words:
                return words
        return ""
    # True equals 1 in Python, and not in JSON.
    if isinstance(a, bool) is isinstance(b, bool) and a == b:
        return ""
    return f"{where} is {shown(a, 40)} in one and {shown(b, 40)} in the other"
