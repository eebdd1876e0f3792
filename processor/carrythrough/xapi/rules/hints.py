"""What a refused value was probably meant to be, in the words of a fix: "did you mean 'PT90S'?".

A hint is given only where the value itself leaves little doubt; each function returns "" otherwise, and the
rule then gives its general fix. Nothing here decides whether a value is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from carrythrough.xapi import formats
from carrythrough.xapi.repairs import near_version

_ALIASES = {
    "email": "mbox", "mail": "mbox", "user": "actor", "learner": "actor", "title": "name", "label": "description",
    "percent": "scaled", "percentage": "scaled", "value": "raw", "points": "raw", "time": "timestamp",
    "date": "timestamp", "datetime": "timestamp", "url": "id", "uri": "id", "iri": "id", "passed": "success",
    "completed": "completion", "answer": "response", "session": "registration", "activity": "object",
}  # fmt: skip
"""What other formats call what xAPI calls otherwise."""
_EXAMPLES = {
    "actor": '"actor": {"mbox": "mailto:ana@example.org"}',
    "verb": '"verb": {"id": "http://adlnet.gov/expapi/verbs/completed"}',
    "object": '"object": {"id": "https://example.org/course/1"}',
    "id": '"id": "https://example.org/…"',
    "homePage": '"homePage": "https://lms.example.org"',
    "name": '"name": "4711"',
    "usageType": '"usageType": "http://example.org/certificate"',
    "display": '"display": {"en": "Certificate"}',
    "contentType": '"contentType": "application/pdf"',
    "length": '"length": 27 (bytes)',
    "sha2": '"sha2": the SHA-256 of the data in hexadecimal',
}
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?")
_HOST = re.compile(r"(?:www\.|[\w-]+\.)[\w-]+(?:\.[\w-]+)*(?:[/?#]\S*)?")
_NO_IRI_CHARACTER = re.compile(r"[\x00-\x20\x7f<>\"{}|\\^`]")
_SECONDS_MIN, _SECONDS_MAX = 1_000_000_000, 4_000_000_000


def meant(words: str) -> str:
    """Return the question that offers `words`, "" for none."""
    return f"did you mean {words!r}?" if words else ""


def nearest(word: str, names: Iterable[str]) -> str:
    """Return the one of `names` that a word was meant to be, "" when none is near."""
    known = list(names)
    for name in known:
        if name.lower() == word.lower():
            return name
    alias = _ALIASES.get(word.lower())
    if alias in known:
        return alias
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return close[0]
    parts = [name for name in known if len(name) > 3 and name in re.split(r"[^a-z]+", word.lower())]
    return parts[0] if parts else ""


def to_add(name: str) -> str:
    """Return the fix for a missing property by an example, "" where there is none."""
    return f"add {_EXAMPLES[name]}" if name in _EXAMPLES else ""


def other_type(value: Any, wanted: str) -> str:
    """Return how a value of another type becomes the wanted one."""
    if isinstance(value, str):
        if wanted == "a number" and re.fullmatch(r"-?\d+(?:\.\d+)?", value.strip()):
            return f"send {value.strip()} without quotes"
        if wanted == "a boolean" and value.strip().lower() in {"true", "false"}:
            return f"send {value.strip().lower()} without quotes"
        if wanted == "an object":
            return f'send an object, as in {{"id": "{value if formats.is_iri(value) else "https://…"}"}}'
    if wanted == "a boolean" and isinstance(value, int) and value in {0, 1}:
        return f"send {'true' if value else 'false'}"
    if wanted == "a text" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'send it in quotes: "{value}"'
    return ""


def iri(word: str) -> str:
    """Return how a text becomes an IRI."""
    bad = _NO_IRI_CHARACTER.search(word)
    if bad is not None and ":" in word[: bad.start()]:
        name = "the space" if bad[0] == " " else repr(bad[0])
        return f"percent-encode {name} at character {bad.start() + 1}: %{ord(bad[0]):02X}"
    if _HOST.fullmatch(word):
        return meant(f"https://{word}")
    return ""


def uuid(word: str) -> str:
    """Return the standard form of a UUID that is written in another one."""
    digits = re.sub(r"^urn:uuid:|[{}()\s-]", "", word.strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", digits):
        return ""
    return meant(formats.uuid_text(bytes.fromhex(digits)))


def language_tag(word: str) -> str:
    """Return the tag that was meant by one of another standard."""
    candidate = re.split(r"[.@]", word.strip())[0].replace("_", "-")
    return meant(candidate) if candidate != word and formats.is_language_tag(candidate) else ""


def duration(word: str) -> str:
    """Return the duration that was meant by seconds or by hours and minutes."""
    if re.fullmatch(r"\d+(?:\.\d+)?", word):
        return meant(f"PT{word}S") + " (if these are seconds)"
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        return ""
    hours, minutes, seconds = clock[1], clock[2], clock[3]
    if seconds is None:
        return ""
    return meant(f"PT{int(hours)}H{int(minutes)}M{float(seconds):g}S")


def timestamp(word: str) -> str:
    """Return the timestamp that was meant by a day, by seconds since 1970, or by a time without a zone."""
    if _DAY.fullmatch(word):
        return meant(f"{word}T00:00:00Z")
    if re.fullmatch(r"\d{10}|\d{13}", word):
        seconds = int(word[:10])
        if _SECONDS_MIN <= seconds <= _SECONDS_MAX:
            return meant(f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%SZ}")
    if _DATE_AND_TIME.fullmatch(word):
        return f"say where the clock stands: {meant(f'{word}Z')}"
    return ""


def instant(value: Any) -> str:
    """Return the timestamp that was meant by a number, "" for any other value."""
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return timestamp(str(int(value))) if whole and abs(value) < 10**15 else ""


def version(word: str, *, v2: bool) -> str:
    """Return the version that was meant by one that is nearly right."""
    near = near_version(word)
    return meant(near) if near is not None and formats.is_version(near, v2=v2) else ""
