"""How statements of one verb about one sort of activity are to be read: channel, outcome, and the reason in words."""

from __future__ import annotations

from collections import Counter

import msgspec

from carrythrough.program.activities import ExtensionValue, OutcomeName
from carrythrough.program.gauges import Gauges, Place, add_to, best_of, told
from carrythrough.program.natures import SKIPPING, Nature, tail, verb_word
from carrythrough.program.observed import Sighting, Trait
from carrythrough.program.part import ChannelName

_JUDGING = frozenset({"passed", "failed"})
_NO_OUTCOME: dict[Nature, tuple[ChannelName, str]] = {
    Nature.COACHING: ("exposure", "being coached happens; it is no outcome"),
    Nature.SOCIAL: ("exposure", "taking part happens; it is no outcome"),
    Nature.JOB_AID: ("support", "using a job aid is support: a success soon after counts as assisted"),
}


class Reading(msgspec.Struct, frozen=True):
    """How a statement becomes evidence. item: whether each activity is a question of its own."""

    channel: ChannelName
    outcome: OutcomeName
    weight: float
    item: bool
    reason: str
    extension: ExtensionValue | None = None


class Cell:
    """Statements with the same course, nature, activity type and verb.

    activities: how many statements of each object id. members: where the context names the course in every one
    of them; named: in any. traits: how many statements have each bit of `observed.Trait`.
    """

    def __init__(self, course: str, nature: Nature, activity_type: str, verb: str) -> None:
        self.course = course
        self.nature = nature
        self.activity_type = activity_type
        self.verb = verb
        self.statements = 0
        self.bearing = 0
        self.activities: Counter[str] = Counter()
        self.members: set[str] | None = None
        self.named: set[str] = set()
        self.traits: Counter[Trait] = Counter()
        self.gauges: Gauges = {}

    def add(self, kind: Sighting, count: int, member: str, gauges: Gauges | None = None) -> None:
        """Take `count` statements of one kind; `member` is where their context names the course, "" for nowhere."""
        add_to(self.gauges, gauges or {})
        self.statements += count
        self.bearing += count if kind.bearing else 0
        self.activities[kind.activity] += count
        named = {
            where
            for where, ids in (
                ("parent", kind.parent),
                ("grouping", kind.grouping),
                ("category", kind.category),
            )
            if self.course in ids and member
        }
        self.named |= named
        self.members = named if self.members is None else self.members & named
        for trait in Trait(kind.traits):
            self.traits[trait] += count


def reading_of(cell: Cell) -> Reading:
    """Return how the statements of a cell are to be read."""
    word = verb_word(cell.verb)
    if cell.nature == Nature.CONFIDENCE:
        return Reading(
            "voice", "none", 1.0, item=False, reason="how sure people say they are: informs, is no outcome"
        )
    if cell.nature == Nature.OPINION:
        reason = "an opinion of the course: counted, no outcome, and not how sure people are (weight 0)"
        return Reading("voice", "none", 0.0, item=False, reason=reason)
    if cell.nature in _NO_OUTCOME:
        channel, reason = _NO_OUTCOME[cell.nature]
        return Reading(channel, "none", 1.0, item=False, reason=reason)
    if word in SKIPPING:
        return _exposure("what was skipped was not answered: met, no outcome")
    outcome, reason = _outcome(cell, word)
    extension = None
    if outcome == "none":
        extension = best_of(cell.gauges, cell.statements)
        if extension is None:
            return _exposure(reason + _hint(cell))
        outcome, reason = "extension", _by_extension(cell, extension)
    scored: ChannelName = "learn"
    if cell.nature == Nature.PRACTICE:
        scored = "practice"
    elif cell.nature == Nature.OBSERVED:
        scored = "observed"
    return Reading(scored, outcome, 1.0, cell.nature == Nature.QUESTION, reason, extension)


def _outcome(cell: Cell, word: str) -> tuple[OutcomeName, str]:
    traits = cell.traits
    if traits[Trait.SCORE] and traits[Trait.BOUNDED]:
        return "score", "how well it went is the score" + (
            " (or the success)" if traits[Trait.SUCCESS] else ""
        )
    if traits[Trait.SUCCESS]:
        return "success", "the results say success, yes or no"
    if word in _JUDGING:
        return "success", f"the verb says {word}"
    if traits[Trait.RESPONSE] and traits[Trait.KEYED]:
        return "question", "the activity says which answers are right"
    if traits[Trait.SCORE]:
        return (
            "none",
            "a score without a maximum cannot be read: exposure until the sender adds max or scaled",
        )
    if traits[Trait.RESPONSE]:
        return "none", "nothing says which answers are right: exposure"
    if traits[Trait.COMPLETION] or traits[Trait.SAID]:
        return "none", "to complete is not to be able: exposure"
    return "none", "happened, with no result: exposure, one statement a sitting"


def _by_extension(cell: Cell, value: ExtensionValue) -> str:
    seen = cell.gauges[Place(value.iri, value.path)]
    if seen.truths:
        return f"an extension that is named {tail(value.iri)!r} says yes or no"
    return (
        f"an extension is named like a score; seen were {seen.low:g} to {seen.high:g}, so {value.worst:g} is taken "
        f"as the worst and {value.best:g} as the best: check both"
    )


def _hint(cell: Cell) -> str:
    numbers = told(cell.gauges.items())
    if not numbers:
        return ""
    return (
        f"; its results carry {numbers}: where one of them says how well it went, write "
        '"outcome: extension" with its scale'
    )


def _exposure(reason: str) -> Reading:
    return Reading("exposure", "none", 1.0, item=False, reason=reason)
