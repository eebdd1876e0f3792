"""A mapping that changes by layers: a change costs about its own size, and who holds the mapping before keeps it.

The roster of 100,000 people is read by several threads while single people change. So nothing is changed
in place: a change puts a small dictionary on top of the large one, and small ones are put together as they
add up, each entry about log(n) times in all (a log-structured merge, O'Neil et al. 1996, in memory).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

RATIO = 4
"""A layer stays apart while it is at most 1/RATIO of the one below, so there are at most log4(n) of them."""


class Layered(Mapping[K, V]):
    """An immutable mapping; `changed` returns another one that shares what did not change."""

    __slots__ = ("_layers", "_size")

    def __init__(self, entries: dict[K, V] | None = None) -> None:
        """Take `entries` over; the caller changes them no more."""
        self._layers: tuple[Mapping[K, V | None], ...] = (entries or {},)
        self._size = len(self._layers[0])

    def changed(self, entries: Mapping[K, V | None]) -> Layered[K, V]:
        """Return the mapping with some entries put (a value) or removed (None)."""
        if not entries:
            return self
        twin: Layered[K, V] = Layered.__new__(Layered)
        twin._size = self._size
        for key, value in entries.items():
            twin._size += (value is not None) - (key in self)
        layers: list[Mapping[K, V | None]] = [*self._layers, dict(entries)]
        while len(layers) > 1 and len(layers[-1]) * RATIO > len(layers[-2]):
            upper = layers.pop()
            layers[-1] = {**layers[-1], **upper}
        if len(layers) == 1:
            layers[0] = {key: value for key, value in layers[0].items() if value is not None}
        twin._layers = tuple(layers)
        return twin

    def get(self, key: object, default: object = None) -> V | None:  # type: ignore[override]  # None is no value here
        """Return the value of a key, None when there is none; `default` is for the protocol and is None."""
        for layer in reversed(self._layers):
            found = layer.get(key, self)  # type: ignore[arg-type]  # self: no value is this mapping
            if found is not self:
                return found
        return default  # type: ignore[return-value]

    def __getitem__(self, key: K) -> V:
        """Return the value of a key; raises KeyError."""
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        """Say whether a key has a value."""
        return self.get(key) is not None

    def __iter__(self) -> Iterator[K]:
        """Yield the keys, those of the lowest layer first, each in the order in which it came."""
        if len(self._layers) == 1:
            yield from self._layers[0]
            return
        for key in dict.fromkeys(key for layer in self._layers for key in layer):
            if key in self:
                yield key

    def __len__(self) -> int:
        """Return how many keys have a value."""
        return self._size

    def depth(self) -> int:
        """Return how many layers a look-up may go through."""
        return len(self._layers)
