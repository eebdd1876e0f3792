"""A contested piece of evidence: the record in the log that sets it aside or restores it.

The record is the audit: who asked, when (log append time), why, and which pieces. What it
changes is exact: a piece set aside leaves the score that would have been without it, and a
restored one gives back the bytes that were there before.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.evidence.types import Channel
from carrythrough.pipeline.records import Piece

PIECES_MAX = 100
"""Pieces named by one contest: a statement maps to a handful of skills."""
REASON_CHARACTERS_MAX = 1_000

_CHANNELS = {channel.name.lower(): int(channel) for channel in Channel}


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about pieces of evidence.

    evidence: ids as explanations show them, "source/skill/channel". restore: give back in place of
    set aside. by: name of the credential that asked. reason: in words, for the audit. subject: whose
    evidence it is, for the audit; the fold finds it by the ids. request: id (hex) of the answer to an action
    that it settles, in which somebody disagreed with a score; only then may evidence be empty: nothing was wrong.
    """

    evidence: Annotated[tuple[str, ...], Meta(max_length=PIECES_MAX)]
    by: Annotated[str, Meta(max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_CHARACTERS_MAX)]
    restore: bool = False
    subject: Annotated[str, Meta(max_length=200)] = ""
    request: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?$")] = ""

    def pieces(self) -> tuple[Piece, ...]:
        """Return what the ids name; raises ValueError for text that is no evidence id."""
        return tuple(piece_of(text) for text in self.evidence)


_decoder = msgspec.json.Decoder(Contest)


def encode_contest(contest: Contest) -> bytes:
    """Return the bytes of a contest for the log."""
    return msgspec.json.encode(contest)


def decode_contest(content: str | bytes) -> Contest:
    """Return the contest of a log record; raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(content)


def evidence_id(piece: Piece) -> str:
    """Return the evidence id of a piece: "<32 hex digits>/<skill>/<channel>"."""
    source, skill, channel = piece
    return f"{source.hex()}/{skill}/{Channel(channel).name.lower()}"


def piece_of(text: str) -> Piece:
    """Return what an evidence id names; raises ValueError for text that is none."""
    parts = text.split("/")
    if len(parts) != 3 or len(parts[0]) != 32 or parts[2] not in _CHANNELS:
        raise ValueError(text)
    return bytes.fromhex(parts[0]), parts[1], _CHANNELS[parts[2]]
