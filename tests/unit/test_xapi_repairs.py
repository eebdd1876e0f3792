"""Proves what a lenient credential gets: each repair by its name, what stays as it was, and what is set aside."""

from __future__ import annotations

import json
import uuid
from copy import deepcopy
from typing import Any

import pytest

from carrythrough.errors import PermanentError
from carrythrough.xapi import lenient, repairs
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.lenient import Refused, Repaired

NOW_MS = 1_800_000_000_000
UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
AGENT = {"mbox": "mailto:ana@example.org"}
PLAIN: dict[str, Any] = {
    "actor": AGENT,
    "verb": {"id": "http://example.org/did"},
    "object": {"id": "http://example.org/it"},
    "timestamp": "2026-03-01T09:30:00Z",
}
SUB = {"actor": AGENT, "verb": PLAIN["verb"], "object": {"id": "http://example.org/it"}}


def taken(*statements: Any, version: str = "1.0.3", noted: tuple[str, ...] = ()) -> list[Any]:
    sender = lenient.Sender(credential="vr", version=version, now_ms=NOW_MS, noted=noted)
    return lenient.admit(json.dumps(list(statements)).encode(), Limits(), sender)


MENDED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    # change, repair, the same properties afterwards
    ({"actor": {"member": [AGENT]}}, "object-type-missing", {"actor": {"member": [AGENT], "objectType": "Group"}}),
    ({"object": {"member": [AGENT]}}, "object-type-missing", {"object": {"member": [AGENT], "objectType": "Group"}}),
    ({"object": AGENT}, "object-type-missing", {"object": {**AGENT, "objectType": "Agent"}}),
    ({"object": {"id": UUID}}, "object-type-missing", {"object": {"id": UUID, "objectType": "StatementRef"}}),
    ({"object": SUB}, "object-type-missing", {"object": {**SUB, "objectType": "SubStatement"}}),
    (
        {"context": {"team": {"name": "A", **AGENT}, "statement": {"id": UUID}}},
        "object-type-missing",
        {"context": {"team": {"name": "A", **AGENT, "objectType": "Group"},
                     "statement": {"id": UUID, "objectType": "StatementRef"}}},
    ),
    (
        {"object": {"objectType": "GroupActivity", "id": "http://example.org/g"}},
        "object-type-unknown",
        {"object": {"objectType": "Activity", "id": "http://example.org/g"}},
    ),
    (
        {"context": {"contextActivities": {"parent": [{"objectType": "GroupActivity", "id": "http://example.org/g"}]}}},
        "object-type-unknown",
        {"context": {"contextActivities": {"parent": [{"objectType": "Activity", "id": "http://example.org/g"}]}}},
    ),
    (
        {"result": {"extensions": {"sessionId": 1, "http://x/y": 2}}},
        "extension-key-not-iri",
        {"result": {"extensions": {"urn:carrythrough:extension:sessionId": 1, "http://x/y": 2}}},
    ),
    (
        {"context": {"extensions": {"Name (ä)": None}}},
        "extension-key-not-iri",
        {"context": {"extensions": {"urn:carrythrough:extension:Name%20%28%C3%A4%29": None}}},
    ),
    (
        {"object": {"id": "http://x/y", "definition": {"extensions": {"a": 1}}}},
        "extension-key-not-iri",
        {"object": {"id": "http://x/y", "definition": {"extensions": {"urn:carrythrough:extension:a": 1}}}},
    ),
    ({"version": "1.03"}, "statement-version-wrong", {"version": "1.0.3"}),
    ({"version": "v1.0.3"}, "statement-version-wrong", {"version": "1.0.3"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name", "after"), MENDED, ids=[f"{n}-{m[1]}" for n, m in enumerate(MENDED)]
)
def test_a_repair_mends_and_keeps_what_was_sent(change: dict[str, Any], name: str, after: dict[str, Any]):
    sent = {**PLAIN, **change}
    [one] = taken(sent)
    assert isinstance(one, Repaired)
    assert one.repairs == (name,)
    assert json.loads(one.original) == sent
    assert json.loads(one.raw) == {**PLAIN, **after}
    assert name in repairs.REPAIRS


def test_repairs_for_the_second_version():
    context = {"contextAgents": [{"agent": AGENT}], "contextGroups": [{"group": {"member": [AGENT]}}]}
    [one] = taken({**PLAIN, "context": context}, version="2.0.0")
    assert isinstance(one, Repaired)
    assert one.statement.context is not None
    assert one.statement.context.context_groups[0].group.object_type == "Group"


def test_a_good_statement_is_left_alone():
    [one] = taken(PLAIN)
    assert type(one) is Admitted
    assert json.loads(one.raw) == PLAIN


def test_a_score_with_raw_and_max_only_is_kept_as_it_is():
    [one] = taken({**PLAIN, "result": {"score": {"raw": 7, "max": 10}}})
    assert type(one) is Admitted


def test_a_clock_that_was_never_set_gives_no_time():
    for written in ("1970-01-01T00:00:10Z", "2000-01-01T00:00:00Z", "1601-01-01T00:00:00Z"):
        [one] = taken({**PLAIN, "timestamp": written})
        assert one.repairs == ("clock-not-set",)
        assert one.t_ms == -1
        assert "timestamp" not in json.loads(one.raw)
        assert json.loads(one.original)["timestamp"] == written


def test_a_clock_ahead_is_said_and_nothing_is_changed():
    [one] = taken({**PLAIN, "timestamp": "2099-01-01T00:00:00Z"})
    assert one.repairs == ("clock-ahead",)
    assert one.original == b""
    assert one.t_ms == 4_070_908_800_000


def test_what_is_noted_of_the_request_is_said_of_each_statement():
    for one in taken(PLAIN, {**PLAIN, "version": "1.03"}, noted=("request-version-wrong",)):
        assert one.repairs[-1] == "request-version-wrong"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"actor": {}}, "identifier-missing", "/actor"),
        ({"verb": {"id": "did"}}, "iri-invalid", "/verb/id"),
        ({"object": {"objectType": "activity", "id": "http://x/y"}}, "value-not-allowed", "/object/objectType"),
        ({"result": {"score": {"scaled": 87}}}, "score-out-of-range", "/result/score/scaled"),
        ({"result": {"extensions": {"a": 1, "urn:carrythrough:extension:a": 2}}}, "iri-invalid",
         "/result/extensions/a"),
        ({"version": "0.95"}, "version-unsupported", "/version"),
        ({"version": "2.0.0"}, "version-unsupported", "/version"),
        ({"timestamp": None}, "property-null", "/timestamp"),
        # mended in one place and still wrong in another: the reason is what is still wrong
        ({"version": "1.03", "verb": {"id": "did"}}, "iri-invalid", "/verb/id"),
    ],
)  # fmt: skip
def test_what_no_repair_mends_is_set_aside_alone(change: dict[str, Any], code: str, where: str):
    sent = {**deepcopy(PLAIN), "id": UUID, **change}
    before, one, after = taken(PLAIN, sent, PLAIN)
    assert type(before) is type(after) is Admitted
    assert isinstance(one, Refused)
    assert (one.problem.code, one.problem.where) == (code, where)
    assert one.said.hex() == UUID.replace("-", "")
    kept = lenient.read_kept(one.raw)
    assert (kept.credential, kept.version, kept.problem) == ("vr", "1.0.3", one.problem)
    assert json.loads(kept.raw()) == sent


def test_what_is_no_object_is_set_aside_too():
    for value in (7, None, "text", [], {}):
        [one] = taken(value)
        assert isinstance(one, Refused)
        assert json.loads(lenient.read_kept(one.raw).raw()) == value


def test_a_key_given_twice_is_set_aside_with_the_text_as_it_was_sent():
    text = b'[{"actor":{},"actor":{},"verb":{"id":"http://x/y"},"object":{"id":"http://x/y"}}]'
    [one] = lenient.admit(text, Limits(), lenient.Sender(credential="vr", version="1.0.3", now_ms=NOW_MS))
    assert isinstance(one, Refused)
    assert lenient.read_kept(one.raw).raw() == text[1:-1]


def test_what_is_not_utf_8_is_set_aside_alone():
    good, bad = json.dumps(PLAIN).encode(), json.dumps(PLAIN | {"id": UUID}).encode()
    cut = bad.replace(b"example", b"ex\xe4mple", 1)
    fine = json.dumps(PLAIN | {"verb": {"id": "http://example.org/d\u00edd"}}, ensure_ascii=False).encode()
    body = b"[ " + good + b" ,\n" + cut + b"," + fine + b"]"
    sender = lenient.Sender(credential="vr", version="1.0.3", now_ms=NOW_MS)
    first, second, third = lenient.admit(body, Limits(), sender)
    assert isinstance(first, Admitted)
    assert first.raw == good
    assert isinstance(second, Refused)
    assert second.problem.code == "json-not-unicode"
    assert lenient.read_kept(second.raw).raw() == cut
    assert isinstance(third, Admitted)
    assert third.raw == fine
    assert second.said == uuid.UUID(UUID).bytes
    key = bad.replace(UUID.encode(), b"ex\xe4mple")
    for text in (cut, key, bad.replace(b'"id"', b'"\xff"'), b'"\xff"'):
        [alone] = lenient.admit(b"[" + text + b"]", Limits(), sender)
        assert isinstance(alone, Refused)


def test_a_body_that_is_no_json_is_refused_whole():
    for body in (b"", b"[{]", b"\xff", b'[{"actor":1}'):
        with pytest.raises(PermanentError):
            lenient.admit(body, Limits(), lenient.Sender(credential="vr", version="1.0.3", now_ms=NOW_MS))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1.03", "1.0.3"), ("103", "1.0.3"), ("V1.0.3", "1.0.3"), ("1.0.3.0", "1.0.3"), ("1,0,3", "1.0.3"),
     ("1.0", "1.0.0"), ("2.00", "2.0.0"), ("1.1.0", None), ("0.95", None), ("2", None), ("latest", None), ("", None)],
)  # fmt: skip
def test_versions_that_are_nearly_right(written: str, meant: str | None):
    assert repairs.near_version(written) == meant
