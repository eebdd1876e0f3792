"""Who an actor is: the roster person behind an identifier, or a pseudonym of their own until then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from carrythrough.identity.actor import AgentLike, actor_key, pseudonym
from carrythrough.identity.claims import EMPLOYEE, hash_names, loose
from carrythrough.identity.lookup import Tables, tables_of
from carrythrough.identity.person import Person, Roster
from carrythrough.xapi.statement import Group

MEMO_ENTRIES_MAX = 200_000
"""Remembered actors in one of two generations, about 0.3 KB each; keys over KEY_CHARACTERS_MAX are not."""
KEY_CHARACTERS_MAX = 500


class RosterIndex:
    """The roster by name and by pseudonym; safe to share between threads, never changed after.

    `changed` returns the roster after a change, which shares all that stayed the same: what it costs
    depends on the change, not on the size of the roster.
    """

    def __init__(
        self,
        roster: Roster | Tables,
        tenant_key: bytes,
        memo_entries_max: int = MEMO_ENTRIES_MAX,
        *,
        position: int = 0,
        touched: Collection[str] | None = None,
    ) -> None:
        """Index a whole roster; position: place in the log of the last record in it, 0 for none.

        touched: pseudonyms of the people whom the last record put or removed, None for a whole roster.
        """
        tables = tables_of(roster, tenant_key) if isinstance(roster, Roster) else roster
        self._tenant_key = tenant_key
        self._memo_entries_max = memo_entries_max
        self._tables = tables
        self._exact, self._hashed, self._accounts = tables.exact, tables.hashed, tables.accounts
        self.people: Mapping[str, Person] = tables.people
        self.names_anybody = len(tables.people) > 0
        self.position = position
        self.touched = touched
        self._young: dict[str, str] = {}
        self._old: dict[str, str] = {}

    def changed(self, people: Mapping[str, Person | None], position: int = 0) -> RosterIndex:
        """Return the roster with some people put (by roster id) or removed (None); this one stays as it is.

        The caller has made sure that no name gets two owners (`identity.changes.refuse_conflicts`).
        """
        tables = self._tables.changed(people, self._tenant_key)
        return RosterIndex(
            tables,
            self._tenant_key,
            self._memo_entries_max,
            position=max(self.position, position),
            touched=[self.own_subject(roster_id) for roster_id in people],
        )

    def subject_of_actor(self, agent: AgentLike | None) -> str:
        """Return the pseudonym of an actor; "" for a group and for an agent without identifier.

        A roster person is found by mbox, by the SHA-1 of the mailto IRI or of the bare address, by
        openid, or by account (spelling of case and a last slash aside, where that is unambiguous).
        """
        if agent is None or type(agent) is Group:
            return ""
        key = actor_key(agent)
        subject = self._young.get(key)
        if subject is not None:
            return subject
        subject = self._old.get(key)
        if subject is None:
            subject = self.subject_of_name(key)
        if len(key) <= KEY_CHARACTERS_MAX:
            if len(self._young) >= self._memo_entries_max:
                self._old, self._young = self._young, {}
            self._young[key] = subject
        return subject

    def subject_of_name(self, name: str) -> str:
        """Return the pseudonym behind a name (`identity.claims`), "" for the empty one."""
        if not name:
            return ""
        found = self._exact.get(name)
        if found is None:
            if name.startswith("account:"):
                owner = self._accounts.get(loose(name))
                found = owner if isinstance(owner, str) else _only(owner)
            elif name.startswith("mbox_sha1sum:"):
                found = self._hashed.get(name)
            elif self._tables.hashes and name.startswith("mbox:"):
                for digest in hash_names(name):
                    found = found or self._exact.get(digest)
        return found or self.subject_of_stranger(name)

    def subject_of_stranger(self, name: str) -> str:
        """Return the pseudonym that a name has while the roster does not know it."""
        if name.startswith(EMPLOYEE):
            return self.own_subject(name[len(EMPLOYEE) :])
        return pseudonym(self._tenant_key, "actor:" + name)

    def subject_of_employee(self, roster_id: str) -> str:
        """Return the pseudonym of a roster id or alias, also of one that the roster does not know (yet)."""
        return self._exact.get(EMPLOYEE + roster_id) or self.own_subject(roster_id)

    def own_subject(self, roster_id: str) -> str:
        """Return the pseudonym that a roster id gives, whoever has it as an alias."""
        return pseudonym(self._tenant_key, "roster:" + roster_id)

    def owners(self, token: str) -> set[str]:
        """Return the pseudonyms of the people whose names have a kinship token."""
        found = self._accounts.get(token)
        if found is not None:
            return {found} if isinstance(found, str) else set(found)
        return self.holders(token)

    def holders(self, name: str) -> set[str]:
        """Return the pseudonyms of the people who have exactly this name, given or as the hash of an address."""
        return {subject for subject in (self._exact.get(name), self._hashed.get(name)) if subject}

    def sealed(self, tokens: Iterable[str]) -> Iterator[str]:
        """Yield kinship tokens as what may be kept beside a pseudonym: keyed hashes that say nothing alone."""
        for token in tokens:
            yield pseudonym(self._tenant_key, "kin:" + token)

    def knows(self, roster_id: str) -> bool:
        """Say whether the roster has this id or alias."""
        return EMPLOYEE + roster_id in self._exact

    def person(self, subject: str) -> Person | None:
        """Return the roster person behind a pseudonym, None when the roster does not know them."""
        return self.people.get(subject)

    def keeps_aside(self, subject: str) -> bool:
        """Say whether a pseudonym is kept aside: the roster names people, and nobody on it is behind this one.

        Their evidence is folded and kept; nothing is published, decided or sent about them until they are known.
        """
        return self.names_anybody and self.people.get(subject) is None

    def person_of_id(self, roster_id: str) -> Person | None:
        """Return the person with a roster id (no alias), None when there is none."""
        return self.people.get(self.own_subject(roster_id))

    def manager_of(self, subject: str) -> str | None:
        """Return the pseudonym of a person's manager, None when there is none."""
        person = self.people.get(subject)
        return self._exact.get(EMPLOYEE + person.manager) if person is not None and person.manager else None


def _only(owners: tuple[str, ...] | None) -> str | None:
    """Return whose all accounts of a spelling are, None when they are several people's."""
    return owners[0] if owners and len(set(owners)) == 1 else None
