"""How well it went, by what a statement says of it and what the map asks for; None where nobody measured it.

Everything is fixed point: an outcome is 0..Y_ONE. A statement that does not say what the map asks for gives
none, and is then mere exposure.
"""

from __future__ import annotations

from typing import Any

from carrythrough.evidence.interactions import answered_right
from carrythrough.evidence.types import Y_ONE
from carrythrough.program.compile import EvidenceRule, Outcome
from carrythrough.program.types import Extension, ExtensionValue
from carrythrough.xapi.extensions import extensions_at, value_at
from carrythrough.xapi.statement import Score, Statement

CMI5_PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
"""Percent, 0..100 (cmi5, 9.5.5.1)."""
VIDEO_PROGRESS = "https://w3id.org/xapi/video/extensions/progress"
"""Share, 0..1 (xAPI Video Profile 1.0.3, 5.4)."""
ITEM_CHARACTERS_MAX = 500
"""A longer text in an extension names no item: it would be the answer or the question itself."""

_PASSED = frozenset({"http://adlnet.gov/expapi/verbs/passed"})
_FAILED = frozenset({"http://adlnet.gov/expapi/verbs/failed"})
_COMPLETED = frozenset(
    {"http://adlnet.gov/expapi/verbs/completed", "http://activitystrea.ms/schema/1.0/complete"}
)


def outcome_of(rule: EvidenceRule, st: Statement) -> int | None:
    """Return how well it went in 0..Y_ONE, or None when the statement does not say."""
    kind = rule.outcome
    if kind is Outcome.SCORE or kind is Outcome.SUCCESS:
        return _scored(st, word_first=kind is Outcome.SUCCESS)
    if kind is Outcome.QUESTION:
        return _answered(st)
    if kind is Outcome.COMPLETION:
        return _whole(_completion(st))
    if kind is Outcome.PROGRESS:
        return _progress(st)
    return _on_scale(rule.value, st) if rule.value is not None else None


def _scored(st: Statement, *, word_first: bool) -> int | None:
    """Read the score, or what it says of success, else whether the answer was right.

    word_first: where both are given, success counts and not the score.
    """
    score = None if st.result is None or st.result.score is None else share_of(st.result.score)
    success = _success(st)
    if score is not None and success is not None:
        # Some simulators leave scaled at its default of 0 and say success: then the word counts.
        unscored = score == 0 and success
        return _whole(success) if word_first or unscored else score
    if score is not None:
        return score
    return _whole(answered_right(st) if success is None else success)


def _answered(st: Statement) -> int | None:
    """Read a question: the sender's own marking, else the response held against the correct ones, else the score."""
    right = _success(st)
    if right is None:
        right = answered_right(st)
    if right is None and st.result is not None and st.result.score is not None:
        return share_of(st.result.score)
    return _whole(right)


def _progress(st: Statement) -> int | None:
    """Read how far somebody came: cmi5's percent, the Video Profile's share, else whether all was done."""
    extensions = None if st.result is None else st.result.extensions
    for iri, best in ((CMI5_PROGRESS, 100.0), (VIDEO_PROGRESS, 1.0)):
        value = number_of(value_at(extensions, iri, ()))
        if value is not None:
            return fixed(value / best)
    return Y_ONE if _completion(st) else None


def _on_scale(wanted: ExtensionValue, st: Statement) -> int | None:
    """Read a number, or true or false, on the scale of the map."""
    value = value_at(extensions_at(st, wanted.at), wanted.iri, wanted.path)
    number = float(value) if isinstance(value, bool) else number_of(value)
    span = wanted.best - wanted.worst
    if number is None or not span or not -_HUGE < span < _HUGE:
        return None
    return fixed((number - wanted.worst) / span)


def item_named(wanted: Extension, st: Statement) -> str:
    """Return the item that an extension names, "" for none: a text, or a whole number as a text."""
    value = value_at(extensions_at(st, wanted.at), wanted.iri, wanted.path)
    if isinstance(value, str):
        return value if len(value) <= ITEM_CHARACTERS_MAX else ""
    number = number_of(value)
    return str(int(number)) if number is not None and number == int(number) and abs(number) < _EXACT else ""


def share_of(score: Score) -> int | None:
    """Return a score as a share of what could be reached, in 0..Y_ONE; None without bounds.

    scaled, cut to 0..1 (a negative scaled score is 0); else (raw − min)/(max − min), min being 0
    when only max is given.
    """
    share = score.scaled
    if share is None:
        if score.raw is None or score.max is None:
            return None
        low = 0.0 if score.min is None else score.min
        span = score.max - low
        if not 0.0 < span < _HUGE:
            return None
        share = (score.raw - low) / span
    return fixed(share)


def fixed(share: float) -> int:
    """Return a share as an outcome in 0..Y_ONE; what lies beyond 0..1 is cut."""
    if not share > 0.0:
        return 0
    return Y_ONE if share >= 1.0 else int(share * Y_ONE + 0.5)


def number_of(value: Any) -> float | None:
    """Return a finite JSON number, None for anything else; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE < value < _HUGE:
        return None
    return float(value)


_HUGE = 1e300
"""Beyond this a difference of two numbers may overflow; nobody measures so much."""
_EXACT = 2.0**53


def _whole(right: bool | None) -> int | None:  # noqa: FBT001 - None: it does not say
    return None if right is None else Y_ONE if right else 0


def _completion(st: Statement) -> bool | None:
    completion = None if st.result is None else st.result.completion
    return True if completion is None and st.verb.id in _COMPLETED else completion


def _success(st: Statement) -> bool | None:
    """Return what the statement says of success, else what its verb does (cmi5 and ADL passed, failed)."""
    success = None if st.result is None else st.result.success
    if success is None:
        verb = st.verb.id
        return True if verb in _PASSED else False if verb in _FAILED else None
    return success
