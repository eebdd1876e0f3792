"""Statements that refer to statements: what one can be found by, those that lead to it can be found by as well.

1.0.3 Communication 2.1.3.s3: a statement meets the filters when the one that is its object meets
them, and so on. All filters are held against one statement of the chain, so each passes its values
on under digests of their own for each distance; then an intersection never mixes two statements.
A target may arrive after those that refer to it, and may itself refer to something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.digests import digest, passed_on
from carrythrough.embedded.statements.memory import Memory
from carrythrough.embedded.statements.reading import Found

REFERENCE_DEPTH_MAX = 32
"""How far values are passed on: what one statement can make others cost has to end somewhere."""
PASSED_ON_MAX = 256
"""Values that a statement passes on, the most useful first: a group may have thousands of members."""


class Chains:
    """Files what references make of the postings; used by the indexer's thread."""

    def __init__(
        self,
        key: bytes,
        locate: Callable[[str], int],
        read: Callable[[int], Found | None],
        id_of: Callable[[int], str],
        referrers: Callable[[str], Sequence[int]],
    ) -> None:
        """locate: the position of an id in the log, 0 when it has none. read: what a position can be found by.

        id_of: the id of a position. referrers: positions of those indexed that refer to an id.
        """
        self.voided = (digest(key, roles.VOIDED, ""),)
        """What voided statements are filed under."""
        self._locate = locate
        self._read = read
        self._id_of = id_of
        self._referrers = referrers

    def refers(self, memory: Memory, position: int, found: Found) -> None:
        """File a statement that refers to another under what its chain can be found by."""
        for distance, (_, one) in enumerate(self._below(position, found)):
            if distance:
                _pass_on(memory, position, one, distance)
        target = self._locate(found.target)
        if found.voiding and 0 < target <= position:
            voided = self._read(target)
            if voided is not None and not voided.voiding:
                memory.file(self.voided, target)

    def arrives(self, memory: Memory, position: int, found: Found, referrers: Sequence[int]) -> None:
        """Pass a statement on to those that came before it and refer to it."""
        chain = self._below(position, found)
        seen = {position}
        level = [one for one in dict.fromkeys(referrers) if one not in seen]
        for distance in range(1, REFERENCE_DEPTH_MAX + 1):
            seen.update(level)
            for referrer in level:
                for further, (where, one) in enumerate(chain[: REFERENCE_DEPTH_MAX + 1 - distance]):
                    if where != referrer:
                        _pass_on(memory, referrer, one, distance + further)
            above = (above for one in level for above in self._referrers(self._id_of(one)))
            level = [one for one in dict.fromkeys(above) if one not in seen]
            if not level:
                return

    def _below(self, position: int, found: Found) -> list[tuple[int, Found]]:
        """Return the statement and those that it leads to, as far as they were read before it."""
        chain = [(position, found)]
        seen = {position}
        while found.target and len(chain) <= REFERENCE_DEPTH_MAX:
            target = self._locate(found.target)
            if not 0 < target <= position or target in seen:
                break
            seen.add(target)
            read = self._read(target)
            if read is None:
                break
            found = read
            chain.append((target, found))
        return chain


def _pass_on(memory: Memory, position: int, found: Found, distance: int) -> None:
    memory.depth = max(memory.depth, distance)
    memory.file([passed_on(one, distance) for one in found.digests[:PASSED_ON_MAX]], position)
