"""What the features of the head are called in front of people; a new feature shows under its own name."""

from __future__ import annotations

_CHANNELS = {"learn": "answers and assessments", "practice": "simulations and role play"}
_PARTS = {
    "1d": "success in {}, last days",
    "7d": "success in {}, last weeks",
    "30d": "success in {}, last months",
    "200d": "success in {}, last year",
    "amount": "how much went well in {}, all told",
    "beyond_item": "success in {} beyond the difficulty of the items",
}
_WORDS = {
    "bias": "where everybody starts",
    "gap": "time since the skill was last used with success",
    "last_outcomes": "the last four results",
    "all_skills": "results in all skills together",
    "exposure": "watched, read or attended",
} | {
    f"{channel}_{part}": text.format(words)
    for channel, words in _CHANNELS.items()
    for part, text in _PARTS.items()
}


def words_of(feature: str) -> str:
    """Return a feature in words that a manager understands."""
    return _WORDS.get(feature) or feature.replace("_", " ")
