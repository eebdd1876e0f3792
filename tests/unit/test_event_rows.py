"""Proves that CSV rows become events; a bad row is named by file, line and column and stops nothing."""

from __future__ import annotations

import pytest

from carrythrough.authoring.source import Lint
from carrythrough.errors import PermanentError
from carrythrough.events.performance import AdmittedEvent, csv_to_events, rows_to_events

HEADER = (
    "id,source,kind,employee,time,skill,activity,kpi,met,score,value,"
    "assisted,observer,grain,minutes_of_support"
)
GOOD = "1,crm,task-outcome,e-1,2026-11-01T10:00:00Z,calm,call,,yes,,,no,,,"


def read(*rows: str, header: str = HEADER, **columns: str) -> list[AdmittedEvent | Lint]:
    lines = "\n".join((header, *rows)).splitlines(keepends=True)
    return list(csv_to_events(lines, "events.csv", columns))


def test_a_row_is_an_event() -> None:
    rows = (
        GOOD,
        "2,crm,kpi-reading,e-1,2026-11-01T10:00:00Z,,,csat,,,0.81,,,,",
        "3,qa,qa-result,e-1,2026-11-01T10:00:00Z,calm,,,,0.5,,1,,individual,12.5",
        "4,hr,observation,e-1,2026-11-01T10:00:00Z,calm,,,N,,,,Manager,,",
    )
    first, second, third, fourth = read(*rows)
    assert isinstance(first, AdmittedEvent)
    assert first.event.outcome is not None
    assert (first.event.id, first.event.activity, first.event.outcome.met) == ("1", "call", True)
    assert isinstance(second, AdmittedEvent)
    assert second.event.outcome is not None
    assert (second.event.kpi, second.event.outcome.value, second.event.skill) == ("csat", 0.81, "")
    assert isinstance(third, AdmittedEvent)
    assert (third.event.assisted, third.event.minutes_of_support) == (True, 12.5)
    assert isinstance(fourth, AdmittedEvent)
    assert fourth.event.observer is not None
    assert fourth.event.outcome is not None
    assert (fourth.event.observer.role, fourth.event.outcome.met) == ("manager", False)


@pytest.mark.parametrize(
    ("old", "new", "column", "words"),
    [
        ("yes", "maybe", 9, "true/false, yes/no, y/n or 1/0"),
        (",yes,,", ",,80%,", 10, "80 % is 0.8"),
        (",yes,,", ",,80,", 10, "write 0.8"),
        (",yes,,", ",,1_0,", 10, "digits"),
        (",yes,,", ",,nan,", 10, "finite"),
        (",yes,,,", ',,,"1,5",', 11, "decimal point"),
        (",yes,,", ",,,", 9, "add"),
        ("10:00:00Z", "10:00", 5, "zone"),
        ("task-outcome", "task", 3, "is not known"),
        ("e-1,", ",", 4, "one person"),
        ("1,crm", ",crm", 1, "id is missing"),
        (",calm,", ",Calm Down,", 6, 'write "calm-down"'),
        (",no,,,", ",no,boss,,", 13, "manager, peer"),
        (",no,,,", ",no,,squad,", 14, "individual, team"),
    ],
)
def test_a_bad_cell_is_named_and_the_next_row_goes_on(old, new, column, words) -> None:
    assert old in GOOD
    bad, good = read(GOOD.replace(old, new), GOOD.replace("1,crm", "2,crm"))
    assert isinstance(bad, Lint)
    assert isinstance(good, AdmittedEvent)
    assert (bad.file, bad.line, bad.column) == ("events.csv", 2, column)
    assert f'column "{HEADER.split(",")[column - 1]}"' in bad.message
    assert words in bad.sentence()
    assert bad.rule


def test_lines_are_counted_through_quotes_and_blank_rows() -> None:
    found = read(GOOD.replace("call", '"two\nlines"'), "", GOOD.replace("yes", "maybe"), GOOD + ",extra")
    assert [(item.line, item.code) for item in found if isinstance(item, Lint)] == [
        (2, "event-invalid"),
        (5, "bad-cell"),
        (6, "bad-row"),
    ]


def test_columns_of_another_name_are_mapped() -> None:
    header = HEADER.replace("employee", "Personnel No").replace("id,", "Ticket,", 1)
    (one,) = read(GOOD, header=header, employee="Personnel No", id="Ticket")
    assert isinstance(one, AdmittedEvent)
    assert one.event.employee == "e-1"


@pytest.mark.parametrize(
    ("header", "columns", "where", "words"),
    [
        (HEADER.replace("kpi", "kpis"), {}, "events.csv:1:8", 'did you mean "kpi"?'),
        (HEADER.replace("kpi", "skill"), {}, "events.csv:1:8", "given twice"),
        (HEADER.replace("time,", "", 1), {}, "events.csv:1:1", '"time" is missing'),
        (HEADER, {"employe": "x"}, "events.csv:1:1", 'did you mean "employee"?'),
        ("", {}, "events.csv:1:1", "missing"),
        ("1,crm,task-outcome,e-1", {}, "events.csv:1:1", "begin the file with a line of column names"),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_file(header, columns, where, words) -> None:
    with pytest.raises(PermanentError) as caught:
        read(GOOD, header=header, **columns)
    assert (caught.value.problem.code, caught.value.problem.where) == ("bad-event-file", where)
    assert words in str(caught.value)


def test_broken_quotes_refuse_the_rest_of_the_file() -> None:
    with pytest.raises(PermanentError, match="close the quotes"):
        read(GOOD, '2,"crm')


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    (one,) = read(GOOD, header="\ufeff" + HEADER)
    assert isinstance(one, AdmittedEvent)


def test_rows_that_are_dictionaries_are_read_alike() -> None:
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    good, bad = rows_to_events([row, row | {"met": "perhaps"}], "sheet")
    assert [good] == read(GOOD)
    assert isinstance(bad, Lint)
    assert bad.where == "sheet:3:9"


def test_a_row_of_a_needs_survey_holds_the_answers_about_one_skill() -> None:
    head = "id,source,kind,time,employee,skill,respondent,scale,importance,confidence,expectation\n"
    rows = (
        "1,hr,needs-survey,2026-09-01T10:00:00Z,e-1,calm,Learner,1-5,4,,5\n"
        "2,hr,needs-survey,2026-09-01T10:00:00Z,e-1,calm,learner,1-5,9,,5\n"
        "3,hr,task-outcome,2026-09-01T10:00:00Z,e-1,calm,,,,,\n"
    )
    good, off_scale, no_outcome = csv_to_events((head + rows).splitlines(keepends=True), "survey.csv")
    assert isinstance(good, AdmittedEvent)
    assert good.event.needs is not None
    [need] = good.event.needs.skills
    assert (need.skill, need.importance, need.confidence, need.expectation) == ("calm", 4.0, None, 5.0)
    assert good.event.needs.respondent == "learner"
    assert isinstance(off_scale, Lint)
    assert (off_scale.line, off_scale.column) == (3, 9)
    assert isinstance(no_outcome, Lint)
    assert "without an outcome" in no_outcome.message
