"""Which texts of a statement may leave for other services: none that name a person.

The ids of verbs and activities are the sender's own, and some senders put whom they are about into them
("https://lms.example/users/ann@x.example/quiz/7"). So an id goes out only when none of the identifiers of
anybody in the statement, nor of the person on the roster, can be read in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from carrythrough.identity.person import Person
from carrythrough.xapi.statement import Agent, Context, Group, Statement, SubStatement

SHORT_CHARACTERS = 4
"""An identifier shorter than this is looked for as a whole word only: the account "7" is in many addresses."""
UNQUOTED_TIMES_MAX = 3
"""Percent-encoding is undone this often; beyond it a text is withheld, since nobody means well by it."""
_WORDS = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"[^\s/@:?&=#]+@[^\s/@:?&=#]+\.[^\s/@:?&=#]+")


class Identifiers(NamedTuple):
    """What names people, in lower case: texts that may stand nowhere, and texts that may not be a word of their own."""

    anywhere: frozenset[str]
    words: frozenset[str]


def identifiers_of(statement: Statement, person: Person | None) -> Identifiers:
    """Return what names anybody in a statement and the person on the roster.

    Mailboxes with and without the scheme, hashes, OpenIDs, account names, names and their words, roster id and
    aliases; the authority is the sender's and not a person.
    """
    found: set[str] = set()
    names: set[str] = set()
    for agent in _agents(statement):
        found.update(_of_agent(agent, names))
    if person is not None:
        names.add(person.name)
        found.update((person.id, *person.aliases))
        for mailbox in (person.email, *person.former_emails):
            found.update(_of_address(mailbox))
        for identifier in person.identifiers:
            found.update(text for text in (identifier.mbox_sha1sum, identifier.openid) if text)
            found.update(_of_address(identifier.mbox or ""))
            if identifier.account is not None:
                found.add(identifier.account.name)
    return _sorted_out(found, names)


def _sorted_out(found: set[str], names: set[str]) -> Identifiers:
    texts = {text.strip().casefold() for text in found} | {name.strip().casefold() for name in names}
    texts |= {"".join(name.casefold().split()) for name in names}
    words = {word for name in names for word in _WORDS.findall(name.casefold())}
    words |= {text for text in texts if 0 < len(text) < SHORT_CHARACTERS}
    return Identifiers(frozenset(t for t in texts if len(t) >= SHORT_CHARACTERS), frozenset(words))


def names_nobody(text: str, identifiers: Identifiers) -> bool:
    """Say whether none of the identifiers and no mailbox can be read in a text."""
    plain = text.casefold()
    for _ in range(UNQUOTED_TIMES_MAX):
        if "%" not in plain:
            break
        plain = unquote(plain).casefold()
    else:
        if unquote(plain) != plain:
            return False
    if "mailto:" in plain or ("@" in plain and _ADDRESS.search(plain)):
        return False
    if any(identifier in plain for identifier in identifiers.anywhere):
        return False
    return identifiers.words.isdisjoint(_WORDS.findall(plain))


def _agents(statement: Statement | SubStatement) -> Iterator[Agent]:
    yield statement.actor
    target = statement.object
    if isinstance(target, Agent):
        yield target
    elif isinstance(target, SubStatement):
        yield from _agents(target)
    if statement.context is not None:
        yield from _around(statement.context)


def _around(context: Context) -> Iterator[Agent]:
    for agent in (context.instructor, context.team):
        if agent is not None:
            yield agent
    yield from (entry.agent for entry in context.context_agents)
    yield from (entry.group for entry in context.context_groups)


def _of_agent(agent: Agent, names: set[str]) -> Iterator[str]:
    """Yield the identifiers of an agent and of the members of a group, and add what they are called to `names`."""
    names.add(agent.name or "")
    yield agent.mbox_sha1sum or ""
    yield agent.openid or ""
    yield from _of_address(agent.mbox or "")
    if agent.account is not None:
        yield agent.account.name
    if isinstance(agent, Group):
        for member in agent.member:
            yield from _of_agent(member, names)


def _of_address(mailbox: str) -> tuple[str, str]:
    """Return a mailbox without its scheme, and the part before the at sign."""
    address = mailbox.removeprefix("mailto:")
    return address, address.partition("@")[0]
