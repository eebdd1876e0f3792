"""Tests inside a program map: what a made-up person's records become, held against what the author expects.

The records go through admission, the pipeline and the rules as any others do. The end of a test is a fixed
Wednesday noon, so that it means the same on every day; actions are asked for with every guard out of the way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec

from carrythrough.errors import PermanentError
from carrythrough.events.admission import admit_events
from carrythrough.evidence.types import FLAG_STATED, OUTCOME_CHANNELS, Y_ONE, Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier, Person, Roster, RosterAccount
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.step import State, step
from carrythrough.program.compile import Program
from carrythrough.program.types import (
    ChannelName,
    ExpectedEvidence,
    Given,
    Kill,
    MapTest,
    Policy,
    ProgramMap,
    Quiet,
)
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState
from carrythrough.xapi.admission import Limits, admit

END_MS = 1_768_392_000_000
"""2026-01-14T12:00:00Z, a Wednesday."""
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a count of milliseconds, not a place
_CHANNELS: dict[Channel, ChannelName] = {
    Channel.LEARN: "learn",
    Channel.PRACTICE: "practice",
    Channel.JOB: "job",
    Channel.OBSERVED: "observed",
    Channel.EXPOSURE: "exposure",
    Channel.SUPPORT: "support",
    Channel.VOICE: "voice",
}
TOLERANCE = 0.001
WHO = "somebody"
_HOME = "https://roster.example.org"
_ACTOR = {"account": {"homePage": _HOME, "name": WHO}}
_KEY = b"\x00" * 32
_NAMES = UUID("5f9f1c1e-6f0e-4c55-9d0a-2f6a4a5b8c11")
"""Of ids that are made up."""


class Piece(msgspec.Struct, frozen=True, order=True):
    """A piece of evidence as a test sees it. outcome: 0..1, None in channels without outcomes."""

    skill: str
    channel: ChannelName
    outcome: float | None
    by: str

    def sentence(self) -> str:
        """Return it in words."""
        how = "" if self.outcome is None else f" {self.outcome:g}"
        return f"{self.channel}{how} of {self.skill}" + (f" by {self.by}" if self.by else "")


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as expected. about: "evidence", "actions", "stages" or "given"."""

    about: str
    expected: str = ""
    found: str = ""


class Checked(msgspec.Struct, frozen=True):
    """What became of one test: it passed where there are no differences."""

    id: str
    name: str
    differences: tuple[Difference, ...]
    evidence: tuple[Piece, ...] = ()


def check_tests(program: ProgramMap) -> list[Checked]:
    """Run every test of a map, each by itself, in the order of the file."""
    compiled = Program(program)
    return [_check(compiled, test) for test in program.tests]


def evidence_of(program: Program, given: Sequence[Given], role: str = "") -> tuple[Piece, ...]:
    """Return what records are evidence of, each piece once; raises PermanentError where one is no record."""
    state, _ = step(State(), list(_records(given)), _in_force(program, role))
    return _pieces(state)


def _check(program: Program, test: MapTest) -> Checked:
    try:
        records = list(_records(test.given))
    except PermanentError as error:
        problem = error.problem
        said = f"{problem.detail or problem.title} (at {problem.where}); {problem.fix}"
        return Checked(test.id, test.name, (Difference("given", found=said),))
    in_force = _in_force(program, test.role)
    state, _ = step(State(), records, in_force)
    subject = in_force.directory.subject_of_employee(WHO)
    learner = state.learners.get(subject, LearnerState())
    evidence = _pieces(state)
    found = [*_evidence_differences(test, evidence), *_action_differences(test, in_force, subject, state)]
    found += _stage_differences(test, in_force, learner)
    return Checked(test.id, test.name, tuple(found), evidence)


def _in_force(program: Program, role: str) -> InForce:
    account = RosterAccount(home_page=_HOME, name=WHO)
    person = Person(id=WHO, role=role, identifiers=(Identifier(account=account),))
    return InForce(program, RosterIndex(Roster(people=(person,)), _KEY), SHIPPED)


def _records(given: Sequence[Given]) -> Iterator[Record]:
    """Yield the records of a test by time."""
    made = [one for number, part in enumerate(given) for one in _repeated(part, number)]
    for position, record in enumerate(sorted(made, key=lambda record: record.t_ms), 1):
        yield msgspec.structs.replace(record, position=position)


def _repeated(part: Given, number: int) -> Iterator[Record]:
    last_ms = END_MS - round(part.days_ago * DAY_MS)
    for turn in range(part.times):
        t_ms = last_ms - (part.times - 1 - turn) * HOUR_MS
        name = str(uuid5(_NAMES, f"{number}/{turn}"))
        at = _time_text(t_ms)
        try:
            yield (
                _statement(part.statement, name, at)
                if part.statement is not None
                else _event(part.event, name, at)
            )
        except PermanentError as error:
            what = "statement" if part.statement is not None else "event"
            where = f"given/{number}/{what}{error.problem.where}"
            raise PermanentError(msgspec.structs.replace(error.problem, where=where)) from None


def _statement(written: dict[str, Any], name: str, at: str) -> Record:
    """Return a statement of the made-up person; a verb or an object may be its id alone."""
    whole = {**written, "actor": _ACTOR, "id": name, "timestamp": at}
    for part in ("verb", "object"):
        if isinstance(whole.get(part), str):
            whole[part] = {"id": whole[part]}
    (one,) = admit(msgspec.json.encode(whole), Limits(), str(written.get("version", "1.0.3")))
    return Record(0, Kind.STATEMENT, one.t_ms, one.id, one.t_ms, one.statement)


def _event(written: dict[str, Any] | None, name: str, at: str) -> Record:
    whole = {"source": "test", **(written or {}), "id": name, "employee": WHO, "time": at}
    (one,) = admit_events(msgspec.json.encode(whole), "application/json")
    return Record(0, Kind.EVENT, one.t_ms, one.id, one.t_ms, one.event)


def _time_text(t_ms: int) -> str:
    return (_EPOCH + dt.timedelta(milliseconds=t_ms)).isoformat(timespec="milliseconds") + "Z"


def _pieces(state: State) -> tuple[Piece, ...]:
    found = set()
    for row in state.rows.values():
        e = row.evidence
        if row.voided:
            continue
        counts = Channel(e.channel) in OUTCOME_CHANNELS and e.w > 0
        stated = bool(e.flags & FLAG_STATED)
        outcome = round(e.y / Y_ONE, 4) if counts or stated else None
        found.add(Piece(e.skill, _CHANNELS[Channel(e.channel)], outcome, e.rule))
    return tuple(
        sorted(found, key=lambda piece: (piece.skill, piece.channel, piece.outcome or 0.0, piece.by))
    )


def _evidence_differences(test: MapTest, evidence: Sequence[Piece]) -> Iterator[Difference]:
    if test.expect.evidence is None:
        return
    left = list(evidence)
    for wanted in test.expect.evidence:
        match = next((piece for piece in left if _fits(wanted, piece)), None)
        if match is not None:
            left.remove(match)
            continue
        near = next((piece for piece in left if piece.skill == wanted.skill), None)
        if near is not None:
            left.remove(near)
        expected = Piece(wanted.skill, wanted.channel, wanted.outcome, wanted.by or "")
        yield Difference("evidence", expected.sentence(), "" if near is None else near.sentence())
    for piece in left:
        yield Difference("evidence", "", piece.sentence())


def _fits(wanted: ExpectedEvidence, piece: Piece) -> bool:
    return (
        (wanted.skill, wanted.channel) == (piece.skill, piece.channel)
        and wanted.by in (None, piece.by)
        and (
            wanted.outcome is None
            or (piece.outcome is not None and abs(wanted.outcome - piece.outcome) <= TOLERANCE)
        )
    )


def _action_differences(test: MapTest, in_force: InForce, subject: str, state: State) -> Iterator[Difference]:
    if test.expect.actions is None:
        return
    acting = _acting(in_force, subject, state)
    for rule in test.expect.actions:
        if rule not in acting:
            yield Difference("actions", f"{rule} acts", "")
    for rule in acting:
        if rule not in test.expect.actions:
            yield Difference("actions", "", f"{rule} acts")


def _acting(in_force: InForce, subject: str, state: State) -> list[str]:
    """Return the rules that act at the end, with fresh memory of pushes and no guard in the way."""
    learner = state.learners.get(subject)
    if learner is None:
        return []
    policy = in_force.program.policy
    open_policy = Policy(
        per_day=10,
        per_week=50,
        cooldown_h=0,
        quiet=Quiet(from_="00:00", to="00:00"),
        days_off=(),
        holdout=0.0,
        kill=Kill(),
        minimum_outcomes=policy.minimum_outcomes,
        minimum_effective=policy.minimum_effective,
        minimum_group=policy.minimum_group,
    )
    opened = Program(msgspec.structs.replace(in_force.program.map, policy=open_policy))
    copied = learner.copy()
    copied.pushes = ()
    for skill, pair in learner.pairs.items():
        copied.pairs[skill] = twin = pair.copy()
        published = twin.published
        published.armed, published.action_ms, published.ignored, published.due_ms = 1, 0, 0, END_MS
    asked = msgspec.structs.replace(state, learners={**state.learners, subject: copied})
    tick = Record(len(state.rows) + 1, Kind.TICK, END_MS, b"", -1, None)
    _, effects = step(asked, [tick], msgspec.structs.replace(in_force, program=opened))
    return list(dict.fromkeys(effect.rule for effect in effects if isinstance(effect, ActionRequested)))


def _stage_differences(test: MapTest, in_force: InForce, learner: LearnerState) -> Iterator[Difference]:
    for skill_id, expected in test.expect.stages.items():
        skill, pair = in_force.program.skills.get(skill_id), learner.pairs.get(skill_id)
        found = "not-enough-evidence"
        if skill is not None and pair is not None:
            policy = in_force.program.policy
            found = read_pair(learner, pair, END_MS, skill, in_force.model, policy).stage.text
        if found != expected:
            yield Difference("stages", f"{skill_id} is {expected}", f"{skill_id} is {found}")
