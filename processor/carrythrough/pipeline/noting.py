"""Performance events that are no evidence (yet) and must not be lost: those that wait, and those of teams.

An event that names a KPI or a skill which the map does not have waits until a map has it, and is then read
again (`Kind.EVENT_AGAIN`). The reading of a team says nothing about a person and is kept for the team.
"""

from __future__ import annotations

import msgspec

from carrythrough.events.performance import PerformanceEvent
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.records import Kind, Record
from carrythrough.program.compile import Program


class Waiting(msgspec.Struct, frozen=True):
    """An event waits for a name: "kpi:csat" or "skill:calm"."""

    source: bytes
    name: str
    position: int


class Released(msgspec.Struct, frozen=True):
    """An event waits no more: it is read again at this place in the log."""

    source: bytes


class TeamReading(msgspec.Struct, frozen=True):
    """A reading of a KPI about a whole team. value: in the unit of the KPI; a share where a score or met was sent."""

    source: bytes
    team: str
    kpi: str
    t_ms: int
    value: float
    position: int


Note = Waiting | Released | TeamReading


def unknown_name(event: PerformanceEvent, program: Program) -> str:
    """Return the name for which an event has to wait under this map, "" when it need not.

    A KPI matters where a value is held against it; beside `met` or `score` it is only a label.
    """
    if event.skill and event.skill not in program.skills:
        return f"skill:{event.skill}"
    valued = event.outcome is not None and event.outcome.value is not None
    return f"kpi:{event.kpi}" if valued and event.kpi not in program.kpis else ""


def is_known(name: str, program: Program) -> bool:
    """Say whether a map has the name that an event waits for."""
    what, _, identity = name.partition(":")
    return identity in (program.skills if what == "skill" else program.kpis)


def notes_of(record: Record, t_ms: int, program: Program, directory: RosterIndex) -> tuple[Note, ...]:
    """Return what is to be noted of an event; one that waits gives no evidence yet."""
    event = record.content
    notes: list[Note] = [Released(record.id)] if record.kind is Kind.EVENT_AGAIN else []
    name = unknown_name(event, program)
    if name:
        notes.append(Waiting(record.id, name, record.position))
    elif event.grain == "team" and event.outcome is not None:
        reading = _team_reading(record, event, t_ms, directory)
        notes += [] if reading is None else [reading]
    return tuple(notes)


def _team_reading(
    record: Record, event: PerformanceEvent, t_ms: int, directory: RosterIndex
) -> TeamReading | None:
    team = event.team
    if not team:
        subject = (
            directory.subject_of_employee(event.employee)
            if event.employee
            else directory.subject_of_actor(event.actor)
        )
        person = directory.person(subject)
        team = "" if person is None else person.team
    outcome = event.outcome
    if not team or outcome is None:
        return None
    value = outcome.value if outcome.value is not None else outcome.score
    return TeamReading(
        record.id,
        team,
        event.kpi,
        min(t_ms, record.stored_ms),
        float(bool(outcome.met)) if value is None else value,
        record.position,
    )
