"""What a posting is filed under: a keyed digest of a value, of the role it plays, and of how far it was passed on.

Digests are 47 bits, so that a digest and the number of a chunk make one integer key of SQLite. Two
values with one digest cost time and never a wrong answer, since a query holds the statement itself
against its filters; the key, made with each index, keeps anybody from choosing such values.
"""

from __future__ import annotations

from hashlib import blake2b

DIGEST_BITS = 47
DIGESTS_CACHED_MAX = 50_000
"""Digests kept by the indexer; with the texts about 10 MB."""

EVERY = "every"
VERB = "verb"
AGENT = "agent"
RELATED_AGENT = "related-agent"
ACTIVITY = "activity"
RELATED_ACTIVITY = "related-activity"
REGISTRATION = "registration"
CREDENTIAL = "credential"
VOIDED = "voided"
"""The roles of a value; a filter that looks further takes the narrow and the related role together."""

_MASK = (1 << DIGEST_BITS) - 1
_STEP = 0x2A5C_7D3B_9E17
"""Odd, and of no meaning: the digests of a value at two distances have nothing else in common."""


def digest(key: bytes, role: str, text: str) -> int:
    """Return the digest of a text in a role, 0 to 2**47 - 1. key: of the index, at most 64 bytes."""
    found = blake2b(f"{role}\0{text}".encode(), digest_size=8, key=key).digest()
    return int.from_bytes(found, "big") >> 64 - DIGEST_BITS


def passed_on(found: int, distance: int) -> int:
    """Return the digest under which a value is filed for a statement `distance` references away from it."""
    return (found + distance * _STEP) & _MASK


class Digests:
    """Digests of one index, remembered for texts that repeat; used by one thread."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._found: dict[tuple[str, str], int] = {}

    def of(self, role: str, text: str) -> int:
        """Return `digest` of a text in a role."""
        pair = (role, text)
        found = self._found.get(pair)
        if found is None:
            if len(self._found) >= DIGESTS_CACHED_MAX:
                self._found.clear()
            found = self._found[pair] = digest(self._key, role, text)
        return found
