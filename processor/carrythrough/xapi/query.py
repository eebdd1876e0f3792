"""What is asked of stored statements and what comes back, as values that every shell shares.

The filters are those of the statement resource (1.0.3 Communication 2.1.3; IEEE 9274.1.1 4.1.6.1).
"""

from __future__ import annotations

import msgspec

VERSION_CODES = {"1.0.3": 103, "2.0.0": 200}
"""How a log row keeps the version under whose rules its statement was taken in."""
VERSIONS = {code: text for text, code in VERSION_CODES.items()}


class StatementQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One query for several statements, newest stored first unless `ascending`.

    agent: an `identity.actor_key` text; "" for none, as for verb and activity (IRIs). registration: lower-case
    UUID text. related_agents, related_activities: look beyond actor and object. since_ms, until_ms:
    bounds of the stored time (after; at or before), -1 for none. limit: 1 or more. credential: only
    what this credential has stored ("" for all). after: position of the last statement of the page
    before, 0 for the first page. up_to: greatest position that a page may hold, 0 for all that is
    indexed now; the pages of one query keep the bound of the first, so that they neither repeat nor skip.
    """

    agent: str = ""
    verb: str = ""
    activity: str = ""
    registration: str = ""
    related_agents: bool = False
    related_activities: bool = False
    since_ms: int = -1
    until_ms: int = -1
    limit: int = 100
    ascending: bool = False
    credential: str = ""
    after: int = 0
    up_to: int = 0


class StoredStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as the log has it: `raw` are the bytes that were sent.

    id: 16 bytes. version: "1.0.3" or "2.0.0", under whose rules it was taken in. credential: who stored it.
    """

    position: int
    stored_ms: int
    t_ms: int
    version: str
    credential: str
    id: bytes
    raw: bytes


class StatementPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of an answer.

    more_after: position to go on after, 0 when this is the last page. up_to: bound to go on with.
    consistent_through_ms: everything stored up to this time was looked at.
    """

    statements: list[StoredStatement]
    more_after: int
    up_to: int
    consistent_through_ms: int


class AttachmentData(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of an attachment. sha2: lower-case hexadecimal digest as the statement names it."""

    sha2: str
    content_type: str
    data: bytes
