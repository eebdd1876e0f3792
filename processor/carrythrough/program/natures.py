"""What an activity is, guessed from the words in its type, verb and id; and what that makes its statements.

The words are those of the published vocabularies (ADL, Activity Streams, TinCan registry, cmi5, H5P,
Moodle's and Open edX's exporters). A guess is only ever a proposal: it stands in a file that a person reads.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache


class Nature(enum.StrEnum):
    """What people do in an activity."""

    QUESTION = "question"
    ASSESSMENT = "assessment"
    PRACTICE = "simulation"
    CONFIDENCE = "confidence"
    OPINION = "opinion"
    OBSERVED = "observation"
    JOB_AID = "job aid"
    MEDIA = "video"
    READING = "reading"
    LIVE = "session"
    COACHING = "coaching"
    SOCIAL = "discussion"
    COURSE = "course"
    OTHER = "activity"


_TYPES: tuple[tuple[Nature, str], ...] = (
    (Nature.JOB_AID, "jobaid aid reference-card performance-support"),
    (
        Nature.OPINION,
        "survey evaluation feedback questionnaire poll likert rating opinion simplemultichoice openendedquestion",
    ),
    (
        Nature.PRACTICE,
        "simulation simulator scenario simulated game drill exercise roleplay branchingscenario vr lab performance",
    ),
    (
        Nature.ASSESSMENT,
        "assessment quiz test exam assignment questionset arithmeticquiz checkpoint certification speakthewordsset",
    ),
    (
        Nature.QUESTION,
        "interaction question problem multichoice truefalse blanks dragtext dragquestion singlechoiceset essay",
    ),
    (Nature.OBSERVED, "checklist observation observed"),
    (Nature.MEDIA, "video audio media podcast recording movie interactivevideo"),
    (Nature.COACHING, "mentoring coaching mentor coach"),
    (Nature.SOCIAL, "forum discussion blog post comment chat thread wiki community"),
    (Nature.LIVE, "meeting event webinar workshop classroom seminar attendance"),
    (
        Nature.READING,
        "page article document book chapter slide file resource url link pdf image glossary folder",
    ),
    (
        Nature.COURSE,
        "course module lesson unit au block section path curriculum objective coursepresentation scorm",
    ),
)
_VERBS: tuple[tuple[Nature, str], ...] = (
    (Nature.ASSESSMENT, "passed failed scored graded"),
    (Nature.QUESTION, "answered responded"),
    (Nature.OBSERVED, "observed"),
    (Nature.COACHING, "mentored coached"),
    (Nature.OPINION, "rated evaluated surveyed"),
    (Nature.MEDIA, "watched played paused seeked listened"),
    (Nature.READING, "read viewed downloaded"),
    (Nature.LIVE, "attended joined"),
    (Nature.SOCIAL, "commented posted replied shared liked discussed"),
)
_TYPE_WORDS = {word: nature for nature, words in reversed(_TYPES) for word in words.split()}
_VERB_WORDS = {word: nature for nature, words in reversed(_VERBS) for word in words.split()}
_ID_WORDS = {
    word: nature
    for nature, words in (
        (Nature.PRACTICE, "simulation simulations sim sims scenario scenarios vr drill drills roleplay"),
        (Nature.ASSESSMENT, "quiz quizzes exam exams assessment assessments test tests"),
        (Nature.MEDIA, "video videos"),
        (Nature.JOB_AID, "jobaid jobaids"),
        (Nature.OPINION, "survey surveys feedback"),
    )
    for word in words.split()
}

_CHATTER = (
    "played paused seeked interacted initialized initialised progressed focused unfocused muted unmuted suspended "
    "resumed launched started start opened closed enabled disabled scrolled clicked hovered pressed ran stopped "
    "waived satisfied abandoned registered unregistered "
    "logged-in loggedin logged-out loggedout navigated searched selected deselected"
)
CHATTER = frozenset(_CHATTER.split())
"""Verbs that say that something is going on, many times in one sitting: no evidence by themselves."""
_ENDINGS = (
    "completed complete watched listened read viewed experienced attended finished consumed downloaded used consulted "
    "terminated exited attempted submitted submit earned mentored coached commented posted discussed shared accessed "
    "visited joined launched started start opened initialized initialised played interacted"
)
ENDINGS = tuple(_ENDINGS.split())
"""Of verbs without a result, the one that stands for one sitting: the first of these."""
SKIPPING = frozenset({"skipped", "skip"})
_CONFIDENT = re.compile(
    r"\bI(?:['\u2019]m| am| feel)\s+(?:\w+\s+)?(?:confident|able|comfortable|prepared|ready)\b"
    r"|\bI (?:can|could|know how)\b|\bhow (?:confident|sure|comfortable|prepared)\b",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")
_VERSION = re.compile(r"v?\d+(?:\.\d+)*\Z", re.IGNORECASE)


@lru_cache(maxsize=8192)
def tail(iri: str) -> str:
    """Return the last telling part of an IRI: "completed", "cmi.interaction", "hemorrhage_control"."""
    parts = [part for part in re.split(r"[/#?]", iri.partition("://")[2] or iri) if part]
    while len(parts) > 1 and _VERSION.match(parts[-1]):
        parts.pop()
    return parts[-1].rpartition(":")[2] or parts[-1] if parts else iri


def words_of(text: str) -> list[str]:
    """Return the words of an identifier in lower case: "H5P.MultiChoice-1.16" gives h5p, multichoice, multi, choice."""
    whole = [word.lower() for word in _NOT_WORD.split(text) if word]
    split = [word.lower() for word in _NOT_WORD.sub(" ", _CAMEL.sub(" ", text)).split()]
    return list(dict.fromkeys([_NOT_WORD.sub("", text).lower(), *whole, *split]))


@lru_cache(maxsize=8192)
def verb_word(verb: str) -> str:
    """Return the word of a verb's IRI in lower case, with hyphens: "completed", "logged-in"."""
    return _NOT_WORD.sub("-", tail(verb)).strip("-").lower()


@lru_cache(maxsize=8192)
def nature_of_type(activity_type: str) -> Nature | None:
    """Return what the type of an activity says that it is, None when it says nothing known."""
    return _first(words_of(tail(activity_type)), _TYPE_WORDS) if activity_type else None


@lru_cache(maxsize=8192)
def nature_of_verb(verb: str) -> Nature | None:
    """Return what a verb says of the activity, None when it says nothing known."""
    return _VERB_WORDS.get(verb_word(verb))


@lru_cache(maxsize=65536)
def nature_of_id(activity: str) -> Nature | None:
    """Return what the words in the path of an activity's id say, None when they say nothing known."""
    path = activity.partition("://")[2].partition("/")[2]
    return _first(words_of(path), _ID_WORDS)


def is_about_confidence(question: str) -> bool:
    """Say whether a question asks how sure somebody is of being able to do something."""
    return _CONFIDENT.search(question) is not None


def _first(words: list[str], known: dict[str, Nature]) -> Nature | None:
    return next((known[word] for word in words if word in known), None)
