"""Shared by the requirements: a statement that uses the whole model, and what admission says to a change of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from carrythrough.errors import PermanentError
from carrythrough.xapi.admission import Limits, admit

Changes = dict[str, Any]
"""JSON pointer to the new value there; `...` takes the member out."""

UUID = "6b7a7e0c-5d0f-4f0e-9a3d-0c6f0f3b2a11"
SHARED = ("actor", "verb", "object", "result", "context", "timestamp", "attachments")
WHOLE: dict[str, Any] = {
    "id": UUID,
    "actor": {"objectType": "Agent", "name": "Ana", "account": {"homePage": "https://lms.example.org", "name": "7"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en-US": "answered"}},
    "object": {
        "objectType": "Activity",
        "id": "https://lms.example.org/q/1",
        "definition": {
            "name": {"en": "Question"},
            "description": {"en": "What next?"},
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "moreInfo": "https://lms.example.org/q/1/info",
            "interactionType": "matching",
            "correctResponsesPattern": ["a[.]1[,]b[.]2"],
            "source": [{"id": "a", "description": {"en": "Ask"}}, {"id": "b"}],
            "target": [{"id": "1"}, {"id": "2", "description": {"de": "Zwei"}}],
            "extensions": {"https://example.org/x": {"free": [1, None]}},
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": False,
        "response": "a[.]1",
        "duration": "PT1M30.5S",
        "extensions": {"https://example.org/tries": 2},
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": {"mbox": "mailto:ines@example.org"},
        "team": {"objectType": "Group", "name": "Team", "member": [{"openid": "https://id.example.org/a"}]},
        "contextActivities": {"parent": {"id": "https://lms.example.org/quiz"}, "other": [{"id": "https://x.example"}]},
        "revision": "1.2",
        "platform": "web",
        "language": "en-GB",
        "statement": {"objectType": "StatementRef", "id": UUID},
        "extensions": {"https://example.org/room": None},
    },
    "timestamp": "2026-03-01T09:30:00.000Z",
    "stored": "2026-03-01T09:30:01Z",
    "authority": {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
    "version": "1.0.0",
    "attachments": [
        {
            "usageType": "http://example.org/certificate",
            "display": {"en": "Certificate"},
            "description": {"en": "Of completion"},
            "contentType": "application/pdf",
            "length": 27,
            "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
            "fileUrl": "https://example.org/certificate.pdf",
        }
    ],
}  # fmt: skip


def changed(changes: Changes) -> dict[str, Any]:
    """Return `WHOLE` with changes, without what it says only of activities when its object is none."""
    statement = deepcopy(WHOLE)
    for pointer, value in changes.items():
        *path, last = [step.replace("~1", "/") for step in pointer.split("/")[1:]]
        place: Any = statement
        for name in path:
            place = place[int(name) if isinstance(place, list) else name]
        key: Any = int(last) if isinstance(place, list) else last
        if value is ...:
            del place[key]
        else:
            place[key] = value
    what = statement.get("object")
    about = what.get("objectType", "Activity") if isinstance(what, dict) else "Activity"
    if about != "Activity" and not any(pointer.startswith("/context") for pointer in changes):
        for name in ("revision", "platform"):
            statement["context"].pop(name, None)
    return statement


def inside(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement whose object is a SubStatement with what `statement` may share with one."""
    sub = {name: value for name, value in statement.items() if name in SHARED}
    return {
        "actor": {"mbox": "mailto:ana@example.org"},
        "verb": {"id": "http://example.org/planned"},
        "object": {"objectType": "SubStatement", **sub},
    }


def verdict(statement: Any, version: str) -> str:
    """Return "accepted", or "code at pointer"; written compactly or spaced, a statement gets the same."""
    found = set()
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps(statement, separators=separators).encode()
        found.add(said(body, version))
    assert len(found) == 1
    return found.pop()


def said(body: bytes, version: str) -> str:
    """Return what admission says to a body; a refusal always names a rule and a fix."""
    problem = None
    try:
        admit(body, Limits(), version)
    except PermanentError as error:
        problem = error.problem
    if problem is None:
        return "accepted"
    assert problem.rule
    assert problem.fix
    assert problem.status == 400
    return f"{problem.code} at {problem.where or '/'}"


@pytest.fixture
def versions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Give the versions whose requirements the test is marked with."""
    return tuple(sorted({mark.args[0] for mark in request.node.iter_markers("requirement")}))


@pytest.fixture
def holds(versions: tuple[str, ...]) -> Callable[..., None]:
    """Give `holds(changes, expected)`: admission says `expected` in each version, in a SubStatement too.

    expected: "accepted" or "code at pointer". sub: False where a SubStatement has no such property.
    """

    def check(changes: Changes, expected: str, *, sub: bool = True) -> None:
        statement = changed(changes)
        assert versions
        for version in versions:
            assert verdict(statement, version) == expected
            shared = all(pointer.split("/")[1] in SHARED for pointer in changes)
            if sub and shared:
                within = (
                    expected.replace(" at /", " at /object/").rstrip("/") if " at /" in expected else expected
                )
                assert verdict(inside(statement), version) == within

    return check
