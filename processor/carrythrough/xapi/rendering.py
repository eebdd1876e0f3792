"""Stored statements as they are given out: exact, as identifiers only, or canonical (Communication 2.1.3).

A statement is put together from slices of the text that was sent, so every number, extension and
unknown precision comes back digit for digit; only what the format asks for is taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Raw

from carrythrough.xapi import formats
from carrythrough.xapi.absence import Maybe
from carrythrough.xapi.languages import one_language
from carrythrough.xapi.query import StoredStatement
from carrythrough.xapi.wire import WireStatement

Format = Literal["exact", "ids", "canonical"]
FORMATS: tuple[Format, ...] = ("exact", "ids", "canonical")
DEFAULT_VERSION = {"1.0.3": "1.0.0", "2.0.0": "2.0.0"}
"""What a statement without `version` is returned with, by the rules it was taken in under (Data 2.4.10.s3.b3)."""
_IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
_COMPONENTS = ("choices", "scale", "source", "target", "steps")

_RFC3339 = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?P<zone>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)

_NAIVE_EPOCH = formats.EPOCH.replace(tzinfo=None)

Members = dict[str, Raw]

_statement = msgspec.json.Decoder(WireStatement).decode
_members = msgspec.json.Decoder(Members).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_texts = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """How statements are given out.

    authority_home: home page of the accounts that stand for credentials. languages: as of
    `languages.ranges`, for "canonical". activity: IRI → the activity with the definition that is held
    canonical, None for one that only its statement describes.
    """

    authority_home: str
    format: Format = "exact"
    languages: tuple[str, ...] = ()
    activity: Callable[[str], dict[str, Any] | None] = lambda _: None

    def statement(self, stored: StoredStatement) -> bytes:
        """Return one statement as JSON: with id, stored, authority, version and timestamp (Data 2.4)."""
        sent = _statement(stored.raw)
        change = self._change()
        at = time_text(stored.stored_ms)
        timestamp = at if sent.timestamp is None else in_utc(sent.timestamp)
        pieces = [
            b'{"id":"',
            formats.uuid_text(stored.id).encode(),
            b'","actor":',
            bytes(sent.actor) if change is None else change.actor(sent.actor),
            b',"verb":',
            bytes(sent.verb) if change is None else change.verb(sent.verb),
            b',"object":',
            _object(sent.object, change),
        ]
        if sent.result is not None:
            pieces += (b',"result":', bytes(sent.result))
        if sent.context is not None:
            pieces += (b',"context":', _context(sent.context, change))
        pieces += (b',"timestamp":', _encode(timestamp), b',"stored":"', at.encode(), b'","authority":')
        pieces.append(authority(self.authority_home, stored.credential))
        version = DEFAULT_VERSION[stored.version] if sent.version is None else sent.version
        pieces += (b',"version":', _encode(version))
        if sent.attachments is not None:
            pieces += (b',"attachments":', bytes(sent.attachments))
        pieces.append(b"}")
        return b"".join(pieces)

    def _change(self) -> _Ids | _Canonical | None:
        if self.format == "exact":
            return None
        return _Ids() if self.format == "ids" else _Canonical(self.languages, self.activity)


def result(statements: list[bytes], more: str) -> bytes:
    """Return a StatementResult (Data 2.5): statements that are JSON, and the relative IRL of what follows, or ""."""
    return b'{"statements":[%s],"more":%s}' % (b",".join(statements), _encode(more))


@lru_cache(maxsize=256)
def authority(home: str, credential: str) -> bytes:
    """Return the agent that stands for a credential, as JSON (Data 2.4.9)."""
    return _encode({"objectType": "Agent", "account": {"homePage": home, "name": credential}})


def time_text(ms: int) -> str:
    """Return a time in ms since the epoch as RFC 3339 in UTC with milliseconds."""
    at = _NAIVE_EPOCH + timedelta(milliseconds=ms)
    return f"{at.isoformat(timespec='milliseconds')}Z"


def in_utc(text: str) -> str:
    """Return a timestamp that was admitted as RFC 3339 in UTC, its fraction digit for digit.

    Data 4.5.s1.b6; 9274.1.1 4.2.7. What is written in another form of ISO 8601 (1.0 admits it), or names a
    leap second, is returned to the millisecond.
    """
    if text[10:11] == "T" and len(text) >= 20:  # what nearly everybody sends
        if text[-1] == "Z":
            return text
        if text.endswith("+00:00"):
            return f"{text[:-6]}Z"
    found = _RFC3339.fullmatch(text)
    if found is not None:
        try:
            at = datetime.fromisoformat(f"{found['date']}T{found['time']}{found['zone'].upper()}")
            return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}{found['fraction'] or ''}Z"
        except (ValueError, OverflowError):
            pass
    ms = formats.timestamp_ms(text, rfc3339=False)
    try:
        return text if ms is None else time_text(ms)
    except OverflowError:  # the year 0 or 10000 of UTC, which RFC 3339 cannot say
        return text


class _Ids:
    """Only what identifies agents, activities, verbs and groups."""

    def actor(self, text: Raw) -> bytes:
        members = _members(text)
        kept = {name: members[name] for name in ("objectType", *_IDENTIFIERS) if name in members}
        if "member" in members and not any(name in members for name in _IDENTIFIERS):
            kept["member"] = _array([self.actor(item) for item in _items(members["member"])])
        return _encode(kept)

    def verb(self, text: Raw) -> bytes:
        return self.activity(text)

    def activity(self, text: Raw) -> bytes:
        return _encode({"id": _members(text)["id"]})


class _Canonical:
    """Activities with the definition held canonical, verbs too, one language in each map; agents exact."""

    def __init__(self, languages: tuple[str, ...], activity: Callable[[str], dict[str, Any] | None]) -> None:
        self._languages = languages
        self._activity = activity

    def actor(self, text: Raw) -> bytes:
        return bytes(text)

    def verb(self, text: Raw) -> bytes:
        return self._with_one_language(text, ("display",))

    def activity(self, text: Raw) -> bytes:
        members = _members(text)
        known = self._activity(msgspec.json.decode(members["id"]))
        if known is not None and known.get("definition") is not None:
            members["definition"] = Raw(_encode(known["definition"]))
        if "definition" in members:
            members["definition"] = Raw(self._definition(members["definition"]))
        return _encode(members)

    def _definition(self, text: Raw) -> bytes:
        members = _members(self._with_one_language(text, ("name", "description")))
        for name in _COMPONENTS:
            if name in members:
                shown = [self._with_one_language(item, ("description",)) for item in _items(members[name])]
                members[name] = _array(shown)
        return _encode(members)

    def _with_one_language(self, text: Raw, names: tuple[str, ...]) -> bytes:
        members = _members(text)
        for name in names:
            if name in members:
                members[name] = Raw(_encode(one_language(_texts(members[name]), self._languages)))
        return _encode(members)


_Change = _Ids | _Canonical


def _object(text: Raw, change: _Change | None) -> bytes:
    exact = bytes(text)
    if change is None and b"SubStatement" not in exact:
        return exact
    if b'"objectType"' not in exact:
        return exact if change is None else change.activity(text)
    kind = msgspec.json.decode(text, type=_Kind).object_type
    if kind == "SubStatement":
        return _substatement(text, change)
    if change is None or kind == "StatementRef":
        return exact
    return change.activity(text) if kind == "Activity" else change.actor(text)


class _Kind(msgspec.Struct, rename="camel", gc=False):
    object_type: str = "Activity"


class _Around(msgspec.Struct, rename="camel", gc=False):
    context_activities: Maybe[Raw] = None


_around = msgspec.json.Decoder(_Around).decode


def _substatement(text: Raw, change: _Change | None) -> bytes:
    members = _members(text)
    members["object"] = Raw(_object(members["object"], change))
    if "context" in members:
        members["context"] = Raw(_context(members["context"], change))
    if change is not None:
        members["actor"] = Raw(change.actor(members["actor"]))
        members["verb"] = Raw(change.verb(members["verb"]))
    return _encode(members)


def _context(text: Raw, change: _Change | None) -> bytes:
    if change is None:
        related = _around(text).context_activities
        if related is None or all(bytes(sent)[:1] == b"[" for sent in _members(related).values()):
            return bytes(text)
    members = _members(text)
    if "contextActivities" in members:
        members["contextActivities"] = Raw(_related(members["contextActivities"], change))
    if change is None:
        return _encode(members)
    for name in ("instructor", "team"):
        if name in members:
            members[name] = Raw(change.actor(members[name]))
    for name, who in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in members:
            shown = []
            for item in _items(members[name]):
                inner = _members(item)
                inner[who] = Raw(change.actor(inner[who]))
                shown.append(_encode(inner))
            members[name] = _array(shown)
    return _encode(members)


def _related(text: Raw, change: _Change | None) -> bytes:
    """Return context activities, each kind as an array even where a single one was sent (Data 2.4.6.2.s4.b3)."""
    members = _members(text)
    for name, sent in members.items():
        items = _items(sent) if bytes(sent)[:1] == b"[" else [sent]
        members[name] = _array([bytes(item) if change is None else change.activity(item) for item in items])
    return _encode(members)


def _array(items: list[bytes]) -> Raw:
    return Raw(b"[%s]" % b",".join(items))
