"""Proves that a rate holds over any span, that a pause saves up no more than a second, and that 0 limits nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.dispatch.allowance import Allowance


def test_without_a_rate_anything_goes() -> None:
    free = Allowance(0.0)
    assert free.left(0.0) is None
    free.take()
    assert free.wait_s() == 0.0


@given(
    rate=st.floats(0.01, 500.0),
    gaps_s=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60),
)
def test_the_rate_holds_over_every_span(rate: float, gaps_s: list[float]) -> None:
    bucket, now_s, begun = Allowance(rate), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        for _ in range(bucket.left(now_s) or 0):
            bucket.take()
            begun.append(now_s)
    for number, first_s in enumerate(begun):
        span_s = begun[-1] - first_s
        assert len(begun) - number <= max(1.0, rate) + rate * span_s + 1e-6 * len(begun) + 1


@given(rate=st.floats(0.01, 500.0))
def test_after_the_wait_that_it_names_one_more_may_begin(rate: float) -> None:
    bucket = Allowance(rate)
    for _ in range(bucket.left(0.0) or 0):
        bucket.take()
    assert bucket.left(0.0) == 0
    assert bucket.left(bucket.wait_s()) == 1
