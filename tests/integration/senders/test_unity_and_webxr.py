"""Replays what simulations on headsets send: clocks that are off, keys that are no IRIs, 1.03, scores of 0.0."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

SEVERITY = "http://id.tincanapi.com/extension/severity"


def tried(person: str, minute: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "name": person.title(), "mbox": f"mailto:{person}@corp.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"objectType": "Activity", "id": "https://vr.example/forklift"},
        "result": {"score": {"scaled": 0.0}, "success": True, "completion": True},
        "timestamp": f"2026-03-01T10:{minute:02d}:00Z",
        **changes,
    }


def outcomes(headers: dict[str, str]) -> str:
    return headers["x-carrythrough-outcomes"]


def test_a_score_left_at_zero_beside_success_is_success(house: Any) -> None:
    assert house.post(tried("ada", 1), "vr")[0] == 200
    failed = tried("ada", 2, result={"score": {"scaled": 0.0}, "success": False})
    assert house.post(failed, "vr")[0] == 200
    assert house.outcomes("ada", "vr") == [1.0, 0.0]


def test_extension_keys_that_are_no_iris(house: Any) -> None:
    made = tried("ben", 1, context={"extensions": {"sessionId": "s 1", SEVERITY: "high"}})
    status, problem, _ = house.post(made)
    assert status == 400
    assert problem["where"] == "/context/extensions/sessionId"
    status, _, headers = house.post(made, "vr")
    assert status == 200
    assert "0=repaired:extension-key-not-iri" in outcomes(headers)
    kept = house.stored(made["id"])["context"]["extensions"]
    assert kept == {"urn:carrythrough:extension:sessionId": "s 1", SEVERITY: "high"}


def test_a_name_in_another_spelling_is_the_same_person(house: Any) -> None:
    for minute, name in enumerate(("Cleo Kent", "cleo kent", "CLEO")):
        actor = {"objectType": "Agent", "name": name, "mbox": "mailto:cleo@corp.example"}
        assert house.post(tried("cleo", minute, actor=actor), "vr")[0] == 200
    assert house.outcomes("cleo", "vr") == [1.0, 1.0, 1.0]


def test_a_headset_from_the_future_and_one_that_was_never_set(house: Any) -> None:
    future, never = (
        tried("dan", 1, timestamp="2035-01-01T00:00:00Z"),
        tried("dan", 2, timestamp="1970-01-01T00:01:00Z"),
    )
    status, _, headers = house.post([future, never], "vr")
    assert status == 200
    assert "0=repaired:clock-ahead" in outcomes(headers)
    assert "1=repaired:clock-not-set" in outcomes(headers)
    assert house.stored(future["id"])["timestamp"].startswith("2035")
    limit = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(minutes=6)).isoformat()
    pieces = house.evidence("dan", "vr")
    assert len(pieces) == 2
    assert all("2026-" <= piece["time"] < limit for piece in pieces), "evidence counts at the time of storing"
    assert any(piece["clamped"] for piece in pieces)


def test_a_strict_credential_bounds_a_clock_too(house: Any) -> None:
    assert house.post(tried("eva", 1, timestamp="2035-01-01T00:00:00Z"))[0] == 200
    assert house.evidence("eva", "vr")[0]["clamped"] is True


def test_version_1_03(house: Any) -> None:
    made = tried("finn", 1, version="1.03")
    assert house.post(made, X_Experience_API_Version="1.03")[0] == 400
    status, _, headers = house.post([made], "vr", X_Experience_API_Version="1.03")
    assert status == 200
    assert "request-version-wrong" in outcomes(headers)
    assert "statement-version-wrong" in outcomes(headers)
    assert house.stored(made["id"])["version"] == "1.0.3"


def test_sub_scores_under_keys_with_a_session_url_are_kept(house: Any) -> None:
    key = "https://vr.example/sessions/9f2/scores/steering?attempt=1"
    made = tried(
        "gil", 1, result={"score": {"raw": 30, "max": 40}, "extensions": {key: {"raw": 3, "max": 5}}}
    )
    assert house.post(made)[0] == 200
    assert house.stored(made["id"])["result"]["extensions"] == {key: {"raw": 3, "max": 5}}
    assert house.outcomes("gil", "vr") == [0.75]


def test_simulated_corpora_leave_object_types_out(house: Any) -> None:
    about = tried("hana", 1, object={"mbox": "mailto:ivo@corp.example"})
    assert house.post(about)[0] == 400
    status, _, headers = house.post([about], "vr")
    assert status == 200
    assert "0=repaired:object-type-missing" in outcomes(headers)
    assert house.stored(about["id"])["object"]["objectType"] == "Agent"
    assert house.post(tried("hana", 2, result={"duration": "P0DT0H3M12S"}))[0] == 200


def test_what_no_repair_mends_is_set_aside_alone(house: Any) -> None:
    good, bad = tried("ivo", 1), tried("ivo", 2, verb={"id": "completed"})
    status, ids, headers = house.post([good, bad], "vr")
    assert status == 200
    assert ids[0] == good["id"]
    assert "stored=1" in outcomes(headers)
    assert "1=quarantined:" in outcomes(headers)
    assert house.outcomes("ivo", "vr") == [1.0]
