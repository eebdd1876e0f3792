"""What an answer to an action must say, and what a person's answers come to whatever their order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.events.admission import admit_document
from carrythrough.events.types import PerformanceEvent
from carrythrough.pipeline.replying import DAY_MS, FOR_GOOD, Reply, wishes_of

BASE = {"id": "a-1", "source": "chat", "kind": "action-answer", "employee": "e-1", "skill": "calm"}


def event(answer: str, outcome: Any = None, **members: Any) -> PerformanceEvent:
    document: dict[str, Any] = BASE | {"time": "2026-11-01T10:00:00Z"}
    document["reply"] = {"action": "act-1", "answer": answer} | members
    if outcome is not None:
        document["outcome"] = outcome
    return admit_document(document).event


def test_each_answer_is_admitted_with_what_it_needs() -> None:
    assert event("done").reply is not None
    assert event("applied", {"score": 0.75}, text="It went well.").outcome is not None
    for answer, members in (
        ("not-now", {"days": 7}),
        ("not-relevant", {"rule": "r"}),
        ("not-relevant", {"rule": "r", "days": 30}),
        ("unsubscribe", {"topic": "email"}),
        ("disagree", {"text": "That was not me."}),
    ):
        reply = event(answer, **members).reply
        assert reply is not None
        assert reply.answer == answer


@pytest.mark.parametrize(
    ("answer", "outcome", "members", "where"),
    [
        ("done", {"score": 1.0}, {}, "/outcome"),
        ("applied", {"met": True}, {}, "/outcome"),
        ("not-relevant", None, {}, "/reply/rule"),
        ("unsubscribe", None, {}, "/reply/topic"),
        ("not-now", None, {}, "/reply/days"),
        ("done", None, {"days": 3}, "/reply/days"),
        ("never", None, {}, "/reply/answer"),
        ("done", None, {"text": "x" * 1001}, "/reply/text"),
        ("not-now", None, {"days": 100_000}, "/reply/days"),
    ],
)
def test_an_answer_that_says_too_little_or_two_things_is_refused(
    answer: str, outcome: Any, members: dict[str, Any], where: str
) -> None:
    with pytest.raises(PermanentError) as refused:
        event(answer, outcome, **members)
    assert refused.value.problem.where == where


def test_a_reply_belongs_to_its_kind_alone_and_names_a_skill() -> None:
    whole = BASE | {"time": "2026-11-01T10:00:00Z", "reply": {"action": "act-1", "answer": "done"}}
    for wrong in (
        {name: value for name, value in whole.items() if name != "reply"},
        whole | {"kind": "opportunity"},
        {name: value for name, value in whole.items() if name != "skill"},
    ):
        with pytest.raises(PermanentError):
            admit_document(wrong)


replies = st.builds(
    lambda number, answer, thing, days, t: Reply(
        source=bytes([number]) * 16,
        subject="s",
        about="s",
        skill=thing,
        action="a",
        answer=answer,
        rule=thing,
        topic=thing,
        days=days if answer == "not-relevant" else max(days, 1),
        went=-1.0,
        t_ms=t * DAY_MS,
        position=number,
        stored_ms=t * DAY_MS,
    ),
    st.integers(0, 40),
    st.sampled_from(("done", "not-now", "not-relevant", "applied", "disagree", "unsubscribe")),
    st.sampled_from(("x", "y")),
    st.sampled_from((0, 1, 9)),
    st.integers(1, 20),
)


@given(st.lists(replies, max_size=12, unique_by=lambda reply: reply.source), st.randoms())
def test_wishes_do_not_depend_on_order_or_repeats(given_: list[Reply], chance: Any) -> None:
    other = given_ + given_[: len(given_) // 2]
    chance.shuffle(other)
    assert msgspec.json.encode(wishes_of(given_)) == msgspec.json.encode(wishes_of(other))


def test_the_newest_answer_about_a_thing_counts() -> None:
    def reply(number: int, answer: Any, t_ms: int, days: int = 0) -> Reply:
        source = bytes([number]) * 16
        return Reply(source, "s", "s", "calm", "a", answer, "r", "email", days, -1.0, t_ms, number, t_ms)

    found = wishes_of([reply(1, "not-now", 10, 7), reply(2, "not-now", 20, 1), reply(3, "not-relevant", 5)])
    assert found.later_ms("calm", 30) == 20 + DAY_MS
    assert found.later_ms("calm", 20 + DAY_MS) == 0
    assert found.never == {"r": FOR_GOOD}
    assert found.silences("r", 1 << 60)
    assert not found.silences("other", 0)
    assert wishes_of([reply(4, "unsubscribe", 1)]).topics == ("email",)
