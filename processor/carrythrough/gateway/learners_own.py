"""What is meant for the learner alone, taken out of what others see.

People practise in order to fail safely. So how single practices went, and how sure somebody said to be,
are for the learner: a credential of an application that shows them to the learner has the scope
`learner/read`; pages, which managers sign in to, and every other credential get answers without them. All
practice outcomes are withheld, since withholding the failures alone would tell which they were.
"""

from __future__ import annotations

from typing import Any

PRACTICE = "practice"
LAST_OUTCOMES = "last_outcomes"
"""The feature of the newest results, those of practice among them."""
JOINED_WORDS = "simulations, role play and the last four results, together"


def without_the_learners_own(explanation: dict[str, Any]) -> dict[str, Any]:
    """Return an explanation (as of `Queries.explanation`) for others than the learner; it is not changed."""
    evidence = [
        _withheld(entry) if entry["channel"] == PRACTICE else entry for entry in explanation["evidence"]
    ]
    if any(entry["channel"] == PRACTICE for entry in explanation["prior"]["sums"]):
        explanation = _joined(explanation)
    sums = [entry for entry in explanation["prior"]["sums"] if entry["channel"] != PRACTICE]
    return {
        **explanation,
        "evidence": evidence,
        "prior": {**explanation["prior"], "sums": sums},
        "reviews": reviews_for_others(explanation["reviews"]),
        "confidence": None,
        "set_aside": [entry for entry in explanation.get("set_aside", []) if entry["channel"] != PRACTICE],
        "withheld": True,
    }


def _joined(explanation: dict[str, Any]) -> dict[str, Any]:
    """Return an explanation whose features of practice are one sum: each alone says how the last practice went.

    The score stays recomputable from what is left.
    """
    prior = explanation["prior"]
    own = [entry for entry in prior["contributions"] if _tells_practice(entry["feature"])]
    if not own:
        return explanation
    logit = round(sum(entry["logit"] for entry in own), 6)
    points = None if own[0]["points"] is None else round(sum(entry["points"] for entry in own), 2)
    joined = {
        "feature": PRACTICE,
        "words": JOINED_WORDS,
        "value": logit,
        "weight": 1.0,
        "logit": logit,
        "points": points,
    }
    rest = [entry for entry in prior["contributions"] if not _tells_practice(entry["feature"])]
    hidden = tuple(f"{entry['words']}: " for entry in own)
    lines = [line for line in explanation["calculation"] if not line.startswith(hidden)]
    if lines:
        lines.insert(1, f"{JOINED_WORDS}: {logit:.4f} × 1.0000 = {logit:+.4f}")
    return {**explanation, "prior": {**prior, "contributions": [*rest, joined]}, "calculation": lines}


def _tells_practice(feature: str) -> bool:
    return feature == LAST_OUTCOMES or feature.startswith("practice_")


def _withheld(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "outcome": None, "moved": None, "withheld": True}


def reviews_for_others(part: dict[str, Any]) -> dict[str, Any]:
    """Return the items of a skill without how often each was forgotten, which would tell single failures."""
    hidden = ("lapses", "stability_days", "difficulty")
    schedules = [{**entry, **dict.fromkeys(hidden)} for entry in part["schedules"]]
    return {**part, "schedules": schedules}
