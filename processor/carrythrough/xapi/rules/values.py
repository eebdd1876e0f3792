"""What a single value must be: an object with known members, a text, a number, an IRI, and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from carrythrough.xapi import formats
from carrythrough.xapi.refusals import refuse, shown, step
from carrythrough.xapi.rules import hints

TYPES = "Data 2.2.s4.b1.b2–b4 (types)"
NO_FIXES: Mapping[str, str] = {}
IRI_FIX = 'begin with a scheme, as in https://…, and percent-encode spaces and <>"{}|\\^`'
FORMATS = "Data 2.2.s4.b1.b4 (formats)"


def kind(value: Any) -> str:
    """Return the JSON type of a decoded value, as messages name it."""
    names = {dict: "an object", list: "an array", str: "a text", bool: "a boolean", type(None): "null"}
    for python_type, name in names.items():
        if isinstance(value, python_type):
            return name
    return "a number"


def refuse_type(value: Any, where: str, wanted: str, fix: str = "") -> None:
    """Refuse a value that is not `wanted`; null has a rule of its own."""
    if value is None:
        refuse(
            "property-null",
            where,
            "null is not allowed outside extensions",
            rule="Data 2.2.s4.b1.b1",
            fix="leave the property out",
        )
    refuse(
        "type-wrong",
        where,
        f"{wanted} is expected, not {kind(value)}",
        rule=TYPES,
        fix=fix or hints.other_type(value, wanted) or f"send {wanted}",
    )


def members(
    value: Any,
    where: str,
    *,
    allowed: Iterable[str],
    required: Iterable[str] = (),
    rule: str,
    fixes: Mapping[str, str] = NO_FIXES,
) -> dict[str, Any]:
    """Return an object whose members are all `allowed` and hold all `required`; none of them null.

    fixes: for members that are not allowed and well known: what to do about them.
    """
    if not isinstance(value, dict):
        refuse_type(value, where, "an object")
    names = list(allowed)
    for name, item in value.items():
        if name not in names:
            _refuse_unknown(name, where, names, rule, fixes.get(name, ""))
        if item is None:
            refuse_type(None, step(where, name), "")
    for name in required:
        if name not in value:
            refuse(
                "property-missing",
                where,
                f"the property {name!r} is missing",
                rule=rule,
                fix=hints.to_add(name) or f"add {name!r}",
            )
    return value  # type: ignore[no-any-return]  # an object decoded from JSON


def items(value: Any, where: str, check: Callable[[Any, str], None], *, wanted: str = "an array") -> None:
    """Check each item of an array with `check(item, pointer)`."""
    if not isinstance(value, list):
        refuse_type(value, where, wanted)
    for number, item in enumerate(value):
        check(item, step(where, number))


def text(value: Any, where: str) -> str:
    """Return a text; NUL is refused, since much that stores and shows texts ends them there."""
    if not isinstance(value, str):
        refuse_type(value, where, "a text")
    if "\x00" in value:
        refuse(
            "json-nul",
            where,
            "the text holds the character NUL (\\u0000)",
            rule="Limit: texts outside extensions hold no NUL; databases and viewers cut them there",
            fix="take the character out",
        )
    return value  # type: ignore[no-any-return]  # checked above


def boolean(value: Any, where: str) -> None:
    """Check a boolean; a text that says "true" is none."""
    if not isinstance(value, bool):
        refuse_type(value, where, "a boolean")


def number(value: Any, where: str) -> float:
    """Return a number; a text that holds digits is none, nor is a number beyond a double."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse_type(value, where, "a number")
    try:
        return float(value)
    except OverflowError:
        refuse(
            "json-number-range",
            where,
            "the number is beyond what a double can hold",
            rule="Data 2.2.s4.b3 and RFC 7493, 2.2",
            fix="send a number below 1.8e308",
        )


def byte_count(value: Any, where: str) -> None:
    """Check a size in bytes: a whole number, not negative (27.0 is whole, as JSON has one kind of number)."""
    size = number(value, where)
    if size < 0 or size != int(size):
        refuse(
            "type-wrong",
            where,
            f"{shown(value)} is not a number of bytes",
            rule="Data 2.4.11 (length)",
            fix="send the length of the data in bytes, a whole number",
        )


def media_type(value: Any, where: str) -> None:
    """Check an Internet media type."""
    word = text(value, where)
    if not formats.is_media_type(word):
        refuse(
            "media-type-invalid",
            where,
            f"{shown(word)} is not a media type",
            rule="Data 2.4.11 (contentType): RFC 2046",
            fix="write it as in application/pdf",
        )


def one_of(value: Any, where: str, names: Iterable[str], rule: str) -> str:
    """Return a text that is exactly one of `names`."""
    word = text(value, where)
    known = list(names)
    if word not in known:
        near = hints.nearest(word, known)
        refuse(
            "value-not-allowed",
            where,
            f"{shown(word)} is not one of {', '.join(known)}",
            rule=f"{rule}; Data 2.2.s4.b1.b6",
            fix=f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}",
        )
    return word


def iri(value: Any, where: str, rule: str = "Data 4.3 and 2.2.s4.b1.b8") -> None:
    """Check an absolute IRI (also an IRL or URI)."""
    word = text(value, where)
    if not formats.is_iri(word):
        refuse(
            "iri-invalid",
            where,
            f"{shown(word)} is not an absolute IRI",
            rule=rule,
            fix=hints.iri(word) or IRI_FIX,
        )


def uuid(value: Any, where: str) -> None:
    """Check a UUID in the standard form, any case."""
    word = text(value, where)
    if formats.uuid_bytes(word) is None:
        refuse(
            "uuid-invalid",
            where,
            f"{shown(word)} is not a UUID",
            rule="Data 4.4",
            fix=hints.uuid(word)
            or "send 8-4-4-4-12 hexadecimal digits, as in 6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11",
        )


def timestamp(value: Any, where: str, *, v2: bool) -> None:
    """Check a timestamp: RFC 3339 in 2.0, ISO 8601 with date and time in 1.0; never -00:00."""
    if not isinstance(value, str) and value is not None:
        refuse_type(value, where, "a text", hints.instant(value))
    word = text(value, where)
    if formats.timestamp_ms(word, rfc3339=v2) is None:
        unknown_offset = word.endswith(("-00", "-0000", "-00:00"))
        refuse(
            "timestamp-invalid",
            where,
            f"{shown(word)} has the offset of an unknown place"
            if unknown_offset
            else f"{shown(word)} is not a date and time that can be placed",
            rule="9274 4.2.7: RFC 3339" if v2 else "Data 4.5: ISO 8601, best as RFC 3339",
            fix=hints.timestamp(word) or "write the time as in 2026-03-01T09:30:00.000Z",
        )


def duration(value: Any, where: str) -> None:
    """Check an ISO 8601 duration with designators."""
    word = text(value, where)
    if not formats.is_duration(word):
        refuse(
            "duration-invalid",
            where,
            f"{shown(word)} is not a duration",
            rule="Data 4.6: ISO 8601:2004, 4.4.3.2",
            fix=hints.duration(word)
            or "write it as in PT1H30M or P3Y1M29DT4H35M59.14S; weeks stand alone, as in P4W",
        )


def language_tag(value: Any, where: str) -> None:
    """Check a language tag."""
    word = text(value, where)
    if not formats.is_language_tag(word):
        refuse(
            "language-tag-invalid",
            where,
            f"{shown(word)} is not a language tag",
            rule="Data 4.2 and 2.2.s4.b2: RFC 5646",
            fix=hints.language_tag(word)
            or "use a tag as in en, en-US or zh-Hans; und when the language is not known",
        )


def language_map(value: Any, where: str) -> None:
    """Check a language map: tags to texts."""
    if not isinstance(value, dict):
        refuse_type(value, where, "a language map (an object of tag to text)")
    for tag, words in value.items():
        language_tag(tag, step(where, tag))
        text(words, step(where, tag))


def extensions(value: Any, where: str) -> None:
    """Check an extensions map: keys are IRIs; their values are free (Data 4.1.s3.b2)."""
    if not isinstance(value, dict):
        refuse_type(value, where, "an object")
    for key in value:
        if not formats.is_iri(key):
            refuse(
                "iri-invalid",
                step(where, key),
                f"the extension key {shown(key)} is not an absolute IRI",
                rule="Data 4.1.s3.b1",
                fix=f"name it with an IRI that you own, as in https://example.org/extensions/{_slug(key)}",
            )


def _slug(key: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in key.strip())[:40] or "name"


def _refuse_unknown(name: str, where: str, names: list[str], rule: str, fix: str) -> None:
    near = hints.meant(hints.nearest(name, names))
    refuse(
        "property-unknown",
        step(where, name),
        f"there is no property {shown(name)} here",
        rule=f"{rule}; Data 2.2.s4.b1.b5 and b7",
        fix=fix or near or "take it out, or move it into extensions under an IRI",
    )
