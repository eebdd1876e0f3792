"""What a KPI looked like before the program: the noise of one reading, and peers to rank against.

One leader reads the readings up to a moment, adds them up by role, site and month, and closes the
baseline with a record in the log. From there on it is frozen: a program that lifts everybody lifts
every outcome. It serves two ends. With a target, the noise that a reading has by its own history
says how surely the target is met. Without a target, the reading is ranked among peers; that outcome is
a fallback and flagged as one wherever it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from carrythrough.evidence.histogram import Histogram

PEERS_MIN = 8
"""People in a cell of role and site before anybody is ranked in it; else the role, else the KPI as a whole."""
READINGS_MIN = 20
"""Readings in a cell, likewise."""
PAIRS_MIN = 20
"""Pairs of successive readings of one person before a noise is taken from them."""
OWN_MIN = 3
"""Readings of one person before a baseline of their own is kept."""
OWN_PEOPLE_MAX = 50_000
"""Own baselines in one record: about 4 MB; beyond it only peers are kept."""
NORMAL_MAD = 1.4826
"""Standard deviations in one MAD of a normal distribution."""
ROOT_TWO = 1.4142135623730951
RELIABILITY_MIN, RELIABILITY_MAX = 0.2, 0.5
"""Weight of one reading about one person, whatever its history says (design, section 5)."""

SPLIT = ("role", "site")
"""What peers are kept apart by unless the KPI says otherwise (`program.types.Kpi.split_by`)."""
ANY = ""
"""Role or site of a cell that takes all of them together."""


class Reading(NamedTuple):
    """One individual KPI reading. month: "2026-03", of its event time in UTC."""

    kpi: str
    subject: str
    role: str
    site: str
    month: str
    t_ms: int
    value: float


class Cell(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Peers of one role and site ("" for all). median and mad in the KPI's unit."""

    role: str
    site: str
    people: int
    readings: int
    median: float
    mad: float


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A closed baseline of one KPI.

    first, last: months that it covers. noise_sd: of one reading around the person's true value, 0 when
    there were too few repeats to tell. reliability: share of the spread between readings that is between
    people, 0..1. cells: role and site, role, and all, as far as split_by keeps them apart. own: pseudonym →
    (readings, median).
    """

    kpi: Annotated[str, Meta(min_length=1, max_length=64)]
    first: str
    last: str
    readings: int
    people: int
    noise_sd: float
    reliability: float
    cells: tuple[Cell, ...]
    own: dict[str, tuple[int, float]] = {}
    split_by: tuple[str, ...] = SPLIT

    def cell(self, role: str, site: str) -> Cell | None:
        """Return the narrowest cell of somebody that is large enough, None when none is."""
        wanted = {key: n for n, key in reversed(list(enumerate(_groups(role, site, self.split_by))))}
        found = [c for c in self.cells if (c.role, c.site) in wanted and _large_enough(c)]
        return min(found, key=lambda c: wanted[c.role, c.site], default=None)


class Baselines(msgspec.Struct, frozen=True, kw_only=True):
    """All closed baselines in force, and the record that closed the last of them.

    by: who closed it. until_ms: event time up to which readings went in.
    """

    kpis: dict[str, Baseline] = {}
    by: Annotated[str, Meta(max_length=200)] = ""
    until_ms: int = 0


NONE = Baselines()


def _groups(role: str, site: str, split_by: Iterable[str]) -> list[tuple[str, str]]:
    """Return the cells that somebody of a role and site belongs to, the narrowest first."""
    by_role, by_site = "role" in split_by, "site" in split_by
    narrowest = (role if by_role else ANY, site if by_site else ANY)
    groups = [narrowest, (role, ANY) if by_role else narrowest, (ANY, ANY)]
    return list(dict.fromkeys(groups))


def _large_enough(cell: Cell) -> bool:
    return cell.people >= PEERS_MIN and cell.readings >= READINGS_MIN


class Tally:
    """The readings of one KPI added up; partitions make one each and merge them.

    A person belongs to one partition, so people and successive differences are whole in each.
    """

    def __init__(self) -> None:
        self._months: dict[tuple[str, str, str], Histogram] = {}
        self._people: dict[tuple[str, str], set[str]] = {}
        self._differences = Histogram()
        self._own: dict[str, Histogram] = {}

    def add(self, readings: Iterable[Reading]) -> None:
        """Add all readings of some people, in any order."""
        by_person: dict[str, list[Reading]] = {}
        for reading in readings:
            by_person.setdefault(reading.subject, []).append(reading)
        for subject, mine in by_person.items():
            self._add_person(subject, sorted(mine, key=lambda r: (r.t_ms, r.value)))

    def _add_person(self, subject: str, mine: list[Reading]) -> None:
        own = self._own.setdefault(subject, Histogram())
        before: float | None = None
        for r in mine:
            self._months.setdefault((r.role, r.site, r.month), Histogram()).add(r.value)
            self._people.setdefault((r.role, r.site), set()).add(subject)
            own.add(r.value)
            if before is not None:
                self._differences.add(abs(r.value - before))
            before = r.value

    def merge(self, other: Tally) -> None:
        """Add the tally of another partition, in place."""
        for key, histogram in other._months.items():
            self._months.setdefault(key, Histogram()).merge(histogram)
        for cell, people in other._people.items():
            self._people.setdefault(cell, set()).update(people)
        self._differences.merge(other._differences)
        for subject, histogram in other._own.items():
            self._own.setdefault(subject, Histogram()).merge(histogram)

    def close(self, kpi: str, split_by: Sequence[str] = SPLIT) -> Baseline | None:
        """Return the baseline that the tally gives, None without a reading; split_by: of "role" and "site"."""
        if not self._months:
            return None
        months = sorted(month for _, _, month in self._months)
        cells = self._cells(split_by)
        whole = next(cell for cell in cells if (cell.role, cell.site) == (ANY, ANY))
        noise = self._noise()
        own = {
            subject: (histogram.total(), histogram.median())
            for subject, histogram in sorted(self._own.items())
            if histogram.total() >= OWN_MIN
        }
        return Baseline(
            kpi=kpi,
            first=months[0],
            last=months[-1],
            readings=whole.readings,
            people=whole.people,
            noise_sd=noise,
            reliability=_reliability(noise, NORMAL_MAD * whole.mad),
            cells=cells,
            own=own if len(own) <= OWN_PEOPLE_MAX else {},
            split_by=tuple(name for name in SPLIT if name in split_by),
        )

    def _cells(self, split_by: Sequence[str]) -> tuple[Cell, ...]:
        histograms: dict[tuple[str, str], Histogram] = {}
        people: dict[tuple[str, str], set[str]] = {}
        for (role, site, _), histogram in sorted(self._months.items()):
            for key in _groups(role, site, split_by):
                histograms.setdefault(key, Histogram()).merge(histogram)
                people.setdefault(key, set()).update(self._people[role, site])
        return tuple(
            Cell(
                role=role,
                site=site,
                people=len(people[role, site]),
                readings=histogram.total(),
                median=histogram.median(),
                mad=histogram.mad(),
            )
            for (role, site), histogram in sorted(histograms.items())
        )

    def _noise(self) -> float:
        """Return the noise of one reading from successive differences: robust, and blind to slow drift.

        A difference of two readings has √2 times the noise, and the median of |difference| is a MAD about 0.
        """
        if self._differences.total() < PAIRS_MIN:
            return 0.0
        return NORMAL_MAD * self._differences.median() / ROOT_TWO


def _reliability(noise_sd: float, total_sd: float) -> float:
    """Return 1 − noise²/total², 0..1: how much of what differs between readings differs between people."""
    if noise_sd <= 0.0 or total_sd <= 0.0:
        return 0.0
    return min(1.0, max(0.0, 1.0 - (noise_sd / total_sd) ** 2))


def weight_of(reliability: float) -> float:
    """Return the weight of one reading about one person: its reliability, within 0.2 to 0.5."""
    return min(RELIABILITY_MAX, max(RELIABILITY_MIN, reliability))
