"""Who an actor is: the roster person behind an identifier, or a pseudonym of their own until then."""

from __future__ import annotations

from carrythrough.identity.actor import AgentLike, actor_key, mbox_hashes, pseudonym
from carrythrough.identity.person import Person, Roster
from carrythrough.xapi.statement import Group

MEMO_ENTRIES_MAX = 200_000
"""Remembered actors in one of two generations, about 0.3 KB each; keys over KEY_CHARACTERS_MAX are not."""
KEY_CHARACTERS_MAX = 500


class RosterIndex:
    """The roster by identifier and by pseudonym; safe to share between threads, never changed after."""

    def __init__(self, roster: Roster, tenant_key: bytes, memo_entries_max: int = MEMO_ENTRIES_MAX) -> None:
        self._tenant_key = tenant_key
        self._memo_entries_max = memo_entries_max
        self._young: dict[str, str] = {}
        self._old: dict[str, str] = {}
        self.people: dict[str, Person] = {}
        self._subject_of: dict[str, str] = {}
        self._by_key: dict[str, str] = {}
        self._by_loose_key: dict[str, str | None] = {}
        self._hashes_listed = False
        for person in roster.people:
            subject = pseudonym(tenant_key, "roster:" + person.id)
            self.people[subject] = person
            self._subject_of[person.id] = subject
            self._index(person, subject)

    def _index(self, person: Person, subject: str) -> None:
        mboxes = ["mailto:" + person.email] if person.email else []
        for identifier in person.identifiers:
            key = actor_key(identifier)
            self._by_key[key] = subject
            if identifier.mbox is not None:
                mboxes.append(identifier.mbox)
            self._hashes_listed |= identifier.mbox_sha1sum is not None
            if identifier.account is not None:
                loose = _loose(key)
                other = self._by_loose_key.setdefault(loose, subject)
                if other != subject:
                    self._by_loose_key[loose] = None
        for mbox in mboxes:
            self._by_key["mbox:" + mbox.lower()] = subject
            for digest in mbox_hashes(mbox):
                self._by_key.setdefault("mbox_sha1sum:" + digest, subject)

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
            subject = self._find(key)
        if len(key) <= KEY_CHARACTERS_MAX:
            if len(self._young) >= self._memo_entries_max:
                self._old, self._young = self._young, {}
            self._young[key] = subject
        return subject

    def _find(self, key: str) -> str:
        if not key:
            return ""
        found = self._by_key.get(key)
        if found is None and key.startswith("account:"):
            found = self._by_loose_key.get(_loose(key))
        elif found is None and self._hashes_listed and key.startswith("mbox:"):
            for digest in mbox_hashes(key[5:]):
                found = found or self._by_key.get("mbox_sha1sum:" + digest)
        return found or pseudonym(self._tenant_key, "actor:" + key)

    def subject_of_employee(self, roster_id: str) -> str:
        """Return the pseudonym of a roster id, also of one that the roster does not know (yet)."""
        return self._subject_of.get(roster_id) or pseudonym(self._tenant_key, "roster:" + roster_id)

    def knows(self, roster_id: str) -> bool:
        """Say whether the roster has this id."""
        return roster_id in self._subject_of

    def person(self, subject: str) -> Person | None:
        """Return the roster person behind a pseudonym, None when the roster does not know them."""
        return self.people.get(subject)

    def manager_of(self, subject: str) -> str | None:
        """Return the pseudonym of a person's manager, None when there is none."""
        person = self.people.get(subject)
        return self._subject_of.get(person.manager) if person is not None and person.manager else None


def _loose(key: str) -> str:
    """Return an account key without the spelling differences that headset and LMS exports show."""
    home, _, name = key.partition("|")
    return f"{home.rstrip('/').lower()}|{name.lower()}"
