"""What the committer does for a lenient credential: an id that stands for something else is set aside alone.

A strict request with such an id is refused whole. Here the statement becomes a refused one, with the
difference as its reason, and the rest of the request is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from carrythrough.errors import Problem
from carrythrough.xapi import lenient
from carrythrough.xapi.comparison import same_statement
from carrythrough.xapi.lenient import Lenient, Refused, Repaired


def apart(
    items: Sequence[Lenient],
    sender: lenient.Sender,
    stored: Callable[[list[bytes]], dict[bytes, bytes]],
    conflict: Callable[[int, bytes, str], Problem],
) -> list[Lenient]:
    """Return `items` with each whose id stands for other content in its place as a `Refused`.

    stored: gives the texts that the log has under some ids. conflict: gives the problem for a place, an
    id and the difference.
    """
    texts = stored([item.id for item in items if item.id])
    found: list[Lenient] = []
    for place, item in enumerate(items):
        if isinstance(item, Refused) or not item.id:
            found.append(item)
            continue
        before = texts.setdefault(item.id, item.raw)
        difference = same_statement(before, item.raw)
        found.append(
            lenient.set_aside(lenient.sent_text(item), conflict(place, item.id, difference), sender)
            if difference
            else item
        )
    return found


def originals(position: int, item: Any) -> tuple[object, ...]:
    """Return the flat row (position, text as sent, names of repairs) of a repaired item, () for any other."""
    if isinstance(item, Repaired) and item.original:
        return (position, item.original, " ".join(item.repairs))
    return ()
