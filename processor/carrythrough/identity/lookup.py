"""The look-up tables behind a roster: people by pseudonym, their names, and what a change puts in and takes out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from carrythrough.identity.actor import pseudonym
from carrythrough.identity.claims import EMPLOYEE, hash_names, loose, names_of
from carrythrough.identity.layered import Layered
from carrythrough.identity.person import Person, Roster

Owners = str | tuple[str, ...]
"""Whose account a spelling may be: one pseudonym, or one for each account of that spelling, sorted."""


class Tables(msgspec.Struct, frozen=True):
    """A roster as look-ups; `changed` returns others that share what stayed.

    people: by pseudonym. exact: pseudonym by name (`identity.claims`). hashed: pseudonym by the two
    hashes of each address. accounts: owners by the spelling that accounts have in common. hashes: how
    many people are listed by a hash alone.
    """

    people: Layered[str, Person]
    exact: Layered[str, str]
    hashed: Layered[str, str]
    accounts: Layered[str, Owners]
    hashes: int

    def changed(self, people: Mapping[str, Person | None], tenant_key: bytes) -> Tables:
        """Return the tables with some people put (by roster id) or removed (None)."""
        changes = _Changes(self)
        subjects = {roster_id: pseudonym(tenant_key, "roster:" + roster_id) for roster_id in people}
        for subject in subjects.values():
            if (before := self.people.get(subject)) is not None:
                changes.take_away(before, subject)
        for person in people.values():
            if person is not None:
                changes.put(person, subjects[person.id])
        return Tables(
            self.people.changed(changes.people),
            self.exact.changed(changes.exact),
            self.hashed.changed(changes.hashed),
            self.accounts.changed(changes.accounts),
            self.hashes + changes.hashes,
        )


def tables_of(roster: Roster, tenant_key: bytes) -> Tables:
    """Return the tables of a whole roster. An id is its owner's, whoever else has it as an alias."""
    people: dict[str, Person] = {}
    exact: dict[str, str] = {}
    hashed: dict[str, str] = {}
    accounts: dict[str, Owners] = {}
    aliases: list[tuple[str, str]] = []
    hashes = 0
    for person in roster.people:
        own, *others = names_of(person)
        subject = pseudonym(tenant_key, "roster:" + person.id)
        people[subject] = person
        exact[own] = subject
        for name in others:
            if name.startswith(EMPLOYEE):
                aliases.append((name, subject))
                continue
            exact[name] = subject
            if name.startswith("mbox:"):
                for digest in hash_names(name):
                    hashed.setdefault(digest, subject)
            elif name.startswith("account:"):
                spelling = loose(name)
                accounts[spelling] = _with(accounts.get(spelling), subject)
            else:
                hashes += name.startswith("mbox_sha1sum:")
    for name, subject in aliases:
        exact.setdefault(name, subject)
    return Tables(Layered(people), Layered(exact), Layered(hashed), Layered(accounts), hashes)


class _Changes:
    """The entries that a change puts into the tables of a roster, or takes out (None)."""

    def __init__(self, before: Tables) -> None:
        self._before = before
        self.people: dict[str, Person | None] = {}
        self.exact: dict[str, str | None] = {}
        self.hashed: dict[str, str | None] = {}
        self.accounts: dict[str, Owners | None] = {}
        self.hashes = 0

    def take_away(self, person: Person, subject: str) -> None:
        """Take a person and their names out, but for names that are somebody else's by now."""
        before = self._before
        self.people[subject] = None
        for name in names_of(person):
            if before.exact.get(name) == subject:
                self.exact[name] = None
            for digest in hash_names(name):
                if before.hashed.get(digest) == subject:
                    self.hashed[digest] = None
            if name.startswith("account:"):
                self._account(loose(name), subject, add=False)
            self.hashes -= name.startswith("mbox_sha1sum:")

    def put(self, person: Person, subject: str) -> None:
        """Put a person and their names in."""
        self.people[subject] = person
        for name in names_of(person):
            self.exact[name] = subject
            for digest in hash_names(name):
                self.hashed[digest] = subject
            if name.startswith("account:"):
                self._account(loose(name), subject, add=True)
            self.hashes += name.startswith("mbox_sha1sum:")

    def _account(self, spelling: str, subject: str, *, add: bool) -> None:
        now = self.accounts[spelling] if spelling in self.accounts else self._before.accounts.get(spelling)
        self.accounts[spelling] = _with(now, subject) if add else _without(now, subject)


def _with(owners: Owners | None, subject: str) -> Owners:
    if owners is None:
        return subject
    return tuple(sorted((owners, subject) if isinstance(owners, str) else (*owners, subject)))


def _without(owners: Owners | None, subject: str) -> Owners | None:
    left = [owners] if isinstance(owners, str) else list(owners or ())
    if subject in left:
        left.remove(subject)
    return None if not left else left[0] if len(left) == 1 else tuple(left)
