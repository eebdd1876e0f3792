"""Proves how cmi5-defined statements are read and judged: sections 9.3 to 9.6 and 13.1.4 of cmi5."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from carrythrough.evidence.cmi5 import (
    FLAG_MOVE_ON,
    FLAG_NOT_NORMAL,
    Aside,
    Mark,
    MoveOn,
    Verb,
    judge,
    mark_of,
)
from carrythrough.xapi.admission import decode_statement

CMI5 = "https://w3id.org/xapi/cmi5/context/"
REGISTRATION = "6D2E4A0E-6b5e-4f0e-9d1f-0c8f8d8f1a2b"
_numbers = itertools.count(1)


def mark(verb: Verb, t_ms: int, **more: Any) -> Mark:
    number = next(_numbers)
    flags = more.pop("flags", FLAG_MOVE_ON)
    return Mark(
        number.to_bytes(16, "big"), b"r" * 16, "https://x.example/au", int(verb), t_ms,
        session=more.pop("session", "s"), flags=flags, **more,
    )  # fmt: skip


def launched(t_ms: int, move_on: MoveOn = MoveOn.PASSED, **more: Any) -> Mark:
    return mark(Verb.LAUNCHED, t_ms, move_on=int(move_on), **{"flags": 0, **more})


def reasons(*marks: Mark) -> list[Aside | None]:
    """Judge marks and return for each why it stands aside, None for what counts."""
    asides = judge(marks).asides
    return [asides.get(one.source) for one in marks]


def statement(verb: str = "http://adlnet.gov/expapi/verbs/passed", **changes: Any) -> dict[str, Any]:
    return {
        "actor": {"account": {"homePage": "https://lms.example", "name": "ada"}},
        "verb": {"id": verb},
        "object": {"id": "https://x.example/au"},
        "result": {"success": True, "score": {"scaled": 0.85}},
        "context": {
            "registration": REGISTRATION,
            "contextActivities": {
                "category": [{"id": CMI5 + "categories/cmi5"}, {"id": CMI5 + "categories/moveon"}]
            },
            "extensions": {
                CMI5 + "extensions/sessionid": "s-1",
                CMI5 + "extensions/masteryscore": 0.8,
                CMI5 + "extensions/moveon": "CompletedOrPassed",
                CMI5 + "extensions/launchmode": "Browse",
            },
        },
        **changes,
    }


def read(body: dict[str, Any]) -> Mark | None:
    return mark_of(decode_statement(msgspec.json.encode(body)), b"i" * 16, 7)


def test_a_defined_statement_is_read_with_its_extensions() -> None:
    found = read(statement())
    assert found is not None
    assert found.registration.hex() == REGISTRATION.replace("-", "").lower()
    assert (found.verb, found.t_ms, found.session, found.scaled, found.mastery) == (
        Verb.PASSED,
        7,
        "s-1",
        0.85,
        0.8,
    )
    assert found.move_on == MoveOn.COMPLETED_OR_PASSED
    assert found.flags == FLAG_MOVE_ON


def test_the_launch_mode_is_that_of_launched() -> None:
    found = read(statement("http://adlnet.gov/expapi/verbs/launched"))
    assert found is not None
    assert found.flags & FLAG_NOT_NORMAL


def context(**changes: Any) -> dict[str, Any]:
    return {"context": {**statement()["context"], **changes}}


@pytest.mark.parametrize(
    "change",
    [
        context(contextActivities={"category": [{"id": "https://x.example/other"}]}),
        context(contextActivities={"grouping": [{"id": CMI5 + "categories/cmi5"}]}),
        context(registration=None),
        {"context": None},
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/answered"}},
        {"object": {"objectType": "Agent", "mbox": "mailto:a@x.example"}},
    ],
    ids=["other category", "only grouped", "no registration", "no context", "another verb", "no activity"],
)
def test_every_other_statement_is_cmi5_allowed_and_free(change: dict[str, Any]) -> None:
    body = {**statement(), **change}
    body = {name: value for name, value in body.items() if value is not None}
    if body.get("context"):
        body["context"] = {name: value for name, value in body["context"].items() if value is not None}
    assert read(body) is None


@pytest.mark.parametrize(
    ("written", "meant"), [("0.75", 0.75), (1, 1.0), (True, None), (80, None), ("high", None)]
)
def test_a_mastery_score_is_a_number_between_0_and_1_or_nothing(written: Any, meant: float | None) -> None:
    body = statement()
    body["context"]["extensions"][CMI5 + "extensions/masteryscore"] = written
    found = read(body)
    assert found is not None
    assert found.mastery == meant


def test_failures_before_the_first_pass_count_and_nothing_after_it() -> None:
    """9.3: one passed a registration, and no failed after it."""
    marks = [
        mark(Verb.FAILED, 1),
        mark(Verb.FAILED, 2),
        mark(Verb.PASSED, 3),
        mark(Verb.FAILED, 4),
        mark(Verb.PASSED, 5),
    ]
    assert reasons(*marks) == [None, None, None, Aside.AFTER_PASSED, Aside.AFTER_PASSED]
    assert judge(marks).passed == marks[2]
    assert judge(marks).failed == marks[1]


def test_the_first_completed_counts_and_the_rest_is_set_aside() -> None:
    """9.3.3."""
    assert reasons(mark(Verb.COMPLETED, 1), mark(Verb.COMPLETED, 2)) == [None, Aside.REPEATED_COMPLETED]


def test_equal_times_are_ordered_by_id() -> None:
    first, second = mark(Verb.PASSED, 5), mark(Verb.FAILED, 5)
    assert reasons(second, first) == [Aside.AFTER_PASSED, None]


@pytest.mark.parametrize(
    ("verb", "scaled", "aside"),
    [
        (Verb.PASSED, 0.8, None),
        (Verb.PASSED, 0.7999, Aside.BELOW_MASTERY),
        (Verb.FAILED, 0.7999, None),
        (Verb.FAILED, 0.8, Aside.NOT_BELOW_MASTERY),
        (Verb.PASSED, None, None),
        (Verb.FAILED, None, None),
    ],
)
def test_a_judgement_agrees_with_the_mastery_score(
    verb: Verb, scaled: float | None, aside: Aside | None
) -> None:
    """9.3.4, 9.3.5: the statement's own mastery score, else that of its launch."""
    assert reasons(mark(verb, 9, scaled=scaled, mastery=0.8))[0] is aside
    assert reasons(mark(verb, 9, scaled=scaled), launched(1, mastery=0.8))[0] is aside
    assert reasons(mark(verb, 9, scaled=scaled, session=""), launched(1, mastery=0.8))[0] is aside


def test_the_launch_of_the_session_is_asked_before_another() -> None:
    other, mine = launched(1, mastery=0.9, session="other"), launched(20, mastery=0.5)
    assert reasons(mark(Verb.PASSED, 9, scaled=0.6), other, mine)[0] is None


def test_a_pass_below_mastery_leaves_the_next_one_free() -> None:
    marks = [mark(Verb.PASSED, 1, scaled=0.2, mastery=0.8), mark(Verb.PASSED, 2, scaled=0.9, mastery=0.8)]
    assert reasons(*marks) == [Aside.BELOW_MASTERY, None]


def test_a_session_to_browse_or_review_is_not_judged() -> None:
    """10, launchMode."""
    launch = launched(1, flags=FLAG_NOT_NORMAL)
    assert reasons(mark(Verb.PASSED, 2), mark(Verb.COMPLETED, 3), launch)[:2] == [Aside.NOT_NORMAL] * 2
    assert reasons(mark(Verb.PASSED, 2, session="another"), launch)[0] is None


def test_nothing_counts_in_a_session_after_it_was_abandoned() -> None:
    """9.3.6."""
    end = mark(Verb.ABANDONED, 5)
    assert reasons(mark(Verb.PASSED, 5), end)[0] is None
    assert reasons(mark(Verb.PASSED, 6), end)[0] is Aside.AFTER_ABANDONED
    assert reasons(mark(Verb.PASSED, 6, session="next"), end)[0] is None
    assert judge([end]).abandoned == 1


P, C, W = Verb.PASSED, Verb.COMPLETED, Verb.WAIVED


@pytest.mark.parametrize(
    ("move_on", "verbs", "met"),
    [
        (MoveOn.PASSED, [P], True),
        (MoveOn.PASSED, [C], False),
        (MoveOn.COMPLETED, [C], True),
        (MoveOn.COMPLETED, [P], False),
        (MoveOn.COMPLETED_AND_PASSED, [P], False),
        (MoveOn.COMPLETED_AND_PASSED, [C], False),
        (MoveOn.COMPLETED_AND_PASSED, [P, C], True),
        (MoveOn.COMPLETED_OR_PASSED, [P], True),
        (MoveOn.COMPLETED_OR_PASSED, [C], True),
        (MoveOn.COMPLETED_OR_PASSED, [Verb.FAILED], False),
        (MoveOn.NOT_APPLICABLE, [], True),
        (MoveOn.PASSED, [W], True),
        (MoveOn.COMPLETED_AND_PASSED, [W], True),
        (MoveOn.UNKNOWN, [P, C], None),
        (MoveOn.UNKNOWN, [W], True),
    ],
)
def test_move_on(move_on: MoveOn, verbs: list[Verb], met: bool | None) -> None:
    """13.1.4; 9.3.7 for waived."""
    marks = [launched(1, move_on), *(mark(verb, 10 + n) for n, verb in enumerate(verbs))]
    assert judge(marks).met is met


def test_move_on_is_met_when_the_last_missing_part_came() -> None:
    unit = judge([launched(1, MoveOn.COMPLETED_AND_PASSED), mark(P, 10), mark(C, 30)])
    assert unit.met_ms == 30
    assert judge([launched(1, MoveOn.COMPLETED_OR_PASSED), mark(P, 10), mark(C, 30)]).met_ms == 10


def test_only_statements_of_the_move_on_category_count_for_it() -> None:
    """9.6.2.2."""
    assert judge([launched(1), mark(P, 2, flags=0)]).met is False


def test_what_stands_aside_does_not_meet_move_on() -> None:
    assert judge([launched(1, mastery=0.8), mark(P, 2, scaled=0.3)]).met is False


def test_a_later_launch_may_change_the_criterion() -> None:
    assert judge([launched(1, MoveOn.PASSED), launched(9, MoveOn.COMPLETED), mark(C, 3)]).met is True
