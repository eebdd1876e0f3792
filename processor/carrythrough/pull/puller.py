"""One source read up to its end: page after page into the intake, the position after each durable page.

`since` leaves out what was stored at that very time, stores stamp several statements with one time,
and some show a statement a little after a later one. So each look begins OVERLAP_MS before the
position, and the position never passes what the store itself calls consistent. What is read twice is
known by its id and counts once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Protocol

import msgspec

from carrythrough.errors import Problem
from carrythrough.pull import problems
from carrythrough.pull.cursor import Cursor, CursorFile
from carrythrough.pull.intake import PulledIntake, Taken
from carrythrough.pull.remote import Page
from carrythrough.pull.source import PullSource
from carrythrough.xapi import formats

OVERLAP_MS = 1_000
"""Stores keep times to the second at the coarsest."""
EMPTY_PAGES_MAX = 100
"""Pages in a row without a statement but with a `more`: a store that filters late has some, not so many."""

FOLLOWED_MAX = 10_000
"""Addresses of pages remembered, to notice a circle."""


class Store(Protocol):
    """What is read from (`remote.RemoteStore`)."""

    def first(self, since: str) -> Page:
        """Return the first page after a time."""
        ...

    def following(self, page: Page) -> Page:
        """Return the page after another."""
        ...

    def interrupt(self) -> None:
        """End a request under way."""
        ...


class Watcher(Protocol):
    """Who is told how it goes."""

    def pulled(self, source: str, taken: Taken, stored_ms: int, success_ms: int) -> None:
        """Take note of a page that is durable and of the position after it."""
        ...

    def pull_failed(self, source: str, problem: Problem) -> None:
        """Take note of a fault that stopped a look."""
        ...


class _Seen(msgspec.Struct):
    """What the position needs of a statement, and what the profile filter needs."""

    stored: str | None = None
    context: msgspec.Raw = msgspec.Raw()


_seen = msgspec.json.Decoder(_Seen).decode


class Puller:
    """Reads one source. One thread at a time."""

    def __init__(
        self,
        name: str,
        source: PullSource,
        store: Store,
        intake: PulledIntake,
        cursors: CursorFile,
        now_ms: Callable[[], int],
        watcher: Watcher,
    ) -> None:
        self.name = name
        self.source = source
        self.store = store
        self._intake = intake
        self._cursors = cursors
        self._now_ms = now_ms
        self._watcher = watcher

    def cursor(self) -> Cursor:
        """Return the position, a new one when the settings ask for something else than before."""
        stored = self._cursors.load()
        digest = self.source.digest()
        if stored is None:
            return Cursor(source=digest, stored_ms=self.source.since_ms())
        if stored.source != digest:
            return msgspec.structs.replace(stored, source=digest, stored_ms=self.source.since_ms())
        return stored

    def look(self, going_on: Callable[[Cursor], bool] = lambda _: True) -> Cursor:
        """Read to the end of what the store has now and return the position.

        going_on: told the position after each page that is durable; False ends it there.
        Raises TransientError or PermanentError; the position then stands after the last page taken.
        """
        cursor = self.cursor()
        page = self.store.first(_since(cursor, self.source))
        newest = cursor.stored_ms
        ascending, empty, followed = True, 0, {page.more}
        while True:
            before = newest
            statements, newest, in_order = self._read(page, newest)
            ascending = ascending and in_order
            taken = self._intake.take(statements)
            last = not page.more
            # One page shows no order: only the page after it shows that nothing older was to come.
            settled = newest if last else before if ascending else cursor.stored_ms
            cursor = self._advance(cursor, page, taken, settled)
            if not going_on(cursor) or last:
                return cursor
            empty = 0 if page.statements else empty + 1
            page = self.store.following(page)
            if page.more and (page.more in followed or empty > EMPTY_PAGES_MAX):
                raise problems.endless(self.source.endpoint, f"more is {page.more[:200]!r} again and again")
            if len(followed) >= FOLLOWED_MAX:
                followed.clear()
            followed.add(page.more)

    @property
    def every_s(self) -> float:
        """Seconds between two looks."""
        return self.source.every_s

    def interrupt(self) -> None:
        """Cut the request under way, from another thread."""
        self.store.interrupt()

    def fail(self, problem: Problem) -> None:
        """Note a fault in the position, where `carrythrough pull --status` shows it."""
        self._watcher.pull_failed(self.name, problem)
        noted = msgspec.structs.replace(self.cursor(), error_code=problem.code, error=problem.sentence())
        self._cursors.save(noted)

    def close(self) -> None:
        """Let go of what it holds; safe to call twice."""
        self._intake.close()

    def _read(self, page: Page, newest: int) -> tuple[list[bytes], int, bool]:
        """Return the statements that pass the filter, the newest time stored, and whether they are in order."""
        kept: list[bytes] = []
        in_order = True
        for raw in page.statements:
            try:
                head = _seen(raw)
            except msgspec.DecodeError:
                head = _Seen()  # admission says what is wrong with it
            stored = formats.timestamp_ms(head.stored, rfc3339=False) if head.stored else None
            if stored is not None:
                in_order = in_order and stored >= newest - OVERLAP_MS
                newest = max(newest, stored)
            if not self.source.profile or _has_category(head.context, self.source.profile):
                kept.append(raw)
        return kept, newest, in_order

    def _advance(self, cursor: Cursor, page: Page, taken: Taken, stored_ms: int) -> Cursor:
        through = page.consistent_through and formats.timestamp_ms(page.consistent_through, rfc3339=False)
        if through:
            stored_ms = min(stored_ms, through)
        after = Cursor(
            source=cursor.source,
            stored_ms=max(cursor.stored_ms, stored_ms),
            read=cursor.read + len(page.statements),
            accepted=cursor.accepted + taken.accepted,
            known=cursor.known + taken.known,
            refused=cursor.refused + taken.refused,
            success_ms=self._now_ms(),
        )
        self._cursors.save(after)
        self._watcher.pulled(self.name, taken, after.stored_ms, after.success_ms)
        return after


def _since(cursor: Cursor, source: PullSource) -> str:
    """Return the `since` to ask with, "" for everything."""
    if cursor.stored_ms <= 0:
        return ""
    if cursor.stored_ms == source.since_ms():
        return source.since
    ms = cursor.stored_ms - OVERLAP_MS
    moment = dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


class _Category(msgspec.Struct):
    id: str = ""


class _Activities(msgspec.Struct):
    category: list[_Category] | _Category | None = None


class _Context(msgspec.Struct, rename="camel"):
    context_activities: _Activities | None = None


_context = msgspec.json.Decoder(_Context).decode


def _has_category(context: msgspec.Raw, profile: str) -> bool:
    """Say whether a statement's context names the profile; one that cannot be read does not."""
    try:
        around = _context(context).context_activities if bytes(context) else None
    except msgspec.DecodeError:
        return False
    if around is None or around.category is None:
        return False
    found = around.category if isinstance(around.category, list) else [around.category]
    return any(entry.id == profile for entry in found)
