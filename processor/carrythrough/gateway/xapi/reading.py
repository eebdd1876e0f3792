"""What GET of statements answers: one statement, a page with a link to the next, with or without attachments.

Everything that reads or renders is done in a thread of its own pool, so that a large page holds nobody up and slow
queries wait for each other only.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import lru_cache, partial

import msgspec

from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.gateway.intake import Answer, Header
from carrythrough.gateway.xapi.more import Following, MoreTokens
from carrythrough.ports import Statements
from carrythrough.xapi import attachments, formats, rendering
from carrythrough.xapi.attachments import AttachmentLimits
from carrythrough.xapi.documents import etag_of, unchanged
from carrythrough.xapi.query import AttachmentData, StatementQuery, StoredStatement
from carrythrough.xapi.rendering import Format, Rendering

CONSISTENT_THROUGH = b"x-experience-api-consistent-through"
CONSISTENCY_KEPT_S = 0.05
"""How long the time of consistency is said again without looking: it only rises, so an older one holds."""
CONSISTENCY_WAIT_S = 0.05
"""How long an answer waits for a fresh time of consistency while the store is busy with queries."""
QUERIES_MAX = 8
"""Queries answered at once; more wait their turn."""
QUERIES_WAITING_MAX = 200
"""Queries under way or waiting; at 20 ms each the last one waits half a second, and further ones come again later."""

Observe = Callable[[int, float], None]
"""Takes the number of statements of an answer and the seconds that it took."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer shows statements.

    languages: wanted, best first. mine: whose statements alone may be seen, "" for everybody's. path: of the
    resource, where `more` links begin.
    """

    format: Format
    attachments: bool
    languages: tuple[str, ...]
    mine: str
    path: str


class StatementReading:
    """Answers GET requests from stored statements."""

    def __init__(
        self,
        statements: Statements,
        tokens: MoreTokens,
        authority_home: str,
        limits: AttachmentLimits,
        observe: Observe = lambda _, __: None,
    ) -> None:
        """authority_home: home page of the accounts that stand for credentials (Data 2.4.9)."""
        self._statements = statements
        self._tokens = tokens
        self._authority_home = authority_home
        self._limits = limits
        self._observe = observe
        self._queries = ThreadPoolExecutor(QUERIES_MAX, thread_name_prefix="statements")
        self._under_way = 0
        # Those who store must not wait for those who read.
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="consistency")
        self._through = _consistent(0)
        self._looked_s = -math.inf
        self._look: asyncio.Future[int] | None = None

    async def consistent_through(self) -> Header:
        """Return the header that says up to when everything stored can be found (Communication 2.1.3.s2.b5).

        Never raises and never waits long: the time that was read last is true as well.
        """
        if time.monotonic() - self._looked_s >= CONSISTENCY_KEPT_S:
            if self._look is None or self._look.done():
                look = self._statements.consistent_through_ms
                self._look = asyncio.get_running_loop().run_in_executor(self._looks, look)
                self._look.add_done_callback(self._looked)
            await asyncio.wait({self._look}, timeout=CONSISTENCY_WAIT_S)
        return self._through

    def _looked(self, look: asyncio.Future[int]) -> None:
        if not look.cancelled() and look.exception() is None:
            self._through, self._looked_s = _consistent(look.result()), time.monotonic()

    async def one(self, id_: bytes, shown: Shown, *, voided: bool) -> Answer:
        """Answer with the statement with this id; raises PermanentError 404, and as `page`."""
        return await self._in_turn(partial(self._one, id_, shown, voided=voided))

    async def page(self, query: StatementQuery, shown: Shown) -> Answer:
        """Answer with one page of what a query finds; raises TransientError 503 when too many are under way."""
        return await self._in_turn(partial(self._page, query, shown))

    async def _in_turn(self, ask: Callable[[], tuple[Answer, int]]) -> Answer:
        if self._under_way >= QUERIES_WAITING_MAX:
            raise TransientError(_TOO_MANY, retry_after_s=1.0)
        started_s = time.perf_counter()
        self._under_way += 1
        try:
            answer, count = await asyncio.get_running_loop().run_in_executor(self._queries, ask)
        finally:
            self._under_way -= 1
        self._observe(count, time.perf_counter() - started_s)
        return answer

    async def following(self, token: str, shown: Shown) -> Answer:
        """Answer with the page that a `more` link leads to; raises PermanentError 400 for a link of nobody's."""
        following = self._tokens.following(token)
        shown = msgspec.structs.replace(shown, format=following.format, attachments=following.attachments)
        return await self.page(following.query, shown)

    def _one(self, id_: bytes, shown: Shown, *, voided: bool) -> tuple[Answer, int]:
        through = _consistent(self._statements.consistent_through_ms())
        stored = self._statements.statement(id_, voided=voided)
        if stored is None or (shown.mine and stored.credential != shown.mine):
            raise PermanentError(_not_found(id_, voided=voided))
        body = self._rendering(shown).statement(stored)
        modified = formatdate(stored.stored_ms // 1_000, usegmt=True).encode()
        return self._answer(body, [stored], shown, (through, (b"last-modified", modified))), 1

    def _page(self, query: StatementQuery, shown: Shown) -> tuple[Answer, int]:
        found = self._statements.page(msgspec.structs.replace(query, credential=shown.mine))
        rendering_ = self._rendering(shown)
        more = ""
        if found.more_after:
            after = msgspec.structs.replace(query, credential="", after=found.more_after, up_to=found.up_to)
            token = self._tokens.token(Following(after, shown.format, shown.attachments))
            more = f"{shown.path}/more/{token}"
        body = rendering.result([rendering_.statement(stored) for stored in found.statements], more)
        headers = (_consistent(found.consistent_through_ms),)
        return self._answer(body, found.statements, shown, headers), len(found.statements)

    def _rendering(self, shown: Shown) -> Rendering:
        return Rendering(
            authority_home=self._authority_home,
            format=shown.format,
            languages=shown.languages,
            activity=lru_cache(maxsize=None)(self._statements.activity),
        )

    def _answer(
        self, body: bytes, stored: list[StoredStatement], shown: Shown, headers: tuple[Header, ...]
    ) -> Answer:
        if not shown.attachments:
            return Answer(200, body, headers=headers)
        body, media_type = attachments.join(body, self._attached(stored))
        return Answer(200, body, media_type.encode(), headers)

    def _attached(self, stored: Iterable[StoredStatement]) -> list[AttachmentData]:
        """Return each attachment that came with its data once, in the order in which statements name them."""
        named = dict.fromkeys(sha2 for one in stored for sha2 in _named(one.raw))
        known = self._statements.attachments(named) if named else {}
        found = [known[sha2] for sha2 in named if sha2 in known]
        size = sum(len(data.data) for data in found)
        if size > self._limits.answer_bytes_max:
            raise PermanentError(_too_large(size, self._limits.answer_bytes_max))
        return found


def tagged(answer: Answer, if_none_match: bytes | None) -> Answer:
    """Return the answer with the entity tag of its body, without the body where the client has it already.

    RFC 9110, 8.8.3 and 13.1.2. A statement never changes, but how it is shown does, and so may its attachments.
    """
    etag = etag_of(answer.body)
    headers = (*answer.headers, (b"etag", etag.encode()))
    given = None if if_none_match is None else if_none_match.decode("latin-1")
    if unchanged(etag, given):
        return Answer(304, headers=headers)
    return Answer(answer.status, answer.body, answer.media_type, headers)


def _named(raw: bytes) -> Iterator[str]:
    if b'"attachments"' not in raw:
        return
    statement = msgspec.json.decode(raw, type=_Attaching)
    for attaching in (statement, statement.object):
        for attachment in attaching.attachments:
            yield attachment.sha2.lower()


class _Attached(msgspec.Struct, frozen=True, gc=False):
    sha2: str


class _Inner(msgspec.Struct, frozen=True):
    attachments: tuple[_Attached, ...] = ()


class _Attaching(_Inner, frozen=True):
    object: _Inner = _Inner()


def _consistent(ms: int) -> Header:
    return (CONSISTENT_THROUGH, rendering.time_text(ms).encode())


def _not_found(id_: bytes, *, voided: bool) -> Problem:
    what = "voided statement" if voided else "statement that is not voided"
    return Problem(
        code="statement-not-found",
        status=404,
        title="There is no such statement",
        detail=f"there is no {what} with the id {formats.uuid_text(id_)}",
        where="voidedStatementId" if voided else "statementId",
        rule="Communication 2.1.3 and 2.1.4.s1.b1: a voided statement is given out for voidedStatementId only",
        fix="look at the id; ask for a voided statement with voidedStatementId, for another with statementId",
    )


_TOO_MANY = Problem(
    code="queries-waiting",
    status=503,
    title="Too much at once",
    detail=f"{QUERIES_WAITING_MAX} queries for statements are under way or wait",
    rule=f"Limit QUERIES_WAITING_MAX = {QUERIES_WAITING_MAX}",
    fix="send the request again after Retry-After seconds",
)


def _too_large(size: int, size_max: int) -> Problem:
    return Problem(
        code="attachments-too-large",
        status=400,
        title="The attachments are too large for one answer",
        detail=f"the statements of this page have {size} bytes of attachments",
        where="attachments",
        rule=f"Limit answer_bytes_max = {size_max}",
        fix="ask for fewer statements at a time (limit), or without their attachments",
    )
