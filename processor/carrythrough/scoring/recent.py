"""The newest answers of one employee over all skills: what was asked last, and how it went.

A top-k by (event time, source), so it is a function of the set of evidence, whatever the arrival
order. Skills and items are kept as 32-bit codes: what reads them (`scoring.learner`) hashes anyway,
and eight answers then take about 270 bytes beside all pairs of an employee.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

RECENT_KEPT: Final = 8
_TAIL: Final = 8
"""Bytes of the source that break ties: its end, because the start of a UUID version 7 is a time."""

Entry = tuple[int, bytes, int, int, int]
"""(event time ms, end of the source, skill code, item code, y)."""
Recent = tuple[Entry, ...]
"""Newest last. An answer about several skills is one entry, under the smallest of their codes."""


def entry(t_ms: int, source: bytes, skill: str, item: str, y: int) -> Entry:
    """Return the entry of one answer; t_ms: ms since the epoch, y: 0..Y_ONE."""
    return (t_ms, source[-_TAIL:], crc32(skill.encode()), crc32(item.encode()), y)


def noted(recent: Recent, new: Entry) -> Recent:
    """Return `recent` with one more answer, cut to the newest RECENT_KEPT."""
    if not recent or (new[0], new[1]) > (recent[-1][0], recent[-1][1]):
        return (*recent[-(RECENT_KEPT - 1) :], new)
    return joined(recent, (new,))


def joined(a: Recent, b: Iterable[Entry]) -> Recent:
    """Return the newest RECENT_KEPT answers of both, each source once."""
    by_answer: dict[tuple[int, bytes], Entry] = {}
    for one in (*a, *b):
        key = (one[0], one[1])
        before = by_answer.get(key)
        if before is None or one < before:
            by_answer[key] = one
    return tuple(by_answer[key] for key in sorted(by_answer)[-RECENT_KEPT:])
