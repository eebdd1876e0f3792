"""Proves of the shipped head that one more success never lowers a score and one more failure never raises it.

Whatever was known before, whichever channel it is in, and however late it arrives.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.score import read_score, weigh
from carrythrough.scoring.state import LearnerState, PairState, apply

NOW = 20_000 * DAY_MS
channels = st.sampled_from([Channel.LEARN, Channel.PRACTICE, Channel.JOB, Channel.OBSERVED])
outcomes = st.tuples(channels, st.integers(0, 400 * DAY_MS), st.integers(0, Y_ONE), st.integers(1, W_ONE))


def value(pieces: list[tuple[Channel, int, int, int]]) -> float:
    learner, pair = LearnerState(), PairState()
    learner.pairs["s"] = pair
    for number, (channel, age_ms, y, w) in enumerate(pieces):
        source = number.to_bytes(16, "big")
        apply(learner, pair, Evidence(source, "s", channel, NOW - age_ms, y, w, 0), assisted=False)
    return read_score(learner, pair, NOW, SHIPPED, weigh(pair, NOW)).value


@given(before=st.lists(outcomes, max_size=14), channel=channels, age_ms=st.integers(0, 400 * DAY_MS))
def test_a_failure_never_raises_and_a_success_never_lowers(
    before: list[tuple[Channel, int, int, int]], channel: Channel, age_ms: int
) -> None:
    known = value(before)
    assert value([*before, (channel, age_ms, 0, W_ONE)]) <= known + 1e-9
    assert value([*before, (channel, age_ms, Y_ONE, W_ONE)]) >= known - 1e-9
