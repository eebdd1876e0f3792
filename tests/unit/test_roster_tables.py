"""Proves that roster tables as HR systems export them are read: names of columns, delimiters, encodings, dates.

What cannot be read is named with file, line and column; what can be read two ways is not guessed.
"""

from __future__ import annotations

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.authoring.source import Lint
from carrythrough.errors import PermanentError
from carrythrough.identity.columns import ColumnMapping
from carrythrough.identity.encoding import decode_roster
from carrythrough.identity.person import Identifier, Leave, Person, RosterAccount, Week
from carrythrough.identity.roster import check_roster, load_roster

EXPORT = (
    "Personnel Number;First Name;Last Name;E-Mail Address;Job Title;Department;Supervisor ID;Location;"
    "Start Date;Termination Date;Employment Status;Absences;Saturday\r\n"
    "0042;Zoë;Meier;zoe@corp.example;Agent;North;0001;Zürich;01.03.2024;31.12.9999;Active;"
    "2026-07-06/2026-07-17|2026-12-24..;09:00-13:00\r\n"
    '0001;Ann;"O\'Brien; Dr.";ann@corp.example;Lead;North;;Zürich;20240301;;yes;;\r\n'
)
ZOE = Person(
    id="0042",
    name="Zoë Meier",
    email="zoe@corp.example",
    role="Agent",
    team="North",
    manager="0001",
    site="Zürich",
    hire_date="2024-03-01",
    leave=(Leave(start="2026-07-06", end="2026-07-17"), Leave(start="2026-12-24")),
    week=Week(sat="09:00-13:00"),
)
ANN = Person(
    id="0001", name="Ann O'Brien; Dr.", email="ann@corp.example", role="Lead", team="North", site="Zürich",
    hire_date="2024-03-01",
)  # fmt: skip


def read(text: str, mapping: ColumnMapping | None = None) -> tuple[tuple[Person, ...] | None, list[Lint]]:
    roster, lints = check_roster(text, "hr.csv", mapping)
    return (None if roster is None else roster.people), lints


def test_an_export_with_names_and_dates_of_its_own_is_read() -> None:
    assert read(EXPORT) == ((ZOE, ANN), [])
    assert load_roster(EXPORT, "hr.csv").people == (ZOE, ANN)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_is_read(delimiter: str) -> None:
    text = f"id{delimiter}name{delimiter}team\ne-1{delimiter}Ann{delimiter}North\n"
    assert read(text)[0] == (Person(id="e-1", name="Ann", team="North"),)


def test_the_separator_line_of_a_spreadsheet_decides_and_counts_as_a_line() -> None:
    assert read('sep=;\r\nid;name\r\ne-1;"a,b,c"\r\n')[0] == (Person(id="e-1", name="a,b,c"),)
    assert read("sep=;\nid;time_zone\ne-1;Mars\n")[1][0].where == "hr.csv:3:2"


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
def test_unicode_is_recognised_with_and_without_a_mark(encoding: str, bom: bytes) -> None:
    found = decode_roster(bom + EXPORT.encode(encoding), "hr.csv")
    assert found.lints == []
    assert read(found.text)[0] == (ZOE, ANN)


def test_windows_1252_is_a_guess_and_says_so() -> None:
    found = decode_roster(EXPORT.encode("cp1252"), "hr.csv")
    assert read(found.text)[0] == (ZOE, ANN)
    (lint,) = found.lints
    assert (lint.severity, lint.code, lint.where) == ("warning", "encoding-guessed", "hr.csv:2:8")
    assert "Zoë" in lint.message


@pytest.mark.parametrize(
    ("data", "where", "words"),
    [
        (b"id\nAnn \x81\n", "hr.csv:2:5", "0x81"),
        (codecs.BOM_UTF8 + b"id\n\xff\xfe", "hr.csv:2:1", "byte 6 is none of it"),
        (codecs.BOM_UTF16_LE + b"i\x00d", "hr.csv:1:1", "UTF-16"),
        (b"PK\x03\x04\xe9\x01\x02 a spreadsheet", "hr.csv:1:1", "no text file"),
    ],
)
def test_what_is_no_text_is_refused_where_it_ends_to_be_one(data: bytes, where: str, words: str) -> None:
    with pytest.raises(PermanentError) as caught:
        decode_roster(data, "hr.csv")
    problem = caught.value.problem
    assert (problem.code, problem.where) == ("bad-roster", where)
    assert words in problem.detail


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2026-03-04", "2026-03-04"),
        ("4.3.2026", "2026-03-04"),
        ("20260304", "2026-03-04"),
        ("2026/03/04", "2026-03-04"),
        ("2026-03-04T00:00:00Z", "2026-03-04"),
        ("9999-12-31", ""),
        ("31.12.4712", ""),
    ],
)
def test_dates_that_mean_one_day_are_read(cell: str, wanted: str) -> None:
    assert read(f"id;hire_date;exit_date\na;{cell};")[0] == (Person(id="a", hire_date=wanted),)


def test_a_date_that_means_two_days_is_refused_until_somebody_says_which() -> None:
    text = "id,hire_date\na,03/04/2026\n"
    people, (lint,) = read(text)
    assert people is None
    assert (lint.where, lint.code, lint.rule) == (
        "hr.csv:2:2",
        "bad-format",
        "people[0].hire_date is YYYY-MM-DD",
    )
    columns = {"id": "id", "hire_date": "hire_date"}
    assert read(text, ColumnMapping(columns=columns, dates="day-first"))[0][0].hire_date == "2026-04-03"
    assert read(text, ColumnMapping(columns=columns, dates="month-first"))[0][0].hire_date == "2026-03-04"


@pytest.mark.parametrize("cell", ["46085", "3/4/26", "soon", "2026-13-01", "2026-02-30"])
def test_what_is_no_date_is_placed(cell: str) -> None:
    people, lints = read(f"id,hire_date\na,{cell}\n")
    assert people is None
    assert [lint.where for lint in lints] == ["hr.csv:2:2"]


@pytest.mark.parametrize(
    ("header", "severity", "where", "words"),
    [
        ("id,mangaer", "error", "hr.csv:1:2", 'did you mean "manager"?'),
        ("id,Shoe Size", "warning", "hr.csv:1:2", '"Shoe Size" is left out'),
        ("id,Department,team", "warning", "hr.csv:1:2", '"team" is read as team'),
        ("Department,Name", "error", "hr.csv:1:1", 'no column "id" among: Department, Name'),
    ],
)
def test_columns_that_are_none_of_ours_are_named(header: str, severity: str, where: str, words: str) -> None:
    people, lints = read(f"{header}\nx,y{',z' * (header.count(',') - 1)}\n")
    found = lints[0]
    assert (found.severity, found.where) == (severity, where)
    assert words in found.sentence()
    assert (people is None) == (severity == "error")


def test_our_own_name_goes_before_a_synonym() -> None:
    people, lints = read("Employee Number,id\n7,e-1\n")
    assert people == (Person(id="e-1"),)
    assert [lint.code for lint in lints] == ["unused-column"]


def test_a_mapping_says_what_columns_mean_and_leaves_the_rest_out() -> None:
    mapping = ColumnMapping(
        columns={"id": "Key", "account_name": "Login", "team": "Unit"},
        constants={"time_zone": "Europe/Zurich", "account_home_page": "https://lms.example"},
    )
    people, lints = read("Key,Login,Unit,mangaer,Shoe Size\n1,ann,N,x,42\n2,,S,,\n", mapping)
    assert lints == []
    account = Identifier(account=RosterAccount(home_page="https://lms.example", name="ann"))
    assert people == (
        Person(id="1", team="N", time_zone="Europe/Zurich", identifiers=(account,)),
        Person(id="2", team="S", time_zone="Europe/Zurich"),
    )


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (ColumnMapping(columns={"id": "Kye"}), 'did you mean "Key"?'),
        (ColumnMapping(columns={"id": "Key", "mangaer": "Unit"}), 'did you mean "manager"?'),
        (ColumnMapping(columns={"id": "Key"}, constants={"colour": "red"}), "columns are: id"),
        (ColumnMapping(columns={"team": "Unit"}), 'no column "id"'),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: ColumnMapping, words: str) -> None:
    people, lints = read("Key,Unit\n1,N\n", mapping)
    assert people is None
    assert any(words in lint.sentence() for lint in lints)


def test_rows_that_say_the_same_count_once_and_those_that_differ_are_refused() -> None:
    people, (lint,) = read("id,team\ne-1,N\ne-2,N\ne-1,N\n")
    assert people == (Person(id="e-1", team="N"), Person(id="e-2", team="N"))
    assert (lint.code, lint.severity, lint.where) == ("repeated-row", "warning", "hr.csv:4:1")
    people, lints = read("id,team\ne-1,N\ne-1,S\n")
    assert people is None
    assert [lint.code for lint in lints] == ["duplicate-id"]


def test_every_row_with_too_many_cells_is_named() -> None:
    people, lints = read("id;name\na;x;y\nb;z\nc;1;2;3\n")
    assert people is None
    assert [lint.where for lint in lints] == ["hr.csv:2:3", "hr.csv:4:3"]
    assert "semicolons" in lints[0].rule


def test_a_quoted_line_break_keeps_the_lines_right() -> None:
    people, lints = read('id,team,time_zone\na,"two\r\nlines",UTC\nb,x,Mars\n')
    assert people is None
    assert {lint.where for lint in lints} == {"hr.csv:2:2"}
    people, lints = read('id,"Cost\nCentre",time_zone\na,x,UTC\nb,x,Mars\n')
    assert [lint.where for lint in lints if lint.severity == "error"] == ["hr.csv:4:3"]


def test_leave_by_day_and_by_interval() -> None:
    text = (
        "id,leave\na,2026-03-04\nb,2026-03-04/2026-03-06; 2026-05-01/\nc,/2026-03-04\nd,4.3.2026..6.3.2026\n"
    )
    people, lints = read(text)
    assert people is None
    assert [lint.where for lint in lints] == ["hr.csv:4:2"]
    people, _ = read(text.replace("c,/2026-03-04\n", ""))
    spans = [[(away.start, away.end) for away in person.leave] for person in people]
    assert spans == [
        [("2026-03-04", "2026-03-04")],
        [("2026-03-04", "2026-03-06"), ("2026-05-01", "")],
        [("2026-03-04", "2026-03-06")],
    ]


@pytest.mark.parametrize(
    ("word", "active"), [("Active", True), ("0", False), ("inaktiv", False), ("JA", True)]
)
def test_words_for_being_employed(word: str, active: bool) -> None:
    assert read(f"id,status\na,{word}\n")[0] == (Person(id="a", active=active),)


def test_an_unknown_word_for_being_employed_is_no_guess() -> None:
    people, lints = read("id,status\na,furloughed\n")
    assert people is None
    assert lints[0].where == "hr.csv:2:2"


@given(st.text(max_size=200), st.sampled_from(["hr.csv", "hr.tsv", "hr.yaml", "hr.json"]))
def test_no_text_makes_the_reader_fall(text: str, name: str) -> None:
    roster, lints = check_roster(text, name)
    assert (roster is None) == any(lint.severity == "error" for lint in lints)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_fall(data: bytes) -> None:
    try:
        found = decode_roster(data, "hr.csv")
    except PermanentError as error:
        refused = error.problem
    else:
        assert len(found.text) <= len(data)
        return
    assert refused.where.startswith("hr.csv:")
    assert refused.fix


def test_ten_thousand_people_are_read_in_a_moment() -> None:
    rows = "".join(
        f"e-{n};Person {n};p{n}@corp.example;e-{n // 10};team-{n % 50};2024-03-01;Active\n"
        for n in range(1, 10_001)
    )
    text = f"id;name;email;manager;team;hired;status\ne-0;Top;top@corp.example;;;;\n{rows}"
    begun = time.process_time()
    roster = load_roster(text, "hr.csv")
    assert len(roster.people) == 10_001
    assert time.process_time() - begun < 2.0  # 100,000 take 3 s here (make bench-roster); a tenth with room
