"""The newest answers are a function of the set of answers: of no order, no repeats, and no way of splitting them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.scoring.recent import RECENT_KEPT, Entry, Recent, entry, joined, noted

ENTRIES = st.lists(
    st.builds(
        entry,
        st.integers(0, 12),
        st.integers(0, 20).map(lambda n: n.to_bytes(16)),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "i1", "i2"]),
        st.integers(0, 1 << 16),
    ),
    max_size=40,
)


def gathered(entries: list[Entry]) -> Recent:
    recent: Recent = ()
    for one in entries:
        recent = noted(recent, one)
    return recent


@given(ENTRIES, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(entries: list[Entry], rng: random.Random) -> None:
    expected = gathered(entries)
    shuffled = entries + entries[: len(entries) // 2]
    rng.shuffle(shuffled)
    assert gathered(shuffled) == expected
    assert len(expected) <= RECENT_KEPT
    assert list(expected) == sorted(expected)
    assert len({one[:2] for one in expected}) == len(expected)


@given(ENTRIES, st.integers(0, 40))
def test_two_halves_join_to_the_whole(entries: list[Entry], cut: int) -> None:
    a, b = gathered(entries[:cut]), gathered(entries[cut:])
    assert joined(a, b) == joined(b, a) == gathered(entries)


def test_an_answer_about_several_skills_is_one_entry_under_the_smallest_code() -> None:
    source = bytes(16)
    pieces = [entry(5, source, skill, "i", 1) for skill in ("x", "y", "z")]
    assert gathered(pieces) == (min(pieces),)
