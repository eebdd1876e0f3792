"""All stored beginnings of a text, without asking each: how matchers find prefixes and profiles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class PrefixIndex:
    """All stored prefixes of a text in O(log n + hits): sorted, each linked to its longest prefix."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self.sorted = sorted(set(prefixes))
        self.parent: list[int] = []
        open_: list[int] = []
        for number, text in enumerate(self.sorted):
            while open_ and not text.startswith(self.sorted[open_[-1]]):
                open_.pop()
            self.parent.append(open_[-1] if open_ else -1)
            open_.append(number)

    def of(self, text: str) -> list[str]:
        """Return the stored prefixes of `text`, longest first."""
        found: list[str] = []
        number = self.longest(text)
        while number >= 0:
            found.append(self.sorted[number])
            number = self.parent[number]
        return found

    def longest(self, text: str) -> int:
        """Return the number of the longest stored prefix of `text`, -1 for none.

        The greatest stored string not after `text` has every stored prefix of `text` as its own
        prefix or is one itself, so its chain of links holds them all.
        """
        number = bisect_right(self.sorted, text) - 1
        while number >= 0 and not text.startswith(self.sorted[number]):
            number = self.parent[number]
        return number
