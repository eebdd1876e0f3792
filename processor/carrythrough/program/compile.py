"""The compiled program map: which evidence a statement or a performance event gives, in microseconds.

A statement gives at most one piece of evidence a skill: from the most specific activity that
matches it (`program.precedence`). Nothing is remembered from one statement to the next: the index answers
nearly as fast as a memory would, cannot be flooded, and is as fast for what was never seen.
"""

from __future__ import annotations

import enum

import msgspec

from carrythrough.events.types import PerformanceEvent
from carrythrough.program.event_matcher import CHANNELS, EventEvidenceRule, EventMatcher
from carrythrough.program.items import Item, activities_of
from carrythrough.program.match_key import MatchKey
from carrythrough.program.matcher import Matcher
from carrythrough.program.types import (
    Activity,
    ActivityEvidence,
    Extension,
    ExtensionValue,
    Kpi,
    ProgramMap,
    Skill,
)
from carrythrough.xapi.statement import Statement

Y_ONE = 1 << 16
W_ONE = 1 << 10


class Outcome(enum.IntEnum):
    """How the outcome of a statement is read (`evidence.mapping`)."""

    NONE = 0
    SCORE = 1
    SUCCESS = 2
    COMPLETION = 3
    QUESTION = 4
    PROGRESS = 5
    EXTENSION = 6


class EvidenceRule(msgspec.Struct, frozen=True):
    """What a matched statement says about one skill.

    rule: id of the activity in the map. channel: `evidence.types.Channel`. w: 0..8·W_ONE.
    item: whether the object id is an item of its own. p_item: expected success, 0..Y_ONE.
    value: the extension that says how well it went, for Outcome.EXTENSION. named: the extension that names
    the item, in place of the object id.
    """

    rule: str
    skill: str
    channel: int
    outcome: Outcome
    w: int
    item: bool
    p_item: int
    value: ExtensionValue | None = None
    named: Extension | None = None


class Program:
    """A program map ready for matching; safe to share between threads, never changed after."""

    def __init__(self, program: ProgramMap) -> None:
        self.map = program
        self.id = program.id
        self.version = program.version
        self.skills: dict[str, Skill] = {skill.id: skill for skill in program.skills}
        self.kpis: dict[str, Kpi] = {kpi.id: kpi for goal in program.goals for kpi in goal.kpis}
        self.policy = program.policy
        self.reinforcement = program.reinforcement
        activities = (*program.activities, *activities_of(program.id, program.items))
        self.items: dict[str, tuple[Item, ...]] = _by_skill(program.items)
        self.matcher = Matcher([activity.match for activity in activities])
        self._event_matcher = EventMatcher(program.events, self.skills)
        self._rules = [_rules(activities[number]) for number in self.matcher.order]
        self._ranks = {number: rank for rank, number in enumerate(self.matcher.order)}

    def match_statement(self, st: Statement) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for a statement, at most one a skill; () when none matches."""
        return self._taken(self.matcher.ranks(self.matcher.signature(st)))

    def match_key(self, key: MatchKey) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for what matchers read of a statement."""
        return self._taken([self._ranks[number] for number in self.matcher.find(key)])

    def _taken(self, ranks: list[int]) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules of the activities that hold, the first of each skill."""
        if not ranks:
            return ()
        if len(ranks) == 1:
            return self._rules[ranks[0]]
        taken: dict[str, EvidenceRule] = {}
        for rank in ranks:
            for rule in self._rules[rank]:
                taken.setdefault(rule.skill, rule)
        return tuple(taken.values())

    def match_event(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        """Return the rules for a performance event, at most one a skill (`program.event_matcher`)."""
        return self._event_matcher.find(ev)


def _by_skill(items: tuple[Item, ...]) -> dict[str, tuple[Item, ...]]:
    """Return the item bank by skill, in the order of the map."""
    found: dict[str, tuple[Item, ...]] = {}
    for item in items:
        found[item.skill] = (*found.get(item.skill, ()), item)
    return found


def _rules(activity: Activity) -> tuple[EvidenceRule, ...]:
    """Return the rules of an activity; of a skill that it names twice, the first."""
    taken: dict[str, EvidenceRule] = {}
    for entry in activity.evidence:
        taken.setdefault(entry.skill, _rule(activity.id, entry))
    return tuple(taken.values())


def _rule(name: str, entry: ActivityEvidence) -> EvidenceRule:
    return EvidenceRule(
        rule=name,
        skill=entry.skill,
        channel=CHANNELS[entry.channel],
        outcome=Outcome[entry.outcome.upper()],
        w=int(entry.weight * W_ONE + 0.5),
        item=entry.item == "activity",
        p_item=int(entry.difficulty * Y_ONE + 0.5),
        value=entry.extension if entry.outcome == "extension" else None,
        named=entry.item_extension if entry.item == "extension" else None,
    )
