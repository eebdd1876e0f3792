"""Texts that repeat in many rows (skills, items, rules), kept once and referred to by number."""

from __future__ import annotations

import apsw

from carrythrough.embedded.schema import TERM

TERMS_CACHED_MAX = 200_000


class Terms:
    """Numbers for texts, assigned in order of first use and committed with the batch that used them.

    Used by one thread; readers of other connections make an instance of their own.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._next = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM term").get
        self._new: list[object] = []

    def number(self, text: str) -> int:
        """Return the number of a text, a new one if it has none."""
        found = self._numbers.get(text)
        if found is not None:
            return found
        row = self._connection.execute("SELECT id FROM term WHERE text=?", (text,)).fetchone()
        if row is None:
            number = int(self._next)
            self._next += 1
            self._new += (number, text)
        else:
            number = int(row[0])
        self._remember(number, text)
        return number

    def text(self, number: int) -> str:
        """Return the text of a number; raises KeyError for one that was never given."""
        found = self._texts.get(number)
        if found is not None:
            return found
        row = self._connection.execute("SELECT text FROM term WHERE id=?", (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        self._remember(number, row[0])
        return str(row[0])

    def find(self, text: str) -> int | None:
        """Return the number of a text, None when it has none."""
        row = self._connection.execute("SELECT id FROM term WHERE text=?", (text,)).fetchone()
        return None if row is None else int(row[0])

    def save(self) -> None:
        """Write the new texts in the open transaction."""
        if self._new:
            TERM.run(self._connection, self._new)
            self._new = []

    def forget(self) -> None:
        """Drop everything cached, after a batch that did not commit."""
        self._numbers.clear()
        self._texts.clear()
        self._new = []
        self._next = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM term").get

    def _remember(self, number: int, text: str) -> None:
        if len(self._numbers) >= TERMS_CACHED_MAX and not self._new:
            self._numbers.clear()
            self._texts.clear()
        self._numbers[text] = number
        self._texts[number] = text
