"""One canonical text for an actor, and the pseudonym that everything inside is keyed by."""

from __future__ import annotations

import hmac
from base64 import b32encode
from hashlib import sha1
from typing import Protocol

PSEUDONYM_BYTES = 16
"""128 bits: chance collisions among 10⁹ people have a probability under 10⁻²⁰."""


class AccountLike(Protocol):
    """An account on a system, from a statement, an event or the roster."""

    @property
    def home_page(self) -> str:
        """Return the IRI of the system."""
        ...

    @property
    def name(self) -> str:
        """Return the name of the account on it."""
        ...


class AgentLike(Protocol):
    """Anything with the four inverse functional identifiers of xAPI."""

    @property
    def mbox(self) -> str | None:
        """Return "mailto:" and an address."""
        ...

    @property
    def mbox_sha1sum(self) -> str | None:
        """Return 40 hexadecimal digits."""
        ...

    @property
    def openid(self) -> str | None:
        """Return an IRI."""
        ...

    @property
    def account(self) -> AccountLike | None:
        """Return an account."""
        ...


def actor_key(agent: AgentLike) -> str:
    """Return the canonical text of an agent's identifier, "" when it has none.

    "mbox:mailto:x@y" (lower case) | "mbox_sha1sum:<hex, lower case>" | "openid:<iri>" |
    "account:<homePage>|<name>" (a bar in the home page is written %7C, so no two accounts share a key).
    """
    if agent.mbox is not None:
        return "mbox:" + agent.mbox.lower()
    account = agent.account
    if account is not None:
        home = account.home_page
        if "|" in home:
            home = home.replace("|", "%7C")
        return f"account:{home}|{account.name}"
    if agent.mbox_sha1sum is not None:
        return "mbox_sha1sum:" + agent.mbox_sha1sum.lower()
    return "" if agent.openid is None else "openid:" + agent.openid


def mbox_hashes(mbox: str) -> tuple[str, str]:
    """Return the SHA-1 of a mailto IRI as xAPI has it, and of the bare address as some senders have it."""
    iri = mbox.lower()
    bare = iri.removeprefix("mailto:")
    return sha1(iri.encode()).hexdigest(), sha1(bare.encode()).hexdigest()  # noqa: S324 - xAPI prescribes SHA-1


def pseudonym(tenant_key: bytes, text: str) -> str:
    """Return 26 lower-case base32 characters of HMAC-SHA256(tenant_key, text), 128 bits.

    text: "roster:" + roster id for a person on the roster, "actor:" + `actor_key` for another.
    """
    digest = hmac.digest(tenant_key, text.encode(), "sha256")[:PSEUDONYM_BYTES]
    return b32encode(digest).decode().rstrip("=").lower()
