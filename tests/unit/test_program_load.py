"""Proves that a program map is read exactly, and refused with file:line:column, rule and suggestion."""

from __future__ import annotations

import json

import msgspec
import pytest

from carrythrough.authoring.reading import LINTS_MAX
from carrythrough.authoring.source import DEPTH_MAX, SourceError, read_source
from carrythrough.errors import PermanentError
from carrythrough.program.load import check_program, load_program

MAP = """\
map: service-excellence
version: 3
name: Service excellence
owner: Learning
goals:
  - id: happier-customers
    name: Happier customers
    kpis:
      - {id: csat, name: CSAT, direction: up, target: 0.78, noise_sd: 0.05}
skills:
  - id: de-escalation
    name: De-escalation
    kpis: [csat]
    roles: {agent: 1.0}
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: https://lms.example/quiz/}
    evidence:
      - {skill: de-escalation, channel: learn, outcome: score}
events:
  - id: qa
    match: {kind: qa-result}
    evidence: [{skill: de-escalation, channel: job}]
policy:
  quiet: {from: 20:00, to: 07:00}
"""


def lints_of(text: str, filename: str = "map.yaml"):
    return check_program(text, filename)[1]


def only(text: str):
    program, lints = check_program(text, "map.yaml")
    assert program is None
    assert len(lints) == 1
    return lints[0]


def test_the_map_is_clean_and_read_as_written() -> None:
    program, lints = check_program(MAP, "map.yaml")
    assert lints == []
    assert program is not None
    assert (program.id, program.version) == ("service-excellence", 3)
    assert program.activities[0].match.activity_prefix == ("https://lms.example/quiz/",)
    assert program.skills[0].roles == {"agent": 1.0}
    assert program.policy.quiet.minutes() == (1200, 420)


def test_json_and_yaml_give_the_same_map() -> None:
    program = load_program(MAP, "map.yaml")
    text = msgspec.json.encode(program).decode()
    assert load_program(text, "map.json") == program
    assert load_program(json.dumps(json.loads(text), indent="\t"), "map") == program


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code", "words"),
    [
        ("channel: learn", "channel: lern", 20, 41, "not-allowed", 'did you mean "learn"?'),
        ("kpis: [csat]", "kpi: [csat]", 13, 5, "unknown-field", 'did you mean "kpis"?'),
        ("target: 0.78", "target: high", 9, 55, "wrong-type", "a number"),
        ("from: 20:00", "from: 25:00", 26, 17, "bad-format", "HH:MM"),
        ("version: 3", "version: 0", 2, 10, "out-of-range", "from 1 to 1000000"),
        (
            "map: service-excellence",
            "map: Service Excellence",
            1,
            6,
            "bad-format",
            'write "service-excellence"',
        ),
        ("name: Quiz", "name: 7", 17, 11, "wrong-type", 'put it in quotes: "7"'),
        ("  - id: quiz\n    name: Quiz", "  - id: quiz", 16, 5, "missing-field", 'add "name: …" here'),
        (
            "skill: de-escalation, channel: learn",
            "skill: de-esclation, channel: learn",
            20,
            17,
            "unknown-skill",
            'did you mean "de-escalation"?',
        ),
        ("kpis: [csat]", "kpis: [cast]", 13, 12, "unknown-kpi", 'did you mean "csat"?'),
        ("roles: {agent: 1.0}", "roles: {agent: 9}", 14, 20, "out-of-range", "from 0 to 8"),
        (
            "roles: {agent: 1.0}",
            "roles: {agent: 1.0}\n    target: 75",
            15,
            13,
            "out-of-range",
            "write 0.75, a share",
        ),
        ("owner: Learning", "owner: Learning\nowner: Me", 5, 1, "duplicate-key", "remove one of the two"),
        ("owner: Learning", "owner: [Learning", 5, 6, "syntax", "indentation"),
        ("owner: Learning", "owner: true", 4, 8, "wrong-type", "owner must be text, not true"),
    ],
)
def test_a_fault_is_placed_and_mended(old, new, line, column, code, words) -> None:
    assert old in MAP
    lints = lints_of(MAP.replace(old, new))
    found = [lint for lint in lints if lint.code == code]
    assert found, [lint.sentence() for lint in lints]
    assert (found[0].line, found[0].column) == (line, column)
    assert found[0].severity == "error"
    assert words in found[0].sentence()


def test_the_refusal_names_the_first_place_and_lists_all() -> None:
    text = MAP.replace("channel: learn", "channel: lern").replace("kpis: [csat]", "kpi: [csat]")
    with pytest.raises(PermanentError) as caught:
        load_program(text, "maps/service.yaml")
    problem = caught.value.problem
    assert problem.code == "bad-program-map"
    assert problem.where == "maps/service.yaml:13:5"
    assert problem.rule
    assert problem.fix == 'did you mean "kpis"?'
    assert "maps/service.yaml:13:5" in problem.detail
    assert "maps/service.yaml:20:41" in problem.detail


def test_warnings_do_not_refuse() -> None:
    program, lints = check_program(MAP.replace(", target: 0.78", ""), "map.yaml")
    assert program is not None
    assert [(lint.code, lint.severity) for lint in lints] == [("kpi-without-target", "warning")]


def test_faults_of_a_json_map_are_placed_too() -> None:
    text = json.dumps(json.loads(msgspec.json.encode(load_program(MAP, "m"))), indent=1)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if '"learn"' in row)
    lint = lints_of(text.replace('"learn"', '"lern"'), "map.json")[0]
    assert (lint.line, lint.code) == (line, "not-allowed")
    assert text.splitlines()[line - 1][lint.column - 1] == '"'
    assert lint.pointer == "/activities/0/evidence/0/channel"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('{"map": "a", "map": "b"}', "duplicate-key", 1),
        ('{"map": NaN}', "syntax", 1),
        ('{\n"map": "a"\n', "syntax", 3),
        ('{"map": "\\ud800"}', "syntax", 1),
        ('{"map": "a"} x', "syntax", 1),
        ('{"map": "a\nb"}', "syntax", 1),
        ("", "syntax", 1),
    ],
)
def test_broken_json_is_refused_with_its_place(text, code, line) -> None:
    lint = lints_of(text, "map.json")[0]
    assert (lint.code, lint.line) == (code, line)


def test_words_of_yaml_1_1_stay_words() -> None:
    node = read_source("a: no\nb: 20:00\nc: 2026-11-01\nd: 0x10\ne: 1_000\nf: ~\ng: on", "x.yaml")
    expected = {"a": "no", "b": "20:00", "c": "2026-11-01", "d": "0x10", "e": "1_000", "f": None, "g": "on"}
    assert node.plain() == expected


def test_quoted_numbers_stay_text_and_numbers_are_numbers() -> None:
    assert read_source("a: '1'\nb: 1\nc: -1.5e3\nd: .5\ne: true", "x").plain() == {
        "a": "1",
        "b": 1,
        "c": -1500.0,
        "d": 0.5,
        "e": True,
    }


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 5000, "{a: " * 5000, '{"a":' * 5000])
def test_deep_nesting_is_refused_not_a_crash(text) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(text, "x.json" if text.startswith('{"') else "x.yaml")
    assert caught.value.lint.code in ("too-deep", "syntax")
    assert str(DEPTH_MAX) in caught.value.lint.fix or caught.value.lint.code == "syntax"


def test_a_bomb_of_aliases_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SourceError) as caught:
        read_source("\n".join(rows), "x.yaml")
    assert caught.value.lint.code == "too-many-aliases"


def test_an_alias_stands_for_its_value_and_may_not_contain_itself() -> None:
    assert read_source("a: &x [1]\nb: *x", "x").plain() == {"a": [1], "b": [1]}
    with pytest.raises(SourceError, match="alias-cycle"):
        read_source("a: &x [*x]", "x")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\n---\nb: 2", "syntax"),
        ("", "empty"),
        ("? [a]\n: 1", "syntax"),
        ("a: \x00", "syntax"),
        ("a:\n\t- b", "syntax"),
    ],
)
def test_unreadable_yaml_is_refused(text, code) -> None:
    with pytest.raises(SourceError) as caught:
        read_source(text, "x.yaml")
    assert caught.value.lint.code == code
    assert caught.value.lint.line >= 1


def test_a_text_that_is_too_long_is_refused_by_its_limit() -> None:
    with pytest.raises(SourceError, match="more than 10") as caught:
        read_source("a" * 11, "x.yaml", characters_max=10)
    assert caught.value.lint.code == "too-large"


def test_null_is_absent_for_what_may_be_absent() -> None:
    assert load_program(MAP.replace("owner: Learning", "owner:"), "m").owner == ""
    assert only(MAP.replace("name: Service excellence", "name:")).code == "wrong-type"


@pytest.mark.parametrize("text", ["7", "[1]", "just words", "true"])
def test_a_text_that_is_no_mapping_is_refused(text) -> None:
    assert only(text).message.startswith("the text must be a mapping")


def test_the_id_of_a_map_with_a_last_newline_is_refused() -> None:
    assert only(MAP.replace("map: service-excellence", 'map: "service-excellence\\n"')).code == "bad-format"


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("skills:\n", "skills: []\nobjectives:\n", "out-of-range", "at least 1"),
        ("roles: {agent: 1.0}", "roles: [agent]", "wrong-type", "not a list"),
        ("roles: {agent: 1.0}", 'roles: {"": 1.0}', "out-of-range", "is empty"),
        ("target: 0.78", "target: 1e999", "wrong-type", "a finite number"),
        ("version: 3", "version: 3.5", "wrong-type", "a whole number, not the number 3.5"),
        ("owner: Learning", "owner: {a: 1}", "wrong-type", "not a mapping"),
        ("version: 3", "version:", "wrong-type", "not nothing"),
        ("version: 3", "version: true", "wrong-type", "not true"),
        ("version: 3", f"version: {'9' * 39}", "out-of-range", "from 1 to 1000000"),
        ("owner: Learning", f"{'o' * 101}: x", "unknown-field", "known here: map, version"),
        ("owner: Learning", "Owner: x", "unknown-field", 'did you mean "owner"?'),
    ],
)
def test_values_of_the_wrong_kind_are_described(old, new, code, words) -> None:
    assert old in MAP
    lints = lints_of(MAP.replace(old, new, 1))
    assert code in [lint.code for lint in lints]
    assert any(words in lint.sentence() for lint in lints), [lint.sentence() for lint in lints]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert load_program(MAP.replace("version: 3", "version: 3.0"), "m").version == 3


def test_a_number_beyond_a_double_is_no_number() -> None:
    text = '{"map": "m", "version": 1, "name": "M", "skills": [{"id": "s", "name": "S", "target": %s}]}'
    assert lints_of(text % "1e400", "m.json")[0].code == "wrong-type"
    assert lints_of(text % ("9" * 400), "m.json")[0].code == "syntax"


def test_faults_are_gathered_up_to_a_limit() -> None:
    many = "".join(f"  x{n}: 1\n" for n in range(5_000))
    assert 0 < len(lints_of(f"{MAP}{many}")) <= LINTS_MAX
    many = "".join(f"  - {{id: K{n}, name: N}}\n" for n in range(5_000))
    assert len(lints_of(MAP.replace("skills:\n", f"skills:\n{many}"))) == LINTS_MAX
