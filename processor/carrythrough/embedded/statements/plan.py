"""From a query to sets of positions: which postings it needs, and their intersection chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw

from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.digests import digest, passed_on
from carrythrough.embedded.statements.file import chunks_of, row_id
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.postings import CHUNK, CHUNK_BITS, Offsets
from carrythrough.xapi.query import StatementQuery

Filter = tuple[int, ...]
"""Digests of which a statement has to have at least one."""


def filters(key: bytes, query: StatementQuery, stored_by: str) -> list[Filter]:
    """Return what all has to be true of a statement, or of one that it leads to.

    stored_by: the credential whose authority the query's agent is, "" for none.
    """

    def either(text: str, narrow: str, related: str, *, widely: bool) -> Filter:
        found = (digest(key, narrow, text),)
        return (*found, digest(key, related, text)) if widely else found

    wanted: list[Filter] = []
    if query.agent:
        agent = either(query.agent, roles.AGENT, roles.RELATED_AGENT, widely=query.related_agents)
        if query.related_agents and stored_by:
            agent += (digest(key, roles.CREDENTIAL, stored_by),)
        wanted.append(agent)
    if query.activity:
        wanted.append(
            either(query.activity, roles.ACTIVITY, roles.RELATED_ACTIVITY, widely=query.related_activities)
        )
    if query.registration:
        wanted.append((digest(key, roles.REGISTRATION, query.registration),))
    if query.verb:
        wanted.append((digest(key, roles.VERB, query.verb),))
    return wanted


class Search:
    """One search for positions, over one state of the file and the memory."""

    def __init__(self, index: apsw.Connection, memory: Memory) -> None:
        """index: in a read transaction that began after `memory` was taken."""
        self._index = index
        self._memory = memory
        self._key = memory.key

    def positions(
        self, wanted: list[Filter], credential: str, low: int, high: int, *, ascending: bool
    ) -> Iterator[int]:
        """Yield the positions from `low` to `high` of statements that are not voided, in order.

        wanted: as `filters` gives them. credential: who has to have stored the statement itself, "" for anybody.
        """
        own: list[Filter] = [(digest(self._key, roles.CREDENTIAL, credential),)] if credential else []
        every: Filter = (digest(self._key, roles.EVERY, ""),)
        distances = range(self._memory.depth + 1) if wanted else range(1)
        ways = [
            [tuple(passed_on(one, distance) for one in some) for some in wanted] + own
            for distance in distances
        ]
        found = [(way or [every], self._chunks(way or [every])) for way in ways]
        voided = digest(self._key, roles.VOIDED, "")
        first, last = low >> CHUNK_BITS, high >> CHUNK_BITS
        met = {chunk for _, chunks in found for chunk in chunks if first <= chunk <= last}
        for chunk in sorted(met, reverse=not ascending):
            offsets = Offsets(set())
            for way, chunks in found:
                if chunk in chunks:
                    offsets = offsets.either(self._intersection(way, chunk))
            base = chunk << CHUNK_BITS
            offsets = offsets.between(max(low - base, 0), min(high - base, CHUNK - 1))
            if offsets:
                offsets = offsets.without(Offsets.union(self._stored(voided, chunk)))
            for offset in offsets.in_order(ascending=ascending):
                yield base + offset

    def knows(self, digests: Sequence[int]) -> bool:
        """Say whether any statement is filed under one of these digests."""
        return bool(self._chunks([tuple(digests)]))

    def _chunks(self, way: list[Filter]) -> set[int]:
        """Return the chunks in which every filter finds something."""
        left: set[int] | None = None
        for some in way:
            found: set[int] = set()
            for one in some:
                found |= chunks_of(self._index, one) | self._memory.chunks_of(one)
            left = found if left is None else left & found
            if not left:
                return set()
        return left or set()

    def _intersection(self, way: list[Filter], chunk: int) -> Offsets:
        left: Offsets | None = None
        for some in way:
            found = Offsets.union([posting for one in some for posting in self._stored(one, chunk)])
            left = found if left is None else left.both(found)
            if not left:
                break
        return left or Offsets(set())

    def _stored(self, one: int, chunk: int) -> list[bytes]:
        """Return the postings of a digest in a chunk, from the file and from memory."""
        row = self._index.execute("SELECT offsets FROM posting WHERE id=?", (row_id(one, chunk),)).fetchone()
        found = [] if row is None else [row[0]]
        waiting = self._memory.stored(one, chunk)
        return found if waiting is None else [*found, waiting]
