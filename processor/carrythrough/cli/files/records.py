"""What a file gives: records to hand on, or what could not even become one, each with its line."""

from __future__ import annotations

from typing import Literal

import msgspec

from carrythrough.errors import Problem

RECORD_BYTES_MAX = 4 * 1024 * 1024
"""Bytes of one record; admission stops far below, and no more than this of a file is ever in memory."""
KEPT_BYTES_MAX = 64 * 1024
"""Bytes that are kept of a record that is larger than RECORD_BYTES_MAX; the file has the rest."""

Kind = Literal["statements", "events"]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One record as it stands in a file. line: of its first character, from 1. raw: its JSON text."""

    line: int
    raw: bytes


class Refused(msgspec.Struct, frozen=True):
    """A record that is not handed on, with the reason. raw: what the file has there, perhaps cut."""

    line: int
    raw: bytes
    problem: Problem


def broken(line: int, raw: bytes, detail: str, fix: str, *, code: str = "json-malformed") -> Refused:
    """Return the refusal of a piece of a file that is no record."""
    problem = Problem(
        code=code,
        status=400,
        title="A record is too large" if code == "record-too-large" else "Not JSON",
        detail=detail,
        where=f"line {line}",
        rule=f"Limit RECORD_BYTES_MAX = {RECORD_BYTES_MAX}" if code == "record-too-large" else "RFC 8259",
        fix=fix,
    )
    return Refused(line, raw[:KEPT_BYTES_MAX], problem)
