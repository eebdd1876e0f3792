"""Proves when two statements are the same by the specification, and what the key of one without an id says."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from carrythrough.xapi.admission import Limits, admit, content_key, same_statement

STATEMENT: dict[str, Any] = {
    "id": "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11",
    "actor": {"objectType": "Group", "member": [{"mbox": "mailto:a@example.org"}, {"mbox": "mailto:b@example.org"}]},
    "verb": {"id": "http://example.org/did", "display": {"en": "did"}},
    "object": {"id": "http://example.org/it", "definition": {"name": {"en": "It"}}},
    "result": {"score": {"scaled": 0.5}, "success": True, "duration": "PT1.234S"},
    "context": {
        "registration": "EC531277-b57b-4c15-8d91-d292c5b2b8f7",
        "contextActivities": {"parent": [{"id": "http://example.org/p", "definition": {}}]},
        "statement": {"objectType": "StatementRef", "id": "EC531277-b57b-4c15-8d91-d292c5b2b8f7"},
        "team": {"objectType": "Group", "mbox": "mailto:team@example.org"},
        "extensions": {"http://example.org/x": [1, 2]},
    },
    "timestamp": "2026-03-01T09:30:00.123Z",
}  # fmt: skip


def text(value: Any) -> bytes:
    raw = json.dumps(value).encode()
    admit(raw, Limits(), "1.0.3")
    return raw


def other(pointer: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(STATEMENT)
    *path, last = pointer.strip("/").split("/")
    place: Any = changed
    for name in path:
        place = place[int(name) if isinstance(place, list) else name]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return changed


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/id", None),
        ("/id", "6B7A7E0C-5D0F-4F0E-9A3D-0C6F0F3B2A11"),
        ("/stored", "2026-03-01T09:30:00Z"),
        ("/authority", {"mbox": "mailto:lrs@example.org"}),
        ("/version", "1.0.0"),
        ("/timestamp", None),
        ("/timestamp", "2026-03-01T10:30:00.1234567+01:00"),
        ("/verb/display", None),
        ("/verb/display", {"fr": "fait"}),
        ("/object/definition", None),
        ("/object/objectType", "Activity"),
        ("/object/definition", {"name": {"en": "Other"}}),
        ("/actor/member", [{"mbox": "mailto:b@EXAMPLE.org"}, {"objectType": "Agent", "mbox": "mailto:a@example.org"}]),
        ("/context/registration", "ec531277-b57b-4c15-8d91-d292c5b2b8f7"),
        ("/context/statement/id", "ec531277-b57b-4c15-8d91-d292c5b2b8f7"),
        ("/context/contextActivities/parent", {"id": "http://example.org/p"}),
        ("/context/team/mbox", "mailto:team@EXAMPLE.ORG"),
        ("/result/duration", "PT1.239S"),
    ],
)  # fmt: skip
def test_what_does_not_make_another_statement(pointer: str, value: Any):
    a, b = text(STATEMENT), text(other(pointer, value))
    assert same_statement(a, b) == ""
    assert same_statement(b, a) == ""


@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        ("/verb/id", "http://example.org/undid", "/verb/id is"),
        ("/object/id", "http://example.org/that", "/object/id is"),
        ("/result/score/scaled", 0.7, "/result/score/scaled is 0.5 in one and 0.7 in the other"),
        ("/result/success", None, "/result/success is only in one"),
        ("/result/success", False, "/result/success is"),
        ("/result/duration", "PT1.24S", "/result/duration is"),
        ("/result/duration", "PT0M1.234S", "/result/duration is"),
        ("/timestamp", "2026-03-01T09:30:00.124Z", "/timestamp is"),
        ("/actor/member", [{"mbox": "mailto:a@example.org"}], "/actor/member has 2 items"),
        ("/actor/member", [{"mbox": "mailto:A@example.org"}, {"mbox": "mailto:b@example.org"}], "/actor/member/0/mbox"),
        ("/actor/name", "We", "/actor/name is only in one"),
        ("/context/extensions", {"http://example.org/x": [2, 1]}, "/context/extensions/http:~1~1example.org~1x/0 is"),
        ("/context/extensions", {"http://example.org/x": [True, 2]}, "/context/extensions/http:~1~1example.org~1x/0"),
        ("/context/contextActivities/parent/0/id", "http://example.org/q", "/context/contextActivities/parent/0/id is"),
        ("/context/platform", "web", "/context/platform is only in one"),
    ],
)  # fmt: skip
def test_what_makes_another_statement(pointer: str, value: Any, words: str):
    a, b = text(STATEMENT), text(other(pointer, value))
    assert words in same_statement(a, b)
    assert same_statement(b, a) != ""


def test_attachments_count_but_not_where_their_data_lies():
    attachment = {
        "usageType": "http://example.org/u", "display": {"en": "A"}, "contentType": "text/plain", "length": 1,
        "sha2": "a" * 64, "fileUrl": "http://example.org/f",
    }  # fmt: skip
    a = text({**STATEMENT, "attachments": [attachment]})
    assert (
        same_statement(a, text({**STATEMENT, "attachments": [{**attachment, "fileUrl": "http://x/g"}]})) == ""
    )
    assert "/attachments/0/sha2" in same_statement(
        a, text({**STATEMENT, "attachments": [{**attachment, "sha2": "b" * 64}]})
    )


def test_substatements_and_references_are_compared_inside():
    sub = {
        "objectType": "SubStatement", "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/v", "display": {"en": "v"}}, "object": {"id": "http://example.org/o"},
    }  # fmt: skip
    reference = {"objectType": "StatementRef", "id": "EC531277-b57b-4c15-8d91-d292c5b2b8f7"}
    a = text({**STATEMENT, "object": sub})
    assert (
        same_statement(a, text({**STATEMENT, "object": {**sub, "verb": {"id": "http://example.org/v"}}}))
        == ""
    )
    assert "/object/object/id" in same_statement(
        a, text({**STATEMENT, "object": {**sub, "object": {"id": "http://example.org/p"}}})
    )
    assert "/object/" in same_statement(a, text({**STATEMENT, "object": reference}))
    b = text({**STATEMENT, "object": reference})
    assert (
        same_statement(b, text({**STATEMENT, "object": {**reference, "id": reference["id"].lower()}})) == ""
    )


def test_the_key_of_content():
    compact = json.dumps(STATEMENT, separators=(",", ":")).encode()
    shuffled = json.dumps(dict(reversed(STATEMENT.items())), indent=3).encode()
    key = content_key("lms", compact, 0)
    assert len(key) == 16
    assert content_key("lms", shuffled, 0) == key
    others = {
        content_key("lms", compact, 1),
        content_key("vr", compact, 0),
        content_key("lm", b'"s"', 0),
        content_key("lms", text(other("/result/success", False)), 0),
    }
    assert len({key, *others}) == 5


def test_agents_as_objects_and_around_the_statement_are_compared_by_their_identifier():
    around = {
        "contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:c@example.org"}}],
        "instructor": {"mbox_sha1sum": "EBD31e95054c018b10727ccffd2ef2ec3a016ee9"},
    }
    same = {
        "contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:c@EXAMPLE.org"}}],
        "instructor": {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
    }
    agent = {"objectType": "Agent", "mbox": "mailto:a@example.org"}
    a = json.dumps({**STATEMENT, "object": agent, "context": around}).encode()
    b = json.dumps(
        {**STATEMENT, "object": {**agent, "mbox": "mailto:a@Example.Org"}, "context": same}
    ).encode()
    assert same_statement(a, b) == ""
    c = json.dumps(
        {**STATEMENT, "object": {**agent, "mbox": "mailto:b@example.org"}, "context": same}
    ).encode()
    assert "/object/mbox" in same_statement(a, c)
    without = {
        name: value for name, value in STATEMENT.items() if name not in {"context", "timestamp", "result"}
    }
    assert same_statement(text(without), text(without | {"version": "1.0.0"})) == ""
    only_platform = text({**without, "context": {"platform": "web"}})
    assert (
        same_statement(only_platform, text({**without, "context": {"platform": "web"}, "version": "1.0.0"}))
        == ""
    )
