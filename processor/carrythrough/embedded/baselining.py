"""Closing the baselines: one leader reads the readings of the log and appends what they add up to.

In the embedded shell the one process that owns the data folder is the leader; in a cluster it is whoever
holds the lock, and the tallies of the partitions are merged first. Either way the record decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import PerformanceEvent
from carrythrough.evidence.baselines import SPLIT, Baselines, Reading, Tally
from carrythrough.pipeline.plan import InForce, subject_of_event
from carrythrough.pipeline.records import Kind, Record
from carrythrough.program.cohorts import first_start
from carrythrough.program.goals import window_days
from carrythrough.program.types import DAY_MS, ProgramMap


def readings_of(
    log: LogReader, in_force: InForce, until_ms: int, voided: frozenset[bytes]
) -> Iterator[Reading]:
    """Yield the individual KPI readings of the log with event times up to `until_ms`, in log order.

    voided: sources that were taken back. Role and site are those of the roster in force now.
    """
    for row in log.all():
        if row.kind != Kind.EVENT or row.id in voided or b"kpi-reading" not in row.raw:
            continue
        try:
            record = record_of(row)
        except Exception:  # noqa: BLE001, S112 - the fold set it aside, so it is no reading
            continue
        reading = _reading(record, in_force)
        if reading is not None and reading.t_ms <= until_ms:
            yield reading


def _reading(record: Record, in_force: InForce) -> Reading | None:
    event: PerformanceEvent = record.content
    outcome = event.outcome
    kpi = in_force.program.kpis.get(event.kpi)
    if event.kind != "kpi-reading" or kpi is None or outcome is None or outcome.value is None:
        return None
    if "team" in (event.grain, kpi.grain):
        return None  # a team's number is nobody's reading
    subject = subject_of_event(event, in_force.directory)
    if not subject:
        return None
    person = in_force.directory.person(subject)
    role, site = ("", "") if person is None else (person.role, person.site)
    t_ms = record.t_ms if record.t_ms >= 0 else record.stored_ms
    month = dt.datetime.fromtimestamp(t_ms / 1000, tz=dt.UTC).strftime("%Y-%m")
    return Reading(event.kpi, subject, role, site, month, t_ms, outcome.value)


class Span(NamedTuple):
    """Which readings of a KPI make its baseline, by event time (ms since the epoch), and whom it keeps apart.

    from_ms is included, to_ms is not. split_by: of "role" and "site".
    """

    from_ms: int
    to_ms: int
    split_by: tuple[str, ...] = SPLIT


def spans(program: ProgramMap, kpis: Iterable[str], until_ms: int) -> dict[str, Span]:
    """Return KPI → which readings make its baseline: those of its window in the map, and none after `until_ms`.

    A window without a last day ends before the first cohort of the map starts; where no program has a first day,
    at `until_ms`, from which its days are then counted back.
    """
    known = {kpi.id: kpi for goal in program.goals for kpi in goal.kpis}
    first_day = first_start(program.programs)
    found = {}
    for name in kpis:
        kpi = known.get(name)
        first, last = 0, until_ms // DAY_MS
        if kpi is not None and kpi.baseline is not None:
            days = window_days(kpi.baseline, last + 1 if first_day is None else first_day)
            first, last = (first, last) if days is None else days
        split_by = SPLIT if kpi is None else kpi.split_by
        found[name] = Span(first * DAY_MS, min((last + 1) * DAY_MS, until_ms + 1), split_by)
    return found


def closed(
    before: Baselines, readings: Iterable[Reading], spans: Mapping[str, Span], until_ms: int, by: str
) -> Baselines:
    """Return `before` with the baselines of the KPIs of `spans` closed anew; those without a reading stay.

    Raises PermanentError when no KPI has a reading.
    """
    by_kpi: dict[str, list[Reading]] = {kpi: [] for kpi in spans}
    for reading in readings:
        span = spans.get(reading.kpi)
        if span is not None and span.from_ms <= reading.t_ms < span.to_ms:
            by_kpi[reading.kpi].append(reading)
    made = {}
    for kpi, mine in by_kpi.items():
        tally = Tally()
        tally.add(mine)
        baseline = tally.close(kpi, spans[kpi].split_by)
        if baseline is not None:
            made[kpi] = baseline
    if not made:
        raise PermanentError(_nothing(list(by_kpi)))
    return Baselines(kpis=before.kpis | made, by=by, until_ms=until_ms)


def encode(baselines: Baselines) -> bytes:
    """Return the bytes of the record that brings baselines into force."""
    return msgspec.json.encode(baselines)


def _nothing(kpis: list[str]) -> Problem:
    return Problem(
        code="baseline-empty",
        status=400,
        title="There is nothing to close a baseline from",
        detail=f"no individual reading of {', '.join(kpis) or 'any KPI'} in its baseline window up to that time",
        where="kpi",
        rule="a baseline is closed from KPI readings of single people from before the program",
        fix="bring the readings in first (`carrythrough ingest`), or name a later --until or window in the map",
    )
