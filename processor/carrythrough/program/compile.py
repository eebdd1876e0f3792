"""The compiled program map: which evidence a statement or a performance event gives, in microseconds.

A statement gives at most one piece of evidence a skill: from the most specific activity that
matches it (`program.precedence`). Results are remembered by what the map can tell apart
(`program.signature`), in two bounded generations: they never grow beyond, and what is asked for often stays.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from carrythrough.events.types import PerformanceEvent
from carrythrough.program.event_matcher import CHANNELS, EventEvidenceRule, EventMatcher
from carrythrough.program.match_key import MatchKey
from carrythrough.program.matcher import Matcher
from carrythrough.program.signature import Signature
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

MEMO_ENTRIES_MAX = 32_768
"""Remembered keys in one generation; two generations of about 0.5 KB an entry stay under 40 MB."""
MEMO_CLASSES_MAX = 64
"""Statements that name more of what the map knows are matched afresh, so that they cannot fill the memory."""

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


def _classes(signature: Signature) -> int:
    return sum(len(part) if isinstance(part, tuple) else 1 for part in signature)


class _Memo:
    """A dictionary that forgets its older half when full; get and put are safe between threads."""

    def __init__(self, entries_max: int) -> None:
        self.entries_max = entries_max
        self.young: dict[Any, Any] = {}
        self.old: dict[Any, Any] = {}

    def put(self, key: Any, value: Any) -> None:
        if len(self.young) >= self.entries_max:
            self.old, self.young = self.young, {}
        if self.entries_max:
            self.young[key] = value

    def promote(self, key: Any) -> Any:
        value = self.old.get(key)
        if value is not None:
            self.put(key, value)
        return value


class Program:
    """A program map ready for matching; safe to share between threads, never changed after."""

    def __init__(self, program: ProgramMap, memo_entries_max: int = MEMO_ENTRIES_MAX) -> None:
        self.map = program
        self.id = program.id
        self.version = program.version
        self.skills: dict[str, Skill] = {skill.id: skill for skill in program.skills}
        self.kpis: dict[str, Kpi] = {kpi.id: kpi for goal in program.goals for kpi in goal.kpis}
        self.policy = program.policy
        self.reinforcement = program.reinforcement
        self.matcher = Matcher([activity.match for activity in program.activities])
        self._event_matcher = EventMatcher(program.events, self.skills)
        self._rules = [_rules(activity) for activity in program.activities]
        self._statements = _Memo(memo_entries_max)
        self._events = _Memo(memo_entries_max)

    def match_statement(self, st: Statement) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for a statement, at most one a skill; () when none matches."""
        signature = self.matcher.signature(st)
        found = self._statements.young.get(signature)
        if found is None:
            found = self._statements.promote(signature)
            if found is None:
                found = self._taken(self.matcher.holding(signature))
                if _classes(signature) <= MEMO_CLASSES_MAX:
                    self._statements.put(signature, found)
        return found

    def match_key(self, key: MatchKey) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for `key` without the memo."""
        return self._taken(self.matcher.find(key))

    def _taken(self, activities: list[int]) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules of activities, the first of each skill."""
        if len(activities) == 1:
            return self._rules[activities[0]]
        taken: dict[str, EvidenceRule] = {}
        for number in activities:
            for rule in self._rules[number]:
                taken.setdefault(rule.skill, rule)
        return tuple(taken.values())

    def match_event(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        """Return the rules for a performance event, at most one a skill (`program.event_matcher`)."""
        signature = self._event_matcher.signature(ev)
        found = self._events.young.get(signature)
        if found is None:
            found = self._events.promote(signature)
            if found is None:
                found = self._event_matcher.find(ev)
                self._events.put(signature, found)
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
