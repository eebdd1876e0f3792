"""Proves that no text of a program map crashes, hangs or slips through: bombs, tags, encodings, and plain noise."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carrythrough.authoring.findings import TEXT_FINDINGS
from carrythrough.authoring.source import DEPTH_MAX, Lint, SourceError, decoded, read_source
from carrythrough.authoring.yaml_text import ALIASED_MAX
from carrythrough.program.load import check_program

MAP = """\
map: m
version: 1
name: M
skills:
  - {id: s, name: S}
events:
  - {id: e, match: {kind: qa-result}, evidence: {skill: s}}
"""


def refused(text: str, filename: str = "map.yaml") -> tuple[str, int, int]:
    """Return code and place of the one finding that refuses `text`; it comes within two seconds."""
    start = time.perf_counter()
    program, lints = check_program(text, filename)
    assert time.perf_counter() - start < 2.0
    assert program is None
    assert lints
    for lint in lints:
        assert lint.message
        assert lint.rule
        assert lint.why
        assert lint.fix
        assert lint.file == filename
    return lints[0].code, lints[0].line, lints[0].column


def laughs(levels: int, width: int) -> str:
    rows = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (laughs(12, 10), "too-many-aliases"),
        (laughs(3, 100), "too-many-aliases"),
        ("a: &a " + "[" * 20 + "1" + "]" * 20 + "\nb: " + "[" * 20 + "*a" + "]" * 20, "too-deep"),
        ("\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 500))]), "too-deep"),
        (MAP + "tests: &t\n  - {id: t, name: T, given: *t, expect: {}}\n", "alias-cycle"),
        (MAP + "owner: *nobody\n", "syntax"),
        ("base: &base {id: s}\nmap: m\nskills:\n  - {<<: *base, name: S}\n", "merge-key"),
        ("map: m\nmap: n\n", "duplicate-key"),
        ("map: m\nskills:\n  - {id: s, name: S, id: t}\n", "duplicate-key"),
        ("map: !!python/object/apply:os.system ['true']\n", "tag"),
        ("map: !!python/name:os.system\n", "tag"),
        ("map: !include other.yaml\n", "tag"),
        ("!!set {a, b}\n", "tag"),
        ("!!int map: 1\n", "tag"),
        ("map: !!binary aGk=\n", "tag"),
        ("version: !!float 1\n", "tag"),
        ("", "empty"),
        ("# nothing but a comment\n", "empty"),
        ("   \n\t\n", "syntax"),
        ("---\n...\n", "wrong-type"),
        ("map: m\nskills:\n\t- {id: s, name: S}\n", "syntax"),
        ("map: m\n\tversion: 1\n", "syntax"),
        ("map: m\n---\nmap: n\n", "syntax"),
        ("? [a, b]\n: c\n", "syntax"),
        ("? *a\n: c\n", "syntax"),
        ("map: 'open\n", "syntax"),
        ("map: \x01\n", "syntax"),
        ("map: \ud800\n", "syntax"),
        ("[" * 100_000, "too-deep"),
        ("- " * 100_000, "too-deep"),
        ("{a: " * 100_000, "too-deep"),
        ("a: " + "[" * 33 + "]" * 33, "too-deep"),
        ("x" * 8_000_001, "too-large"),
        ("&a " * 1_000 + "x", "syntax"),
        ("%YAML 9.9\n---\nmap: m\n", "syntax"),
        ("<map>m</map>", "wrong-type"),
        ("map,version\nm,1\n", "wrong-type"),
        ("just words", "wrong-type"),
        ("7", "wrong-type"),
        ("null", "wrong-type"),
    ],
)
def test_a_hostile_text_is_refused_by_name(text: str, code: str) -> None:
    found, line, column = refused(text)
    assert found == code
    assert found in TEXT_FINDINGS
    assert line >= 1
    assert column >= 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a":' * 100_000, "too-deep"),
        ("[" * 100_000, "too-deep"),
        ('{"map": "m", "map": "n"}', "duplicate-key"),
        ('{"map": NaN}', "syntax"),
        ('{"map": Infinity}', "syntax"),
        ('{"map": "m", "version": 1e999, "name": "M", "skills": [{"id": "s", "name": "S"}]}', "wrong-type"),
        ('{"version": ' + "9" * 5_000 + "}", "syntax"),
        ('{"map": "m",}', "syntax"),
        ("{'map': 'm'}", "syntax"),
        ('{"map": "m"} // end', "syntax"),
        ('{"map": "\\ud800"}', "syntax"),
        ('{"\\udc00": 1}', "syntax"),
        ('"' + "x" * 100, "syntax"),
        ("", "syntax"),
        ("null", "wrong-type"),
        ("[]", "wrong-type"),
    ],
)
def test_hostile_json_is_refused_by_name(text: str, code: str) -> None:
    assert refused(text, "map.json")[0] == code


def test_what_a_tag_says_anyway_is_read() -> None:
    text = (
        MAP.replace("name: M", "name: !!str 7")
        .replace("skills:", "skills: !!seq")
        .replace("- {id: e,", "- !!map {id: e,")
    )
    program, _ = check_program(text, "map.yaml")
    assert program is not None
    assert program.name == "7"


def test_a_long_text_may_have_more_aliases() -> None:
    rows = "\n".join(f"- [*a, {'x' * 200}]" for _ in range(30_000))
    assert read_source(f"- &a [{', '.join('x' * 9)}]\n{rows}", "r.yaml").size > ALIASED_MAX


def test_the_place_of_a_hostile_value_is_its_own() -> None:
    assert refused("map: m\nname: !!python/name:os.system\n") == ("tag", 2, 7)
    assert refused("map: m\nskills:\n  - &s {id: s, more: *s}\n") == ("alias-cycle", 3, 22)
    assert refused("map: m\nx:\n  <<: {a: 1}\n") == ("merge-key", 3, 3)
    assert refused("map: m\nskills:\n\t- {id: s}\n")[:2] == ("syntax", 3)


def test_a_tab_is_told_apart_from_other_faults_of_syntax() -> None:
    _, lints = check_program("map: m\nskills:\n\t- {id: s}\n", "map.yaml")
    assert "tabs" in lints[0].fix
    _, lints = check_program("map: [m\n", "map.yaml")
    assert "tabs" not in lints[0].fix


def test_anchors_are_welcome_within_their_limit() -> None:
    text = MAP.replace("{kind: qa-result}", "&when {kind: qa-result}") + "owner: &o Learning\n"
    assert check_program(text, "map.yaml")[0] is not None
    shared = "a: &a x\nb: [" + ", ".join(["*a"] * (ALIASED_MAX // 10)) + "]\n"
    assert read_source(shared, "x.yaml").size > ALIASED_MAX // 10
    over = f"a: &a [{', '.join(['x'] * 999)}]\nb: [{', '.join(['*a'] * (ALIASED_MAX // 1_000 + 1))}]\n"
    with pytest.raises(SourceError, match=str(ALIASED_MAX)):
        read_source(over, "x.yaml")


@pytest.mark.parametrize("break_", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(break_: str, mark: str) -> None:
    text = mark + MAP.replace("\n", break_)
    program, lints = check_program(text, "map.yaml")
    assert program is not None
    assert lints == []
    assert refused(text.replace("kind: qa-result", "kind: qa-reslt")) == ("not-allowed", 7, 27)
    js = mark + json.dumps(
        json.loads('{"map": "m", "version": 1, "name": "M", "skills": [{"id": "s"}]}'), indent=1
    )
    assert refused(js.replace("\n", break_), "map.json")[0] == "missing-field"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"])
def test_another_encoding_is_refused_with_the_way_out(encoding: str) -> None:
    with pytest.raises(SourceError) as caught:
        decoded(MAP.replace("name: M", "name: Führung").encode(encoding), "map.yaml")
    assert caught.value.lint.code == "not-utf8"
    assert "UTF-8" in caught.value.lint.fix
    if encoding in ("cp1252", "latin-1"):
        assert (caught.value.lint.line, caught.value.lint.column) == (3, 8)


def test_utf_8_is_read_with_and_without_its_mark() -> None:
    text = MAP.replace("name: M", "name: Führung ✓ 🎯")
    assert decoded(text.encode(), "m.yaml") == decoded(text.encode("utf-8-sig"), "m.yaml") == text


NOISE = st.text(st.sampled_from("ab:-?[]{},&*!|>%@`#\"'\n \t<~01.e+\\\ufeff\x85\u2028é\x00"), max_size=60)


@settings(max_examples=400, deadline=None)
@given(NOISE)
@example("? a\n? b\n")
@example("a: &x\n  - *x")
@example("&a &b c")
@example('{"a": [}')
@example("{")
def test_noise_is_read_or_refused(text: str) -> None:
    for filename in ("m.yaml", "m.json"):
        refusals: list[Lint] = []
        try:
            node = read_source(text, filename)
        except SourceError as error:
            refusals.append(error.lint)
        else:
            assert node.depth <= DEPTH_MAX
            node.plain()
        for lint in refusals:
            assert lint.code in TEXT_FINDINGS
            assert lint.line >= 1
            assert lint.column >= 1
            assert lint.fix
        check_program(text, filename)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_map_is_refused_or_still_a_map(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(MAP)))
    length = data.draw(st.integers(0, 12))
    text = MAP[:cut] + data.draw(NOISE) + MAP[cut + length :]
    program, lints = check_program(text, "m.yaml")
    assert program is not None or any(lint.severity == "error" for lint in lints)
