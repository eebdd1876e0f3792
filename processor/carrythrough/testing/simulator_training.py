"""Rows for training and judging models: real evidence of simulated people, with the truth beside it.

Everything passes the same admission, roster and program map as it would on a server,
so a model trained here has seen what it will see there.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from carrythrough.events.admission import admit_events
from carrythrough.evidence.mapping import evidence_of_event, evidence_of_statement
from carrythrough.evidence.types import OUTCOME_CHANNELS, Y_ONE, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.testing.simulator import Delivery, Simulator
from carrythrough.testing.simulator_people import Organisation
from carrythrough.xapi.admission import Limits, admit, content_key

_TENANT_KEY = bytes(32)
_VERSION = "1.0.3"


class TrainingRow(msgspec.Struct, frozen=True):
    """One piece of evidence in the order in which it arrived.

    evidence: stamped, as the fold gets it. outcome: 0..1, or None where the channel carries none or
    the weight is 0. truth: true probability, 0..1, that the next opportunity after it meets the
    standard. arrived_ms: ms since the epoch.
    """

    employee: str
    role: str
    evidence: Evidence
    outcome: float | None
    truth: float
    arrived_ms: int


def training_rows(organisation: Organisation, seed: int, start_ms: int, end_ms: int) -> Iterator[TrainingRow]:
    """Yield the evidence of a simulated organisation, repeats of deliveries left out.

    Predict `outcome` from the rows of the same employee before it, then learn from the row.
    """
    simulator = Simulator(organisation, seed, start_ms)
    program = Program(load_program(organisation.program_text, "program.yaml"))
    index = RosterIndex(load_roster(organisation.roster_json(), "roster.json"), _TENANT_KEY)
    people = {index.subject_of_employee(person.id): person for person in organisation.people}
    seen: set[tuple[bytes, str]] = set()
    for delivery in simulator.advance(end_ms):
        subject, pieces = _evidence(delivery, program, index)
        person = people.get(subject)
        if person is None:
            continue
        for piece in pieces:
            if (piece.source, piece.skill) in seen:
                continue
            seen.add((piece.source, piece.skill))
            carries = piece.channel in OUTCOME_CHANNELS and piece.w > 0
            yield TrainingRow(
                employee=person.id,
                role=person.role,
                evidence=piece,
                outcome=piece.y / Y_ONE if carries else None,
                truth=simulator.truth(person.id, piece.skill, delivery.delivery_ms),
                arrived_ms=delivery.delivery_ms,
            )


def _evidence(delivery: Delivery, program: Program, index: RosterIndex) -> tuple[str, tuple[Evidence, ...]]:
    body = msgspec.json.encode(delivery.payload)
    if delivery.kind == "event":
        [event] = admit_events(body, "application/json")
        found = evidence_of_event(program, event.event, event.id, event.t_ms, delivery.delivery_ms)
        return index.subject_of_employee(event.event.employee), found
    [admitted] = admit(body, Limits(), _VERSION)
    source = admitted.id or content_key("simulator", admitted.raw, 0)
    found = evidence_of_statement(program, admitted.statement, source, admitted.t_ms, delivery.delivery_ms)
    return index.subject_of_actor(admitted.statement.actor), found
