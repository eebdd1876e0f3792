"""The record that brings a model version into force: the model itself, who decided, and by which comparison."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.scoring.head import Model
from carrythrough.scoring.promotion import check


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What was activated. comparison: figures of the old and the new one that were shown before it."""

    model: Model
    by: Annotated[str, Meta(max_length=200)] = ""
    comparison: dict[str, float] = {}


_decoder = msgspec.json.Decoder(ModelVersion)


def encode_version(version: ModelVersion) -> bytes:
    """Return the bytes of a version for the log."""
    return msgspec.json.encode(version)


def decode_version(content: str | bytes) -> ModelVersion:
    """Return the version of a log record; raises msgspec.ValidationError or DecodeError.

    Raises PermanentError (model-invalid) for a model that cannot score.
    """
    version = _decoder.decode(content)
    check(version.model)
    return version
