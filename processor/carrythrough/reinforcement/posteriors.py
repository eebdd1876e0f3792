"""What is believed about how much a push helps: normal posteriors of its gain over sending nothing.

A version is frozen and comes into force by a record in the log, as versions of the scoring head do, so that every
choice can be made again. The gain is a difference of probabilities: of practice or an answer within 48 hours with
the push, less the same without it. Cells are for (stage, action, channel), with coarser ones behind them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from carrythrough.errors import PermanentError, Problem

CELLS_MAX = 5_000
"""Cells of one version: stages times actions times adapters, with room."""
Mean = Annotated[float, Meta(ge=-1.0, le=1.0)]
Deviation = Annotated[float, Meta(gt=0.0, le=1.0)]


class Cell(msgspec.Struct, frozen=True):
    """Posterior of one gain: mean (-1..1), standard deviation, and the decisions behind it."""

    mean: Mean
    sd: Deviation
    decisions: int = 0


PRIOR = Cell(0.06, 0.08)
"""Before anything is known: pushes likely help a little, and may do nothing or harm (P(gain < 0) is 0.23)."""


class Posteriors(msgspec.Struct, frozen=True, kw_only=True):
    """One version. name: unique. cells: by `key_of`. decisions: learnt from. recovery_days: see `choice.recovered`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    cells: Annotated[dict[str, Cell], Meta(max_length=CELLS_MAX)] = {}
    prior: Cell = PRIOR
    recovery_days: Annotated[float, Meta(gt=0.0, le=365.0)] = 7.0
    decisions: int = 0

    def cell(self, stage: str, action: str, channel: str) -> Cell:
        """Return the finest cell that there is for a context, the prior where there is none."""
        for key in keys_of(stage, action, channel):
            found = self.cells.get(key)
            if found is not None:
                return found
        return self.prior


SHIPPED_PRIOR = Posteriors(name="prior-1")
"""What is in force until something was learnt."""


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What was activated. by: who decided. comparison: figures that were shown before it."""

    posteriors: Posteriors
    by: Annotated[str, Meta(max_length=200)] = ""
    comparison: dict[str, float] = {}


_decoder = msgspec.json.Decoder(PolicyVersion)


def keys_of(stage: str, action: str, channel: str) -> tuple[str, str, str]:
    """Return the names of the cells of a context, finest first: with channel, without, and of the action alone."""
    return f"{stage}/{action}/{channel}", f"{stage}/{action}/", f"/{action}/"


def encode_policy(version: PolicyVersion) -> bytes:
    """Return the bytes of a version for the log."""
    return msgspec.json.encode(version, order="deterministic")


def decode_policy(content: str | bytes) -> PolicyVersion:
    """Return the version of a log record; raises msgspec.DecodeError, and PermanentError (policy-invalid)."""
    version = _decoder.decode(content)
    for key, cell in (*version.posteriors.cells.items(), ("", version.posteriors.prior)):
        # No range holds against NaN: every comparison with it is false.
        if not (-1.0 <= cell.mean <= 1.0 and 0.0 < cell.sd <= 1.0):
            raise PermanentError(
                Problem(
                    code="policy-invalid",
                    status=400,
                    title="The policy version cannot choose",
                    detail=f"cell {key!r} has mean {cell.mean} and deviation {cell.sd}",
                    where=key,
                    rule="means lie in -1..1 and deviations in 0..1",
                    fix="learn it again: carrythrough policy learn",
                )
            )
    return version
