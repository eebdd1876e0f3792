"""Proves that one more success never lowers a score and one more failure never raises it.

Of the shipped head and of every version that its shadow may become, for a promotion can give weight to any feature
whose sign is held. Whatever was known before, whichever channel it is in, however hard the item was held to be, and
however late it arrives.
"""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import FEATURES, Model
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.score import read_score, weigh
from carrythrough.scoring.shadow import SIGNS
from carrythrough.scoring.state import LearnerState, PairState, apply

NOW = 20_000 * DAY_MS
channels = st.sampled_from([Channel.LEARN, Channel.PRACTICE, Channel.JOB, Channel.OBSERVED])
expected = st.integers(0, Y_ONE)
outcomes = st.tuples(
    channels, st.integers(0, 400 * DAY_MS), st.integers(0, Y_ONE), st.integers(1, W_ONE), expected
)
Piece = tuple[Channel, int, int, int, int]


def with_weights(size: float, part: str = "") -> Model:
    """Return a version in which every feature (of whose name `part` is a part) that may have a weight has one."""
    weights = tuple(
        size * sign if sign in (1, -1) and part in name else 0.0
        for name, sign in zip(FEATURES, SIGNS, strict=True)
    )
    return msgspec.structs.replace(SHIPPED, name=f"{size:g} {part}", weights=weights)


MODELS = [SHIPPED, with_weights(0.05), with_weights(0.4), with_weights(1.0, "beyond_item")]


def value(pieces: list[Piece], model: Model) -> float:
    learner, pair = LearnerState(), PairState()
    learner.pairs["s"] = pair
    for number, (channel, age_ms, y, w, p_item) in enumerate(pieces):
        source = number.to_bytes(16, "big")
        apply(learner, pair, Evidence(source, "s", channel, NOW - age_ms, y, w, p_item), assisted=False)
    return read_score(learner, pair, NOW, model, weigh(pair, NOW)).value


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
@given(
    before=st.lists(outcomes, max_size=14),
    channel=channels,
    age_ms=st.integers(0, 400 * DAY_MS),
    p_item=expected,
)
def test_a_failure_never_raises_and_a_success_never_lowers(
    model: Model, before: list[Piece], channel: Channel, age_ms: int, p_item: int
) -> None:
    known = value(before, model)
    assert value([*before, (channel, age_ms, 0, W_ONE, p_item)], model) <= known + 1e-9
    assert value([*before, (channel, age_ms, Y_ONE, W_ONE, p_item)], model) >= known - 1e-9
