"""Which event rules of the map a performance event meets: found as statements are, by what few rules name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from carrythrough.events.types import PerformanceEvent
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
        self._rules = [(rule.match, _compiled(rule)) for rule in rules]
        self._defaults = {skill: (EventEvidenceRule("", skill, CHANNELS["job"], 1.0),) for skill in skills}
        sharing = Counter((m, v) for rule in rules for m in _MEMBERS for v in getattr(rule.match, m))
        self._kinds: dict[str, list[int]] = {}
        self._kpis: dict[str, list[int]] = {}
        self._activities: dict[str, list[int]] = {}
        self._sources: dict[str, list[int]] = {}
        index = dict(zip(_MEMBERS, (self._kinds, self._kpis, self._activities, self._sources), strict=True))
        self._always: list[int] = []
        for number, rule in enumerate(rules):
            given = [member for member in _MEMBERS if getattr(rule.match, member)]
            if not given:
                self._always.append(number)
                continue
            anchor = min(given, key=lambda m: max(sharing[m, v] for v in getattr(rule.match, m)))
            for value in getattr(rule.match, anchor):
                index[anchor].setdefault(value, []).append(number)

    def find(self, ev: PerformanceEvent) -> tuple[EventEvidenceRule, ...]:
        """Return what the rules that hold say, at most one entry a skill, the earlier rule first.

        An event that names a skill speaks of that skill only: by the rule that names it as well,
        else by the default of its kind; of a skill that the map does not know it says nothing.
        """
        taken: dict[str, EventEvidenceRule] = {}
        for number in self._candidates(ev):
            match, entries = self._rules[number]
            if _holds(match, ev):
                for entry in entries:
                    if not ev.skill or entry.skill == ev.skill:
                        taken.setdefault(entry.skill, entry)
        if not taken and ev.skill:
            return self._defaults.get(ev.skill, ())
        return tuple(taken.values())

    def _candidates(self, ev: PerformanceEvent) -> list[int]:
        found = [
            *self._always,
            *self._kinds.get(ev.kind, ()),
            *self._kpis.get(ev.kpi, ()),
            *self._activities.get(ev.activity, ()),
            *self._sources.get(ev.source, ()),
        ]
        found.sort()
        return found


def _compiled(rule: EventRule) -> tuple[EventEvidenceRule, ...]:
    return tuple(
        EventEvidenceRule(rule.id, entry.skill, CHANNELS[entry.channel], entry.weight)
        for entry in rule.evidence
    )


def _holds(match: EventMatch, ev: PerformanceEvent) -> bool:
    return (
        (not match.kind or ev.kind in match.kind)
        and (not match.kpi or ev.kpi in match.kpi)
        and (not match.activity or ev.activity in match.activity)
        and (not match.source or ev.source in match.source)
    )
