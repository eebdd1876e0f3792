"""Sets of log positions, cut into chunks of 65,536: lists of offsets while they are short, bitmaps after that.

A query with several filters is the intersection of their sets, chunk by chunk. Two bitmaps of a
whole chunk are intersected in a microsecond, so no combination of filters is slow, however many
statements each of them alone would find.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

CHUNK_BITS = 16
"""The number of a chunk takes as many bits of a row's key, so an index ends at 2**32 records."""
CHUNK = 1 << CHUNK_BITS
BITMAP_BYTES = CHUNK // 8
LIST_MAX = 1024
"""Offsets kept as a list of two bytes each; more become a bitmap of 8 KB, which is faster to intersect."""
OFFSET = "H"


class Postings:
    """Digest to offsets in one chunk, while they are put together; written by one thread, read by any."""

    def __init__(self) -> None:
        self._found: dict[int, array[int] | bytearray] = {}

    def add(self, digests: Iterable[int], offset: int) -> None:
        """File an offset under digests."""
        found = self._found
        for digest in digests:
            posting = found.get(digest)
            if posting is None:
                found[digest] = array(OFFSET, (offset,))
            elif type(posting) is bytearray:
                posting[offset >> 3] |= 1 << (offset & 7)
            elif len(posting) < LIST_MAX:
                posting.append(offset)
            else:
                found[digest] = _bitmap(posting, offset)

    def get(self, digest: int) -> bytes | None:
        """Return the posting of a digest as it is stored, None when there is none."""
        posting = self._found.get(digest)
        if posting is None:
            return None
        return bytes(posting) if isinstance(posting, bytearray) else posting.tobytes()

    def digests(self) -> list[int]:
        """Return the digests that have a posting, in order."""
        return sorted(self._found)

    def __contains__(self, digest: int) -> bool:
        """Say whether a digest has a posting."""
        return digest in self._found

    def __len__(self) -> int:
        """Return how many digests have a posting."""
        return len(self._found)


class Offsets:
    """A set of offsets in one chunk, as a set of integers or as a bitmap in one long integer."""

    def __init__(self, few: set[int], bits: int | None = None) -> None:
        """few: the offsets, when `bits` is None."""
        self.few = few
        self.bits = bits

    @classmethod
    def union(cls, stored: list[bytes]) -> Offsets:
        """Return all offsets of some stored postings."""
        few: set[int] = set()
        bits: int | None = None
        for posting in stored:
            if len(posting) == BITMAP_BYTES:
                bits = int.from_bytes(posting, "little") | (bits or 0)
            else:
                few.update(array(OFFSET, posting))
        return cls(few) if bits is None else cls(set(), bits | _bits(few))

    def both(self, other: Offsets) -> Offsets:
        """Return the offsets that are in both sets."""
        if self.bits is None:
            return Offsets(self.few & other.few if other.bits is None else _tested(self.few, other.bits))
        if other.bits is None:
            return Offsets(_tested(other.few, self.bits))
        return Offsets(set(), self.bits & other.bits)

    def either(self, other: Offsets) -> Offsets:
        """Return the offsets that are in one of the sets."""
        if self.bits is None and other.bits is None:
            return Offsets(self.few | other.few)
        return Offsets(set(), self.as_bits() | other.as_bits())

    def without(self, other: Offsets) -> Offsets:
        """Return the offsets that are not in the other set."""
        if self.bits is None:
            return Offsets(self.few - (other.few if other.bits is None else _tested(self.few, other.bits)))
        return Offsets(set(), self.bits & ~other.as_bits())

    def between(self, low: int, high: int) -> Offsets:
        """Return the offsets from `low` to `high`, both included."""
        if self.bits is None:
            return Offsets({offset for offset in self.few if low <= offset <= high})
        return Offsets(set(), self.bits & (1 << high + 1) - (1 << low))

    def in_order(self, *, ascending: bool) -> Iterator[int]:
        """Yield the offsets in order."""
        if self.bits is None:
            yield from sorted(self.few, reverse=not ascending)
            return
        left = self.bits
        while left:
            offset = (left & -left if ascending else left).bit_length() - 1
            yield offset
            left ^= 1 << offset

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.few if self.bits is None else self.bits)

    def as_bits(self) -> int:
        """Return the offsets as the bits of an integer."""
        return _bits(self.few) if self.bits is None else self.bits


def merged(stored: bytes | None, more: bytes) -> bytes:
    """Return a stored posting with the offsets of another one added."""
    if stored is None:
        return more
    together = Offsets.union([stored, more])
    if together.bits is None and len(together.few) <= LIST_MAX:
        return array(OFFSET, together.few).tobytes()
    return together.as_bits().to_bytes(BITMAP_BYTES, "little")


def _bitmap(offsets: Iterable[int], offset: int) -> bytearray:
    made = bytearray(BITMAP_BYTES)
    made[offset >> 3] |= 1 << (offset & 7)
    for one in offsets:
        made[one >> 3] |= 1 << (one & 7)
    return made


def _bits(offsets: set[int]) -> int:
    made = bytearray(BITMAP_BYTES)
    for one in offsets:
        made[one >> 3] |= 1 << (one & 7)
    return int.from_bytes(made, "little")


def _tested(few: set[int], bits: int) -> set[int]:
    stored = bits.to_bytes(BITMAP_BYTES, "little")
    return {offset for offset in few if stored[offset >> 3] >> (offset & 7) & 1}
