"""How statements of a lenient credential are taken in, and how its sender learns what became of each.

The answer stays what senders understand: 200 and the array of ids, one a statement, in order. What
became of each is said in a header, and in full as the body to who asks for that kind of body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from carrythrough.errors import Problem
from carrythrough.gateway.intake import Answer
from carrythrough.ports import Receipt
from carrythrough.xapi.lenient import Lenient, Refused, Repaired

MEDIA_TYPE: Final = b"application/vnd.carrythrough.outcomes+json"
HEADER: Final = b"x-carrythrough-outcomes"
NAMED_MAX: Final = 20
"""Statements that the header names; the rest is in its counts."""

_encode = msgspec.json.Encoder().encode


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one statement.

    outcome: "stored", "known" (a re-send), "repaired" (stored, and something is to be said), or
    "quarantined" (kept apart with its problem, whose `where` points into the statement).
    """

    id: str
    outcome: str
    repairs: tuple[str, ...] = ()
    problem: Problem | None = None


def outcomes(items: Sequence[Lenient], receipt: Receipt) -> list[Outcome]:
    """Return what became of each item, in order."""
    found = []
    for place, (item, id_, known) in enumerate(zip(items, receipt.ids, receipt.known, strict=True)):
        problem = receipt.problems.get(place)
        repairs = item.repairs if isinstance(item, Repaired) else ()
        if problem is not None or isinstance(item, Refused):
            found.append(Outcome(id_, "quarantined", problem=problem))
        else:
            word = "known" if known else "repaired" if repairs else "stored"
            found.append(Outcome(id_, word, repairs))
    return found


def answer(items: Sequence[Lenient], receipt: Receipt, accept: bytes | None) -> Answer:
    """Return the answer to a POST: ids, or outcomes where `accept` asks for them; the header with both."""
    found = outcomes(items, receipt)
    headers = ((HEADER, summary(found)),)
    if accept is not None and MEDIA_TYPE in accept.lower():
        return Answer(200, _encode(found), MEDIA_TYPE, headers)
    return Answer(200, _encode(receipt.ids), headers=headers)


def summary(found: Sequence[Outcome]) -> bytes:
    """Return the header's text: counts, then what is worth a word by its place in the request.

    As in "stored=48, repaired=1, quarantined=1; 3=repaired:object-type-missing, 7=quarantined:iri-invalid".
    """
    counts = Counter(one.outcome for one in found)
    words = ", ".join(f"{name}={counts[name]}" for name in ("stored", "known", "repaired", "quarantined"))
    notable = [
        f"{place}={one.outcome}:{one.problem.code if one.problem else '+'.join(one.repairs)}"
        for place, one in enumerate(found)
        if one.problem is not None or one.repairs
    ]
    if not notable:
        return words.encode()
    more = f", and {len(notable) - NAMED_MAX} more" if len(notable) > NAMED_MAX else ""
    return f"{words}; {', '.join(notable[:NAMED_MAX])}{more}".encode()
