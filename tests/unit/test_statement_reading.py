"""Proves what reading does when queries pile up and when the store cannot say up to when it is consistent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import pytest

from carrythrough.errors import Problem, TransientError
from carrythrough.gateway.xapi.more import MoreTokens
from carrythrough.gateway.xapi.reading import CONSISTENCY_KEPT_S, QUERIES_WAITING_MAX, Shown, StatementReading
from carrythrough.xapi.attachments import AttachmentLimits
from carrythrough.xapi.query import AttachmentData, StatementPage, StatementQuery

SHOWN = Shown(format="exact", attachments=False, languages=(), mine="", path="/xapi/statements")
DISK = Problem(code="disk-error", status=503, title="t", detail="d", rule="r", fix="f")


class Slow:
    """Stored statements, none of which comes before `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.through_ms: int | None = 1_700_000_000_000
        self.busy = False

    def statement(self, id_: bytes, *, voided: bool) -> None:
        return None

    def page(self, query: StatementQuery) -> StatementPage:
        self.go.wait(20)
        return StatementPage(statements=[], more_after=0, up_to=0, consistent_through_ms=0)

    def attachments(self, sha2s: Iterable[str]) -> dict[str, AttachmentData]:
        return {}

    def activity(self, id_: str) -> None:
        return None

    def consistent_through_ms(self) -> int:
        if self.busy:
            self.go.wait(20)
        if self.through_ms is None:
            raise TransientError(DISK)
        return self.through_ms


def reading(store: Slow, seen: list[int] | None = None) -> StatementReading:
    def observe(count: int, seconds: float) -> None:
        assert seconds >= 0
        if seen is not None:
            seen.append(count)

    return StatementReading(store, MoreTokens(b"k"), "https://lrs.example.org", AttachmentLimits(), observe)


def test_queries_that_pile_up_are_turned_away_and_storing_is_not_held_up():
    async def scenario() -> None:
        store, seen = Slow(), []
        slow = reading(store, seen)
        waiting = [
            asyncio.create_task(slow.page(StatementQuery(), SHOWN)) for _ in range(QUERIES_WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TransientError) as refused:
            await slow.page(StatementQuery(), SHOWN)
        assert (refused.value.problem.code, refused.value.problem.status) == ("queries-waiting", 503)
        header = await asyncio.wait_for(slow.consistent_through(), 5)
        assert header == (b"x-experience-api-consistent-through", b"2023-11-14T22:13:20.000Z")
        store.go.set()
        answers = await asyncio.gather(*waiting)
        assert {answer.body for answer in answers} == {b'{"statements":[],"more":""}'}
        assert (await slow.page(StatementQuery(), SHOWN)).status == 200
        assert seen == [0] * (QUERIES_WAITING_MAX + 1)

    asyncio.run(scenario())


def test_a_time_that_cannot_be_read_is_the_last_one_that_could():
    async def scenario() -> None:
        store = Slow()
        store.through_ms = None
        broken = reading(store)
        assert (await broken.consistent_through())[1] == b"1970-01-01T00:00:00.000Z"
        store.through_ms = 1_000
        assert (await broken.consistent_through())[1] == b"1970-01-01T00:00:01.000Z"
        store.through_ms = None
        await asyncio.sleep(2 * CONSISTENCY_KEPT_S)
        assert (await broken.consistent_through())[1] == b"1970-01-01T00:00:01.000Z"

    asyncio.run(scenario())


def test_who_stores_does_not_wait_for_a_busy_store():
    async def scenario() -> None:
        store = Slow()
        slow = reading(store)
        fresh = await slow.consistent_through()
        store.busy, store.through_ms = True, 1_700_000_009_000
        await asyncio.sleep(2 * CONSISTENCY_KEPT_S)
        for _ in range(3):
            assert await asyncio.wait_for(slow.consistent_through(), 5) == fresh
        store.go.set()
        await asyncio.sleep(0.02)
        assert (await slow.consistent_through())[1] == b"2023-11-14T22:13:29.000Z"

    asyncio.run(scenario())
