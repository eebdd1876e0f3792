"""What a file of unknown statements holds: alike ones counted together, with what their results tell.

A map is proposed from these counts (`program.proposing`), and what a map passes by is told with them.
"Score-bearing" is defined here, once: it is the figure that a map's coverage is measured by.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from carrythrough.program.gauges import Gauges, add_to, gauges_of
from carrythrough.program.matcher import MatchKey
from carrythrough.xapi.statement import Activity, Context, LanguageMap, Score, Statement

KINDS_MAX = 200_000
"""Different kinds of statement that are counted apart (about 1 KB each); what comes beyond is counted as one."""
SAMPLES_MAX = 2_000
TITLE_CHARACTERS_MAX = 200
LIKERT = "likert"
SCORE_BEARING = (
    "its result has a score, success, completion or response, or a number in an extension that is named like a "
    "score, or its verb says passed, failed or completed "
    "(what a system waived or declared satisfied aside)"
)

_ADL = "http://adlnet.gov/expapi/verbs/"
_SAYING = frozenset(
    {_ADL + "passed", _ADL + "failed", _ADL + "completed", "http://activitystrea.ms/schema/1.0/complete"}
)

_SYSTEMS_WORD = frozenset(
    f"https://w3id.org/xapi/adl/verbs/{verb}" for verb in ("waived", "satisfied", "abandoned")
)
"""cmi5: the system's own word on a unit. Its result says what is met, and not what anybody did (9.3.7 to 9.3.9)."""


class Trait(enum.IntFlag):
    """What the result of a statement tells. The first five make it score-bearing."""

    SCORE = 1
    SUCCESS = 2
    COMPLETION = 4
    RESPONSE = 8
    SAID = 16
    """The verb itself says how it went."""
    BOUNDED = 32
    """The score can be read as a share: scaled, or raw with a maximum."""
    KEYED = 64
    """The activity says which responses are right."""
    OPINION = 128
    """The activity is a question of opinion (Likert)."""
    GAUGED = 256
    """An extension of the result is named like a score. Such statements are score-bearing too."""


BEARING = Trait.SCORE | Trait.SUCCESS | Trait.COMPLETION | Trait.RESPONSE | Trait.SAID | Trait.GAUGED


class Sighting(NamedTuple):
    """One kind of statement: what matchers read of it, and what its result tells."""

    activity: str
    activity_type: str
    verb: str
    parent: tuple[str, ...]
    grouping: tuple[str, ...]
    category: tuple[str, ...]
    traits: int

    @property
    def bearing(self) -> bool:
        """Say whether statements of this kind are score-bearing."""
        return bool(self.traits & BEARING)

    def key(self) -> MatchKey:
        """Return what a matcher is asked with."""
        return MatchKey(*self[:6])


class About(msgspec.Struct, frozen=True):
    """What statements say about an activity. title, question: name and description, "" when they say none."""

    type: str = ""
    title: str = ""
    question: str = ""


class Observed:
    """Counts the statements of one or more files; `add` costs a few microseconds a statement."""

    def __init__(self) -> None:
        self.kinds: dict[Sighting, int] = {}
        self.about: dict[str, About] = {}
        self.gauges: dict[Sighting, Gauges] = {}
        """The numbers in extensions of results, by kind, where there are any."""
        self.samples: dict[Sighting, Statement] = {}
        """A statement of each kind, of at most SAMPLES_MAX kinds."""
        self.statements = 0
        self.elsewhere = 0
        """Statements whose object is no activity: voids, people, plans."""
        self.beyond = 0
        """Statements of kinds beyond KINDS_MAX."""

    def add(self, st: Statement) -> Sighting | None:
        """Count one statement; returns its kind, None when its object is no activity."""
        self.statements += 1
        obj = st.object
        if type(obj) is not Activity:
            self.elsewhere += 1
            return None
        parent, grouping, category = self._around(st.context)
        definition = obj.definition
        kind = Sighting(
            obj.id,
            "" if definition is None else definition.type or "",
            st.verb.id,
            parent,
            grouping,
            category,
            int(traits_of(st)),
        )
        count = self.kinds.get(kind, 0)
        if not count:
            if len(self.kinds) >= KINDS_MAX:
                self.beyond += 1
                return kind
            self._describe(obj)
            if len(self.samples) < SAMPLES_MAX:
                self.samples[kind] = st
        self.kinds[kind] = count + 1
        gauges = _gauges(st)
        if gauges:
            add_to(self.gauges.setdefault(kind, {}), gauges)
        return kind

    @property
    def bearing(self) -> int:
        """Return how many score-bearing statements there are."""
        return sum(count for kind, count in self.kinds.items() if kind.bearing)

    def sorted(self) -> Iterator[tuple[Sighting, int]]:
        """Yield kinds and counts in an order that does not depend on that of the file."""
        yield from sorted(self.kinds.items())

    def _around(self, context: Context | None) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        around = None if context is None else context.context_activities
        if around is None:
            return (), (), ()
        return self._ids(around.parent), self._ids(around.grouping), self._ids(around.category)

    def _ids(self, activities: Iterable[Activity]) -> tuple[str, ...]:
        found = []
        for activity in activities:
            if activity.id not in self.about and len(self.about) < KINDS_MAX:
                self._describe(activity)
            found.append(activity.id)
        return tuple(found)

    def _describe(self, activity: Activity) -> None:
        known = self.about.get(activity.id)
        if known is not None and known.title:
            return
        definition = activity.definition
        if definition is None:
            self.about.setdefault(activity.id, About())
            return
        self.about[activity.id] = About(
            definition.type or "", text_of(definition.name), text_of(definition.description)
        )


def traits_of(st: Statement) -> int:
    """Return what the result of a statement tells, as bits of `Trait`."""
    found = int(Trait.SAID) if st.verb.id in _SAYING else 0
    result = None if st.verb.id in _SYSTEMS_WORD else st.result
    if result is not None:
        if result.score is not None:
            found |= Trait.SCORE | (Trait.BOUNDED if _is_bounded(result.score) else 0)
        if result.success is not None:
            found |= Trait.SUCCESS
        if result.completion is not None:
            found |= Trait.COMPLETION
        if result.response is not None:
            found |= Trait.RESPONSE
        if result.extensions and any(place.named for place in _gauges(st)):
            found |= Trait.GAUGED
    obj = st.object
    if type(obj) is Activity and obj.definition is not None:
        if obj.definition.interaction_type == LIKERT:
            found |= Trait.OPINION
        if obj.definition.correct_responses_pattern:
            found |= Trait.KEYED
    return int(found)


def _gauges(st: Statement) -> Gauges:
    result = None if st.verb.id in _SYSTEMS_WORD else st.result
    return {} if result is None or not result.extensions else gauges_of(result.extensions)


def is_bearing(st: Statement) -> bool:
    """Say whether a statement is score-bearing: SCORE_BEARING."""
    return bool(traits_of(st) & BEARING)


def text_of(texts: LanguageMap | None) -> str:
    """Return a text in English where there is one, else the first, on one line; "" for none."""
    if not texts:
        return ""
    english = next((text for tag, text in sorted(texts.items()) if tag.lower().startswith("en")), None)
    return " ".join((english or next(iter(texts.values()))).split())[:TITLE_CHARACTERS_MAX]


def _is_bounded(score: Score) -> bool:
    return score.scaled is not None or (score.raw is not None and score.max is not None)
