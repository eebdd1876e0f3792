"""What every part of a program map is made of: the base of its tables, and its kinds of single values.

The annotated limits are what both the loader and `schemas/program-map.schema.json` enforce.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns

DAY_MS = 86_400_000
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
WEIGHT_MAX = 8.0
"""The largest weight: evidence carries w in 0..8·W_ONE (`evidence.types`)."""
TEXT_CHARACTERS_MAX = 4000
"""The longest text of a map: a page of it; what is longer belongs behind a link."""
IRI_CHARACTERS_MAX = 2000
"""The longest IRI; no known sender's come near it."""

Id = Annotated[str, Meta(pattern=patterns.ID, max_length=64, description="Lower-case kebab-case id.")]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
OptionalName = Annotated[str, Meta(max_length=200)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Weight = Annotated[float, Meta(ge=0.0, le=WEIGHT_MAX)]
Iri = Annotated[str, Meta(min_length=1, max_length=IRI_CHARACTERS_MAX)]
Strings = tuple[Iri, ...]
"""One string or a list of strings in the file; always a tuple here."""
Names = tuple[Name, ...]
Scalar = str | float | bool
"""A text, a number, or true or false."""
Date = Annotated[str, Meta(pattern=patterns.DATE, description="Day, YYYY-MM-DD, in UTC.")]

ChannelName = Literal["learn", "practice", "job", "observed", "exposure", "support", "voice"]
StageName = Literal[
    "not-yet-learnt",
    "fading",
    "unpractised",
    "unapplied",
    "applied-with-support",
    "carried-through",
    "underperforming",
    "not-enough-evidence",
    "settling-in",
]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown keys refused."""


def day_number(date: str | None) -> int | None:
    """Return YYYY-MM-DD as days since the epoch; None for none, and for a day that does not exist."""
    if date is None:
        return None
    try:
        return dt.date.fromisoformat(date).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
