"""What was read of the log and is not in the index file yet: the chunk under way, and additions to older ones."""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.embedded.statements.postings import CHUNK, CHUNK_BITS, Postings


class Memory:
    """Everything since the last chunk that was written; written by one thread, read by any.

    When its chunk has been written a new one takes its place. A query holds on to the one that it
    began with, so it finds everything either here or in the file, or in both.
    """

    def __init__(self, position: int, depth: int, key: bytes) -> None:
        """position: up to which everything is in the file. depth, key: as in `IndexFile`."""
        self.key = key
        self.resumes = 0 < position & CHUNK - 1 < CHUNK - 1
        """The file has the beginning of the chunk."""
        self.chunk = position + 1 >> CHUNK_BITS
        self.position = position
        """Every statement up to here is here or in the file."""
        self.depth = depth
        self.postings = Postings()
        self.late: dict[int, Postings] = {}
        """By chunk: what statements of this chunk have changed in older ones."""
        self.references: dict[str, list[int]] = {}
        """By target, as in `reading.Found`: statements of this chunk."""
        self.definitions: dict[str, bytes] = {}

    @property
    def end(self) -> int:
        """The last position of the chunk under way; the first chunk lacks the position 0."""
        return (self.chunk + 1) * CHUNK - 1

    def waiting(self) -> int:
        """Return how many postings are here."""
        return len(self.postings) + sum(len(late) for late in self.late.values())

    def file(self, digests: Iterable[int], position: int) -> None:
        """File a position under digests."""
        chunk = position >> CHUNK_BITS
        if chunk == self.chunk:
            self.postings.add(digests, position & CHUNK - 1)
            return
        late = self.late.get(chunk)
        if late is None:
            late = self.late[chunk] = Postings()
        late.add(digests, position & CHUNK - 1)

    def stored(self, digest: int, chunk: int) -> bytes | None:
        """Return the posting of a digest in a chunk, as far as it is here."""
        postings = self.postings if chunk == self.chunk else self.late.get(chunk)
        return None if postings is None else postings.get(digest)

    def chunks_of(self, digest: int) -> set[int]:
        """Return the chunks that have a posting of a digest here."""
        found = {chunk for chunk, postings in list(self.late.items()) if digest in postings}
        if digest in self.postings:
            found.add(self.chunk)
        return found
