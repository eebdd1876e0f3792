"""Replays a cmi5 player in a browser: CORS, launch data, preferences, a session, and what moveOn says after it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

CMI5 = "https://w3id.org/xapi/cmi5/context/"
ADL = "http://adlnet.gov/expapi/verbs/"
REGISTRATION = "3c0f2b9e-0f3e-4f66-8f0c-b54f0f1b2c11"
AU = "https://au.example/unit/1"
ACTOR = {"objectType": "Agent", "account": {"homePage": "https://lms.example", "name": "ada"}}
ORIGIN = "https://content.example"


def said(verb: str, minute: int, result: dict[str, Any] | None = None, **extensions: Any) -> dict[str, Any]:
    category = [{"id": CMI5 + "categories/cmi5"}]
    if result and {"success", "completion"} & result.keys():
        category.append({"id": CMI5 + "categories/moveon"})
    return {
        "id": f"3c0f2b9e-0f3e-4f66-8f0c-b54f0f1b00{minute:02d}",
        "actor": ACTOR,
        "verb": {"id": ADL + verb},
        "object": {"objectType": "Activity", "id": AU},
        **({} if result is None else {"result": result}),
        "context": {
            "registration": REGISTRATION,
            "contextActivities": {
                "category": category,
                "grouping": [{"id": "https://publisher.example/unit"}],
            },
            "extensions": {
                CMI5 + "extensions/sessionid": "32e96d95-8e9c-4162-b3ac-66df22d171c5",
                **{CMI5 + "extensions/" + name: value for name, value in extensions.items()},
            },
        },
        "timestamp": f"2026-03-01T10:{minute:02d}:00.000Z",
    }


def test_a_session_from_launch_to_satisfied_move_on(house: Any) -> None:
    state = "/xapi/activities/state?" + urlencode(
        {
            "activityId": AU,
            "agent": json.dumps(ACTOR),
            "registration": REGISTRATION,
            "stateId": "LMS.LaunchData",
        }
    )
    launch_data = {
        "launchMode": "Normal",
        "moveOn": "CompletedOrPassed",
        "masteryScore": 0.7,
        "contextTemplate": {},
    }
    # The LMS prepares the launch.
    assert house.ask("PUT", state, launch_data)[0] == 204
    launched = said("launched", 1, masteryscore=0.7, moveon="CompletedOrPassed", launchmode="Normal")
    assert house.post(launched)[0] == 200

    # The unit, in a browser of another origin.
    status, _, headers = house.ask(
        "OPTIONS", "/xapi/statements", None, "", Origin=ORIGIN, Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="authorization,content-type,x-experience-api-version",
    )  # fmt: skip
    assert status in (200, 204)
    assert headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "x-experience-api-version" in headers["access-control-allow-headers"].lower()
    status, found, headers = house.ask("GET", state, Origin=ORIGIN)
    assert (status, found["moveOn"]) == (200, "CompletedOrPassed")
    assert headers["access-control-allow-origin"] in ("*", ORIGIN)
    profile = "/xapi/agents/profile?" + urlencode(
        {"agent": json.dumps(ACTOR), "profileId": "cmi5LearnerPreferences"}
    )
    assert house.ask("GET", profile)[0] == 404, "no preferences yet, which players expect"
    for one in (
        said("initialized", 2),
        said(
            "failed", 3, {"success": False, "score": {"scaled": 0.4}, "duration": "PT60S"}, masteryscore=0.7
        ),
    ):
        assert house.ask("PUT", f"/xapi/statements?statementId={one['id']}", one)[0] == 204
    target = f"/v1/registrations/{REGISTRATION}"
    house.summary()
    assert house.ask("GET", target, who="reader")[1]["met"] is False
    rest = [
        said("passed", 4, {"success": True, "score": {"scaled": 0.9}, "duration": "PT60S"}, masteryscore=0.7),
        said("terminated", 5, {"duration": "PT3M"}),
    ]
    assert house.post(rest)[0] == 200
    house.summary()
    unit = house.ask("GET", target, who="reader")[1]["units"][0]
    assert (unit["met"], unit["met_since"], unit["set_aside"]) == (True, "2026-03-01T10:04:00.000Z", [])
    # Initialised is seen; failed and passed are outcomes; launched and terminated say nothing.
    assert house.outcomes("ada", "cmi5") == [None, pytest.approx(0.4), pytest.approx(0.9)]

    late = said("failed", 6, {"success": False, "score": {"scaled": 0.1}}, masteryscore=0.7)
    assert house.post(late)[0] == 200, "an LRS records it; it does not count"
    assert house.outcomes("ada", "cmi5") == [None, pytest.approx(0.4), pytest.approx(0.9)]
    unit = house.ask("GET", target, who="reader")[1]["units"][0]
    assert [entry["reason"] for entry in unit["set_aside"]] == ["after-passed"]
