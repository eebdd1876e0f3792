"""Which language of a language map is given out, by the Accept-Language of a request.

RFC 9110 12.5.4 with the matching of RFC 4647: 3.4 (lookup) first, then 3.3.1 (a range matches what it
is a prefix of); applied to each map on its own (Communication 2.1.3.s4.b5).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

RANGES_MAX = 50
"""Ranges read of one header; nobody speaks more languages."""

Text = TypeVar("Text")


def ranges(header: str) -> tuple[str, ...]:
    """Return the language ranges of an Accept-Language header, best first, in lower case; "*" and q=0 left out.

    What cannot be read is passed over: the header is a wish.
    """
    found: list[tuple[float, int, str]] = []
    for number, item in enumerate(header.split(",")[:RANGES_MAX]):
        name, _, parameters = item.partition(";")
        tag = name.strip().lower()
        quality = _quality(parameters)
        if tag and tag != "*" and quality > 0:
            found.append((-quality, number, tag))
    return tuple(tag for _, _, tag in sorted(found))


def choose(tags: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """Return the tag of a map that fits best: the first of the map when none does, None when it is empty."""
    known = list(tags)
    by_lower = {tag.lower(): tag for tag in reversed(known)}
    for tag in wanted:
        shorter = tag
        while shorter:
            if shorter in by_lower:
                return by_lower[shorter]
            shorter = shorter.rpartition("-")[0]
        for own in known:
            if own.lower().startswith(f"{tag}-"):
                return own
    return known[0] if known else None


def one_language(texts: Mapping[str, Text], wanted: tuple[str, ...]) -> dict[str, Text]:
    """Return a language map with the one entry that fits best."""
    tag = choose(texts, wanted)
    return {} if tag is None else {tag: texts[tag]}


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if math.isfinite(quality) else 0.0
