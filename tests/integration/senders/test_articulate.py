"""Replays what Articulate's Storyline and Rise send from a browser: version 1.0.2, PUT, state, the form syntax."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

COURSE = "urn:articulate:storyline:6cuTEluHuA5"
FORM = "application/x-www-form-urlencoded"


def answered(person: str, number: int, response: str, **result: Any) -> dict[str, Any]:
    """Return an answer to a choice question; who marks it depends on `result`."""
    return {
        "id": f"5a5a1f00-0000-4000-8000-0000000000{number:02d}",
        "actor": {
            "objectType": "Agent",
            "name": [person.title()][0],
            "mbox": f"mailto:{person}@corp.example",
        },
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en-US": "answered"}},
        "object": {
            "objectType": "Activity",
            "id": f"{COURSE}/6Wq{number}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "interactionType": "choice",
                "correctResponsesPattern": ["a[,]c"],
                "choices": [{"id": name, "description": {"en-US": name}} for name in "abc"],
            },
        },
        "result": {"response": response, **result},
        "context": {"contextActivities": {"parent": [{"id": COURSE}], "grouping": [{"id": COURSE}]}},
        "timestamp": f"2026-03-01T10:{number:02d}:00.000Z",
    }


def test_version_1_0_2_is_spoken(house: Any) -> None:
    one = answered("ada", 1, "a[,]c", success=True, score={"raw": 10, "min": 0, "max": 10, "scaled": 1})
    status, _, headers = house.ask(
        "PUT", f"/xapi/statements?statementId={one['id']}", one, X_Experience_API_Version="1.0.2"
    )
    assert status == 204
    assert headers["x-experience-api-version"].startswith("1.0")
    assert house.outcomes("ada", "storyline") == [1.0]


def test_an_answer_that_nobody_marked_is_marked_by_its_pattern(house: Any) -> None:
    assert house.post([answered("ben", 2, "c[,]a"), answered("ben", 3, "b")])[0] == 200
    assert house.outcomes("ben", "storyline") == [1.0, 0.0]


def test_raw_and_max_without_scaled_are_a_share(house: Any) -> None:
    assert house.post(answered("cleo", 4, "a", score={"raw": 15, "max": 20}))[0] == 200
    assert house.outcomes("cleo", "storyline") == [0.75]


def test_the_bookmark_is_kept_as_it_is(house: Any) -> None:
    actor = json.dumps({"mbox": "mailto:dan@corp.example"})
    target = "/xapi/activities/state?" + urlencode(
        {"activityId": COURSE, "agent": actor, "stateId": "resume"}
    )
    blob = b"2H4d5060708090a0b1001111012011"
    assert house.ask("PUT", target, blob, Content_Type="application/octet-stream")[0] == 204
    status, found, headers = house.ask("GET", target)
    assert (status, found) == (200, blob)
    assert headers["content-type"].startswith("application/octet-stream")
    assert headers["etag"]


def test_the_form_syntax_of_old_browsers(house: Any) -> None:
    one = answered("eva", 6, "a[,]c", success=True)
    fields = {
        "statementId": one["id"],
        "Authorization": house.basic("strict"),
        "X-Experience-API-Version": "1.0.2",
        "Content-Type": "application/json",
        "content": json.dumps(one),
    }
    status, _, _ = house.ask(
        "POST", "/xapi/statements?method=PUT", urlencode(fields).encode(), "", Content_Type=FORM,
        X_Experience_API_Version=None,
    )  # fmt: skip
    assert status == 204
    assert house.outcomes("eva", "storyline") == [1.0]
