"""How sure somebody said to be, held against what followed: for the learner, never part of a score.

Each statement of confidence about a skill is compared with the outcomes after it, up to the next one or
FOLLOW_DAYS, by the mean difference ("bias" in the calibration literature: Lichtenstein, Fischhoff, Phillips,
Calibration of probabilities, 1982). A few outcomes say nothing, so under OUTCOMES_MIN there is no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from carrythrough.evidence.types import FLAG_STATED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.decay import DAY_MS

FOLLOW_DAYS = 30
OUTCOMES_MIN = 5
MARGIN = 0.15
"""Difference between stated and shown beyond which somebody is called over- or under-confident."""


class _Pair(NamedTuple):
    stated: float
    shown: float
    weight: float
    outcomes: int


def confidence_part(mine: Sequence[Evidence]) -> dict[str, object] | None:
    """Return what was stated and what followed for one skill, None when nothing was stated.

    mine: evidence of the skill that counts, oldest first. stated, shown: means 0..1, weighted by the
    outcomes that followed. verdict: "over", "under", "about-right" or "too-early".
    """
    stated = [e for e in mine if e.channel == Channel.VOICE and e.flags & FLAG_STATED]
    if not stated:
        return None
    pairs = [pair for pair in _pairs(stated, mine) if pair.outcomes]
    outcomes = sum(pair.outcomes for pair in pairs)
    weight = sum(pair.weight for pair in pairs)
    last = stated[-1].y / Y_ONE
    if outcomes < OUTCOMES_MIN or weight <= 0.0:
        text = f"{outcomes} of {OUTCOMES_MIN} outcomes have followed what was said; that is too early to compare."
        return _part("too-early", len(stated), outcomes, last, None, text)
    said = sum(pair.stated * pair.weight for pair in pairs) / weight
    shown = sum(pair.shown * pair.weight for pair in pairs) / weight
    verdict = "over" if said - shown > MARGIN else "under" if shown - said > MARGIN else "about-right"
    words = {
        "over": "more sure than the outcomes that followed",
        "under": "less sure than the outcomes that followed",
        "about-right": "about as sure as the outcomes that followed",
    }
    text = f"Said to be {100 * said:.0f} % sure, and {100 * shown:.0f} % went well: {words[verdict]}."
    return _part(verdict, len(stated), outcomes, said, shown, text)


def _part(
    verdict: str, statements: int, outcomes: int, stated: float, shown: float | None, text: str
) -> dict[str, object]:
    return {
        "verdict": verdict,
        "statements": statements,
        "outcomes": outcomes,
        "stated": round(stated, 4),
        "shown": None if shown is None else round(shown, 4),
        "text": text,
    }


def _pairs(stated: Sequence[Evidence], mine: Sequence[Evidence]) -> list[_Pair]:
    found = []
    for number, said in enumerate(stated):
        until = said.t_ms + FOLLOW_DAYS * DAY_MS
        if number + 1 < len(stated):
            until = min(until, stated[number + 1].t_ms)
        after = [e for e in mine if e.w and e.channel <= Channel.OBSERVED and said.t_ms < e.t_ms <= until]
        weight = sum(e.w for e in after) / W_ONE
        shown = sum(e.y * e.w for e in after) / (Y_ONE * W_ONE) / weight if weight else 0.0
        found.append(_Pair(said.y / Y_ONE, shown, weight, len(after)))
    return found
