"""What admission says when it refuses: stable codes, JSON pointers and the one way to raise.

Every refusal names the rule with its section. `Data` and `Communication` are the parts of xAPI
1.0.3 (github.com/adlnet/xAPI-Spec), `9274` is IEEE 9274.1.1-2023, `RFC …` an Internet standard,
and `Limit` one of our own, by its name.
"""

from __future__ import annotations

from typing import NoReturn

import msgspec

from carrythrough.errors import PermanentError, Problem

ERROR_CODES: dict[str, str] = {
    "body-empty": "Nothing to store",
    "json-malformed": "Not JSON",
    "json-not-finite": "A number that JSON does not have",
    "json-number-range": "A number out of range",
    "json-not-unicode": "Text that is not valid Unicode",
    "json-nul": "A NUL character in a text",
    "json-duplicate-key": "A property given twice",
    "json-too-deep": "Nested too deeply",
    "too-many-statements": "Too many statements in one request",
    "statement-too-large": "A statement too large to store",
    "statement-id-repeated": "The same id twice in one request",
    "statement-id-mismatch": "The id in the body is not the one in the address",
    "property-missing": "A required property is missing",
    "property-unknown": "A property that the specification does not have",
    "property-null": "A null outside extensions",
    "property-misplaced": "A property that may not stand here",
    "type-wrong": "A value of the wrong type",
    "value-not-allowed": "A value that the specification does not have",
    "value-repeated": "A value that must be unique is repeated",
    "iri-invalid": "Not an absolute IRI",
    "uuid-invalid": "Not a UUID in the standard form",
    "timestamp-invalid": "Not a timestamp that can be placed in time",
    "duration-invalid": "Not an ISO 8601 duration",
    "language-tag-invalid": "Not a language tag",
    "mailbox-invalid": "Not a mailto address",
    "sha1-invalid": "Not a SHA-1 hash",
    "sha2-invalid": "Not a SHA-2 hash",
    "media-type-invalid": "Not a media type",
    "identifier-missing": "An agent without an identifier",
    "identifier-several": "An agent with several identifiers",
    "group-empty": "An anonymous group without members",
    "score-out-of-range": "A score outside its range",
    "voiding-target": "A voiding statement that voids nothing",
    "attachment-without-data": "An attachment without its data",
    "version-unsupported": "A version that is not spoken here",
}
"""Code to title; what a code means and how to fix it is in the reference of errors."""

TOO_LARGE = frozenset({"statement-too-large", "too-many-statements"})
"""Codes that answer 413; all others answer 400."""


def refuse(code: str, where: str, detail: str, *, rule: str, fix: str) -> NoReturn:
    """Raise the PermanentError of a refusal; `where` is a JSON pointer into the request body."""
    raise PermanentError(
        Problem(
            code=code,
            status=413 if code in TOO_LARGE else 400,
            title=ERROR_CODES[code],
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )


_IN_2_0 = (
    ("Data 2.2.s2", "4.2.1"), ("Data 2.2", "4.2.4.1"), ("Data 2.3", "4.2.3"), ("Data 2.4.2", "4.2.2.1"),
    ("Data 2.4.3", "4.2.2.2"), ("Data 2.4.4", "4.2.2.3"), ("Data 2.4.5", "4.2.2.4"), ("Data 2.4.6", "4.2.2.5"),
    ("Data 2.4.10", "4.2.4.3"), ("Data 2.4.11", "4.2.2"), ("Data 2.4.", "4.2.4.2"), ("Data 2.4", "4.2.1"),
    ("Data 4.", "4.2.7"), ("Communication 1.5", "4.1.3"), ("Communication 2.1", "4.1.6.1"),
)  # fmt: skip
"""Where xAPI 2.0 says what a section of 1.0.3 says: the first that a rule begins with."""


def in_2_0(problem: Problem) -> Problem:
    """Return a problem that cites the section of xAPI 2.0 before that of 1.0.3, where it knows it."""
    for old, new in _IN_2_0:
        if problem.rule.startswith(old):
            return msgspec.structs.replace(problem, rule=f"9274.1.1 {new}; in 1.0.3 {problem.rule}")
    return problem


def step(where: str, name: str | int) -> str:
    """Return the JSON pointer of member `name` of what is at `where` (RFC 6901)."""
    if isinstance(name, str) and ("~" in name or "/" in name):
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{where}/{name}"


def shown(value: object, length_max: int = 80) -> str:
    """Return `value` as messages quote it, at most `length_max` characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= length_max else f"{text[: length_max - 1]}…"
