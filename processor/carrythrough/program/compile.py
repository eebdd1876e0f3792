"""The compiled program map: which evidence a statement or a performance event gives, in microseconds.

A statement gives at most one piece of evidence a skill: from the most specific activity that
matches it (`program.precedence`). Results are remembered by the fields that matchers read, in
two bounded generations, so that a flood of new ids can push old entries out but never grow.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from carrythrough.events.types import PerformanceEvent
from carrythrough.program.matcher import Matcher, MatchKey
from carrythrough.program.types import Activity, ActivityEvidence, Kpi, ProgramMap, Skill
from carrythrough.xapi.statement import Activity as XapiActivity
from carrythrough.xapi.statement import Statement

MEMO_ENTRIES_MAX = 32_768
"""Remembered keys in one generation; two generations of about 0.5 KB an entry stay under 40 MB."""
MEMO_KEY_CHARACTERS_MAX = 2_000
"""Longer keys are matched afresh each time, so that long ids cannot fill the memory."""

Y_ONE = 1 << 16
W_ONE = 1 << 10


class Outcome(enum.IntEnum):
    """How the outcome of a statement is read (`evidence.mapping`)."""

    NONE = 0
    SCORE = 1
    SUCCESS = 2
    COMPLETION = 3


CHANNELS = {
    name: number
    for number, name in enumerate(("learn", "practice", "job", "observed", "exposure", "support", "voice"))
}
_OUTCOMES = {
    "none": Outcome.NONE,
    "score": Outcome.SCORE,
    "success": Outcome.SUCCESS,
    "completion": Outcome.COMPLETION,
}


class EvidenceRule(msgspec.Struct, frozen=True):
    """What a matched statement says about one skill.

    rule: id of the activity in the map. channel: `evidence.types.Channel`. w: 0..8·W_ONE.
    item: whether the object id is an item of its own. p_item: expected success, 0..Y_ONE.
    """

    rule: str
    skill: str
    channel: int
    outcome: Outcome
    w: int
    item: bool
    p_item: int


class EventEvidenceRule(msgspec.Struct, frozen=True):
    """What a matched performance event says about one skill; rule "" is the kind's own default.

    channel: the map's choice, which the kind may overrule. weight: multiplies the kind's weight.
    """

    rule: str
    skill: str
    channel: int
    weight: float


_NONE: tuple[str, ...] = ()


def _characters(key: tuple[Any, ...]) -> int:
    return sum(len(part) if type(part) is str else sum(map(len, part)) for part in key)


class _Memo:
    """A dictionary that forgets its older half when full; get and put are safe between threads."""

    def __init__(self, entries_max: int) -> None:
        self.entries_max = entries_max
        self.young: dict[Any, Any] = {}
        self.old: dict[Any, Any] = {}

    def put(self, key: Any, value: Any) -> None:
        if len(self.young) >= self.entries_max:
            self.old, self.young = self.young, {}
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
        self._rules = [_rules(activity) for activity in program.activities]
        self._statements = _Memo(memo_entries_max)
        self._events = _Memo(memo_entries_max)
        self._reads_lists = bool(self.matcher.reads & {"parent", "grouping", "category"})

    def match_statement(self, st: Statement) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for a statement, at most one a skill; () when none matches."""
        obj = st.object
        activity = activity_type = ""
        if type(obj) is XapiActivity:
            activity = obj.id
            if obj.definition is not None:
                activity_type = obj.definition.type or ""
        parent = grouping = category = _NONE
        if self._reads_lists and st.context is not None:
            around = st.context.context_activities
            if around is not None:
                if around.parent:
                    parent = tuple([near.id for near in around.parent])
                if around.grouping:
                    grouping = tuple([near.id for near in around.grouping])
                if around.category:
                    category = tuple([near.id for near in around.category])
        key = (activity, activity_type, st.verb.id, parent, grouping, category)
        found = self._statements.young.get(key)
        if found is None:
            found = self._statements.promote(key)
            if found is None:
                found = self.match_key(MatchKey(*key))
                if _characters(key) <= MEMO_KEY_CHARACTERS_MAX:
                    self._statements.put(key, found)
        return found

    def match_key(self, key: MatchKey) -> tuple[EvidenceRule, ...]:
        """Return the evidence rules for `key` without the memo."""
        taken: dict[str, EvidenceRule] = {}
        for number in self.matcher.find(key):
            for rule in self._rules[number]:
                taken.setdefault(rule.skill, rule)
        return tuple(taken.values())

    def match_event(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        """Return the rules for a performance event, at most one a skill, the earlier in the map first.

        An event that names a skill speaks of that skill only: by the rule that names it as well,
        else by the default of its kind; of a skill that the map does not know it says nothing.
        """
        key = (ev.kind, ev.kpi, ev.activity, ev.source, ev.skill)
        found = self._events.young.get(key)
        if found is None:
            found = self._events.promote(key)
            if found is None:
                found = self._find_event(ev)
                if len(ev.kpi) + len(ev.activity) + len(ev.source) + len(ev.skill) <= MEMO_KEY_CHARACTERS_MAX:
                    self._events.put(key, found)
        return found

    def _find_event(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        taken: dict[str, EventEvidenceRule] = {}
        for rule in self.map.events:
            match = rule.match
            if (
                (match.kind and ev.kind not in match.kind)
                or (match.kpi and ev.kpi not in match.kpi)
                or (match.activity and ev.activity not in match.activity)
                or (match.source and ev.source not in match.source)
            ):
                continue
            for entry in rule.evidence:
                if ev.skill in ("", entry.skill):
                    compiled = EventEvidenceRule(rule.id, entry.skill, CHANNELS[entry.channel], entry.weight)
                    taken.setdefault(entry.skill, compiled)
        if not taken and ev.skill in self.skills:
            return (EventEvidenceRule("", ev.skill, CHANNELS["job"], 1.0),)
        return tuple(taken.values())


def _rules(activity: Activity) -> tuple[EvidenceRule, ...]:
    return tuple(_rule(activity.id, entry) for entry in activity.evidence)


def _rule(name: str, entry: ActivityEvidence) -> EvidenceRule:
    return EvidenceRule(
        rule=name,
        skill=entry.skill,
        channel=CHANNELS[entry.channel],
        outcome=_OUTCOMES[entry.outcome],
        w=int(entry.weight * W_ONE + 0.5),
        item=entry.item == "activity",
        p_item=int(entry.difficulty * Y_ONE + 0.5),
    )
