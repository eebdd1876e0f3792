"""What followed, for proof: the practice and the job outcomes of people, skill by skill, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from carrythrough.embedded.database import chunks, marks, select
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.types import Y_ONE, Channel
from carrythrough.impact.outcomes import PairHistory, history_of

_CHANNELS = (Channel.LEARN, Channel.PRACTICE, Channel.JOB)
_EVIDENCE = (
    "SELECT employee, skill, channel, t_ms, y FROM ledger WHERE voided = 0 AND (channel < 2 OR w > 0)"
    f" AND channel IN ({', '.join(str(int(channel)) for channel in _CHANNELS)}) AND employee IN "
)


def read_histories(
    connection: apsw.Connection, terms: Terms, subjects: Iterable[str]
) -> dict[tuple[str, str], PairHistory]:
    """Return the evidence that counts of people (pseudonyms), by person and skill."""
    names: dict[int, str] = {}
    for part in chunks(sorted(set(subjects))):
        rows = select(
            connection, f"SELECT id, subject FROM employee WHERE subject IN ({marks(len(part))})", part
        )
        names.update(rows)
    found: dict[tuple[str, str], list[tuple[int, int, float]]] = {}
    for part in chunks(list(names)):
        for employee, skill, channel, t_ms, y in select(
            connection, f"{_EVIDENCE} ({marks(len(part))})", part
        ):
            found.setdefault((names[employee], terms.text(skill)), []).append((channel, t_ms, y / Y_ONE))
    return {pair: history_of(rows) for pair, rows in found.items()}
