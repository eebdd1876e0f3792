"""Replays what LinkedIn Learning sends: a token by client credentials, then single posts in version 1.0.0."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"


def watched(person: str, verb: str, number: int, **result: Any) -> dict[str, Any]:
    return {
        "id": f"7d9e1f00-0000-4000-8000-0000000000{number:02d}",
        "actor": {"objectType": "Agent", "mbox": f"mailto:{person}@corp.example"},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"en-US": verb.upper()}},
        "object": {
            "objectType": "Activity",
            "id": "urn:li:lyndaCourse:664815",
            "definition": {
                "name": {"en-US": "Coaching for results"},
                "type": "http://adlnet.gov/expapi/activities/course",
            },
        },
        "result": {"duration": "PT8M30S", **result},
        "timestamp": "2026-03-01T10:00:00.000Z",
        "version": "1.0.0",
    }


def test_a_token_and_single_posts(house: Any) -> None:
    key, secret = house.keys["strict"]
    form = urlencode(
        {"grant_type": "client_credentials", "client_id": key, "client_secret": secret, "scope": "xapi:write"}
    )
    status, token, _ = house.ask("POST", "/oauth/token", form.encode(), "", Content_Type=FORM)
    assert status == 200
    assert token["token_type"].lower() == "bearer"
    assert token["expires_in"] > 0
    bearer = {"Authorization": f"Bearer {token['access_token']}", "X_Experience_API_Version": "1.0.0"}
    progress = {"https://w3id.org/xapi/cmi5/result/extensions/progress": 60}
    for one in (
        watched("ada", "progressed", 1, completion=False, extensions=progress),
        watched("ada", "completed", 2, completion=True, success=True),
    ):
        status, ids, headers = house.post(one, **bearer)
        assert (status, ids) == (200, [one["id"]])
        assert headers["x-experience-api-version"].startswith("1.0")
    # Watching is exposure: it informs and is no outcome, whatever success says.
    assert house.outcomes("ada", "video") == [None, None]


def test_a_token_to_write_does_not_read(house: Any) -> None:
    key, secret = house.keys["strict"]
    form = urlencode(
        {"grant_type": "client_credentials", "client_id": key, "client_secret": secret, "scope": "xapi:write"}
    )
    token = house.ask("POST", "/oauth/token", form.encode(), "", Content_Type=FORM)[1]["access_token"]
    assert house.ask("GET", "/xapi/statements", Authorization=f"Bearer {token}")[0] == 403


def test_a_wrong_secret_gets_no_token_and_a_wrong_token_no_entry(house: Any) -> None:
    form = urlencode(
        {"grant_type": "client_credentials", "client_id": house.keys["strict"][0], "client_secret": "x"}
    )
    status, problem, _ = house.ask("POST", "/oauth/token", form.encode(), "", Content_Type=FORM)
    assert (status, problem["error"]) == (401, "invalid_client")
    assert house.post(watched("ada", "completed", 9), Authorization="Bearer not-a-token")[0] == 401
