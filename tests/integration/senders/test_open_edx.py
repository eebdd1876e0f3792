"""Replays what Open edX's event-routing-backends sends: shared ids, GroupActivity, hashed addresses."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any


def solved(person: str, minute: int, **changes: Any) -> dict[str, Any]:
    """Return a problem that was answered; the id is made from verb, actor and time, as the sender does."""
    timestamp = f"2026-03-02T10:{minute:02d}:00.123456+00:00"
    hashed = hashlib.sha1(f"{person}@corp.example".encode()).hexdigest()  # of the bare address
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"answered-{hashed}-{timestamp}")),
        "version": "1.0.3",
        "actor": {"objectType": "Agent", "mbox_sha1sum": hashed},
        "verb": {"id": "https://w3id.org/xapi/acrossx/verbs/evaluated", "display": {"en": "evaluated"}},
        "object": {
            "id": f"https://edx.example/xblock/block-v1:x+y+z+type@problem+block@{minute}",
            "objectType": "Activity",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "interactionType": "choice",
                "extensions": {"http://id.tincanapi.com/extension/attempt-id": 1},
            },
        },
        "result": {
            "success": True,
            "score": {"min": 0, "max": 1, "raw": 1, "scaled": 1.0},
            "response": "['a']",
        },
        "timestamp": timestamp,
        "context": {
            "contextActivities": {
                "parent": [{"id": "https://edx.example/course/course-v1:x+y+z", "objectType": "Activity"}]
            },
            "extensions": {"https://w3id.org/xapi/openedx/extension/transformer-version": "9.0.0"},
        },
        **changes,
    }


def test_a_learner_is_found_by_the_hash_of_the_bare_address(house: Any) -> None:
    assert house.post(solved("ada", 1))[0] == 200
    assert house.outcomes("ada", "edx") == [1.0]


def test_a_re_send_is_200(house: Any, count: Callable[[], int]) -> None:
    """A 409 would make the sender drop its whole batch."""
    batch = [solved("ben", minute) for minute in range(5)]
    first = house.post(batch)
    assert first[0] == 200
    assert house.post(batch)[:2] == first[:2]
    assert count() == 5


def test_two_statements_with_one_id(house: Any, count: Callable[[], int]) -> None:
    one, other, third = solved("cleo", 1), solved("cleo", 1), solved("cleo", 2)
    other["object"] = {**other["object"], "id": "https://edx.example/xblock/another"}
    assert one["id"] == other["id"]
    assert house.post([one])[0] == 200
    status, problem, _ = house.post([other, third])
    assert status == 409
    assert "object" in problem["detail"]
    assert count() == 1
    status, ids, headers = house.post([other, third], "vr")
    assert status == 200
    assert len(ids) == 2
    assert "stored=1" in headers["x-carrythrough-outcomes"]
    assert "0=quarantined:statement-conflict" in headers["x-carrythrough-outcomes"]
    assert count() == 2


def test_a_group_activity(house: Any) -> None:
    made = solved("dan", 3, object={"id": "https://edx.example/discussion/7", "objectType": "GroupActivity"})
    status, problem, _ = house.post(made)
    assert status == 400
    assert problem["where"] == "/object/objectType"
    status, _, headers = house.post([made], "vr")
    assert status == 200
    assert "0=repaired:object-type-unknown" in headers["x-carrythrough-outcomes"]
    assert house.stored(made["id"])["object"]["objectType"] == "Activity"


def test_a_score_that_has_only_a_minimum_is_no_outcome_but_what_success_says_is(house: Any) -> None:
    assert house.post([solved("eva", 1, result={"score": {"min": 0}})])[0] == 200
    assert house.post([solved("eva", 2, result={"score": {"min": 0}, "success": False})])[0] == 200
    assert house.outcomes("eva", "edx") == [None, 0.0]


def test_times_keep_their_six_digits(house: Any) -> None:
    made = solved("finn", 9)
    assert house.post(made)[0] == 200
    assert house.stored(made["id"])["timestamp"].startswith("2026-03-02T10:09:00.123456")
