"""From JSON text to the values of `statement`: typed decoding, without any of the rules.

The parts of a statement are decoded one by one, because what an object or actor is depends on its
`objectType`, and because checked parts are remembered by their bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from carrythrough.xapi.absence import Maybe
from carrythrough.xapi.statement import (
    Activity,
    Agent,
    Attachment,
    Context,
    ContextActivities,
    ContextAgent,
    ContextGroup,
    Extensions,
    Group,
    Result,
    Statement,
    StatementObject,
    StatementRef,
    SubStatement,
    Verb,
)

if TYPE_CHECKING:
    Buffer = bytes | Raw
else:
    Buffer = object


class _Wire(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False, kw_only=True):
    """Base of the shapes as sent; absent properties are None."""


class WireStatement(_Wire):
    """A statement with its parts still as text."""

    actor: Raw
    verb: Raw
    object: Raw
    id: Maybe[str] = None
    result: Maybe[Raw] = None
    context: Maybe[Raw] = None
    timestamp: Maybe[str] = None
    stored: Maybe[str] = None
    authority: Maybe[Raw] = None
    version: Maybe[str] = None
    attachments: Maybe[Raw] = None


class WireContext(_Wire):
    """A context with its parts still as text."""

    registration: Maybe[str] = None
    instructor: Maybe[Raw] = None
    team: Maybe[Raw] = None
    context_activities: Maybe[Raw] = None
    context_agents: Maybe[Raw] = None
    context_groups: Maybe[Raw] = None
    revision: Maybe[str] = None
    platform: Maybe[str] = None
    language: Maybe[str] = None
    statement: Maybe[Raw] = None
    extensions: Maybe[Raw] = None


class _WireContextActivities(_Wire):
    parent: Activity | tuple[Activity, ...] = ()
    grouping: Activity | tuple[Activity, ...] = ()
    category: Activity | tuple[Activity, ...] = ()
    other: Activity | tuple[Activity, ...] = ()


class _WireSubStatement(_Wire):
    actor: Raw
    verb: Verb
    object: Raw
    object_type: str
    result: Maybe[Result] = None
    context: Maybe[Raw] = None
    timestamp: Maybe[str] = None
    attachments: tuple[Attachment, ...] = ()


class _Kind(msgspec.Struct, rename="camel", gc=False):
    object_type: str = "Activity"


split = msgspec.json.Decoder(list[Raw]).decode
"""The statements of a JSON array as slices of it."""

whole = msgspec.json.Decoder(Raw).decode
"""One JSON value as a slice."""

wire_statement = msgspec.json.Decoder(WireStatement).decode
wire_context = msgspec.json.Decoder(WireContext).decode
verb = msgspec.json.Decoder(Verb).decode
result = msgspec.json.Decoder(Result).decode
extensions = msgspec.json.Decoder(Extensions).decode
statement_ref = msgspec.json.Decoder(StatementRef).decode
group = msgspec.json.Decoder(Group).decode
_agent = msgspec.json.Decoder(Agent).decode
activity = msgspec.json.Decoder(Activity).decode
_attachments = msgspec.json.Decoder(tuple[Attachment, ...]).decode
_context_agents = msgspec.json.Decoder(tuple[ContextAgent, ...]).decode
_context_groups = msgspec.json.Decoder(tuple[ContextGroup, ...]).decode
_context_activities = msgspec.json.Decoder(_WireContextActivities).decode
_substatement = msgspec.json.Decoder(_WireSubStatement).decode
_kind = msgspec.json.Decoder(_Kind).decode


def object_type(text: Buffer) -> str:
    """Return the objectType of an object, "Activity" when it gives none."""
    return _kind(text).object_type


def actor(text: Buffer) -> Agent:
    """Return the agent or group that `text` describes."""
    return group(text) if object_type(text) == "Group" else _agent(text)


def statement_object(text: Buffer) -> StatementObject:
    """Return the object that `text` describes, by its objectType (an activity when it has none)."""
    kind = object_type(text)
    if kind == "Activity":
        return activity(text)
    if kind == "StatementRef":
        return statement_ref(text)
    if kind == "SubStatement":
        return _sub(text)
    return actor(text)


def context_activities(text: Buffer) -> ContextActivities:
    """Return the related activities; a single activity becomes a tuple of one."""
    sent = _context_activities(text)
    return ContextActivities(
        parent=_several(sent.parent),
        grouping=_several(sent.grouping),
        category=_several(sent.category),
        other=_several(sent.other),
    )


def context(text: Buffer) -> Context:
    """Return the context that `text` describes."""
    sent = wire_context(text)
    return Context(
        registration=sent.registration,
        instructor=actor(sent.instructor) if sent.instructor else None,
        team=group(sent.team) if sent.team else None,
        context_activities=context_activities(sent.context_activities) if sent.context_activities else None,
        context_agents=_context_agents(sent.context_agents) if sent.context_agents else (),
        context_groups=_context_groups(sent.context_groups) if sent.context_groups else (),
        revision=sent.revision,
        platform=sent.platform,
        language=sent.language,
        statement=statement_ref(sent.statement) if sent.statement else None,
        extensions=extensions(sent.extensions) if sent.extensions else None,
    )


def statement(text: Buffer) -> Statement:
    """Return the statement that `text` describes; raises msgspec.DecodeError when the types are wrong."""
    sent = wire_statement(text)
    return Statement(
        actor=actor(sent.actor),
        verb=verb(sent.verb),
        object=statement_object(sent.object),
        id=sent.id,
        result=result(sent.result) if sent.result else None,
        context=context(sent.context) if sent.context else None,
        timestamp=sent.timestamp,
        stored=sent.stored,
        authority=actor(sent.authority) if sent.authority else None,
        version=sent.version,
        attachments=_attachments(sent.attachments) if sent.attachments else (),
    )


def _several(sent: Activity | tuple[Activity, ...]) -> tuple[Activity, ...]:
    return (sent,) if isinstance(sent, Activity) else sent


def _sub(text: Buffer) -> SubStatement:
    sent = _substatement(text)
    inner = statement_object(sent.object)
    if isinstance(inner, SubStatement):
        raise msgspec.ValidationError("a SubStatement cannot hold another one")
    return SubStatement(
        actor=actor(sent.actor),
        verb=sent.verb,
        object=inner,
        result=sent.result,
        context=context(sent.context) if sent.context else None,
        timestamp=sent.timestamp,
        attachments=sent.attachments,
    )
