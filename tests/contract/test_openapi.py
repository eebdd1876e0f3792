"""Proves that schemas/openapi.yaml is the API: its routes, methods, status codes and bodies are the app's.

The document is checked by the OpenAPI validator, its paths are compared with the routes of the app, and its
statement schema with what admission takes. What a running server answers is held to it in test_openapi_answers.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from carrythrough import __version__
from carrythrough.embedded.runtime import Embedded
from carrythrough.gateway.app import build_app
from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.oauth_own import OwnTokens, new_key
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.scopes import SCOPES
from carrythrough.gateway.xapi import lenient as outcomes
from carrythrough.gateway.xapi.versions import LATEST_1_0, LATEST_2_0
from carrythrough.ports import Receipt
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.lenient import Refused, Sender
from carrythrough.xapi.lenient import admit as admit_leniently

Faults = Callable[[str, Any], list[str]]
API = ("/v1/", "/xapi/", "/healthz", "/readyz", "/oauth/", "/.well-known/")


def test_the_document_is_valid(document: dict[str, Any], repository: Path):
    validate(document, base_uri=(repository / "schemas" / "openapi.yaml").as_uri())
    assert document["info"]["version"] == __version__


def test_it_names_the_scopes_and_versions(document: dict[str, Any]):
    words = document["components"]["securitySchemes"]["credential"]["description"]
    for scope in SCOPES:
        assert f"`{scope}`" in words
    assert document["components"]["headers"]["XapiVersion"]["schema"]["enum"] == [LATEST_1_0, LATEST_2_0]


def test_its_paths_and_methods_are_those_of_the_app(
    document: dict[str, Any], tmp_path: Path, program_map: str
):
    (tmp_path / "map.yaml").write_text(program_map)
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    try:
        gateway = build_app(runtime, Credentials([]), Sessions(), GatewayLimits(), OwnTokens(new_key()))
        found = {
            (getattr(route, "path", ""), method)
            for route in gateway.routes
            for method in (getattr(route, "methods", None) or ())
            if method != "HEAD"
        }
        for path, endpoint in gateway._intake.items():
            last = getattr(endpoint, "parameter", "token")
            named = f"{path}{{{last}}}" if path.endswith("/") else path
            found |= {(named, method) for method in endpoint.methods}  # type: ignore[attr-defined]
    finally:
        runtime.stop()
    declared = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    # The second mount has the same resources as the first, and HEAD goes wherever GET does.
    second = {(path.replace("/xapi/2.0/", "/xapi/"), m) for path, m in found if path.startswith("/xapi/2.0/")}
    first = {(path, method) for path, method in found if path.startswith("/xapi/")} - {
        (path, method) for path, method in found if path.startswith("/xapi/2.0/")
    }
    assert first == second
    own = {(path, method) for path, method in found if path.startswith(API)} - {
        (path, method) for path, method in found if path.startswith("/xapi/2.0/")
    }
    assert declared == {(path, method) for path, method in own if method != "HEAD"}


def test_every_operation_says_who_may_and_what_it_answers(document: dict[str, Any]):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            place = f"{method} {path}"
            assert operation["operationId"], place
            assert operation["summary"], place
            if operation.get("security") == []:
                continue
            assert {"401", "403"} <= set(operation["responses"]), place
            assert "scope" in operation["description"] or "As POST" in operation["description"], place
            assert operation["description"].count("`") >= 2, place


def test_the_statement_schema_takes_what_is_admitted(faults: Faults, repository: Path):
    texts = [
        t for path in (repository / "tests" / "data").glob("*.jsonl") for t in path.read_bytes().splitlines()
    ]
    assert texts
    for text in texts:
        assert admit(text, Limits(), "1.0.3")
        assert not faults("/components/schemas/Statement", json.loads(text))


AGENT = {"mbox": "mailto:a@example.org"}
GOOD = {"actor": AGENT, "verb": {"id": "http://x.example/v"}, "object": {"id": "http://x.example/o"}}


@pytest.mark.parametrize(
    "change",
    [
        {"actor": {}},
        {"actor": {**AGENT, "openid": "https://x.example"}},
        {"actor": {"objectType": "Group"}},
        {"actor": {"objectType": "Group", "member": []}},
        {"actor": {**AGENT, "member": []}},
        {"verb": {"id": "v"}},
        {"object": AGENT},
        {"object": {"objectType": "StatementRef"}},
        {"object": {"id": "http://x.example/o", "definition": {"choices": []}}},
        {"result": {"score": {"scaled": 2}}},
        {"result": None},
        {"context": {"contextActivities": {"sibling": []}}},
        {"context": {"extensions": {"key": 1}}},
        {"mood": "good"},
    ],
)
def test_the_statement_schema_refuses_what_admission_refuses(faults: Faults, change: dict[str, Any]):
    assert not faults("/components/schemas/Statement", GOOD)
    assert faults("/components/schemas/Statement", {**GOOD, **change})
    with pytest.raises(Exception, match=r"rule: "):
        admit(json.dumps({**GOOD, **change}).encode(), Limits(), "1.0.3")


def test_the_outcomes_of_a_lenient_sender_are_as_declared(document: dict[str, Any], faults: Faults):
    mended = {**GOOD, "object": {"id": "http://x.example/o", "objectType": "GroupActivity"}}
    sent = json.dumps([GOOD, GOOD, mended, {**GOOD, "verb": {"id": "v"}}]).encode()
    items = admit_leniently(sent, Limits(), Sender(credential="vr", version="1.0.3", now_ms=0))
    problems = {place: item.problem for place, item in enumerate(items) if isinstance(item, Refused)}
    ids = [f"{place:08x}-0000-4000-8000-000000000000" for place in range(4)]
    receipt = Receipt(ids, [False, True, False, False], problems)
    answer = outcomes.answer(items, receipt, outcomes.MEDIA_TYPE)
    told = json.loads(answer.body)
    assert [one["outcome"] for one in told] == ["stored", "known", "repaired", "quarantined"]
    for one in told:
        assert faults("/components/schemas/Outcome", one) == []
    declared = document["paths"]["/xapi/statements"]["post"]["responses"]["200"]
    assert answer.media_type.decode() in declared["content"]
    assert outcomes.HEADER.decode() in [name.lower() for name in declared["headers"]]
