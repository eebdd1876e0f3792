"""Agents and groups: who did it, who it is about, who taught, who vouches (Data 2.4.2, 2.4.9)."""

from __future__ import annotations

from typing import Any

from carrythrough.xapi import formats
from carrythrough.xapi.refusals import refuse, shown, step
from carrythrough.xapi.rules import values

IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
_AGENT = ("objectType", "name", *IDENTIFIERS)
_GROUP = (*_AGENT, "member")
_AGENT_FIXES = {"member": 'only groups have members: add "objectType": "Group"'}


def agent_or_group(value: Any, where: str) -> None:
    """Check an actor, instructor or object that may be an agent or a group."""
    if isinstance(value, dict) and value.get("objectType") == "Group":
        group(value, where)
    else:
        agent(value, where, types=("Agent", "Group"))


def agent(value: Any, where: str, types: tuple[str, ...] = ("Agent",)) -> None:
    """Check an agent: exactly one identifier; `types` are the values that objectType could have here."""
    found = values.members(value, where, allowed=_AGENT, rule="Data 2.4.2.1", fixes=_AGENT_FIXES)
    if "objectType" in found:
        values.one_of(found["objectType"], step(where, "objectType"), types, "Data 2.4.2.1")
    _name_and_identifiers(found, where)
    if not any(name in found for name in IDENTIFIERS):
        refuse(
            "identifier-missing",
            where,
            "the agent has none of mbox, mbox_sha1sum, openid, account",
            rule="Data 2.4.2.1.s2.b1",
            fix='add one, as in "account": {"homePage": "https://lms.example.org", "name": "4711"}',
        )


def group(value: Any, where: str) -> None:
    """Check a group: identified by at most one identifier, or anonymous with members."""
    found = values.members(value, where, allowed=_GROUP, required=("objectType",), rule="Data 2.4.2.2")
    values.one_of(found["objectType"], step(where, "objectType"), ("Group",), "Data 2.4.2.2")
    _name_and_identifiers(found, where)
    if "member" in found:
        values.items(found["member"], step(where, "member"), _member, wanted="an array of agents")
    if not found.get("member") and not any(name in found for name in IDENTIFIERS):
        refuse(
            "group-empty",
            where,
            "the group has neither an identifier nor members",
            rule="Data 2.4.2.2.s4.b1",
            fix='list its agents in "member", or identify the group',
        )


def authority(value: Any, where: str) -> None:
    """Check an authority: an agent, or a group of an application and a user (three-legged OAuth)."""
    agent_or_group(value, where)
    if value.get("objectType") != "Group":
        return
    if len(value.get("member", ())) != 2 or any(name in value for name in IDENTIFIERS):
        refuse(
            "value-not-allowed",
            where,
            "an authority that is a group has two members and no identifier",
            rule="Data 2.4.9.s3.b1",
            fix="send the application and the user as its two members, or one agent",
        )


def _member(value: Any, where: str) -> None:
    if isinstance(value, dict) and value.get("objectType") == "Group":
        refuse(
            "property-misplaced",
            where,
            "a group cannot be a member of a group",
            rule="Data 2.4.2.2.s4.b2 and s5.b2",
            fix="list the agents of the inner group",
        )
    agent(value, where)


def _name_and_identifiers(found: dict[str, Any], where: str) -> None:
    if "name" in found:
        values.text(found["name"], step(where, "name"))
    given = [name for name in IDENTIFIERS if name in found]
    for name in given:
        _IDENTIFIER_CHECKS[name](found[name], step(where, name))
    if len(given) > 1:
        refuse(
            "identifier-several",
            where,
            f"{', '.join(given)} are given; one identifier is allowed",
            rule="Data 2.4.2.1.s2.b2 and 2.4.2.2.s5.b1",
            fix=f"keep one of them, best {given[-1]!r} if it stays the same for life",
        )


def _mbox(value: Any, where: str) -> None:
    word = values.text(value, where)
    if not formats.is_mailbox(word):
        refuse(
            "mailbox-invalid",
            where,
            f"{shown(word)} is not a mailto address",
            rule="Data 2.4.2.3 (mbox)",
            fix="write mailto: and the e-mail address, as in mailto:ana@example.org",
        )


def _mbox_sha1sum(value: Any, where: str) -> None:
    word = values.text(value, where)
    if not formats.is_sha1(word):
        refuse(
            "sha1-invalid",
            where,
            f"{shown(word)} is not a SHA-1 hash",
            rule="Data 2.4.2.3 (mbox_sha1sum)",
            fix="send the 40 hexadecimal digits of the SHA-1 of the mailto IRI",
        )


def _openid(value: Any, where: str) -> None:
    values.iri(value, where, rule="Data 2.4.2.3 (openid)")


def _account(value: Any, where: str) -> None:
    found = values.members(
        value,
        where,
        allowed=("homePage", "name"),
        required=("homePage", "name"),
        rule="Data 2.4.2.4",
    )
    values.iri(found["homePage"], step(where, "homePage"), rule="Data 2.4.2.4 (homePage)")
    values.text(found["name"], step(where, "name"))


_IDENTIFIER_CHECKS = {
    "mbox": _mbox,
    "mbox_sha1sum": _mbox_sha1sum,
    "openid": _openid,
    "account": _account,
}
