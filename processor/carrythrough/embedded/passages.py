"""Changes of stage, kept: since when somebody carries a skill through, and that they once did.

The table of effects is for subscribers and forgets; recognition must not. One row a change, which is a few a year
and skill.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import apsw
import msgspec

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.schema import PASSAGE
from carrythrough.gateway.badges.book import Carried
from carrythrough.pipeline.effects import Effect, StageChanged
from carrythrough.reinforcement.stage import Stage

_TABLE = "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='passage'"
_CARRIED = Stage.CARRIED_THROUGH.text


def write_passages(connection: apsw.Connection, effects: Iterable[Effect]) -> None:
    """Keep the changes of stage among effects, inside the transaction of the fold."""
    flat: list[object] = []
    for effect in effects:
        if type(effect) is StageChanged:
            flat += (effect.subject, effect.skill, effect.sequence, effect.as_of_ms, effect.after)
    PASSAGE.run(connection, flat)


def has_passages(connection: apsw.Connection) -> bool:
    """Say whether a state file has the table."""
    return connection.execute(_TABLE).fetchone() is not None


def adopt_passages(connection: apsw.Connection) -> None:
    """Fill a new table from the effects that an older version left."""
    decode = msgspec.json.Decoder(StageChanged).decode
    rows = connection.execute("SELECT body FROM effect WHERE kind='stage' ORDER BY seq")
    write_passages(connection, [decode(bytes(body)) for (body,) in rows])


class Passages:
    """What people carried through, as of the last commit; safe to call from any thread."""

    def __init__(self, state: Path) -> None:
        self._connection = connect(state, readonly=True)
        self._lock = threading.Lock()

    def carried(self, subject: str) -> list[Carried]:
        """Return the skills that somebody ever carried through, by the id of the skill."""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT skill, as_of_ms, after FROM passage WHERE subject=? ORDER BY skill, as_of_ms, sequence",
                (subject,),
            )
        found: dict[str, Carried] = {}
        for skill, as_of_ms, after in rows:
            if after == _CARRIED:
                first = found[skill].first_ms if skill in found else as_of_ms
                found[skill] = Carried(skill, first, as_of_ms)
            elif skill in found:
                found[skill] = Carried(skill, found[skill].first_ms, 0)
        return list(found.values())

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()
