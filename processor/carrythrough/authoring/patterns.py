"""The formats of text that maps, rosters and events share: each pattern with its rule and its cure.

Patterns are plain enough to mean the same to Python and to JSON Schema (ECMA-262).
"""

from __future__ import annotations

import re

import msgspec

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
ID_OR_EMPTY = r"^([a-z0-9]+(-[a-z0-9]+)*)?$"
DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
DATE_OR_EMPTY = r"^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
HOURS_OR_EMPTY = r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$"
PLAIN = r"^[^\x00-\x1f\x7f]*$"
MBOX = r"^mailto:[^@\s]+@[^@\s]+$"
EMAIL = r"^[^@\s:]+@[^@\s]+$"
EMAIL_OR_EMPTY = r"^([^@\s:]+@[^@\s]+)?$"
SHA1 = r"^[0-9a-fA-F]{40}$"
UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
LOCALE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"


class Format(msgspec.Struct, frozen=True):
    """What a pattern means: 'not <what>', the rule after 'is', and what to write."""

    what: str
    rule: str
    fix: str


FORMATS: dict[str, Format] = {
    ID: Format("an id", "kebab-case: a-z, 0-9 and single hyphens", "write lower-case letters and hyphens"),
    ID_OR_EMPTY: Format("an id", "kebab-case: a-z, 0-9 and single hyphens", "write lower-case letters"),
    DATE: Format("a date", "YYYY-MM-DD", 'write for example "2026-03-01"'),
    DATE_OR_EMPTY: Format("a date", "YYYY-MM-DD", 'write for example "2026-03-01"'),
    CLOCK: Format("a time of day", "HH:MM, 00:00 to 23:59", 'write for example "20:00"'),
    HOURS_OR_EMPTY: Format("working hours", "HH:MM-HH:MM, local time", 'write for example "08:00-17:00"'),
    PLAIN: Format("plain text", "text without control characters", "remove line breaks, tabs and the like"),
    MBOX: Format("a mailto address", "mailto: and an e-mail address", 'write "mailto:name@example.org"'),
    EMAIL: Format("an e-mail address", "an e-mail address", 'write "name@example.org"'),
    EMAIL_OR_EMPTY: Format("an e-mail address", "an e-mail address", 'write "name@example.org"'),
    SHA1: Format("a SHA-1 hash", "40 hexadecimal digits", "write the SHA-1 of the mailto IRI in hexadecimal"),
    UUID: Format("a UUID", "a UUID (RFC 4122)", 'write "2f3d0c1e-7f0a-4a0e-9c55-0f6b7c1d2e3f" and the like'),
    LOCALE: Format("a language tag", "a language tag (RFC 5646)", 'write for example "en" or "de-CH"'),
}


def format_fault(label: str, value: str, pattern: str) -> tuple[str, str, str]:
    """Return (message, rule, fix) for a text that does not match `pattern`, a key of FORMATS."""
    known = FORMATS[pattern]
    fix = known.fix
    if pattern in (ID, ID_OR_EMPTY):
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        fix = f'write "{slug[:60]}"' if slug else fix
    elif pattern == MBOX and re.fullmatch(r"[^@\s:]+@[^@\s]+", value):
        fix = f'write "mailto:{value[:60]}"'
    return f'{label} is "{value[:60]}", not {known.what}', f"{label} is {known.rule}", fix
