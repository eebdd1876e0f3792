"""Proves that the indexed matcher finds exactly what asking every matcher in turn would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carrythrough.program.matcher import Matcher, MatchKey, PrefixIndex
from carrythrough.program.precedence import MEMBERS, covers, precedence
from carrythrough.program.types import Match

IRIS = st.sampled_from(["u:a", "u:ab", "u:abc", "u:b", "u:ba", "v:a", "v:ab", "v:b"])
VALUES = st.lists(IRIS, max_size=2, unique=True).map(tuple)
PREFIXES = st.lists(
    st.sampled_from(["u:", "u:a", "u:ab", "u:abcd", "v:", "v:b"]), max_size=2, unique=True
).map(tuple)
MATCHES = st.builds(
    Match,
    **{
        member: st.one_of(st.just(()), PREFIXES if member == "activity_prefix" else VALUES)
        for member in MEMBERS
    },
).filter(lambda match: match != Match())
KEYS = st.builds(
    MatchKey,
    activity=st.one_of(st.just(""), IRIS),
    activity_type=st.one_of(st.just(""), IRIS),
    verb=IRIS,
    parent=VALUES,
    grouping=VALUES,
    category=VALUES,
)


def holds(match: Match, key: MatchKey) -> bool:
    """Say whether a matcher holds, in the plainest way."""
    for member in MEMBERS:
        wanted = getattr(match, member)
        if not wanted:
            continue
        if member == "activity_prefix":
            if not key.activity or not any(key.activity.startswith(prefix) for prefix in wanted):
                return False
        else:
            given_ = getattr(key, member)
            if not set(wanted) & set(given_ if isinstance(given_, tuple) else (given_,)):
                return False
    return True


@given(st.lists(MATCHES, max_size=12), KEYS)
def test_the_index_agrees_with_asking_everyone(matches, key) -> None:
    expected = [n for n, match in enumerate(matches) if holds(match, key)]
    expected.sort(key=lambda n: precedence(matches[n], n))
    assert Matcher(matches).find(key) == expected


@given(MATCHES, MATCHES, KEYS)
def test_what_is_covered_is_matched_by_the_wider(wide, narrow, key) -> None:
    if covers(wide, narrow) and holds(narrow, key):
        assert holds(wide, key)


@given(st.lists(st.text(alphabet="ab/", max_size=6), max_size=20), st.text(alphabet="ab/", max_size=10))
def test_prefixes_are_those_that_a_scan_finds(prefixes, text) -> None:
    expected = sorted({prefix for prefix in prefixes if text.startswith(prefix)}, key=len, reverse=True)
    assert PrefixIndex(prefixes).of(text) == expected
