"""A bounded memory of parts that were checked before.

Actors, verbs, activities and their groupings repeat from statement to statement as the very same
bytes. Looking one up costs a tenth of checking it anew. Two generations keep the memory bounded
without a clock or a linked list: what is not asked for during a whole generation is dropped.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")

KEY_BYTES_MAX = 4096
"""Longer parts are not kept: they seldom repeat, and one sender could fill the memory with them."""

ENTRY_BYTES = 500
"""What an entry costs beside its texts: the dictionary's slot and the objects of a small part."""


def cost(key: bytes) -> int:
    """Return about how many bytes an entry takes: its key, the texts decoded from it, and objects."""
    return ENTRY_BYTES + 3 * len(key)


class Memo(Generic[Value]):
    """Checked values by their exact bytes; at most two generations of about `bytes_max` each.

    Read `recent.get(key)` first where every nanosecond counts, then `find(key)`.
    """

    def __init__(self, bytes_max: int) -> None:
        self.recent: dict[bytes, Value] = {}
        self._older: dict[bytes, Value] = {}
        self._bytes = 0
        self._bytes_max = bytes_max

    def find(self, key: bytes) -> Value | None:
        """Return the value kept for `key`, or None; a value found is kept for another generation."""
        value = self.recent.get(key)
        if value is None:
            value = self._older.get(key)
            if value is not None:
                self.keep(key, value)
        return value

    def keep(self, key: bytes, value: Value) -> None:
        """Keep `value` under `key`, unless the key is too long to be worth it."""
        if len(key) > KEY_BYTES_MAX:
            return
        size = cost(key)
        self._bytes += size
        if self._bytes > self._bytes_max:
            # `recent` stays the same object: callers hold its bound `get`.
            self._older = self.recent.copy()
            self.recent.clear()
            self._bytes = size
        self.recent[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self.recent.clear()
        self._older = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many values are kept, those in both generations counted twice."""
        return len(self.recent) + len(self._older)
