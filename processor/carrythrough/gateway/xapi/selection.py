"""Which statements a GET asks for: its parameters, checked, as a query (Communication 2.1.3; 9274.1.1 4.1.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from carrythrough.gateway.xapi import parameters
from carrythrough.identity.actor import actor_key
from carrythrough.xapi import formats, strict_json, wire
from carrythrough.xapi.query import StatementQuery
from carrythrough.xapi.rendering import FORMATS, Format
from carrythrough.xapi.rules import actor

BESIDE_AN_ID = ("attachments", "format")
PARAMETERS = frozenset(
    {
        "statementId",
        "voidedStatementId",
        "agent",
        "verb",
        "activity",
        "registration",
        "related_activities",
        "related_agents",
        "since",
        "until",
        "limit",
        "ascending",
        *BESIDE_AN_ID,
    }
)
AGENT_DEPTH_MAX = 8
"""An agent has two levels and a group four; what is deeper is neither."""
_LIMIT = re.compile(r"\d{1,12}", re.ASCII)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: the statement with `id` (voided or not), or those of `query` when id is None."""

    id: bytes | None
    voided: bool
    query: StatementQuery
    format: Format
    attachments: bool


def selection(given: dict[str, str], statements_max: int) -> Selection:
    """Return what the parameters of a GET select; raises PermanentError 400.

    statements_max: most statements of one page; a limit of 0, or none, or a greater one means it.
    """
    format_ = given.get("format", "exact")
    if format_ not in FORMATS:
        parameters.refuse(
            "parameter-invalid",
            "format",
            f"{format_[:80]!r} is no format",
            rule="Communication 2.1.3.s1.table1.row12",
            fix=f"send {', '.join(FORMATS)}",
        )
    id_, voided = _single(given)
    return Selection(
        id=id_,
        voided=voided,
        query=StatementQuery() if id_ is not None else _query(given, statements_max),
        format=format_,
        attachments=parameters.boolean(given, "attachments"),
    )


def _single(given: dict[str, str]) -> tuple[bytes | None, bool]:
    for name in ("statementId", "voidedStatementId"):
        if name not in given:
            continue
        other = next((key for key in given if key != name and key not in BESIDE_AN_ID), None)
        if other is not None:
            parameters.refuse(
                "parameter-misplaced",
                other,
                f"{other} goes not with {name}",
                rule="Communication 2.1.3.s2.b1 and b2",
                fix=f"send {name} with nothing but {' and '.join(BESIDE_AN_ID)} beside it",
            )
        return parameters.uuid(given, name), name == "voidedStatementId"
    return None, False


def _query(given: Mapping[str, str], statements_max: int) -> StatementQuery:
    values = dict(given)
    registration = parameters.uuid(values, "registration")
    limit = _limit(values)
    return StatementQuery(
        agent=_agent(values) if "agent" in values else "",
        verb=parameters.iri(values, "verb"),
        activity=parameters.iri(values, "activity"),
        registration="" if registration is None else formats.uuid_text(registration),
        related_agents=parameters.boolean(values, "related_agents"),
        related_activities=parameters.boolean(values, "related_activities"),
        since_ms=parameters.timestamp_ms(values, "since"),
        until_ms=parameters.timestamp_ms(values, "until"),
        limit=min(limit, statements_max) or statements_max,
        ascending=parameters.boolean(values, "ascending"),
    )


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit", "0")
    if _LIMIT.fullmatch(text) is None:
        parameters.refuse(
            "parameter-invalid",
            "limit",
            f"{text[:80]!r} is not a whole number from 0 on",
            rule="Communication 2.1.3.s1.table1.row11",
            fix="send the greatest number of statements wanted, 0 for as many as the server gives",
        )
    return int(text)


def _agent(given: dict[str, str]) -> str:
    """Return the canonical identifier of an agent or identified group; pointers begin with the parameter's name."""
    text = given["agent"].encode()
    if not isinstance(parameters.json_value(given, "agent"), dict):
        _refuse_agent(f"{given['agent'][:80]!r} is not an object")
    actor.agent_or_group(strict_json.read(text, "agent", AGENT_DEPTH_MAX), "agent")
    key = actor_key(wire.actor(text))
    if not key:
        _refuse_agent("an anonymous group is nobody that can be looked for")
    return key


def _refuse_agent(detail: str) -> NoReturn:
    parameters.refuse(
        "parameter-invalid",
        "agent",
        detail,
        rule="Communication 2.1.3.s1.table1.row3: an Agent or Identified Group object (JSON)",
        fix='send one, as in {"mbox":"mailto:ana@example.org"}, percent-encoded',
    )
