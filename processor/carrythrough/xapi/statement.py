"""The values that a statement is made of, as the rest of the product reads them.

Names are those of the specification in Python's spelling (`contextActivities` is
`context_activities`). An absent property is None: the specification forbids null outside
extensions and admission refuses it, so None never means "sent as null". Values are frozen and may
be shared between statements: admission keeps the ones that repeat.
"""

from __future__ import annotations

from typing import Any

import msgspec

from carrythrough.xapi.absence import Maybe

LanguageMap = dict[str, str]
"""Language tag (RFC 5646) to text."""

Extensions = dict[str, Any]
"""Absolute IRI to any JSON value."""


class _Value(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel", gc=False
):
    """Base of all parts: immutable, strict about unknown properties, cheap for the collector."""


class Account(_Value, frozen=True):
    """An account on a system: an identifier of an agent or group."""

    home_page: str
    name: str


class Agent(_Value, frozen=True, kw_only=True):
    """A person or system, with exactly one of `mbox`, `mbox_sha1sum`, `openid`, `account`."""

    object_type: Maybe[str] = None
    name: Maybe[str] = None
    mbox: Maybe[str] = None
    mbox_sha1sum: Maybe[str] = msgspec.field(default=None, name="mbox_sha1sum")
    openid: Maybe[str] = None
    account: Maybe[Account] = None


class Group(Agent, frozen=True, kw_only=True):
    """Several agents; identified by at most one identifier, or anonymous with at least one member."""

    member: tuple[Agent, ...] = ()


class Verb(_Value, frozen=True):
    """What was done; `id` alone carries the meaning, `display` is for people."""

    id: str
    display: Maybe[LanguageMap] = None


class InteractionComponent(_Value, frozen=True):
    """One choice, scale point, source, target or step of an interaction."""

    id: str
    description: Maybe[LanguageMap] = None


class Definition(_Value, frozen=True, kw_only=True):
    """What the sender says about an activity; `interaction_type` marks a question and its kind."""

    name: Maybe[LanguageMap] = None
    description: Maybe[LanguageMap] = None
    type: Maybe[str] = None
    more_info: Maybe[str] = None
    interaction_type: Maybe[str] = None
    correct_responses_pattern: Maybe[tuple[str, ...]] = None
    choices: Maybe[tuple[InteractionComponent, ...]] = None
    scale: Maybe[tuple[InteractionComponent, ...]] = None
    source: Maybe[tuple[InteractionComponent, ...]] = None
    target: Maybe[tuple[InteractionComponent, ...]] = None
    steps: Maybe[tuple[InteractionComponent, ...]] = None
    extensions: Maybe[Extensions] = None


class Activity(_Value, frozen=True):
    """Something done with: a course, a question, a simulation, a document."""

    id: str
    definition: Maybe[Definition] = None
    object_type: Maybe[str] = None


class StatementRef(_Value, frozen=True):
    """A pointer to another statement; `id` is its UUID as sent (any case)."""

    id: str
    object_type: str = "StatementRef"


class Score(_Value, frozen=True, kw_only=True):
    """A score: `scaled` in −1..1; `raw` in `min`..`max` where these are given."""

    scaled: Maybe[float] = None
    raw: Maybe[float] = None
    min: Maybe[float] = None
    max: Maybe[float] = None


class Result(_Value, frozen=True, kw_only=True):
    """A measured outcome; `duration` is an ISO 8601 duration as sent."""

    score: Maybe[Score] = None
    success: Maybe[bool] = None
    completion: Maybe[bool] = None
    response: Maybe[str] = None
    duration: Maybe[str] = None
    extensions: Maybe[Extensions] = None


class ContextActivities(_Value, frozen=True, kw_only=True):
    """Activities that the statement relates to; a single activity as sent is a tuple of one here."""

    parent: tuple[Activity, ...] = ()
    grouping: tuple[Activity, ...] = ()
    category: tuple[Activity, ...] = ()
    other: tuple[Activity, ...] = ()


class ContextAgent(_Value, frozen=True, kw_only=True):
    """xAPI 2.0: an agent related to the statement, with activity types that say how."""

    agent: Agent
    object_type: str = "contextAgent"
    relevant_types: tuple[str, ...] = ()


class ContextGroup(_Value, frozen=True, kw_only=True):
    """xAPI 2.0: a group related to the statement, with activity types that say how."""

    group: Group
    object_type: str = "contextGroup"
    relevant_types: tuple[str, ...] = ()


class Context(_Value, frozen=True, kw_only=True):
    """Where and with whom it happened; `registration` is a UUID as sent."""

    registration: Maybe[str] = None
    instructor: Maybe[Agent] = None
    team: Maybe[Group] = None
    context_activities: Maybe[ContextActivities] = None
    context_agents: tuple[ContextAgent, ...] = ()
    context_groups: tuple[ContextGroup, ...] = ()
    revision: Maybe[str] = None
    platform: Maybe[str] = None
    language: Maybe[str] = None
    statement: Maybe[StatementRef] = None
    extensions: Maybe[Extensions] = None


class Attachment(_Value, frozen=True, kw_only=True):
    """What is known of an attached file; `length` in bytes (a whole number), `sha2` its hash as sent."""

    usage_type: str
    display: LanguageMap
    content_type: str
    length: int | float
    sha2: str
    description: Maybe[LanguageMap] = None
    file_url: Maybe[str] = None


class SubStatement(_Value, frozen=True, kw_only=True):
    """A statement as the object of another one: a plan or an expectation, never a fact."""

    actor: Agent
    verb: Verb
    object: Activity | Agent | StatementRef
    result: Maybe[Result] = None
    context: Maybe[Context] = None
    timestamp: Maybe[str] = None
    attachments: tuple[Attachment, ...] = ()
    object_type: str = "SubStatement"


StatementObject = Activity | Agent | StatementRef | SubStatement
"""What a statement can be about; a Group is an Agent here."""


class Statement(_Value, frozen=True, kw_only=True):
    """One statement. `id` is the UUID as sent (any case) or None, `timestamp` the text as sent."""

    actor: Agent
    verb: Verb
    object: StatementObject
    id: Maybe[str] = None
    result: Maybe[Result] = None
    context: Maybe[Context] = None
    timestamp: Maybe[str] = None
    stored: Maybe[str] = None
    authority: Maybe[Agent] = None
    version: Maybe[str] = None
    attachments: tuple[Attachment, ...] = ()
