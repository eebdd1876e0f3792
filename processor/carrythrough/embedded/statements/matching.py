"""Whether one statement meets the filters of a query by itself, decided from its typed values.

1.0.3 Communication 2.1.3.s1, IEEE 9274.1.1 4.1.6.1. References are not followed here, and time,
order and credential are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from carrythrough.identity.actor import actor_key
from carrythrough.xapi.query import StatementQuery
from carrythrough.xapi.statement import (
    Activity,
    Agent,
    Context,
    Group,
    Statement,
    StatementObject,
    SubStatement,
)


def meets(statement: Statement, query: StatementQuery, authority: str) -> bool:
    """Say whether a statement meets agent, verb, activity and registration of a query.

    authority: actor key of who stored it.
    """
    if query.verb and statement.verb.id != query.verb:
        return False
    context = statement.context
    if query.registration and (context is None or (context.registration or "").lower() != query.registration):
        return False
    if query.activity and not _concerns(statement, query.activity, related=query.related_activities):
        return False
    if not query.agent:
        return True
    if query.related_agents and authority == query.agent:
        return True
    agents = _related(statement) if query.related_agents else _narrow(statement)
    return any(actor_key(agent) == query.agent for agent in agents)


def _concerns(statement: Statement, activity: str, *, related: bool) -> bool:
    about = statement.object
    if type(about) is Activity and about.id == activity:
        return True
    if not related:
        return False
    if type(about) is SubStatement and type(about.object) is Activity and about.object.id == activity:
        return True
    contexts = (statement.context, about.context if type(about) is SubStatement else None)
    return any(one.id == activity for context in contexts for one in _activities(context))


def _activities(context: Context | None) -> Iterator[Activity]:
    if context is not None and context.context_activities is not None:
        sent = context.context_activities
        for some in (sent.parent, sent.grouping, sent.category, sent.other):
            yield from some


def _narrow(statement: Statement) -> Iterator[Agent]:
    yield from _with_members(statement.actor)
    yield from _with_members(statement.object)


def _related(statement: Statement) -> Iterator[Agent]:
    yield from _narrow(statement)
    yield from _around(statement.context)
    about = statement.object
    if type(about) is SubStatement:
        yield from _with_members(about.actor)
        yield from _with_members(about.object)
        yield from _around(about.context)


def _around(context: Context | None) -> Iterator[Agent]:
    if context is None:
        return
    parties = [context.instructor, context.team]
    parties += [one.agent for one in context.context_agents]
    parties += [one.group for one in context.context_groups]
    for party in parties:
        if party is not None:
            yield from _with_members(party)


def _with_members(party: StatementObject) -> Iterator[Agent]:
    if isinstance(party, Agent):
        yield party
        if isinstance(party, Group):
            yield from party.member
