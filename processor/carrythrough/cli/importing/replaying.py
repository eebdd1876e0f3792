"""Judging again what lenient senders got wrong: from the log of a data folder, through admission, into the log.

Nothing is taken out of the log: what is stored now is known the next time, by its id or its content.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.cli.importing.folder_delivery import POLL_S, open_for_import
from carrythrough.cli.target import Target, open_reader
from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError, Problem
from carrythrough.pipeline.records import Kind
from carrythrough.xapi import lenient
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.lenient import Kept, Lenient, Refused, Repaired

BATCH = 200
"""Statements in one submission: they become durable together, and one commit costs little."""
_SHA2 = re.compile(rb"\b[0-9A-Fa-f]{56,128}\b")


class Replayed(msgspec.Struct, frozen=True):
    """What became of one entry: "stored", "repaired" (and stored), "known" (stored before) or "refused"."""

    position: int
    outcome: str
    id: str = ""
    problem: Problem | None = None


def replayed(target: Target, entries: Sequence[int]) -> list[Replayed]:
    """Judge these refused statements of a folder again (all without any named), and say what became of each.

    Raises PermanentError for a position that is none, and for a folder that a server is running on.
    """
    return _replayed(_kept(target, entries), target)


def _kept(target: Target, entries: Sequence[int]) -> list[tuple[int, Kept]]:
    """Return the refused statements of the folder with their positions, oldest first."""
    with open_reader(target) as opened:
        reader: Any = opened
        aside = {entry["position"]: entry["kind"] for entry in reader.set_aside(2**62)}
        for entry in entries:
            if aside.get(entry) != Kind.REFUSED:
                raise _not_refused(entry)
        positions = sorted(set(entries)) or sorted(p for p, kind in aside.items() if kind == Kind.REFUSED)
        rows = [(position, reader.row(position)) for position in positions]
        return [(position, lenient.read_kept(row.raw)) for position, row in rows if row is not None]


def _replayed(kept: Sequence[tuple[int, Kept]], target: Target) -> list[Replayed]:
    """Return what became of each, in order."""
    if not kept:
        return []
    settings = target.settings()
    runtime = open_for_import(settings)
    data = AttachmentFile(Path(settings.data_dir) / "attachments.sqlite")
    try:
        found = [one for batch in _batches(kept) for one in _judged(batch, runtime, data)]
        while runtime.state.position < runtime.log.end:
            time.sleep(POLL_S)
    finally:
        data.close()
        runtime.stop()
    return found


def _batches(kept: Sequence[tuple[int, Kept]]) -> Iterator[list[tuple[int, Kept]]]:
    """Yield runs of one sender and version, bounded by BATCH."""
    batch: list[tuple[int, Kept]] = []
    for entry in kept:
        one = entry[1]
        first = batch[0][1] if batch else one
        if len(batch) == BATCH or (one.credential, one.version) != (first.credential, first.version):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _judged(batch: Sequence[tuple[int, Kept]], runtime: Embedded, data: AttachmentFile) -> list[Replayed]:
    sender = lenient.Sender(
        credential=batch[0][1].credential, version=batch[0][1].version, now_ms=runtime.clock.now_ms()
    )
    found: dict[int, Replayed] = {}
    passed: list[tuple[int, Lenient]] = []
    for position, kept in batch:
        item = _again(kept, sender, data)
        if isinstance(item, Refused):
            found[position] = Replayed(position, "refused", problem=item.problem)
        else:
            passed.append((position, item))
    if passed:
        items = [item for _, item in passed]
        receipt = asyncio.run(
            runtime.submit_statements(items, sender.credential, sender.version, lenient=True)
        )
        for place, (position, item) in enumerate(passed):
            problem = receipt.problems.get(place)
            word = "repaired" if isinstance(item, Repaired) else "stored"
            word = "refused" if problem is not None else "known" if receipt.known[place] else word
            found[position] = Replayed(position, word, receipt.ids[place], problem)
    return [found[position] for position, _ in batch]


def _again(kept: Kept, sender: lenient.Sender, data: AttachmentFile) -> Lenient:
    """Return what becomes of a statement now. What was attached to its request was kept beside the log."""
    raw, limits = kept.raw(), Limits()
    received = data.read(sha2.decode().lower() for sha2 in _SHA2.findall(raw))
    sender = msgspec.structs.replace(sender, received=frozenset(received))
    try:
        [item] = lenient.admit(b"[" + raw + b"]", limits, sender)
    except PermanentError as refused:
        return lenient.set_aside(raw, refused.problem, sender)
    return lenient.signed(item, sender, received, limits)


def _not_refused(entry: int) -> PermanentError:
    return PermanentError(
        Problem(
            code="entry-unknown",
            status=404,
            title="There is no such entry",
            detail=f"position {entry} is no statement that was set aside from a lenient sender",
            where="ENTRY",
            rule="only what a lenient sender sent is replayed; what scoring failed on is stored already",
            fix="`carrythrough quarantine list` names them",
        )
    )
