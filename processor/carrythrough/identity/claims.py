"""What a person on the roster lays claim to: every name under which statements and events know them.

A *name* is the canonical text of whoever a record is about: an actor key (`identity.actor`), or
"employee:" and a roster id. A *kinship token* is what names have in common that may stand for the same
identifier: the hashes of an address, an account whatever its spelling. Whom a change of the roster can
concern is found by tokens, without trying everybody.
"""

from __future__ import annotations

from carrythrough.identity.actor import actor_key, mbox_hashes
from carrythrough.identity.person import Person

EMPLOYEE = "employee:"


def employee_name(roster_id: str) -> str:
    """Return the name of whoever an event names by roster id."""
    return EMPLOYEE + roster_id


def names_of(person: Person) -> tuple[str, ...]:
    """Return the names of a person: roster id, aliases, identifiers, addresses now and before; each once."""
    names = [EMPLOYEE + person.id, *(EMPLOYEE + alias for alias in person.aliases)]
    names += map(actor_key, person.identifiers)
    if person.email:
        names.append("mbox:mailto:" + person.email.lower())
    names += ["mbox:mailto:" + email.lower() for email in person.former_emails]
    return tuple(dict.fromkeys(name for name in names if name))


def same_names(a: Person, b: Person) -> bool:
    """Say whether two persons of one roster id have the same names; cheaper than making them."""
    return (
        a.identifiers == b.identifiers
        and a.email == b.email
        and a.aliases == b.aliases
        and a.former_emails == b.former_emails
    )


def hash_names(name: str) -> tuple[str, ...]:
    """Return the names that stand for the same address as a hash: two for an address, none for others."""
    if not name.startswith("mbox:"):
        return ()
    iri, bare = mbox_hashes(name[5:])
    return "mbox_sha1sum:" + iri, "mbox_sha1sum:" + bare


def loose(name: str) -> str:
    """Return an account name without the spelling differences that headset and LMS exports show."""
    home, _, account = name.partition("|")
    return f"{home.rstrip('/').lower()}|{account.lower()}"


def tokens_of(name: str) -> tuple[str, ...]:
    """Return the kinship tokens of a name: names that share none never stand for the same identifier."""
    if name.startswith("mbox:"):
        return hash_names(name)
    if name.startswith("account:"):
        return (loose(name),)
    return (name,)
