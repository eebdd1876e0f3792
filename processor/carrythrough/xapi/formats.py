"""The formats of single values: IRI, UUID, timestamp, duration, language tag, identifiers, media type.

Each function answers about one text and knows nothing of statements. Sections named `Data` and
`Communication` are those of xAPI 1.0.3; `9274` is IEEE 9274.1.1-2023 (xAPI 2.0).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

UUID_BYTES = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# RFC 3987 allows nearly every character beyond ASCII; what it never allows raw is listed here.
# The schemes of the Web name a host (RFC 9110, 4.2); other schemes are taken as they are.
_IRI = re.compile(r"(?!(?i:https?):(?!//[^/?#]))[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20\x7f<>\"{}|\\^`]+")
_MAILBOX = re.compile(r"mailto:[^\x00-\x20\x7f<>]+@[^\x00-\x20\x7f<>@]+")
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2 = re.compile(r"(?:[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})")
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*;.*)?", re.DOTALL)

_NUMBER = r"\d+(?:[.,]\d+)?"
_TIME = rf"(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?"
# The last alternative is the specification's own example P16559.14S, which ISO 8601 would write PT….
_DURATION = re.compile(
    rf"P(?=\d|T\d)(?:{_NUMBER}W|(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?(?:T(?=\d){_TIME})?|{_NUMBER}S)"
)
_INNER_FRACTION = re.compile(r"\d[.,]\d+[A-Z](?=.)")

_USUAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+\d\d:[0-5]\d)", re.ASCII)
_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)[Tt ]"
    r"(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<zone>[Zz]|[+\-]\d\d(?::?\d\d)?)?"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+\-]\d\d:\d\d)")

_REPEATING_LENGTH_MIN = len("en-1999-1999")
_LANGUAGE_TAG = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"  # language, with extended languages
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*"  # variants
    r"(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"  # private use at the end
    r"|x(?:-[a-z0-9]{1,8})+"  # private use alone
    r"|en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"
    r"|sgn-be-fr|sgn-be-nl|sgn-ch-de)"
)


def is_iri(text: str) -> bool:
    """Say whether `text` is an absolute IRI: a scheme and something after it (Data 4.3, best effort)."""
    return _IRI.fullmatch(text) is not None


def is_mailbox(text: str) -> bool:
    """Say whether `text` is a `mailto:` IRI with an e-mail address (Data 2.4.2.3)."""
    return _MAILBOX.fullmatch(text) is not None


def is_sha1(text: str) -> bool:
    """Say whether `text` is 40 hexadecimal digits (Data 2.4.2.3)."""
    return _SHA1.fullmatch(text) is not None


def is_sha2(text: str) -> bool:
    """Say whether `text` is the hash of a function of the SHA-2 family, in hexadecimal digits (Data 2.4.11)."""
    return _SHA2.fullmatch(text) is not None


def is_version(text: str, *, v2: bool) -> bool:
    """Say whether a statement that says version `text` is taken: "1.0" or "1.0." and more (Data 2.4.10).

    v2: the request speaks xAPI 2.0, which takes statements of both (9274.1.1 4.2.4.3).
    """
    return f"{text}.".startswith(("1.0.", "2.0.") if v2 else "1.0.")


def is_media_type(text: str) -> bool:
    """Say whether `text` looks like an Internet media type, with or without parameters (RFC 2046)."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def is_language_tag(text: str) -> bool:
    """Say whether `text` is well-formed by RFC 5646: lengths and order of subtags, none twice (Data 4.2)."""
    tag = text.lower()
    if _LANGUAGE_TAG.fullmatch(tag) is None or not text.isascii():
        return False
    return len(tag) < _REPEATING_LENGTH_MIN or not _repeats(tag)


def _repeats(tag: str) -> bool:
    """Say whether a variant or the letter of an extension stands twice, which RFC 5646, 2.2.5 and 2.2.6 forbid."""
    subtags = f"{tag}-".partition("-x-")[0].split("-")[1:]
    letters = [subtag for subtag in subtags if len(subtag) == 1]
    if letters:
        subtags = subtags[: subtags.index(letters[0])]
    variants = [subtag for subtag in subtags if len(subtag) > 4 or subtag[:1].isdigit()]
    return len(set(letters)) < len(letters) or len(set(variants)) < len(variants)


def is_duration(text: str) -> bool:
    """Say whether `text` is an ISO 8601 duration with designators (Data 4.6).

    Only the last number may have a fraction (ISO 8601:2004, 4.4.3.2); weeks stand alone.
    """
    return text.isascii() and _DURATION.fullmatch(text) is not None and _INNER_FRACTION.search(text) is None


def uuid_bytes(text: str) -> bytes | None:
    """Return the 16 bytes of a UUID in the standard string form (any case), else None (Data 4.4)."""
    if len(text) != 36 or not text[8] == text[13] == text[18] == text[23] == "-":
        return None
    try:
        value = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    # `fromhex` skips white space and more dashes may have been taken out: then bytes are missing.
    return value if len(value) == UUID_BYTES else None


def uuid_text(value: bytes) -> str:
    """Return the canonical lower-case text of the 16 bytes of a UUID."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def timestamp_ms(text: str, *, rfc3339: bool) -> int | None:
    """Return the milliseconds since the epoch (rounded down) that `text` names, else None.

    With `rfc3339` (xAPI 2.0) the text must be RFC 3339. Otherwise any ISO 8601 calendar date with
    a time is read, extended or basic, and a text without a zone is UTC (Data 4.5: the zone is
    only recommended). The offsets -00, -0000 and -00:00 are refused in both: they say that the
    local time is unknown.
    """
    if _USUAL_TIME.fullmatch(text) is not None:
        # What nearly everybody sends; the C parser checks the ranges.
        try:
            since = datetime.fromisoformat(text) - EPOCH
        except ValueError:
            pass
        else:
            return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
    if not text.isascii() or (rfc3339 and _RFC3339.fullmatch(text) is None):
        return None
    found = _DATE_TIME.fullmatch(text)
    if found is None or ((found["dash"] == "-") != (found["colon"] != "") and found["minute"]):
        return None
    try:
        return _instant_ms(found, rfc3339=rfc3339)
    except ValueError:
        return None


def _instant_ms(found: re.Match[str], *, rfc3339: bool) -> int | None:
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    extra_ms = int((found["fraction"] or "")[:3].ljust(3, "0"))
    if second == 60:
        second, extra_ms = 59, extra_ms + 1000  # a leap second is the one after :59
    if hour == 24 and not rfc3339:
        if minute or second or extra_ms:
            return None
        hour, extra_ms = 0, 86_400_000  # ISO 8601's midnight at the end of a day
    zone = found["zone"] or "Z"
    offset_minutes = 0
    if zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        hours, minutes = int(digits[:2]), int(digits[2:])
        if hours > 23 or minutes > 59 or (zone[0] == "-" and hours == minutes == 0):
            return None
        offset_minutes = (60 * hours + minutes) * (-1 if zone[0] == "-" else 1)
    moment = datetime(  # noqa: DTZ001 - the offset is applied below, in integers
        int(found["year"]), int(found["month"]), int(found["day"]), hour, minute, second
    )
    elapsed = moment - EPOCH.replace(tzinfo=None)
    return elapsed // _MILLISECOND + extra_ms - offset_minutes * 60_000
