"""Which course a statement belongs to: the skill of a proposed map is, for want of anything better, the course.

A statement names its course in its context, or is about it; who sends how is in the vocabularies. Profiles and
tools that stand in the same places say how a statement was made, not what it is about.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from carrythrough.program.natures import tail, words_of
from carrythrough.program.observed import Observed, Sighting

COURSES_MAX = 12
"""More skills than this are not proposed: nobody wants to read them, and one skill is a beginning."""
_MEMBERS = ("grouping", "parent", "category")
_GENERIC = (
    "https://w3id.org/xapi/",
    "http://w3id.org/xapi/",
    "http://id.tincanapi.com/",
    "http://adlnet.gov/",
    "https://adlnet.gov/",
    "http://h5p.org/",
    "http://activitystrea.ms/",
    "http://vocab.xapi.fr/",
    "http://xapi.trainingevidencesystems.com/",
)
"""Beginnings of ids that name a profile, a library or a tool, never a course."""
_COURSE_WORDS = frozenset({"course", "curriculum", "program", "programme"})
_SYSTEM_WORDS = frozenset(
    {"lms", "site", "source", "system", "platform", "application", "organization", "school"}
)
ID_CHARACTERS_MAX = 40
_NOT_TEXT = frozenset({"null", "true", "false"})
"""What YAML reads as something else than a text."""


class Home(NamedTuple):
    """Where a kind of statement belongs. course: "" for none. member: where its context names it, else ""."""

    course: str
    member: str


NOWHERE = Home("", "")


def homes_of(observed: Observed) -> dict[Sighting, Home]:
    """Return where each kind of statement belongs; everything is in one place when there are many courses."""
    weights: Counter[str] = Counter()
    for kind, count in observed.kinds.items():
        for ids in (kind.grouping, kind.parent, kind.category):
            for name in set(ids):
                weights[name] += count
    done = {kind.activity for kind in observed.kinds}
    homes = {kind: _home(kind, observed, weights, done) for kind in observed.kinds}
    courses = {home.course for home in homes.values() if home.course}
    roots = tuple(sorted((root + end for root in courses for end in "/#"), key=len, reverse=True))
    for kind, home in homes.items():
        if not home.course and kind.activity.startswith(roots):
            root = next(root for root in roots if kind.activity.startswith(root))
            homes[kind] = Home(root[:-1], "")
    bearing = {home.course for kind, home in homes.items() if kind.bearing and home.course}
    if len(bearing or courses) > COURSES_MAX:
        return dict.fromkeys(homes, NOWHERE)
    if bearing:
        homes = {kind: home if home.course in bearing else NOWHERE for kind, home in homes.items()}
    return homes


def is_system(activity_type: str) -> bool:
    """Say whether a type is that of a learning system, about which statements say nothing of learning."""
    return bool(_type_words(activity_type) & _SYSTEM_WORDS)


def _home(kind: Sighting, observed: Observed, weights: Counter[str], done: Collection[str]) -> Home:
    named = [
        (member, name)
        for member, ids in zip(_MEMBERS, (kind.grouping, kind.parent, kind.category), strict=True)
        for name in ids
        if not name.startswith(_GENERIC)
    ]
    for member, name in named:
        if _type_words(observed.about[name].type if name in observed.about else "") & _COURSE_WORDS:
            return Home(name, member)
    if _type_words(kind.activity_type) & _COURSE_WORDS:
        return Home(kind.activity, "")
    around = [
        (weights[name], name, member)
        for member, name in named
        if not is_system(observed.about[name].type if name in observed.about else "")
        # A parent that people do something with is the larger part of an exercise, not a course.
        and not (member == "parent" and name in done)
    ]
    if not around:
        return NOWHERE
    _, name, member = max(around)
    return Home(name, member)


@lru_cache(maxsize=4096)
def _type_words(activity_type: str) -> frozenset[str]:
    return frozenset(words_of(tail(activity_type))) if activity_type else frozenset()


def title_of(iri: str, observed: Observed) -> str:
    """Return what people call an activity: its name, else the last telling part of its id as words."""
    known = observed.about.get(iri)
    return known.title if known is not None and known.title else spoken(tail(iri))


def spoken(text: str) -> str:
    """Return an identifier as words: "hemorrhage_control" gives "Hemorrhage control"."""
    words = re.sub(r"[\s_+%-]+", " ", unquote(text)).strip() or text
    return words[:1].upper() + words[1:]


def slug(text: str, otherwise: str = "item") -> str:
    """Return an id for a program map: lower-case kebab-case, at most ID_CHARACTERS_MAX characters."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss")) if not unicodedata.combining(c)
    )
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    while len(words) > ID_CHARACTERS_MAX and "-" in words[1:]:
        words = words.rpartition("-")[0]
    words = words[:ID_CHARACTERS_MAX].strip("-")
    is_word = words[:1].isalpha() and words not in _NOT_TEXT
    return words if is_word else f"{otherwise}-{words}".strip("-")[:ID_CHARACTERS_MAX].strip("-")


def unique(name: str, taken: set[str]) -> str:
    """Return `name`, with a number behind it where it is taken, and take it."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    taken.add(found)
    return found
