"""Strangers: pseudonyms with evidence that the roster does not know, and whom a change of the roster concerns.

Nothing of a stranger is kept beside the pseudonym but the kind of identifier, the host of an account's home
page, and sealed kinship tokens (keyed hashes): enough to see where strangers come from and to recognise
one when the roster names them, and nothing that could be read back into an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from carrythrough.events.performance import PerformanceEvent
from carrythrough.identity.actor import actor_key
from carrythrough.identity.claims import employee_name, names_of, same_names, tokens_of
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person
from carrythrough.xapi.statement import Group, Statement


class Stranger(msgspec.Struct, frozen=True):
    """What is kept of a pseudonym that came up before the roster knew it.

    kind: "mbox" | "mbox_sha1sum" | "openid" | "account" | "employee" (an event named a roster id that the
    roster does not have). host: of an account's home page, "" for the others. kin: sealed kinship
    tokens, one or two. position: of a record about them in the log.
    """

    kind: str
    host: str
    kin: tuple[str, ...]
    position: int


class StrangersView(Protocol):
    """What is asked of the state."""

    def strangers(self, kin: Iterable[str] | None = None) -> Iterable[str]:
        """Return the strangers that have one of some sealed kinship tokens, None for all."""
        ...


def name_of(content: Statement | PerformanceEvent | None) -> str:
    """Return whom a record is about, by name; "" for nobody in particular (a group, no identifier)."""
    if isinstance(content, PerformanceEvent) and content.employee:
        return employee_name(content.employee)
    actor = None if content is None else content.actor
    return "" if actor is None or type(actor) is Group else actor_key(actor)


def stranger_of(
    content: Statement | PerformanceEvent | None, position: int, directory: RosterIndex
) -> Stranger:
    """Return what is kept of whoever a record is about."""
    return stranger_named(name_of(content), position, directory)


def stranger_named(name: str, position: int, directory: RosterIndex) -> Stranger:
    """Return what is kept of a stranger with this name."""
    kind, _, rest = name.partition(":")
    host = _host(rest.partition("|")[0]) if kind == "account" else ""
    return Stranger(kind, host, tuple(sorted(directory.sealed(tokens_of(name)))), position)


def _host(home_page: str) -> str:
    try:
        return urlsplit(home_page).hostname or ""
    except ValueError:
        return ""


def concerned(before: RosterIndex, after: RosterIndex, view: StrangersView) -> list[str]:
    """Return the pseudonyms whose evidence may belong to somebody else after a change of the roster, sorted.

    Those who lost a name; those who share a kinship token with a name that somebody gained; the
    strangers who share one with a name that somebody gained or lost; and every stranger when the roster
    names its first person or its last one goes, since that says whether strangers are kept aside.
    """
    found: set[str] = set()
    names: list[str] = []
    for subject, was, now in _differing(before, after):
        old, new = _names(was), _names(now)
        if not old <= new:
            found.add(subject)
        for name in new - old:
            for token in tokens_of(name):
                found |= before.owners(token)
        names += old ^ new
    if before.names_anybody != after.names_anybody:
        found.update(view.strangers())
    elif names:
        found.update(view.strangers(after.sealed(token for name in names for token in tokens_of(name))))
    return sorted(found)


def _differing(before: RosterIndex, after: RosterIndex) -> Iterator[tuple[str, Person | None, Person | None]]:
    subjects = after.touched
    for subject in dict.fromkeys((*before.people, *after.people)) if subjects is None else subjects:
        was, now = before.people.get(subject), after.people.get(subject)
        if was is None or now is None or not same_names(was, now):
            yield subject, was, now


def _names(person: Person | None) -> set[str]:
    return set() if person is None else set(names_of(person))
