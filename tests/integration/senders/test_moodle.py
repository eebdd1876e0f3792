"""Replays what the Moodle plugin logstore_xapi sends: batches without ids, re-sends, scores in every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ADL = "http://adlnet.gov/expapi/verbs/"


def graded(person: str, number: int, **changes: Any) -> dict[str, Any]:
    """Return a quiz attempt as the plugin writes it: no id, URL-like extension keys, PT0S."""
    return {
        "actor": {"name": person.title(), "mbox": f"mailto:{person}@corp.example"},
        "verb": {"id": ADL + "scored", "display": {"en": "attained grade for"}},
        "object": {
            "id": f"https://moodle.example/mod/quiz/view.php?id={number}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/assessment",
                "name": {"en": f"Quiz {number}"},
                "extensions": {
                    "https://w3id.org/learning-analytics/learning-management-system/external-id": ""
                },
            },
        },
        "result": {
            "score": {"raw": number, "min": 0, "max": 30, "scaled": number / 30},
            "duration": "PT0S",
            "completion": True,
        },
        "context": {
            "platform": "Moodle",
            "language": "en",
            "extensions": {
                "http://lrs.learninglocker.net/define/extensions/info": {
                    "http://moodle.org": "4.3",
                    "https://github.com/xAPI-vle/moodle-logstore_xapi": "4.7",
                }
            },
            "contextActivities": {"grouping": [{"id": "https://moodle.example"}]},
        },
        "timestamp": f"2026-03-01T10:{number:02d}:00+00:00",
        **changes,
    }


def test_a_batch_without_ids_is_answered_with_ids_and_its_re_send_counts_once(
    house: Any, count: Callable[[], int]
) -> None:
    batch = [graded("ada", number) for number in range(30)]
    status, ids, _ = house.post(batch)
    assert status == 200, "only 200 is success for the plugin"
    assert len(set(ids)) == 30
    again, same, _ = house.post(batch)
    assert (again, same) == (200, ids)
    halves = [house.post(batch[:15])[1], house.post(batch[15:])[1]]  # what the plugin does after a failure
    assert halves[0] + halves[1] == ids
    assert count() == 30
    assert house.outcomes("ada", "moodle")[-1] == round(29 / 30, 3)


def test_events_without_a_timestamp_are_known_again_too(house: Any, count: Callable[[], int]) -> None:
    batch = [graded("ben", number) for number in range(3)]
    for one in batch:
        del one["timestamp"]
    first = house.post(batch)[1]
    assert house.post(batch)[1] == first
    assert count() == 3


def test_two_equal_events_of_one_batch_are_two(house: Any, count: Callable[[], int]) -> None:
    one = graded("cleo", 4)
    status, ids, _ = house.post([one, one])
    assert status == 200
    assert len(set(ids)) == 2
    assert house.post([one, one])[1] == ids
    assert count() == 2


def test_one_bad_event_refuses_its_batch_with_its_place_and_nothing_is_stored(
    house: Any, count: Callable[[], int]
) -> None:
    batch = [graded("dan", number) for number in range(10)]
    batch[7]["object"]["id"] = "mod/quiz/7"
    status, problem, _ = house.post(batch)
    assert status == 400
    assert problem["where"] == "/7/object/id"
    assert problem["fix"]
    assert count() == 0
    lenient, _, headers = house.post(batch, "vr")
    assert lenient == 200
    assert "quarantined=1" in headers["x-carrythrough-outcomes"]
    assert count() == 9
