"""Two pseudonyms that are one person: what reached either counts against the caps of the one; what waits goes along."""

from __future__ import annotations

from carrythrough.pipeline.merge import merge_in, merge_out, renamed
from carrythrough.scoring.codec import decode_header, encode_header
from carrythrough.scoring.state import LearnerState, PairState


def person(pushes: tuple[int, ...], asked: tuple[int, ...], nudged: int, waits: str) -> LearnerState:
    learner = LearnerState()
    learner.pushes, learner.asked = pushes, asked
    learner.sent = (("coaching", 1), ("nudge", nudged))
    learner.waiting = ((900, waits),)
    pair = learner.pairs["calm"] = PairState()
    pair.published.action_ms, pair.published.rest_ms, pair.published.ignored = nudged, nudged + 10, 1
    return learner


def test_caps_requests_and_timers_of_both_count_after_a_merge() -> None:
    source, target = person((10, 30), (30,), 30, "a"), person((20,), (20,), 20, "b")
    left, parcel = merge_out(source, (), (), whole=True)
    total = merge_in(target, (), parcel)
    assert (total.pushes, total.asked) == ((10, 20, 30), (20, 30))
    assert total.sent == (("coaching", 1), ("nudge", 30))
    assert total.waiting == ((900, "a"), (900, "b"))
    assert total.due_ms() == 900
    published = total.pairs["calm"].published
    assert (published.action_ms, published.rest_ms, published.ignored) == (30, 40, 2)
    assert (left.pushes, left.asked, left.sent, left.waiting) == ((), (), (), ())


def test_a_new_name_takes_everything_along_and_the_bytes_keep_it() -> None:
    _, total = renamed(person((10,), (10,), 10, "a"))
    again = decode_header(encode_header(total))
    for name in ("pushes", "asked", "sent", "waiting"):
        assert getattr(again, name) == getattr(total, name) == getattr(person((10,), (10,), 10, "a"), name)
