"""From log records to operations: identify the employee and map to stamped evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from carrythrough.events.performance import PerformanceEvent, source_id
from carrythrough.evidence.baselines import NONE as NO_BASELINES
from carrythrough.evidence.baselines import Baselines
from carrythrough.evidence.cmi5 import SILENT, Mark, mark_of
from carrythrough.evidence.mapping import (
    ALONE,
    SKEW_MS_MAX,
    Standing,
    evidence_of_event,
    evidence_of_statement,
    evidence_of_word,
)
from carrythrough.evidence.needs import NeedAnswer, answers_of, carries_needs, survey_of, surveyed
from carrythrough.evidence.types import Y_ONE, Evidence
from carrythrough.identity.actor import actor_key
from carrythrough.identity.claims import employee_name, tokens_of
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.contest import decode_contest
from carrythrough.pipeline.effects import ActionReferred
from carrythrough.pipeline.noting import Note, Waiting, notes_of
from carrythrough.pipeline.records import EVENTS, ROSTERS, VOIDED_VERB, Kind, Piece, Record
from carrythrough.pipeline.replying import Reply
from carrythrough.program.compile import Program
from carrythrough.reinforcement.orders import NONE as NO_ORDERS
from carrythrough.reinforcement.orders import Orders
from carrythrough.reinforcement.posteriors import SHIPPED_PRIOR, Posteriors
from carrythrough.scoring.head import Model
from carrythrough.xapi.lenient import read_kept
from carrythrough.xapi.statement import Statement, StatementRef


class InForce(msgspec.Struct, frozen=True):
    """The versions in force at a place in the log, and the tenant that everything is keyed by."""

    program: Program
    directory: RosterIndex
    model: Model
    tenant: str = "default"
    baselines: Baselines = NO_BASELINES
    orders: Orders = NO_ORDERS
    posteriors: Posteriors = SHIPPED_PRIOR
    roster_before: RosterIndex | None = None
    """While a roster record is folded: the roster before it."""


class Add(msgspec.Struct, frozen=True):
    """Fold the evidence of one record into one employee."""

    subject: str
    evidence: tuple[Evidence, ...]
    position: int
    stored_ms: int
    mark: Mark | None = None
    """What the state of a cmi5 registration needs of it."""
    content: Statement | PerformanceEvent | None = None
    """What the record said: it names the employee, should the roster change."""


class Reattribute(msgspec.Struct, frozen=True):
    """Who is who has changed: give evidence to whom the roster in force says that it belongs.

    sources: pseudonyms whose evidence is looked at, None for all that the change can concern.
    """

    position: int
    stored_ms: int
    sources: tuple[str, ...] | None = None


class Survey(msgspec.Struct, frozen=True):
    """Keep the answers of a needs survey; see `pipeline.needs`. subject: whom it is about, as things stand.

    name: of whom it is about (`identity.claims`), should the roster change. kin: its sealed kinship tokens.
    """

    subject: str
    name: str
    kin: tuple[str, ...]
    answers: tuple[NeedAnswer, ...]
    position: int
    stored_ms: int


class Void(msgspec.Struct, frozen=True):
    """Take back everything that a statement or event (16-byte id) was evidence of."""

    target: bytes
    position: int
    stored_ms: int


class Amend(msgspec.Struct, frozen=True):
    """A performance event corrects or retracts another one (`target`); see `pipeline.amending`."""

    source: bytes
    target: bytes
    retracts: bool
    revision: int
    t_ms: int
    position: int
    stored_ms: int


class Noted(msgspec.Struct, frozen=True):
    """Keep an event that is no evidence: it waits, waits no more, or is about a team."""

    note: Note
    stored_ms: int


class Contested(msgspec.Struct, frozen=True):
    """Set pieces of evidence aside, or restore them; see `pipeline.contest`. request: what it settles, if anything."""

    pieces: tuple[Piece, ...]
    restore: bool
    by: str
    reason: str
    subject: str
    position: int
    stored_ms: int
    request: bytes = b""


class Refusal(msgspec.Struct, frozen=True):
    """A statement of a lenient sender that is none: put it into the quarantine with its reason."""

    credential: str
    code: str
    detail: str
    position: int
    stored_ms: int


class Referred(msgspec.Struct, frozen=True):
    """Decide a request about somebody at the person whom it is for (`reinforcement.requests`)."""

    request: ActionReferred
    position: int
    stored_ms: int


class Tick(msgspec.Struct, frozen=True):
    """Time passes: fire the timers that are due."""

    position: int
    stored_ms: int


Operation = Add | Survey | Reply | Void | Amend | Noted | Contested | Refusal | Reattribute | Referred | Tick


def _by_table(e: Evidence, items: dict[str, float]) -> Evidence:
    """Return a piece of evidence stamped with the expected success of its item, where the table has it."""
    p = items.get(e.item)
    return e if p is None else msgspec.structs.replace(e, p_item=round(p * Y_ONE))


def plan(records: Iterable[Record], in_force: InForce) -> list[Operation]:
    """Return the operations of `records` in order; records that say nothing about a skill give none."""
    operations: list[Operation] = []
    program, directory = in_force.program, in_force.directory
    for record in records:
        if record.kind is Kind.STATEMENT:
            statement = record.content
            if (apart := _apart(record, in_force)) is not None:
                operations += apart
                continue
            t_ms = record.t_ms if record.t_ms >= 0 else record.stored_ms
            mark = mark_of(statement, record.id, t_ms)
            evidence: tuple[Evidence, ...] = ()
            if mark is None or mark.verb not in SILENT:
                evidence = evidence_of_statement(program, statement, record.id, t_ms, record.stored_ms)
                if in_force.model.items:
                    evidence = tuple(_by_table(e, in_force.model.items) for e in evidence)
            if (evidence or mark) and (subject := directory.subject_of_actor(statement.actor)):
                operations.append(Add(subject, evidence, record.position, record.stored_ms, mark, statement))
        elif record.kind in EVENTS:
            operations += _plan_event(record, in_force)
        elif record.kind is Kind.TICK:
            operations.append(Tick(record.position, record.stored_ms))
        elif record.kind in _ALONE:
            operations.append(_ALONE[record.kind](record))
        elif record.kind in ROSTERS:
            operations.append(Reattribute(record.position, record.stored_ms))
    return operations


def _apart(record: Record, in_force: InForce) -> tuple[Operation, ...] | None:
    """Return what a statement does that can be no evidence, None for all others."""
    statement = record.content
    if statement.verb.id == VOIDED_VERB and (target := voided_by(statement)):
        return (Void(target, record.position, record.stored_ms),)
    return _surveyed(record, in_force) if carries_needs(statement) else None


def voided_by(statement: Statement) -> bytes | None:
    """Return the 16-byte id of the statement that a statement voids, None when it voids nothing."""
    if statement.verb.id != VOIDED_VERB or not isinstance(statement.object, StatementRef):
        return None
    return bytes.fromhex(statement.object.id.replace("-", ""))


def _contested(record: Record) -> Contested:
    contest = decode_contest(record.content)
    return Contested(
        contest.pieces(),
        contest.restore,
        contest.by,
        contest.reason,
        contest.subject,
        record.position,
        record.stored_ms,
        bytes.fromhex(contest.request),
    )


def _refusal(record: Record) -> Refusal:
    kept = read_kept(record.content)
    problem = kept.problem
    detail = f"{problem.detail} (at {problem.where})" if problem.where else problem.detail
    return Refusal(kept.credential, problem.code, detail, record.position, record.stored_ms)


def _referred(record: Record) -> Referred:
    request = msgspec.json.decode(record.content, type=ActionReferred)
    return Referred(request, record.position, record.stored_ms)


_ALONE: dict[Kind, Callable[[Record], Operation]] = {
    Kind.CONTEST: _contested,
    Kind.REFUSED: _refusal,
    Kind.REFERRAL: _referred,
}
"""Records that say all there is to say in themselves, whatever is in force."""


def _plan_event(record: Record, in_force: InForce) -> tuple[Operation, ...]:
    event = record.content
    t_ms = record.t_ms if record.t_ms >= 0 else record.stored_ms
    amend = _amend(record, event, t_ms)
    if event.kind == "retraction":
        return amend
    if event.kind == "needs-survey":
        return (*amend, *_surveyed(record, in_force))
    if event.kind == "action-answer":
        return (*amend, *_replied(record, event, in_force))
    notes = notes_of(record, t_ms, in_force.program, in_force.directory)
    amend = (*amend, *(Noted(note, record.stored_ms) for note in notes))
    if any(isinstance(note, Waiting) for note in notes):
        return amend
    standing = _standing(event, in_force) if in_force.baselines.kpis else ALONE
    evidence = evidence_of_event(in_force.program, event, record.id, t_ms, record.stored_ms, standing)
    if not evidence:
        return amend
    subject = subject_of_event(event, in_force.directory)
    added = Add(subject, evidence, record.position, record.stored_ms, content=event)
    return (*amend, added) if subject else amend


def _surveyed(record: Record, in_force: InForce) -> tuple[Operation, ...]:
    """Return what a record with a needs survey says; nothing where it cannot be read, or is about nobody."""
    content, directory = record.content, in_force.directory
    survey = content.needs if isinstance(content, PerformanceEvent) else survey_of(content)
    name = name_surveyed(content)
    subject = directory.subject_of_name(name)
    if survey is None or not subject:
        return ()
    t_ms = record.t_ms if 0 <= record.t_ms <= record.stored_ms + SKEW_MS_MAX else record.stored_ms
    answers = answers_of(survey, record.id, t_ms)
    kin = tuple(sorted(directory.sealed(tokens_of(name))))
    return (Survey(subject, name, kin, answers, record.position, record.stored_ms),)


def _replied(record: Record, event: PerformanceEvent, in_force: InForce) -> tuple[Operation, ...]:
    """Return what an answer to an action says; nothing where it is nobody's."""
    said, directory = event.reply, in_force.directory
    subject = subject_of_event(event, directory)
    if said is None or not subject:
        return ()
    t_ms = record.t_ms if 0 <= record.t_ms <= record.stored_ms + SKEW_MS_MAX else record.stored_ms
    about = directory.subject_of_employee(said.about) if said.about else subject
    score = None if event.outcome is None else event.outcome.score
    reply = Reply(
        source=record.id,
        subject=subject,
        about=about,
        skill=event.skill,
        action=said.action,
        answer=said.answer,
        rule=said.rule,
        topic=said.topic,
        days=said.days,
        went=-1.0 if score is None else score,
        t_ms=t_ms,
        position=record.position,
        stored_ms=record.stored_ms,
        text=said.text if said.answer == "disagree" else "",
    )
    if said.answer != "applied" or about != subject:
        return (reply,)
    evidence = evidence_of_word(in_force.program, event, record.id, t_ms)
    if not evidence:
        return (reply,)
    return reply, Add(subject, evidence, record.position, record.stored_ms, content=event)


def name_surveyed(content: Statement | PerformanceEvent) -> str:
    """Return whom a needs survey is about by name (`identity.claims`), "" for nobody in particular."""
    if isinstance(content, PerformanceEvent):
        if content.employee:
            return employee_name(content.employee)
        return "" if content.actor is None else actor_key(content.actor)
    about = surveyed(content)
    return "" if about is None else actor_key(about)


def _amend(record: Record, event: PerformanceEvent, t_ms: int) -> tuple[Operation, ...]:
    """Return what an event does to an earlier one of its source, if anything."""
    name = event.corrects or event.retracts
    if not name:
        return ()
    target = source_id(event.source, name)
    return (
        Amend(
            record.id,
            target,
            bool(event.retracts),
            event.revision,
            t_ms,
            record.position,
            record.stored_ms,
        ),
    )


def subject_of_event(event: PerformanceEvent, directory: RosterIndex) -> str:
    """Return the pseudonym of whom an event is about, "" when nobody can be told."""
    if event.employee:
        return directory.subject_of_employee(event.employee)
    return directory.subject_of_actor(event.actor)


def _standing(event: PerformanceEvent, in_force: InForce) -> Standing:
    """Return whose peers a reading is ranked among, by the roster in force."""
    if event.kind != "kpi-reading":
        return ALONE
    person = in_force.directory.person(subject_of_event(event, in_force.directory))
    role, site = ("", "") if person is None else (person.role, person.site)
    return Standing(in_force.baselines, role, site)
