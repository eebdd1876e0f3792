"""Enrichment: what a statement was about, put beside it for services that know neither roster nor map.

A pure function of the record, the versions in force at its place in the log, and the state of the person
right after it. So whoever folds can call it on the way, and whoever reads the log later gets the same event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from carrythrough.events.performance import PerformanceEvent
from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.effects import effect_id
from carrythrough.pipeline.enriched import (
    SCHEMA_ID,
    TYPE,
    Employee,
    EnrichedEvent,
    EnrichedStatement,
    JobOutcome,
    MapActivity,
    MapObjective,
    Opportunity,
    OpportunityState,
    Performance,
    Program,
    Said,
    SkillContext,
)
from carrythrough.pipeline.plan import InForce, voided_by
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.records import Record
from carrythrough.pipeline.withholding import identifiers_of, names_nobody
from carrythrough.program.cohorts import Cohorts
from carrythrough.program.types import ChannelName, Objective, Skill
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.state import LearnerState, PairState
from carrythrough.xapi.statement import Activity, Statement

LAST_OUTCOMES = 3
"""Results on the job that are given for each skill, newest first."""
_CHANNELS: tuple[ChannelName, ...] = ("learn", "practice", "job", "observed", "exposure", "support", "voice")
_EMPTY = PairState()

_JobChannel = Literal["job", "observed"]
EventOf = Callable[[bytes], PerformanceEvent | None]
"""The performance event of a 16-byte id, None when the id is that of a statement."""


class Subject(NamedTuple):
    """Whom a record is about and what it is evidence of, as the plan says. learner: right after the record."""

    pseudonym: str
    evidence: Sequence[Evidence]
    learner: LearnerState | None


class Enricher:
    """Enriches under the versions in force; make a new one when they change.

    event_of: looks up what the newest outcomes on the job were; asked for at most LAST_OUTCOMES a skill.
    """

    def __init__(self, in_force: InForce, event_of: EventOf) -> None:
        self._in_force = in_force
        self._event_of = event_of
        self._activities = {activity.id: activity for activity in in_force.program.map.activities}
        self._cohorts = Cohorts(in_force.program.map.programs)
        self._objectives: dict[str, list[Objective]] = {}
        for objective in in_force.program.map.objectives:
            self._objectives.setdefault(objective.skill, []).append(objective)

    def enrich(self, record: Record, subject: Subject) -> EnrichedEvent:
        """Return the enriched event of a statement record."""
        in_force, program = self._in_force, self._in_force.program
        learner = subject.learner or LearnerState()
        peer = _employee(subject.pseudonym, in_force)
        skills = [
            self._skill(e, skill, record, learner, peer)
            for e in subject.evidence
            if (skill := program.skills.get(e.skill)) is not None
        ]
        rules = dict.fromkeys(e.rule for e in subject.evidence)
        activities = [a for rule in rules if (a := self._activities.get(rule)) is not None]
        named = {name for entry in skills for name in entry.objectives}
        programs, cohorts = self._taking_part(subject.pseudonym)
        t_ms = record.t_ms if record.t_ms >= 0 else record.stored_ms
        data = EnrichedStatement(
            map=program.id,
            map_version=program.version,
            statement=_said(record.content, record, subject.pseudonym, in_force),
            employee=peer,
            activities=[MapActivity(id=a.id, name=a.name, modality=a.modality) for a in activities],
            objectives=[
                MapObjective(id=o.id, skill=o.skill, statement=o.statement)
                for o in program.map.objectives
                if o.id in named
            ],
            programs=programs,
            cohorts=sorted(cohorts),
            skills=skills,
        )
        return EnrichedEvent(
            specversion="1.0",
            id=effect_id("enriched", in_force.tenant, record.position, record.id.hex()),
            source=f"/carrythrough/{in_force.tenant}",
            type=TYPE,
            subject=subject.pseudonym or None,
            time=time_text(t_ms),
            datacontenttype="application/json",
            dataschema=SCHEMA_ID,
            sequence=str(record.position),
            data=data,
        )

    def _taking_part(self, pseudonym: str) -> tuple[list[Program], set[str]]:
        """Return the programs that somebody takes part in, and the ids of their cohorts."""
        person = self._in_force.directory.person(pseudonym) if pseudonym else None
        if person is None:
            return [], set()
        takings = self._cohorts.of(person.id, person.role, person.team, person.site)
        programs = [
            Program(
                id=t.program,
                cohort=t.cohort,
                comparison=t.comparison,
                start=None if t.start_day is None else time_text(t.start_day * DAY_MS)[:10],
            )
            for t in takings
        ]
        return programs, {t.cohort for t in takings if t.cohort} | set(person.cohorts)

    def _skill(
        self, e: Evidence, skill: Skill, record: Record, learner: LearnerState, peer: Employee
    ) -> SkillContext:
        pair = learner.pairs.get(skill.id, _EMPTY)
        own = e.channel == Channel.PRACTICE
        counts = e.w > 0 and not own
        return SkillContext(
            skill=skill.id,
            name=skill.name,
            channel=_CHANNELS[e.channel],
            rule=e.rule,
            outcome=round(e.y / Y_ONE, 4) if counts else None,
            weight=round(e.w / W_ONE, 4) if counts else None,
            withheld=own and e.w > 0,
            objectives=[
                objective.id
                for objective in self._objectives.get(skill.id, ())
                if not objective.activities or e.rule in objective.activities
            ],
            opportunity=_opportunity(pair, skill, record.stored_ms),
            performance=self._performance(learner, pair, skill, record.stored_ms, peer),
        )

    def _performance(
        self, learner: LearnerState, pair: PairState, skill: Skill, now_ms: int, peer: Employee
    ) -> Performance:
        model = self._in_force.model
        if peer.pseudonym and self._in_force.directory.keeps_aside(peer.pseudonym):
            learner, pair = LearnerState(), _EMPTY  # nothing is published of who is kept aside
        reading = read_pair(learner, pair, now_ms, skill, model, self._in_force.program.policy)
        score = reading.score
        return Performance(
            score=None if score is None else round(score.value, 4),
            low=None if score is None else round(score.low, 4),
            high=None if score is None else round(score.high, 4),
            target=skill.target,
            stage=reading.stage.text,  # type: ignore[arg-type]  # the texts of Stage are those of StageName
            outcomes=reading.weight.outcomes,
            model=model.name,
            last_outcomes=[self._outcome(*entry, peer) for entry in _newest(pair)[:LAST_OUTCOMES]],
        )

    def _outcome(self, t_ms: int, source: bytes, y: int, channel: _JobChannel, peer: Employee) -> JobOutcome:
        event = self._event_of(source)
        kpi = None if event is None else self._in_force.program.kpis.get(event.kpi)
        outcome = None if event is None or kpi is None else event.outcome
        return JobOutcome(
            time=time_text(t_ms),
            outcome=round(y / Y_ONE, 4),
            evidence=source.hex(),
            channel=channel,
            kind=None if event is None else event.kind,
            kpi=None if kpi is None else kpi.id,
            value=None if outcome is None else outcome.value,
            target=None if kpi is None else kpi.target_for(peer.role, peer.site),
            unit=None if kpi is None else kpi.unit,
        )


def _newest(pair: PairState) -> list[tuple[int, bytes, int, _JobChannel]]:
    """Return the newest outcomes on the job, newest first: (time, source, y, channel)."""
    names: tuple[tuple[Channel, _JobChannel], ...] = ((Channel.JOB, "job"), (Channel.OBSERVED, "observed"))
    found = [
        (t, source, y, name)
        for channel, name in names
        if (state := pair.channels[channel]) is not None
        for t, source, y in state.newest
    ]
    return sorted(found, reverse=True)


def time_text(ms: int) -> str:
    """Return a time (ms since the epoch, years 1 to 9999) as RFC 3339 in UTC with milliseconds."""
    second = dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC).replace(tzinfo=None)
    return f"{second.isoformat()}.{ms % 1000:03d}Z"


def _employee(pseudonym: str, in_force: InForce) -> Employee:
    directory = in_force.directory
    person = directory.person(pseudonym) if pseudonym else None
    if person is None:
        return Employee(pseudonym=pseudonym or None, on_roster=False, role="", team="", site="", manager=None)
    return Employee(
        pseudonym=pseudonym,
        on_roster=True,
        role=person.role,
        team=person.team,
        site=person.site,
        manager=directory.manager_of(pseudonym),
    )


def _said(statement: Statement, record: Record, pseudonym: str, in_force: InForce) -> Said:
    identifiers = identifiers_of(statement, in_force.directory.person(pseudonym) if pseudonym else None)
    withheld: list[Literal["verb", "activity", "parent", "grouping", "category"]] = []

    def shown(
        name: Literal["verb", "activity", "parent", "grouping", "category"], ids: Iterable[str]
    ) -> list[str]:
        found = list(ids)
        kept = [text for text in found if names_nobody(text, identifiers)]
        if len(kept) < len(found):
            withheld.append(name)
        return kept

    target, context = statement.object, statement.context
    around = None if context is None else context.context_activities
    verb = shown("verb", [statement.verb.id])
    activity = shown("activity", [target.id] if type(target) is Activity else [])
    voided = voided_by(statement)
    registration = None if context is None else context.registration
    return Said(
        id=_uuid(record.id),
        position=record.position,
        stored=time_text(record.stored_ms),
        verb=verb[0] if verb else None,
        activity=activity[0] if activity else None,
        parent=shown("parent", (a.id for a in around.parent) if around else ()),
        grouping=shown("grouping", (a.id for a in around.grouping) if around else ()),
        category=shown("category", (a.id for a in around.category) if around else ()),
        registration=registration.lower() if registration else None,
        voids=_uuid(voided) if voided else None,
        withheld=withheld,
    )


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _opportunity(pair: PairState, skill: Skill, now_ms: int) -> Opportunity:
    channels = [c for c in pair.channels[Channel.JOB :] if c is not None]
    last = max((c.last_ms for c in channels), default=0)
    every_ms = skill.opportunity_days * DAY_MS
    state: OpportunityState = "not-seen"
    if last:
        waited = now_ms - last
        state = "recent" if waited <= every_ms else "expected" if waited <= 2 * every_ms else "overdue"
    return Opportunity(
        last=time_text(last) if last else None,
        expected_every_days=skill.opportunity_days,
        next_expected=time_text(last + every_ms) if last else None,
        state=state,
        without_outcome=sum(c.opportunities for c in channels),
    )
