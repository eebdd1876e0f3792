"""The log that a simulated organisation leaves, and the production fold over it, with the truth at hand.

Deliveries pass the same admission as on a server and become log records; `SimulatedLog.fold` runs the
pure pipeline over them, so whatever is measured against the truth is measured of the product.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from carrythrough.events.admission import admit_events
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.reinforcement.stage import Stage, stage_of
from carrythrough.scoring.head import Model
from carrythrough.scoring.state import LearnerState, PairState
from carrythrough.testing.simulator import Delivery, Simulator
from carrythrough.testing.simulator_people import Organisation
from carrythrough.xapi.admission import Limits, admit, content_key

_TENANT_KEY = bytes(32)
_VERSION = "1.0.3"


class TruthReading(msgspec.Struct, frozen=True):
    """One pair read by the product at `at_ms`, and the truth: P(the next opportunity meets the standard).

    target: of the skill. true_stage: the stage by the same rules, had they known the truth and its peak so far
    in place of score and prior.
    """

    employee: str
    skill: str
    at_ms: int
    reading: Reading
    truth: float
    target: float
    true_stage: Stage


class SimulatedLog:
    """A simulator, the log that it writes, and the state that the pipeline folds from it."""

    def __init__(self, organisation: Organisation, simulator: Simulator, model: Model) -> None:
        self.simulator = simulator
        self.program = Program(load_program(organisation.program_text, "program.yaml"))
        directory = RosterIndex(load_roster(organisation.roster_json(), "roster.json"), _TENANT_KEY)
        self.in_force = InForce(self.program, directory, model)
        self.employees = {directory.subject_of_employee(p.id): p.id for p in organisation.people}
        self.state = State()
        self._position = 0
        self._peaks: dict[tuple[str, str], float] = {}

    def fold(self, until_ms: int) -> list[Record]:
        """Fold what arrives before `until_ms` and return its records."""
        records = [r for d in self.simulator.advance(until_ms) for r in self._records(d)]
        self.state, _ = step(self.state, records, self.in_force)
        return records

    def pairs(self) -> Iterator[tuple[str, str, LearnerState, PairState]]:
        """Yield (employee, skill, learner, pair) of every pair that has evidence."""
        for subject, learner in self.state.learners.items():
            employee = self.employees.get(subject)
            if employee is not None:
                for skill, pair in learner.pairs.items():
                    yield employee, skill, learner, pair

    def readings(self, at_ms: int) -> Iterator[TruthReading]:
        """Yield every pair with enough evidence as the product would show it at `at_ms`."""
        for employee, skill, learner, pair in self.pairs():
            entry = self.program.skills[skill]
            truth = self.simulator.truth(employee, skill, at_ms)
            peak = self._peaks[employee, skill] = max(truth, self._peaks.get((employee, skill), 0.0))
            reading = read_pair(learner, pair, at_ms, entry, self.in_force.model, self.program.policy)
            if reading.score is not None:
                known = msgspec.structs.replace(reading.score, value=truth, pi=truth, pi_fresh=peak)
                stage = stage_of(known, pair, entry, at_ms)
                yield TruthReading(employee, skill, at_ms, reading, truth, entry.target, stage)

    def _records(self, delivery: Delivery) -> Iterator[Record]:
        body = msgspec.json.encode(delivery.payload)
        stored_ms = delivery.delivery_ms
        if delivery.kind == "event":
            for event in admit_events(body, "application/json"):
                self._position += 1
                yield Record(self._position, Kind.EVENT, stored_ms, event.id, event.t_ms, event.event)
            return
        for one in admit(body, Limits(), _VERSION):
            self._position += 1
            source = one.id or content_key("simulator", one.raw, 0)
            yield Record(self._position, Kind.STATEMENT, stored_ms, source, one.t_ms, one.statement)
