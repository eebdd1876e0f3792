"""Proves that texts which readers of JSON disagree about are refused, and that the place is named."""

# ruff: noqa: UP031 - JSON is full of braces, so its templates use the percent sign

from __future__ import annotations

import json

import pytest

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import strict_json
from carrythrough.xapi.admission import Limits, admit

STATEMENT = (
    '{"actor":{"mbox":"mailto:a@example.org"},"verb":{"id":"http://example.org/did"},'
    '"object":{"id":"http://example.org/it"}%s}'
)


def refusal(body: bytes, limits: Limits | None = None) -> Problem:
    with pytest.raises(PermanentError) as error:
        admit(body, limits or Limits(), "1.0.3")
    problem = error.value.problem
    assert problem.rule
    assert problem.fix
    return problem


def with_result(text: str) -> bytes:
    """Return a statement whose result is the given text of JSON."""
    return (STATEMENT % f',"result":{text}').encode()


def with_extension(text: str) -> bytes:
    return with_result('{"extensions":{"https://example.org/x":%s}}' % text)


@pytest.mark.parametrize("body", [b"", b" ", b"\n\t\r ", b" " * (1 << 20)])
def test_nothing(body: bytes):
    problem = refusal(body)
    assert problem.code == "body-empty"


@pytest.mark.parametrize(
    ("body", "offset", "place"),
    [
        (b"{", 1, "line 1, column 2"),
        (b"[1,]", 3, "line 1, column 4"),
        (b"nonsense", 1, "line 1"),
        (b'[{"a":1},\n {"b":01}]', 17, "line 2, column 8"),
        (b'{"a":1} x', 8, "line 1, column 9"),
        (b"{'a':1}", 1, "line 1, column 2"),
        (b'{"a":"\n"}', 7, "line 1, column"),
        (b'{"a":"\x00"}', 7, "line 1, column"),
        (b'{"a":"\\x"}', 7, "line 1, column"),
        (b"\xef\xbb\xbf{}", 0, "line 1, column 1"),
        (b'{"a":1', 6, "line 1, column 7"),
    ],
)
def test_malformed_text_names_its_place(body: bytes, offset: int, place: str):
    problem = refusal(body)
    assert problem.code == "json-malformed"
    assert place in problem.detail
    named = int(problem.detail.split("at byte ")[1].split()[0])
    assert abs(named - offset) <= 1


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("where", ['{"score":{"raw":%s}}', '{"extensions":{"https://x":[%s]}}'])
def test_numbers_that_json_does_not_have(constant: str, where: str):
    body = with_result(where % constant)
    problem = refusal(b"[" + body + b"]")
    assert problem.code == "json-not-finite"
    assert f"byte {body.index(constant.encode()) + 1} " in problem.detail


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400 + ".0", "1" + "0" * 5000])
def test_numbers_beyond_a_double(number: str):
    problem = refusal(with_extension(number))
    assert problem.code == "json-number-range"
    assert problem.where == "/result/extensions/https:~1~1example.org~1x"
    problem = refusal(with_result('{"score":{"raw":%s}}' % number))
    assert (problem.code, problem.where) == ("json-number-range", "/result/score/raw")


def test_large_numbers_that_can_be_read_are_admitted_in_extensions():
    assert admit(with_extension("123456789012345678901234567890"), Limits(), "1.0.3")
    assert admit(with_extension("[1e308,-0.0,5e-324]"), Limits(), "1.0.3")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('"\\ud800"', "/result/response"),
        ('"a\\uDFFFb"', "/result/response"),
        ('"\\ud83d\\ud83d"', "/result/response"),
        ('"\\ud800\\u0041"', "/result/response"),
    ],
)
def test_half_a_character(text: str, pointer: str):
    problem = refusal(b"[" + with_result('{"response":%s}' % text) + b"]")
    assert (problem.code, problem.where) == ("json-not-unicode", f"/0{pointer}")
    key = text[1:-1]
    problem = refusal(with_result('{"extensions":{"https://x%s":1}}' % key))
    assert problem.code == "json-not-unicode"
    json.dumps(problem.where, ensure_ascii=False).encode()
    json.dumps(problem.detail, ensure_ascii=False).encode()


def test_a_whole_character_in_two_escapes_is_fine():
    [admitted] = admit(with_result('{"response":"\\ud83d\\ude00 \\\\ud800"}'), Limits(), "1.0.3")
    assert admitted.statement.result is not None
    assert admitted.statement.result.response == "😀 \\ud800"


@pytest.mark.parametrize("raw", [b"\xed\xa0\x80", b"\xff", b"\xc3", b"\xc0\x80", b"\xf5\x80\x80\x80"])
def test_bytes_that_are_not_utf_8(raw: bytes):
    body = with_result('{"response":"X"}').replace(b"X", raw)
    problem = refusal(body)
    assert problem.code == "json-not-unicode"
    assert f"byte {body.index(raw)} " in problem.detail


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (with_result('{"response":"a\\u0000b"}'), "/result/response"),
        ((STATEMENT % "").replace('"mailto:a@', '"\\u0000mailto:a@').encode(), "/actor/mbox"),
        ((STATEMENT % "").replace('{"mbox"', '{"name":"\\u0000","mbox"').encode(), "/actor/name"),
    ],
)
def test_nul_is_refused_in_texts(body: bytes, pointer: str):
    problem = refusal(body)
    assert (problem.code, problem.where) == ("json-nul", pointer)


def test_nul_is_free_in_the_value_of_an_extension_and_as_words():
    assert admit(with_extension('"\\u0000"'), Limits(), "1.0.3")
    assert admit(with_result('{"response":"\\\\u0000"}'), Limits(), "1.0.3")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"actor":{"mbox":"mailto:a@x"},%s' % (STATEMENT % "")[1:], "/actor"),
        ((STATEMENT % "").replace('"mbox":', '"mbox":"mailto:b@x","mbox":'), "/actor/mbox"),
        ((STATEMENT % "").replace('{"id":"http://example.org/it"', '{"id":"http://a","id":"http://example.org/it"'),
         "/object/id"),
        (STATEMENT % ',"result":{"success":true,"success":false}', "/result/success"),
        (STATEMENT % ',"result":{"success":true,"success" :false}', "/result/success"),
        (STATEMENT % ',"result":{"response":"\\"\\u003a","success":true,"success":true}', "/result/success"),
        (STATEMENT % ',"result":{"score":{"raw":1,"raw":2}}', "/result/score/raw"),
        (STATEMENT % ',"result":{"extensions":{"https://x":1,"https://x":1}}', "/result/extensions/https:~1~1x"),
        (STATEMENT % ',"result":{"extensions":{"https://x":{"a":1,"\\u0061":2}}}', "/result/extensions/https:~1~1x/a"),
        (STATEMENT % ',"context":{"language":"en","language":"en"}', "/context/language"),
        (STATEMENT % ',"context":{"contextActivities":{"parent":[],"parent":[]}}', "/context/contextActivities/parent"),
        (STATEMENT % ',"version":"1.0.0","version":"1.0.0"', "/version"),
    ],
)  # fmt: skip
@pytest.mark.requirement("1.0.3", "Data 2.2.s2.b2")
def test_a_key_given_twice(body: str, pointer: str):
    for text in (body, body.replace(",", " , "), body.replace('":', '" : ')):
        problem = refusal(f"[{text}]".encode())
        assert (problem.code, problem.where) == ("json-duplicate-key", f"/0{pointer}")


def test_what_looks_like_a_repeated_key_and_is_none():
    text = '{"response":"\\":1,\\" :2 \\u0022\\u003a3 \\":","extensions":{"https://x":{"a":{"a":1},"A":[{"a":2},{"a":3}]}}}'
    assert admit(with_result(text), Limits(), "1.0.3")
    assert admit(with_result('{"response":"::\\":\\":"}'), Limits(), "1.0.3")


@pytest.mark.parametrize("levels", [1_000, 10_000, 200_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_deep_nesting_is_refused_and_breaks_nothing(levels: int, pair: str):
    opening, closing = ("[", "]") if pair == "[]" else ('{"a":', "}")
    deep = opening * levels + "1" + closing * levels
    for body in (
        deep.encode(),
        with_extension(deep),
        b"[" + with_extension(deep) + b"]",
        (opening * levels).encode(),
    ):
        problem = refusal(body)
        assert problem.code == "json-too-deep"
        assert "depth_max" in problem.rule
    assert admit(with_extension("[[[1]]]"), Limits(), "1.0.3")


def test_the_depth_limit_is_exact_and_can_be_set():
    def nested(levels: int) -> bytes:
        return with_extension("[" * levels + "]" * levels)

    for depth_max in (8, 14, 20, 64):
        limits = Limits(depth_max=depth_max)
        # the statement, its result and the extensions are three levels themselves
        assert admit(nested(depth_max - 3), limits, "1.0.3")
        assert refusal(nested(depth_max - 2), limits).where == ""


def test_a_long_text_is_not_read_twice_to_say_more():
    body = b'"' + b"a" * (strict_json.SECOND_READING_BYTES_MAX + 1)
    problem = refusal(body)
    assert problem.code == "json-malformed"
    assert "too early" in problem.detail
    filler = b'["%s",' % (b"a" * strict_json.SECOND_READING_BYTES_MAX)
    assert refusal(filler + b"NaN]").detail.startswith(f"NaN at byte {len(filler)} (line 1,")
    assert f"at byte {len(filler)} (line 1," in refusal(filler + b"x]").detail
