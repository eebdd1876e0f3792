"""The versioned, compact codec of state: the same state gives the same bytes in every shell.

MessagePack arrays (msgspec). Integers over 64 bits are split into a signed high
part and 62 low bits. Dictionary order never reaches the bytes: keys are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from carrythrough.errors import BugError, Problem
from carrythrough.scoring.state import LearnerState, OutcomeChannel, PairState, Published

STATE_VERSION = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_LOW = (1 << 62) - 1
_REACHED_SINCE = 4
"""State version from which headers know requests, the newest push of each action, and what waits."""


def encode_pair(pair: PairState) -> bytes:
    """Return the bytes of a whole pair state."""
    return _encode([STATE_VERSION, *_evidence_half(pair), _published(pair.published)])


def encode_pair_evidence(pair: PairState) -> bytes:
    """Return the bytes of the evidence half only: identical for the same set of evidence in any order."""
    return _encode([STATE_VERSION, *_evidence_half(pair)])


def decode_pair(blob: bytes) -> PairState:
    """Return the pair state of its bytes; raises BugError for a version that we do not know."""
    parts = _decode(blob)
    _check_version(parts[0])
    pair = PairState.__new__(PairState)
    pair.own = 0b1111
    pair.channels = [None if c is None else _channel_from(c) for c in parts[1]]
    flat = parts[2]
    pair.counts = [(flat[0], flat[1]), (flat[2], flat[3]), (flat[4], flat[5])]
    pair.first_ms = flat[6]
    pair.published = _published_from(parts[3])
    return pair


def version_of(blob: bytes) -> int:
    """Return the state version that wrote the bytes of a pair or a header."""
    return int(_decode(blob)[0])


def decode_published(blob: bytes) -> Published:
    """Return the published half of a pair of any state version so far: its last part in all of them."""
    return _published_from(_decode(blob)[-1])


def decode_reached(blob: bytes) -> LearnerState:
    """Return a learner with all but the evidence of a header of any state version so far."""
    parts = _decode(blob)
    learner = LearnerState()
    _reach(learner, parts[-5:] if parts[0] >= _REACHED_SINCE else ((), (), (), *parts[-2:]))
    return learner


def _reach(learner: LearnerState, parts: Sequence[Any]) -> None:
    asked, sent, waiting, pushes, refresh_ms = parts
    learner.asked = tuple(asked)
    learner.sent = tuple((action, t_ms) for action, t_ms in sent)
    learner.waiting = tuple((due_ms, body) for due_ms, body in waiting)
    learner.pushes = tuple(pushes)
    learner.refresh_ms = int(refresh_ms)


def _published_from(parts: list[int]) -> Published:
    published = Published.__new__(Published)
    (
        published.sequence, published.as_of_ms, published.due_ms, published.action_ms, published.decision_ms,
        published.score, published.stage, published.armed, published.ignored, published.signature,
    ) = parts[:10]  # fmt: skip
    published.rest_ms = parts[10] if len(parts) > 10 else 0  # since state version 4
    return published


def encode_header(learner: LearnerState) -> bytes:
    """Return the bytes of the header of an employee (everything but the pairs)."""
    reached = (learner.asked, learner.sent, learner.waiting, learner.pushes, learner.refresh_ms)
    return _encode([STATE_VERSION, _sums(learner.sums), learner.recent, *reached])


def decode_header(blob: bytes) -> LearnerState:
    """Return a learner without pairs from the bytes of its header; raises BugError as `decode_pair`."""
    parts = _decode(blob)
    _check_version(parts[0])
    _, sums, recent, *reached = parts
    learner = LearnerState()
    learner.sums = _sums_from(sums)
    learner.recent = tuple((t, source, skill, item, y) for t, source, skill, item, y in recent)
    _reach(learner, reached)
    return learner


def encode_learner_evidence(learner: LearnerState) -> bytes:
    """Return the evidence half of a whole employee, for comparing folds bit for bit.

    A pair whose evidence was all voided reads like one that never had any.
    """
    halves = [[skill, encode_pair_evidence(pair)] for skill, pair in sorted(learner.pairs.items())]
    pairs = [half for half in halves if half[1] != _EMPTY_PAIR]
    return _encode([STATE_VERSION, _sums(learner.sums), learner.recent, pairs])


def encode_learner(learner: LearnerState) -> bytes:
    """Return a whole employee, published half included."""
    pairs = [[skill, encode_pair(pair)] for skill, pair in sorted(learner.pairs.items())]
    return _encode([encode_header(learner), pairs])


def _check_version(version: int) -> None:
    if version != STATE_VERSION:
        raise BugError(
            Problem(
                code="state-version-unknown",
                status=500,
                title="State was written by another version",
                detail=f"state version {version}, this program knows {STATE_VERSION}",
                rule="state versions are read only by a program that knows them",
                fix="run the version that wrote it, or replay the log with this one",
            )
        )


def _evidence_half(pair: PairState) -> list[Any]:
    (en, et), (sn, st), (vn, vt) = pair.counts
    return [
        [None if c is None else _channel(c) for c in pair.channels],
        [en, et, sn, st, vn, vt, pair.first_ms],
    ]


def _channel(c: OutcomeChannel) -> list[Any]:
    return [c.count, c.success, c.opportunities, c.last_ms, c.success_ms, c.newest, _sums(c.sums)]


def _channel_from(parts: list[Any]) -> OutcomeChannel:
    c = OutcomeChannel.__new__(OutcomeChannel)
    c.count, c.success, c.opportunities, c.last_ms, c.success_ms, newest, sums = parts
    c.newest = tuple((t, source, y) for t, source, y in newest)
    c.sums = _sums_from(sums)
    return c


def _published(p: Published) -> list[int]:
    return [
        p.sequence, p.as_of_ms, p.due_ms, p.action_ms, p.decision_ms,
        p.score, p.stage, p.armed, p.ignored, p.signature, p.rest_ms,
    ]  # fmt: skip


def _sums(sums: dict[int, tuple[int, int, int]]) -> list[int]:
    flat: list[int] = []
    for key in sorted(sums):
        n, a, r = sums[key]
        flat += (key, n >> 62, n & _LOW, a >> 62, a & _LOW, r >> 62, r & _LOW)
    return flat


def _sums_from(flat: list[int]) -> dict[int, tuple[int, int, int]]:
    return {
        flat[i]: (
            flat[i + 1] << 62 | flat[i + 2],
            flat[i + 3] << 62 | flat[i + 4],
            flat[i + 5] << 62 | flat[i + 6],
        )
        for i in range(0, len(flat), 7)
    }


_EMPTY_PAIR = encode_pair_evidence(PairState())
