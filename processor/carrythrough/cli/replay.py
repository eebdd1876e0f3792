"""`carrythrough quarantine replay`: what lenient senders got wrong is judged again, as of today."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import note, plural, say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem
from carrythrough.pipeline.records import Kind
from carrythrough.xapi import lenient
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.lenient import Kept, Lenient, Refused, Repaired

BATCH = 200
"""Statements in one submission: they become durable together, and one commit costs little."""


class Replayed(msgspec.Struct, frozen=True):
    """What became of one entry: "stored", "repaired" (and stored), "known" (stored before) or "refused"."""

    position: int
    outcome: str
    id: str = ""
    problem: Problem | None = None


def replay_quarantine(
    *entries: Annotated[int, Parameter(help="Positions as `quarantine list` names them (default: all).")],
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Judge statements that were set aside from lenient senders again, and store those that pass now.

    Of use after an update that knows more repairs. They are stored in the name of the credential that sent them,
    count at their own timestamp (without one: now), and once, however often they are replayed. What still
    breaks a rule stays where it is: mend it with `quarantine export` and `ingest`. The exit code is 1 while some do.

    The server of the data folder must not be running.

    For example:

    ```sh
    carrythrough quarantine replay --data-dir data
    carrythrough quarantine replay 4711 4712 --data-dir data --json
    ```
    """
    target = target or Target()
    if target.server() is not None:
        raise wrong_usage(
            "a server does not replay what it set aside",
            "end it, and replay on its data folder with --data-dir",
            where="--url",
        )
    found = _replayed(_kept(target, entries), target)
    counts = Counter(one.outcome for one in found)
    still = [one for one in found if one.problem is not None]
    if json:
        say_json({"counts": counts, "entries": msgspec.to_builtins(found)})
        return 1 if still else 0
    if not found:
        say("No statement of a lenient sender is in the quarantine.")
        return 0
    say(f"{plural(len(found), 'statement')} judged again", "bold")
    for word, what in (
        ("stored", "stored"),
        ("repaired", "repaired and stored"),
        ("known", "stored before"),
        ("refused", "still refused"),
    ):
        say(f"  {what:<21}{counts[word]:>8,}")
    for code, number in Counter(one.problem.code for one in still if one.problem).most_common():
        say(f"    {code:<19}{number:>8,}", "dim")
    if still:
        note(f"One of them in full: carrythrough quarantine show {still[0].position} …")
    return 1 if still else 0


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
    from carrythrough.cli.importing.folder_delivery import open_for_import

    if not kept:
        return []
    runtime = open_for_import(target.settings())
    try:
        found = [one for batch in _batches(kept) for one in _judged(batch, runtime)]
        while runtime.state.position < runtime.log.end:
            time.sleep(0.02)
    finally:
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


def _judged(batch: Sequence[tuple[int, Kept]], runtime: Any) -> list[Replayed]:
    sender = lenient.Sender(
        credential=batch[0][1].credential, version=batch[0][1].version, now_ms=runtime.clock.now_ms()
    )
    found: dict[int, Replayed] = {}
    passed: list[tuple[int, Lenient]] = []
    for position, kept in batch:
        item = _again(kept, sender)
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


def _again(kept: Kept, sender: lenient.Sender) -> Lenient:
    raw = kept.raw()
    try:
        [item] = lenient.admit(b"[" + raw + b"]", Limits(), sender)
    except PermanentError as refused:
        return lenient.set_aside(raw, refused.problem, sender)
    return item


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
