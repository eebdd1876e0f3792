"""What is sent: a stored statement as it leaves, and batches of them that a feed gives out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from carrythrough.forward.target import ForwardTarget
from carrythrough.pipeline.records import VOIDED_VERB
from carrythrough.xapi.query import VERSIONS, AttachmentData

Attachments = Callable[[Iterable[str]], dict[str, AttachmentData]]
"""Gives the stored data of attachments by their SHA-2 (`ports.Statements.attachments`)."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One statement on its way. key: its place in the feed. id: UUID text. text: JSON with id and timestamp."""

    key: int
    id: str
    text: bytes
    version: str
    attachments: tuple[AttachmentData, ...] = ()

    @property
    def size(self) -> int:
        """Return about how many bytes it takes in a request."""
        return len(self.text) + sum(len(one.data) for one in self.attachments)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The next part of a feed. last: place up to which it goes, what was left out included.

    awaited: (action id, effect) of actions that are told of once they were delivered.
    """

    items: Sequence[Item]
    last: int
    awaited: Sequence[tuple[str, bytes]] = ()


class Feed(Protocol):
    """A sequence of statements in the order of their places; it is read by one thread."""

    name: str

    def next(self, after: int, limit: int) -> Batch:
        """Return what comes after a place; `last` is `after` when there is nothing new."""
        ...

    def item(self, key: int) -> Item | None:
        """Return the statement at a place, to be sent again; None when it is gone."""
        ...

    def end(self) -> int:
        """Return the last place that there is."""
        ...


class StoredRow(Protocol):
    """What of a log row is needed here."""

    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def stored_ms(self) -> int: ...  # noqa: D102
    @property
    def credential(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> bytes: ...  # noqa: D102
    @property
    def raw(self) -> bytes: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102


class _Named(msgspec.Struct):
    id: str = ""
    sha2: str = ""


class _Object(msgspec.Struct, rename="camel"):
    object_type: str = "Activity"
    id: str = ""
    attachments: list[_Named] = []


class _Glance(msgspec.Struct):
    """The members of a statement that decide whether and how it leaves."""

    verb: _Named
    object: _Object
    id: str = ""
    timestamp: str = ""
    attachments: list[_Named] = []


_glance = msgspec.json.Decoder(_Glance).decode


def outgoing(name: str, target: ForwardTarget, row: StoredRow, attachments: Attachments) -> Item | None:
    """Return a stored statement as it goes to a target, None when the target's filters leave it out.

    The text is the one that was sent to us, byte for byte; only an id or a timestamp that the sender left
    to us is put in front, since another store would invent its own.
    """
    if target.credentials and row.credential not in target.credentials:
        return None
    if row.credential in target.excluded(name):
        return None
    seen = _glance(row.raw)
    if not _wanted(target, seen):
        return None
    id_ = str(UUID(bytes=bytes(row.id)))
    text = bytes(row.raw)
    if not seen.timestamp:
        text = _with(text, "timestamp", time_text(row.stored_ms))
    if not seen.id:
        text = _with(text, "id", id_)
    found: dict[str, AttachmentData] = {}
    named = [one.sha2.lower() for one in (*seen.attachments, *seen.object.attachments)]
    if named and target.attachments:
        found = attachments(named)
    version = target.version or VERSIONS[row.version]
    return Item(key=row.position, id=id_, text=text, version=version, attachments=tuple(found.values()))


def _wanted(target: ForwardTarget, seen: _Glance) -> bool:
    """Say whether verb and activity pass; what takes a statement back always does, it may have gone there."""
    if seen.verb.id == VOIDED_VERB:
        return True
    if target.verbs and seen.verb.id not in target.verbs:
        return False
    return not target.activities or (
        seen.object.object_type == "Activity" and seen.object.id.startswith(target.activities)
    )


def time_text(t_ms: int) -> str:
    """Return a time in ms since the epoch as RFC 3339 text in UTC."""
    seconds, milliseconds = divmod(t_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with(text: bytes, name: str, value: str) -> bytes:
    """Return a JSON object with one more member, which it does not have, in front."""
    return b'{"%s":%s,' % (name.encode(), json.dumps(value).encode()) + text.lstrip()[1:]
