"""The answer learner as bytes, to the last bit, in a size that does not grow with the number of answers.

MessagePack (msgspec) around raw arrays: a sparse list of the hashed weights that were ever moved, and
the counts of items and skills. A digest at the end tells a torn or altered image from a whole one.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np

from carrythrough.scoring.answer_features import DENSE
from carrythrough.scoring.answering import AnswerShadow, AnswerTrial
from carrythrough.scoring.learner import TABLE_MOST, Learner, Table
from carrythrough.scoring.tempering import Temper

IMAGE_VERSION: Final = 2
IMAGE_BYTES_MAX: Final = 40_000_000
"""A million weights of 20 bytes, two full tables of 24 bytes an entry, and the dense block: 34 MB at most."""
_DIGEST_BYTES: Final = 16


class _Image(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """All that an answer learner is. features: names of the dense block; another program's starts anew."""

    version: int
    features: tuple[str, ...]
    slots: int
    position: int
    answers: float
    successes: float
    weights: bytes
    covariance: bytes
    temper: Temper
    moved: bytes
    hashed: bytes
    gathered: bytes
    items: tuple[bytes, bytes]
    skills: tuple[bytes, bytes]
    trial: AnswerTrial


_decoder = msgspec.msgpack.Decoder(_Image)


def encode_shadow(shadow: AnswerShadow) -> bytes:
    """Return the bytes of a shadow, at most IMAGE_BYTES_MAX."""
    learner = shadow.learner
    hashed, gathered = np.frombuffer(learner.logit.hashed), np.frombuffer(learner.logit.gathered)
    moved = np.flatnonzero(gathered).astype(np.uint32)
    body = msgspec.msgpack.encode(
        _Image(
            version=IMAGE_VERSION,
            features=DENSE,
            slots=learner.logit.slots,
            position=shadow.position,
            answers=learner.answers,
            successes=learner.successes,
            weights=learner.logit.weights.tobytes(),
            covariance=learner.logit.covariance.tobytes(),
            temper=learner.temper,
            moved=moved.tobytes(),
            hashed=hashed[moved].tobytes(),
            gathered=gathered[moved].tobytes(),
            items=_table(learner.items),
            skills=_table(learner.skills),
            trial=shadow.trial,
        )
    )
    return body + blake2b(body, digest_size=_DIGEST_BYTES).digest()


def decode_shadow(image: bytes) -> AnswerShadow | None:
    """Return the shadow of its bytes; None for bytes that are torn, altered, or of another program."""
    body, digest = image[:-_DIGEST_BYTES], image[-_DIGEST_BYTES:]
    if blake2b(body, digest_size=_DIGEST_BYTES).digest() != digest:
        return None
    try:
        found = _decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    if found.version != IMAGE_VERSION or found.features != DENSE:
        return None
    learner = Learner(found.slots)
    learner.answers, learner.successes = found.answers, found.successes
    logit, many = learner.logit, len(DENSE)
    logit.weights = np.frombuffer(found.weights).copy()
    logit.covariance = np.frombuffer(found.covariance).reshape(many, many).copy()
    learner.temper = found.temper
    moved = np.frombuffer(found.moved, dtype=np.uint32)
    np.frombuffer(logit.hashed)[moved] = np.frombuffer(found.hashed)
    np.frombuffer(logit.gathered)[moved] = np.frombuffer(found.gathered)
    _fill(learner.items, found.items)
    _fill(learner.skills, found.skills)
    shadow = AnswerShadow(found.trial.rival, learner=learner, position=found.position)
    shadow.trial = found.trial
    return shadow


def _table(table: Table) -> tuple[bytes, bytes]:
    codes = np.fromiter(table.entries, dtype=np.uint32, count=len(table.entries))
    sums = np.array(list(table.entries.values()), dtype=np.float64)
    return codes.tobytes(), sums.tobytes()


def _fill(table: Table, stored: tuple[bytes, bytes]) -> None:
    codes = np.frombuffer(stored[0], dtype=np.uint32).tolist()
    sums = np.frombuffer(stored[1]).reshape(-1, 2).tolist()
    table.entries = {code: (n, a) for code, (n, a) in zip(codes[: 2 * TABLE_MOST], sums, strict=True)}
