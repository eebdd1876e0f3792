"""What moves, strangers and names do to a whole state held as values."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from carrythrough.pipeline.merge import Move
from carrythrough.pipeline.records import LedgerRow
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.pipeline.replying import Reply

Rows = dict[tuple[str, str, int, bytes], LedgerRow]
Units = dict[Home, dict[bytes, PlacedMark]]


def moved_rows(rows: Rows, move: Move) -> Rows:
    """Return the ledger after a move."""
    listed = {row.key() for row in move.rows}
    gone = {*move.dropped, *move.refused}
    found: Rows = {}
    for key, row in rows.items():
        leaves = key[0] == move.source if move.whole else key in listed
        if key in gone:
            continue
        kept = msgspec.structs.replace(row, subject=move.target) if leaves else row
        found[kept.key()] = kept
    return found


def moved_units(units: Units, move: Move) -> Units:
    """Return the cmi5 registrations after a move."""
    listed = {(placed.home(), placed.mark.source) for placed in move.marks}
    found: Units = {}
    for home, unit in units.items():
        for source, placed in unit.items():
            leaves = home[0] == move.source if move.whole else (home, source) in listed
            kept = msgspec.structs.replace(placed, subject=move.target) if leaves else placed
            found.setdefault(kept.home(), {})[source] = kept
    return found


def moved_replies(replies: dict[bytes, Reply], moves: Iterable[Move]) -> dict[bytes, Reply]:
    """Return the answers to actions after some moves: those of a pseudonym that is wholly somebody else go along."""
    renamed = [move for move in moves if move.whole]
    if not renamed:
        return replies
    found = dict(replies)
    for move in renamed:
        for source, reply in found.items():
            if reply.subject == move.source:
                found[source] = msgspec.structs.replace(reply, subject=move.target)
    return found
