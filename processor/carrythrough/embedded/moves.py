"""How a fold transaction writes strangers, and evidence that goes from one employee to another."""

from __future__ import annotations

import apsw

from carrythrough.embedded.schema import KIN, MOVE, STRANGER
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import StoreView
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.merge import Move


def write_moves(connection: apsw.Connection, delta: Delta, view: StoreView, terms: Terms) -> None:
    """Move rows and marks in the ledger, in the order of the moves; inside the transaction of the fold."""
    flat: list[object] = []
    for move in delta.moves:
        if move.whole:
            view.rename(move.source, move.target)
            connection.execute("UPDATE employee SET subject=? WHERE subject=?", (move.target, move.source))
            connection.execute("UPDATE reply SET subject=? WHERE subject=?", (move.target, move.source))
            connection.execute(
                "UPDATE OR IGNORE passage SET subject=? WHERE subject=?", (move.target, move.source)
            )
        else:
            _write_rows(connection, move, view, terms)
        flat += (move.position, move.source, move.target)
    MOVE.run(connection, flat)


def _write_rows(connection: apsw.Connection, move: Move, view: StoreView, terms: Terms) -> None:
    source, target = view.number(move.source), view.number(move.target)
    place = "employee=? AND skill=? AND channel=? AND source=?"
    for subject, skill, channel, id_ in (*move.dropped, *move.refused):
        connection.execute(
            f"DELETE FROM ledger WHERE {place}", (view.number(subject), terms.number(skill), channel, id_)
        )
    for row in move.rows:
        e = row.evidence
        connection.execute(
            f"UPDATE ledger SET employee=? WHERE {place}",
            (target, source, terms.number(e.skill), e.channel, e.source),
        )
    for placed in move.marks:
        m = placed.mark
        connection.execute(
            "UPDATE mark SET employee=? WHERE employee=? AND registration=? AND activity=? AND source=?",
            (target, source, m.registration, terms.number(m.activity), m.source),
        )


def write_strangers(connection: apsw.Connection, delta: Delta) -> None:
    """Write who is a stranger, who is none any more, and whose evidence is all somebody else's."""
    rows: list[object] = []
    kin: list[object] = []
    for subject, stranger in delta.strangers.items():
        if stranger is None:
            connection.execute("DELETE FROM stranger WHERE subject=?", (subject,))
            connection.execute("DELETE FROM kin WHERE subject=?", (subject,))
            continue
        rows += (subject, stranger.kind, stranger.host, stranger.position)
        for token in stranger.kin:
            kin += (token, subject)
    STRANGER.run(connection, rows)
    KIN.run(connection, kin)
    for subject, gone in delta.gone.items():
        text = "INSERT OR IGNORE INTO vanished VALUES (?)" if gone else "DELETE FROM vanished WHERE subject=?"
        connection.execute(text, (subject,))
