"""Proves that a roster is read alike from YAML, JSON and CSV, and refused with lines and suggestions."""

from __future__ import annotations

import json
from hashlib import sha1
from typing import get_args

import pytest

from carrythrough.errors import PermanentError
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier, OptOut, Person, RosterAccount
from carrythrough.identity.roster import check_roster, load_roster
from carrythrough.program.types import ActionName

YAML = """\
people:
  - id: e-1
    name: Ann Meier
    email: ann@example.org
    identifiers:
      - mbox: mailto:a.meier@example.org
      - account: {homePage: https://lms.example, name: ann}
    manager: e-2
    team: north
    role: agent
    site: Zurich
    time_zone: Europe/Zurich
    work_hours: 08:00-17:00
    days_off: [sat, sun]
    locale: de-CH
    opted_out: [nudge]
  - id: e-2
"""
CSV = """\
id,name,email,mbox,account_home_page,account_name,manager,team,role,\
site,time_zone,work_hours,days_off,locale,opted_out
e-1,Ann Meier,ann@example.org,mailto:a.meier@example.org,https://lms.example,ann,e-2,north,agent,\
Zurich,Europe/Zurich,08:00-17:00,sat sun,de-CH,nudge

e-2
"""
ANN = Person(
    id="e-1",
    name="Ann Meier",
    email="ann@example.org",
    identifiers=(
        Identifier(mbox="mailto:a.meier@example.org"),
        Identifier(account=RosterAccount(home_page="https://lms.example", name="ann")),
    ),
    manager="e-2",
    team="north",
    role="agent",
    site="Zurich",
    time_zone="Europe/Zurich",
    work_hours="08:00-17:00",
    days_off=("sat", "sun"),
    locale="de-CH",
    opted_out=("nudge",),
)


def test_all_three_formats_give_the_same_roster() -> None:
    from_yaml = load_roster(YAML, "r.yaml")
    assert from_yaml.people == (ANN, Person(id="e-2"))
    assert load_roster(CSV, "r.csv") == from_yaml
    document = {
        "people": [
            {
                "id": "e-1",
                "name": "Ann Meier",
                "email": "ann@example.org",
                "identifiers": [
                    {"mbox": "mailto:a.meier@example.org"},
                    {"account": {"homePage": "https://lms.example", "name": "ann"}},
                ],
                "manager": "e-2",
                "team": "north",
                "role": "agent",
                "site": "Zurich",
                "time_zone": "Europe/Zurich",
                "work_hours": "08:00-17:00",
                "days_off": ["sat", "sun"],
                "locale": "de-CH",
                "opted_out": "nudge",
            },
            {"id": "e-2"},
        ]
    }
    assert load_roster(json.dumps(document), "r.json") == from_yaml
    document["people"][0]["opted_out"] = ["nudge"]
    assert load_roster(json.dumps(document), "r.json") == from_yaml


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code", "words"),
    [
        ("manager: e-2", "manager: e-1", 8, 14, "own-manager", "their own manager"),
        ("time_zone: Europe/Zurich", "time_zone: Zurich", 12, 16, "unknown-time-zone", '"Europe/Zurich"'),
        (
            "time_zone: Europe/Zurich",
            "time_zone: Europe/Zurih",
            12,
            16,
            "unknown-time-zone",
            '"Europe/Zurich"',
        ),
        ("time_zone: Europe/Zurich", "time_zone: ../../etc/passwd", 12, 16, "unknown-time-zone", "iana.org"),
        ("time_zone: Europe/Zurich", "time_zone: Europe", 12, 16, "unknown-time-zone", "IANA"),
        ("work_hours: 08:00-17:00", "work_hours: 8-17", 13, 17, "bad-format", "HH:MM"),
        ("days_off: [sat, sun]", "days_off: [sat, sunday]", 14, 21, "not-allowed", '"sun"'),
        ("mbox: mailto:a.meier", "mbox: a.meier", 6, 15, "bad-format", 'write "mailto:a.meier@example.org"'),
        ("homePage:", "home_page:", 7, 19, "unknown-field", 'did you mean "homePage"?'),
        ("  - id: e-2", "  - id: e-1", 17, 9, "duplicate-id", "in line 2 and in line 17"),
        (
            "  - id: e-2",
            "  - id: e-2\n    email: A.Meier@Example.org",
            18,
            12,
            "duplicate-identifier",
            '"e-1" in line 6 and to "e-2" in line 18',
        ),
        ("      - mbox: mailto:a.meier@example.org\n", "      - {}\n", 6, 9, "bad-identifier", "one member"),
        ("opted_out: [nudge]", "opted_out: [nudges]", 16, 17, "not-allowed", 'did you mean "nudge"?'),
    ],
)
def test_a_fault_is_placed_and_mended(old, new, line, column, code, words) -> None:
    assert old in YAML
    roster, lints = check_roster(YAML.replace(old, new), "r.yaml")
    assert roster is None
    found = next(lint for lint in lints if lint.code == code)
    assert (found.line, found.column) == (line, column)
    assert words in found.sentence()


def test_the_refusal_is_a_problem() -> None:
    with pytest.raises(PermanentError) as caught:
        load_roster("people:\n  - {id: a, team: 7}", "people/r.yaml")
    problem = caught.value.problem
    assert (problem.code, problem.where) == ("bad-roster", "people/r.yaml:2:19")
    assert problem.fix == 'put it in quotes: "7"'


def test_an_empty_roster_is_refused() -> None:
    assert check_roster("people: []", "r.yaml")[1][0].code == "empty"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("id,nmae\ne-1,x", "r.csv:1:2", 'did you mean "name"?'),
        ("id,id\n", "r.csv:1:2", "given twice"),
        ("name\nx", "r.csv:1:1", 'no column "id"'),
        ("", "r.csv:1:1", 'no column "id"'),
        ("id,name\ne-1,x,y", "r.csv:2:3", "double quotes"),
        ('id,name\ne-1,"x', "r.csv:2:1", "close the quotes"),
        ("id,time_zone\ne-1,UTC\n\ne-2,Mars", "r.csv:4:2", "not a time zone"),
        ('id,email,name\ne-1,a@b.c,"x"\n\ne-2,A@b.c', "r.csv:4:2", '"e-1" in line 2 and to "e-2" in line 4'),
        ('id,name\ne-1,"two\nlines"', "r.csv:2:2", "line breaks"),
        ('id,days_off,team\ne-1,sat,"a\nb"\ne-2,mars,c', "r.csv:4:2", '"mars", which is not known'),
        ("id,days_off\ne-1,sat;sonntag", "r.csv:2:2", "sonntag"),
        ("id,account_name\ne-1,x", "r.csv:2:2", "homePage"),
        ("id,manager\ne-1,e-1", "r.csv:2:2", "their own manager"),
    ],
)
def test_faults_of_a_csv_are_placed_by_line_and_column(text, where, words) -> None:
    with pytest.raises(PermanentError) as caught:
        load_roster(text, "r.csv")
    assert f"{where}:" in f"{caught.value.problem.where}: {caught.value.problem.detail}"
    assert words in str(caught.value)


def test_a_faulty_json_roster_is_read_closely() -> None:
    text = '{"people": [\n{"id": "a", "id": "b"}]}'
    assert check_roster(text, "r.json")[1][0].sentence().startswith("r.json:2:13: error: key")


def test_a_quick_json_roster_is_checked_like_any_other() -> None:
    roster, lints = check_roster('{"people": [{"id": "a", "manager": "a"}]}', "r.json")
    assert roster is None
    assert [(lint.code, lint.line, lint.column) for lint in lints] == [("own-manager", 1, 36)]


def test_a_manager_who_is_not_there_yet_is_named_and_holds_nobody_back() -> None:
    roster, lints = check_roster(YAML.replace("manager: e-2", "manager: e-3"), "r.yaml")
    assert roster is not None
    (found,) = lints
    assert (found.code, found.severity, found.line, found.column) == ("unknown-manager", "warning", 8, 14)
    assert "did you mean" in found.fix
    text = '{"people": [{"id": "a", "manager": "b"}]}'
    assert load_roster(text, "r.json").people == (Person(id="a", manager="b"),)
    assert [(lint.line, lint.column) for lint in check_roster(text, "r.json")[1]] == [(1, 36)]


def chain(*managers: str) -> str:
    return json.dumps({"people": [{"id": f"e-{n}", "manager": m} for n, m in enumerate(managers)]})


@pytest.mark.parametrize(
    ("managers", "circles"),
    [
        (("e-1", "e-2", ""), []),
        (("e-1", "e-0"), ["e-0 → e-1 → e-0"]),
        (("e-1", "e-2", "e-3", "e-1"), ["e-1 → e-2 → e-3 → e-1"]),
        (("e-1", "e-0", "e-3", "e-2", "e-0"), ["e-0 → e-1 → e-0", "e-2 → e-3 → e-2"]),
        (
            (*(f"e-{(n + 1) % 9}" for n in range(9)),),
            ["e-0 → e-1 → e-2 → e-3 → e-4 → e-5 → … (9 people) → e-0"],
        ),
    ],
)
def test_managers_in_a_circle_are_named_once(managers, circles) -> None:
    roster, lints = check_roster(chain(*managers), "r.json")
    assert [lint.message.removeprefix("managers go in a circle: ") for lint in lints] == circles
    assert (roster is None) == bool(circles)


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"hire_date": "2026-02-30"}, "bad-date", "/people/0/hire_date"),
        ({"hire_date": "1026-02-03"}, "date-out-of-range", "/people/0/hire_date"),
        ({"exit_date": "9999-12-31"}, "date-out-of-range", "/people/0/exit_date"),
        ({"hire_date": "2026-03-02", "exit_date": "2026-03-01"}, "dates-out-of-order", "/people/0/exit_date"),
        (
            {"leave": [{"from": "2026-03-01"}, {"from": "2026-03-02", "to": "2026-03-01"}]},
            "dates-out-of-order",
            "/people/0/leave/1/to",
        ),
        ({"leave": [{"from": "soon"}]}, "bad-format", "/people/0/leave/0/from"),
        ({"week": {"mon": "8-5"}}, "bad-format", "/people/0/week/mon"),
        ({"aliases": ["b"]}, "duplicate-id", "/people/0/aliases"),
        ({"former_emails": ["B@x.example"]}, "duplicate-identifier", "/people/1/email"),
    ],
)
def test_dates_hours_and_aliases_are_checked(fields, code, pointer) -> None:
    document = {"people": [{"id": "a", **fields}, {"id": "b", "email": "b@x.example"}]}
    roster, lints = check_roster(json.dumps(document), "r.json")
    assert roster is None
    assert code in [lint.code for lint in lints]
    if code != "duplicate-identifier":
        assert pointer in [lint.pointer for lint in lints]


def test_a_person_may_begin_and_end_on_one_day() -> None:
    day = {
        "hire_date": "2026-03-01",
        "exit_date": "2026-03-01",
        "leave": [{"from": "2026-03-01", "to": "2026-03-01"}],
    }
    assert check_roster(json.dumps({"people": [{"id": "a", **day}]}), "r.json")[1] == []


def test_a_last_newline_does_not_slip_through_the_quick_way() -> None:
    lints = check_roster('{"people": [{"id": "a\\n"}]}', "r.json")[1]
    assert [lint.code for lint in lints] == ["bad-format"]


def test_thousands_of_faults_are_cut_short() -> None:
    rows = "\n".join(f"e-{n},e-{n}" for n in range(5_000))
    _, lints = check_roster(f"id,manager\n{rows}", "r.csv")
    assert 0 < len(lints) <= 200


def test_people_may_decline_exactly_the_actions_there_are() -> None:
    assert set(get_args(OptOut)) == {"all", *get_args(ActionName)}


def test_the_hash_of_somebody_elses_address_is_named() -> None:
    digest = sha1(b"mailto:kim@x.example").hexdigest()
    text = f"id,email,mbox_sha1sum\ne-1,Kim@x.example,\ne-2,,{digest}\n"
    roster, lints = check_roster(text, "hr.csv")
    assert roster is not None
    assert [(lint.code, lint.severity, lint.line, lint.column) for lint in lints] == [
        ("hash-of-another", "warning", 3, 3)
    ]
    index = RosterIndex(roster, b"k" * 32)
    assert index.subject_of_name(f"mbox_sha1sum:{digest}") == index.own_subject("e-2"), "as the message says"
    assert index.subject_of_name("mbox:mailto:kim@x.example") == index.own_subject("e-1")
    own = check_roster(f"id,email,mbox_sha1sum\ne-1,kim@x.example,{digest}\n", "hr.csv")
    assert own[1] == [], "one's own hash beside one's own address says nothing new"
