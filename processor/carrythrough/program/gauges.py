"""Numbers that a result carries in extensions: which of them look like how well it went, and on what scale.

Simulations, headsets and games often write their score nowhere else. A name alone proves nothing, so that one is
proposed only where it says "score" or the like and its values show the scale; the others are told to the author.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import NamedTuple

import msgspec

from carrythrough.program.activities import ExtensionValue
from carrythrough.program.natures import tail, words_of
from carrythrough.xapi.statement import Extensions

GAUGES_MAX = 20
"""Numbers looked at in one statement."""
DEPTH_MAX = 3
NAMED = frozenset(
    [
        "score",
        "scaled",
        "grade",
        "percent",
        "percentage",
        "accuracy",
        "passed",
        "success",
        "correct",
        "correctness",
    ]
)
"""Words that name how well something went."""
_LIMITS = frozenset(
    [
        "max",
        "maximum",
        "min",
        "minimum",
        "passing",
        "mastery",
        "possible",
        "threshold",
        "cut",
        "target",
        "required",
    ]
)
"""Words that name what a result is held against."""


class Place(NamedTuple):
    """Where a number stands: the key of the extension, and the keys that lead on into its value."""

    iri: str
    path: tuple[str, ...]

    @property
    def named(self) -> bool:
        """Say whether its name says that it tells how well it went."""
        words = self._words()
        return bool(NAMED & words) and not _LIMITS & words

    @property
    def limits(self) -> bool:
        """Say whether its name says that it is what a result is held against."""
        return bool(_LIMITS & self._words())

    def _words(self) -> set[str]:
        return set(words_of(self.path[-1] if self.path else tail(self.iri)))

    def spoken(self) -> str:
        """Return it as people read it: its key, and its path."""
        return '"' + ", ".join((self.iri, *self.path)) + '"'


class Gauge(msgspec.Struct):
    """The values seen in a place. low, high: the least and the greatest; truths: how many were true or false."""

    low: float
    high: float
    statements: int = 0
    truths: int = 0

    def take(self, other: Gauge) -> None:
        """Add what was seen elsewhere."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.statements += other.statements
        self.truths += other.truths

    def scale(self) -> tuple[float, float] | None:
        """Return what the values show as worst and best, None where more than one scale fits them."""
        if self.low < 0 or 0 < self.truths < self.statements:
            return None
        if self.high <= 1:
            return 0.0, 1.0
        # Marks up to 5, 6 or 10 are as often as not the other way round; above that it is per cent.
        return (0.0, 100.0) if 10 < self.high <= 100 else None


Gauges = dict[Place, Gauge]


def gauges_of(extensions: Extensions | None) -> Gauges:
    """Return the numbers, and the true or false, of the extensions of one result."""
    found: Gauges = {}
    for iri, value in (extensions or {}).items():
        for path, number in _numbers(value, ()):
            if len(found) == GAUGES_MAX:
                return found
            found[Place(iri, path)] = Gauge(float(number), float(number), 1, isinstance(number, bool))
    return found


def _numbers(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**53):
        if isfinite(value):
            yield path, value
    elif isinstance(value, dict) and len(path) < DEPTH_MAX:
        for key, inner in value.items():
            if isinstance(key, str) and 0 < len(key) <= 200:
                yield from _numbers(inner, (*path, key))


def add_to(total: Gauges, more: Mapping[Place, Gauge]) -> None:
    """Add the values of some statements to those of others."""
    for place, gauge in more.items():
        known = total.get(place)
        if known is None:
            total[place] = Gauge(gauge.low, gauge.high, gauge.statements, gauge.truths)
        else:
            known.take(gauge)


def best_of(gauges: Mapping[Place, Gauge], statements: int) -> ExtensionValue | None:
    """Return what says best how well it went: named so, on a scale that shows, in most of the statements.

    Numbers come before true or false, which say less.
    """
    fit = []
    for place, gauge in gauges.items():
        scale = gauge.scale()
        if place.named and scale is not None and 2 * gauge.statements > statements:
            fit.append((gauge.truths > 0, -gauge.statements, len(place.path), place, scale))
    if not fit:
        return None
    *_, place, (worst, best) = min(fit)
    return ExtensionValue(iri=place.iri, path=place.path, worst=worst, best=best)


def told(gauges: Iterable[tuple[Place, Gauge]], most: int = 3) -> str:
    """Return places with the values seen there, the most frequent first; "" for none."""
    known = [pair for pair in gauges if not pair[0].limits]
    ranked = sorted(known, key=lambda pair: (not pair[0].named, -pair[1].statements, pair[0]))
    shown = [
        f"{place.spoken()} ({'true or false' if gauge.truths else f'{gauge.low:g} to {gauge.high:g}'})"
        for place, gauge in ranked[:most]
    ]
    return ", ".join(shown) + (f" and {len(ranked) - most} more" if len(ranked) > most else "")
