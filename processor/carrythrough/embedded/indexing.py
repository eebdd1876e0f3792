"""Rows of the statement index: 64-bit digests of agent, verb and activity by log position.

Digests keep a row at a few bytes; a query compares the statement itself before it
answers, so two texts with one digest cost time, never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from carrythrough.identity.actor import actor_key
from carrythrough.pipeline.records import Kind, Record
from carrythrough.xapi.statement import Activity

DIGESTS_CACHED_MAX = 200_000


class StatementIndex:
    """Makes index rows; remembers the digests of texts that repeat."""

    def __init__(self) -> None:
        self._digests: dict[str, int] = {}

    def rows(self, records: Iterable[Record]) -> list[object]:
        """Return the flat rows (position, agent, verb, activity) of the statements among `records`."""
        flat: list[object] = []
        digest = self.digest
        for record in records:
            if record.kind is Kind.STATEMENT:
                s = record.content
                activity = s.object.id if type(s.object) is Activity else ""
                flat += (record.position, digest(actor_key(s.actor)), digest(s.verb.id), digest(activity))
        return flat

    def digest(self, text: str) -> int:
        """Return the signed 64-bit digest of a text."""
        found = self._digests.get(text)
        if found is None:
            if len(self._digests) >= DIGESTS_CACHED_MAX:
                self._digests.clear()
            found = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
            self._digests[text] = found
        return found
