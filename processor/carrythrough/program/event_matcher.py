"""Which event rules of the map a performance event meets: found as statements are, by what few rules name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import msgspec

from carrythrough.events.types import PerformanceEvent
from carrythrough.program.signature import classes
from carrythrough.program.types import EventMatch, EventRule

CHANNELS = {
    name: number
    for number, name in enumerate(("learn", "practice", "job", "observed", "exposure", "support", "voice"))
}
_MEMBERS = ("kind", "kpi", "activity", "source")


class EventEvidenceRule(msgspec.Struct, frozen=True):
    """What a matched performance event says about one skill; rule "" is the kind's own default.

    channel: the map's choice, which the kind may overrule. weight: multiplies the kind's weight.
    """

    rule: str
    skill: str
    channel: int
    weight: float


class EventMatcher:
    """An index over event rules: each hangs on the member that it shares with the fewest others."""

    def __init__(self, rules: Sequence[EventRule], skills: Iterable[str]) -> None:
        self._rules = rules
        self._skills = frozenset(skills)
        sharing = Counter((m, v) for rule in rules for m in _MEMBERS for v in getattr(rule.match, m))
        self._index: dict[str, dict[str, list[int]]] = {member: {} for member in _MEMBERS}
        self._always: list[int] = []
        for number, rule in enumerate(rules):
            given = [member for member in _MEMBERS if getattr(rule.match, member)]
            if not given:
                self._always.append(number)
                continue
            anchor = min(given, key=lambda m: max(sharing[m, v] for v in getattr(rule.match, m)))
            for value in getattr(rule.match, anchor):
                self._index[anchor].setdefault(value, []).append(number)
        self._classes = [_classes(rules, member) for member in _MEMBERS]

    def signature(self, ev: PerformanceEvent) -> tuple[Hashable, ...]:
        """Return what the rules can tell apart in an event: equal ones are matched alike."""
        kinds, kpis, activities, sources = self._classes
        return (
            kinds.get(ev.kind, 0),
            kpis.get(ev.kpi, 0),
            activities.get(ev.activity, 0),
            sources.get(ev.source, 0),
            ev.skill if not ev.skill or ev.skill in self._skills else None,
        )

    def find(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        """Return what the rules that hold say, at most one entry a skill, the earlier rule first.

        An event that names a skill speaks of that skill only: by the rule that names it as well,
        else by the default of its kind; of a skill that the map does not know it says nothing.
        """
        taken: dict[str, EventEvidenceRule] = {}
        for number in sorted(self._candidates(ev)):
            rule = self._rules[number]
            if not _holds(rule.match, ev):
                continue
            for entry in rule.evidence:
                if ev.skill in ("", entry.skill):
                    compiled = EventEvidenceRule(rule.id, entry.skill, CHANNELS[entry.channel], entry.weight)
                    taken.setdefault(entry.skill, compiled)
        if not taken and ev.skill in self._skills:
            return (EventEvidenceRule("", ev.skill, CHANNELS["job"], 1.0),)
        return tuple(taken.values())

    def _candidates(self, ev: PerformanceEvent) -> set[int]:
        found = set(self._always)
        for member in _MEMBERS:
            found.update(self._index[member].get(getattr(ev, member), ()))
        return found


def _classes(rules: Sequence[EventRule], member: str) -> dict[str, int]:
    uses: dict[str, set[int]] = {}
    for number, rule in enumerate(rules):
        for value in getattr(rule.match, member):
            uses.setdefault(value, set()).add(number)
    return classes({value: frozenset(who) for value, who in uses.items()})


def _holds(match: EventMatch, ev: PerformanceEvent) -> bool:
    return (
        (not match.kind or ev.kind in match.kind)
        and (not match.kpi or ev.kpi in match.kpi)
        and (not match.activity or ev.activity in match.activity)
        and (not match.source or ev.source in match.source)
    )
