"""A batch to a target: what it refuses is found by halving, so that one statement never holds up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carrythrough.forward.items import Item
from carrythrough.forward.progress import Refused
from carrythrough.forward.remote import RemoteLrs, Reply, Verdict
from carrythrough.xapi.comparison import same_statement

REQUEST_BYTES_MAX = 4 << 20
"""Bytes of one request; a single statement may be longer and goes alone."""
_OVERLOADED = frozenset({408, 425, 429, 503})
"""Statuses that say nothing of the statements themselves."""


class NotNowError(Exception):
    """The target cannot take statements at present; nothing of the batch is settled."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


class Sending:
    """One delivery of a batch.

    isolate: also look for a single statement that the target breaks on (HTTP 500), when it has broken
    for days. A target that breaks on all of them is broken itself, and then nothing is settled.
    """

    def __init__(self, remote: RemoteLrs, *, isolate: bool = False) -> None:
        self._remote = remote
        self._isolate = isolate
        self._stored = 0
        self._broken: list[tuple[Item, Reply]] = []
        self.refused: list[Refused] = []

    def deliver(self, items: Sequence[Item]) -> list[Refused]:
        """Send all items; return what was refused for good. Raises NotNowError."""
        for run in runs(items):
            self._send(run)
        if self._broken and not self._stored:
            raise NotNowError(self._broken[0][1])
        self.refused += [_refused(item, reply) for item, reply in self._broken]
        return self.refused

    def _send(self, items: Sequence[Item]) -> None:
        reply = self._remote.post(items)
        if reply.verdict is Verdict.STORED:
            self._stored += len(items)
            return
        broken = self._isolate and reply.verdict is Verdict.AGAIN and reply.status not in _OVERLOADED
        if reply.verdict not in (Verdict.CONFLICT, Verdict.REFUSED) and not broken:
            raise NotNowError(reply)
        if len(items) > 1:
            middle = len(items) // 2
            self._send(items[:middle])
            self._send(items[middle:])
        elif broken:
            self._broken.append((items[0], reply))
        else:
            self._settle(items[0], reply)

    def _settle(self, item: Item, reply: Reply) -> None:
        """Keep a single statement as refused, unless the target has it already."""
        if reply.verdict is Verdict.CONFLICT:
            there = self._remote.statement(item.id, item.version)
            # A target that does not give it out to us says by its 409 that the id is there.
            difference = "" if there is None else _difference(item.text, there)
            if not difference:
                self._stored += 1
                return
            reply = Reply(
                verdict=reply.verdict,
                status=reply.status,
                reason=f"the target has another statement under this id: {difference}",
            )
        self.refused.append(_refused(item, reply))


def runs(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield what can go in one request: neighbours of one version, up to REQUEST_BYTES_MAX."""
    run: list[Item] = []
    size = 0
    for item in items:
        if run and (item.version != run[0].version or size + item.size > REQUEST_BYTES_MAX):
            yield run
            run, size = [], 0
        run.append(item)
        size += item.size
    if run:
        yield run


def _difference(ours: bytes, theirs: bytes) -> str:
    try:
        return same_statement(ours, theirs)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "and what it answers with is no statement"


def _refused(item: Item, reply: Reply) -> Refused:
    return Refused(
        key=item.key,
        id=item.id,
        version=item.version,
        status=reply.status,
        reason=reply.reason,
        text=item.text,
    )
