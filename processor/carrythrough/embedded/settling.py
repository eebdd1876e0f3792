"""Bringing a state file of the time before merges up to date: strangers listed, evidence with whom it belongs.

Until then evidence stayed with the pseudonym under which it had come, whatever the roster said later.
Every pseudonym is settled once by the roster in force, in bounded transactions; a stop in between goes on
where it was. From then on each change of the roster sees to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from carrythrough.embedded.database import chunks, select
from carrythrough.embedded.folder import MOVES_AT_ONCE, Folder
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.schema import META
from carrythrough.embedded.store import Folded, StateFile
from carrythrough.embedded.strangers import strangers_of_kin
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.plan import Reattribute
from carrythrough.pipeline.records import Kind
from carrythrough.pipeline.strangers import stranger_named

META_NAME = "identities"
SETTLED = 2
"""1: a file of the time when strangers were scored although a roster named people; they are kept aside since."""
_FIRST = """
SELECT e.subject, coalesce((SELECT min(position) FROM ledger WHERE employee = e.id), 1 << 62),
  coalesce((SELECT min(position) FROM mark WHERE employee = e.id), 1 << 62)
FROM employee e ORDER BY e.id
"""
_logger = structlog.get_logger("carrythrough.fold")


def settle(state: StateFile, log: LogReader, fold: Folder) -> None:
    """Settle who is who once in a file that has never been; raises apsw.Error, and goes on at the next start."""
    row = state.connection.execute("SELECT value FROM meta WHERE name=?", (META_NAME,)).fetchone()
    if row is not None and row[0] >= SETTLED:
        return
    if row is not None:
        _move(state, log, fold, sorted(strangers_of_kin(state.connection, None)))
        META.run(state.connection, [META_NAME, SETTLED])
        return
    first = {row[0]: min(row[1], row[2]) for row in select(state.connection, _FIRST)}
    if first:
        _logger.info("settling_identities", employees=len(first))
        _list_strangers(state, fold, {s: at for s, at in first.items() if at < 1 << 62})
        _move(state, log, fold, sorted(first))
    META.run(state.connection, [META_NAME, SETTLED])


def _list_strangers(state: StateFile, fold: Folder, first: dict[str, int]) -> None:
    """List those that the roster does not know; a pseudonym says by itself whether it is a name's own."""
    roster = fold.in_force.directory
    for part in chunks(sorted(first)):
        delta = Delta({}, {}, [], [], {}, [])
        names = state.view.names([first[subject] for subject in part])
        for subject in part:
            name = names[first[subject]]
            if roster.person(subject) is None and roster.subject_of_stranger(name) == subject:
                delta.strangers[subject] = stranger_named(name, first[subject], roster)
        state.commit(delta, Folded(state.position, {}, []), lambda _: ())


def _move(state: StateFile, log: LogReader, fold: Folder, subjects: Sequence[str]) -> None:
    in_force = fold.in_force
    rosters = sum(1 for _ in log.of_kind(Kind.ROSTER, 0, state.position))
    if rosters <= 1:  # nothing can have gone from one person to another
        subjects = [subject for subject in subjects if in_force.directory.person(subject) is None]
    stored_ms = log.stored_ms(state.position)
    for part in chunks(subjects, MOVES_AT_ONCE):
        fold.reattribute(Reattribute(state.position, stored_ms, tuple(part)), in_force)
