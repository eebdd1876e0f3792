"""What is meant for the learner alone, taken out of what others see.

People practise in order to fail safely. So how single practices went, and how sure somebody said to be,
are for the learner: a credential of an application that shows them to the learner has the scope
`learner/read`; pages, which managers sign in to, and every other credential get answers without them. All
practice outcomes are withheld, since withholding the failures alone would tell which they were.
"""

from __future__ import annotations

from typing import Any

PRACTICE = "practice"


def without_the_learners_own(explanation: dict[str, Any]) -> dict[str, Any]:
    """Return an explanation (as of `Queries.explanation`) for others than the learner; it is not changed."""
    evidence = [
        _withheld(entry) if entry["channel"] == PRACTICE else entry for entry in explanation["evidence"]
    ]
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


def _withheld(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "outcome": None, "moved": None, "withheld": True}


def reviews_for_others(part: dict[str, Any]) -> dict[str, Any]:
    """Return the items of a skill without how often each was forgotten, which would tell single failures."""
    hidden = ("lapses", "stability_days", "difficulty")
    schedules = [{**entry, **dict.fromkeys(hidden)} for entry in part["schedules"]]
    return {**part, "schedules": schedules}
