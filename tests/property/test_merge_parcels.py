"""The two halves of a merge by themselves: what one side sends, over the wire, is what the other side needs."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.evidence.types import FLAG_ASSISTED, W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.merge import Parcel, merge_in, merge_out
from carrythrough.pipeline.rebuild import rebuild
from carrythrough.scoring.codec import encode_learner_evidence
from carrythrough.scoring.state import LearnerState

NOW = 20_000 * 86_400_000
PIECES = st.builds(
    lambda skill, channel, age, y, flags: (skill, channel, age, y, flags),
    st.sampled_from(["calm", "fix"]),
    st.sampled_from([*Channel, Channel.JOB, Channel.SUPPORT]),
    st.one_of(st.integers(0, 7_200_000), st.integers(0, 90 * 86_400_000), st.just(19_000 * 86_400_000)),
    st.integers(0, 4),
    st.sampled_from([0, 0, FLAG_ASSISTED]),
)


def evidence(number: int, piece: tuple[str, int, int, int, int]) -> Evidence:
    skill, channel, age, y, flags = piece
    outcome = channel <= Channel.OBSERVED
    return Evidence(
        source=number.to_bytes(16, "big"),
        skill=skill,
        channel=int(channel),
        t_ms=NOW - age,
        y=y * Y_ONE // 4 if outcome else 0,
        w=W_ONE if outcome else 0,
        p_item=Y_ONE // 2,
        flags=flags if channel == Channel.JOB else 0,
        window_s=3_600 if channel == Channel.SUPPORT else 0,
    )


def pushed(rows: list[Evidence], pushes: tuple[int, ...], action_ms: int) -> LearnerState:
    """Return an employee of some evidence to whom something was sent."""
    learner = rebuild(rows)
    learner.pushes = pushes
    for pair in learner.pairs.values():
        pair.published.action_ms, pair.published.sequence, pair.published.ignored = action_ms, 7, 1
    return learner


@given(st.lists(PIECES, max_size=14), st.lists(PIECES, max_size=14), st.lists(st.booleans(), max_size=14))
@settings(max_examples=200, deadline=None)
def test_out_and_in_is_the_fold_of_the_right_evidence(
    one: list[tuple[str, int, int, int, int]], two: list[tuple[str, int, int, int, int]], leave: list[bool]
) -> None:
    ours = [evidence(n, piece) for n, piece in enumerate(one, 1)]
    theirs = [evidence(n, piece) for n, piece in enumerate(two, 1_000)]
    leaves = [*leave, *([True] * len(ours))][: len(ours)]
    leaving = [e for e, goes in zip(ours, leaves, strict=True) if goes]
    staying = [e for e, goes in zip(ours, leaves, strict=True) if not goes]
    source, target = pushed(ours, (5, 9), 40), pushed(theirs, (7,), 30)
    images = encode_learner_evidence(source), encode_learner_evidence(target)
    left, parcel = merge_out(source, staying, leaving, whole=not staying)
    parcel = msgspec.msgpack.decode(msgspec.msgpack.encode(parcel), type=Parcel)
    total = merge_in(target, theirs, parcel)
    assert encode_learner_evidence(left) == encode_learner_evidence(rebuild(staying))
    assert encode_learner_evidence(total) == encode_learner_evidence(rebuild([*theirs, *leaving]))
    assert (encode_learner_evidence(source), encode_learner_evidence(target)) == images, "neither is changed"
    assert total.pushes == ((7,) if staying else (5, 7, 9))
    assert left.pushes == ((5, 9) if staying else ())
    for skill, pair in total.pairs.items():
        mine, yours = skill in source.pairs and not staying, skill in target.pairs
        assert pair.published.ignored == mine + yours
        assert pair.published.action_ms == (40 if mine else 30 if yours else 0)
        assert pair.published.sequence == (7 if yours else 0), "each pseudonym goes on with its own sequence"


@given(st.lists(PIECES, max_size=14), st.lists(PIECES, max_size=14))
@settings(max_examples=50, deadline=None)
def test_what_arrives_twice_counts_once(
    one: list[tuple[str, int, int, int, int]], two: list[tuple[str, int, int, int, int]]
) -> None:
    ours = [evidence(n, piece) for n, piece in enumerate(one, 1)]
    theirs = [evidence(n, piece) for n, piece in enumerate(two, 1_000)]
    _, parcel = merge_out(rebuild(ours), (), ours, whole=True)
    once = merge_in(rebuild(theirs), theirs, parcel)
    again = merge_in(once, [*theirs, *ours], parcel)
    assert encode_learner_evidence(again) == encode_learner_evidence(once)
