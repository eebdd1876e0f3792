"""A performance event as a value: one on-the-job fact about one employee.

The annotated limits are what admission and `schemas/performance-event.schema.json` enforce.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.events.needs import NeedsSurvey
from carrythrough.events.replies import ActionReply

EventKind = Literal[
    "qa-result", "task-outcome", "kpi-reading", "observation", "job-aid-use", "self-report", "opportunity"
]
RecordKind = Literal[
    "qa-result",
    "task-outcome",
    "kpi-reading",
    "observation",
    "job-aid-use",
    "self-report",
    "opportunity",
    "needs-survey",
    "action-answer",
    "retraction",
]
"""Every kind of record: the facts, opinions about what is needed, answers to actions, and "retraction" of one."""
OUTCOME_KINDS = frozenset({"qa-result", "task-outcome", "kpi-reading", "observation"})
"""Kinds that must carry an outcome."""
BARE_KINDS = frozenset({"job-aid-use", "opportunity", "needs-survey", "retraction"})
"""Kinds that must not carry one."""

OWN_SOURCES = "carrythrough:"
"""Sources that begin so are our own (the forms): no sender may write or correct events in their name."""
REVISION_MAX = 2**31 - 1
"""Greatest revision: what every store and language holds as a plain integer."""

# No control characters: ids are hashed with a separator and end up in logs and tables.
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=patterns.PLAIN)]
Optional = Annotated[str, Meta(max_length=200, pattern=patterns.PLAIN)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown members refused."""


class EventOutcome(_Part, frozen=True, kw_only=True):
    """How it went, by exactly one member.

    met: whether the standard was met. score: 0..1 against the standard. value: a reading in the
    KPI's unit, turned into an outcome by the KPI's target.
    """

    met: bool | None = None
    score: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    value: float | None = None


class Observer(_Part, frozen=True, kw_only=True):
    """Who observed: it decides the weight of an observation.

    role: the person's manager, or a peer.
    """

    role: Literal["manager", "peer"]


class EventAccount(_Part, frozen=True, kw_only=True, rename="camel"):
    """An account on a system, as in an xAPI agent.

    homePage: IRI of the system. name: the login there.
    """

    home_page: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Name


class EventActor(_Part, frozen=True, kw_only=True, rename={"object_type": "objectType"}):
    """An xAPI agent in place of a roster id; exactly one of its four identifiers is given.

    objectType: "Agent", or left out. name: of the person; it identifies nobody. mbox: "mailto:" and the e-mail
    address. mbox_sha1sum: SHA-1 of the mbox IRI, in hexadecimal. openid: IRI of an OpenID. account: an account
    on a system.
    """

    object_type: Literal["Agent"] = "Agent"
    name: Optional = ""
    mbox: Annotated[str, Meta(pattern=patterns.MBOX, max_length=400)] | None = None
    mbox_sha1sum: Annotated[str, Meta(pattern=patterns.SHA1)] | None = None
    openid: Annotated[str, Meta(min_length=1, max_length=2000, pattern=patterns.PLAIN)] | None = None
    account: EventAccount | None = None


class PerformanceEvent(_Part, frozen=True, kw_only=True):
    """One on-the-job fact about one employee.

    id: unique within its source; sent again, it is known. source: the system that sends it. kind: what sort
    of fact it is. time: when it happened, RFC 3339 with a zone. employee: roster id of whom it is about; or
    else actor. actor: an xAPI agent in the place of employee. skill: id in the program map; it may stay empty
    where the map's event rules name it. activity: what was done, in the words of the source, for event rules
    to match. kpi: id in the program map. outcome: how it went; required for qa-result, task-outcome,
    kpi-reading and observation. assisted: the person had a job aid at hand. observer: for observations.
    grain "team": the reading is not about this person alone and gives no evidence of a person.
    minutes_of_support: minutes since a job aid was last used, when known. team: with grain "team", the
    team of the roster in place of an employee. corrects: the id of an event of the same source that this
    one replaces. retracts: for the kind "retraction", the id of the event of the same source that is
    taken back. revision: of several corrections of one event the one with the greatest revision counts,
    else the one with the latest time. needs: for the kind "needs-survey", and no other, the answers.
    reply: for the kind "action-answer", and no other, what was answered; the employee is who answers.
    """

    id: Name
    source: Name
    kind: RecordKind
    time: str
    employee: Optional = ""
    actor: EventActor | None = None
    skill: Annotated[str, Meta(max_length=64, pattern=patterns.ID_OR_EMPTY)] = ""
    activity: Optional = ""
    kpi: Annotated[str, Meta(max_length=64, pattern=patterns.ID_OR_EMPTY)] = ""
    outcome: EventOutcome | None = None
    assisted: bool = False
    observer: Observer | None = None
    grain: Literal["individual", "team"] = "individual"
    minutes_of_support: Annotated[float, Meta(ge=0.0)] | None = None
    team: Optional = ""
    corrects: Optional = ""
    retracts: Optional = ""
    revision: Annotated[int, Meta(ge=0, le=REVISION_MAX)] = 0
    needs: NeedsSurvey | None = None
    reply: ActionReply | None = None


class AdmittedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A performance event that passed admission.

    id: 16 bytes, `source_id`. raw: canonical JSON, the same for every spelling of the same event.
    t_ms: event time, ms since the epoch.
    """

    id: bytes
    raw: bytes
    event: PerformanceEvent
    t_ms: int


def source_id(source: str, event_id: str) -> bytes:
    """Return the 16-byte id of an event: BLAKE2b of its source, a unit separator and its id."""
    return blake2b(f"{source}\x1f{event_id}".encode(), digest_size=16).digest()
