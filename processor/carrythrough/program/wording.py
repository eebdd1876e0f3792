"""Placeholders in the texts of actions: `{skill}`, or `{name|there}` with what to say when the name is not known.

Deliberately small: a word in braces, nothing computed, nothing nested. What is not known and has no words in its
place makes the whole text unusable, and another one is taken: nobody ever gets a text with a hole in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import msgspec

MEANINGS: dict[str, str] = {
    "skill": "the name of the skill",
    "score": "the score, 0 to 100",
    "target": "the target of the skill, 0 to 100",
    "stage": "where the person stands, in words",
    "why": "the reason for the action, in English",
    "days": "days since the last outcome on the job, or since the first evidence where there was none",
    "name": "the name of who gets the message",
    "person": "the name of whom it is about",
}
"""Placeholder of a title or body → what stands there in the end."""
LINK_MEANINGS: dict[str, str] = {
    "skill_id": "the id of the skill",
    "person_id": "the pseudonym of whom it is about",
}
"""Placeholder of a link → what stands there in the end, percent-encoded."""
AT_SENDING = frozenset({"name", "person"})
"""Names: filled in just before sending, since what is published and logged holds pseudonyms only."""

_BRACES = re.compile(r"\{([^{}\n]{0,200})\}")
_WORD = re.compile(r"([a-z_]+)(?:\|([^|]*))?")
_NO_BRACES = str.maketrans("{}", "()")


class Placeholder(msgspec.Struct, frozen=True):
    """One thing in braces. word: "" where it is none. instead: what to say when it is not known, None for nothing."""

    text: str
    word: str
    instead: str | None


def placeholders(text: str) -> Iterator[Placeholder]:
    """Yield everything in braces, in order."""
    for match in _BRACES.finditer(text):
        found = _WORD.fullmatch(match[1])
        yield Placeholder(match[0], found[1] if found else "", found[2] if found else None)


def filled(text: str, values: Mapping[str, str]) -> str | None:
    """Return a text with what is known when it is decided; names stay as they are written, for `addressed`.

    None when something else is not known and nothing is said in its place. Braces in values become round ones, so
    that no value is ever taken for a placeholder.
    """
    whole = True

    def put(match: re.Match[str]) -> str:
        nonlocal whole
        found = _WORD.fullmatch(match[1])
        word, instead = (found[1], found[2]) if found else ("", None)
        if word in AT_SENDING:
            return match[0]
        value = values.get(word) or instead
        whole = whole and value is not None
        return (value or "").translate(_NO_BRACES)

    written = _BRACES.sub(put, text)
    return written if whole else None


def filled_link(link: str, values: Mapping[str, str]) -> str | None:
    """Return a link with its placeholders percent-encoded; None when it has one that no link may have."""
    if any(found.word not in LINK_MEANINGS for found in placeholders(link)):
        return None
    return _BRACES.sub(lambda match: quote(values.get(match[1].partition("|")[0], ""), safe=""), link)


def addressed(text: str, names: Mapping[str, str]) -> tuple[str, str]:
    """Return (a text with the names in it, "" or the placeholder whose name is not known).

    names: of AT_SENDING. Other braces stay: they came from texts of an older version, and are words there.
    """
    missing = ""

    def put(match: re.Match[str]) -> str:
        nonlocal missing
        found = _WORD.fullmatch(match[1])
        if found is None or found[1] not in AT_SENDING:
            return match[0]
        value = names.get(found[1]) or found[2]
        if value is None:
            missing = missing or match[0]
        return value or ""

    return _BRACES.sub(put, text), missing


def tags_of(locale: str) -> tuple[str, ...]:
    """Return the language tags to look for, the nearest first: "de-CH" gives de-ch, de (RFC 4647 3.4)."""
    parts = locale.lower().replace("_", "-").split("-")
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))
