"""Proves what the resource of performance events answers, over real sockets."""

from __future__ import annotations

import gzip
import json
from typing import Any

EVENT = {
    "id": "crm-1",
    "source": "crm",
    "kind": "task-outcome",
    "employee": "e-017",
    "time": "2026-03-01T10:00:00Z",
    "activity": "call-closed",
    "outcome": {"met": True},
}


def test_performance_events(house: Any):
    def post(body: Any, content_type: str = "application/json", **headers: str | None) -> Any:
        return house.ask(body, target="/v1/performance-events", Content_Type=content_type, **headers)

    answer = post(EVENT)
    assert answer.status == 200
    assert answer.json()["accepted"] == 1
    assert answer.json()["known"] == 0
    assert post([EVENT, {**EVENT, "id": "crm-2"}]).json() == {
        "accepted": 1, "known": 1, "ids": [*answer.json()["ids"], post({**EVENT, "id": "crm-2"}).json()["ids"][0]],
    }  # fmt: skip
    lines = b"\n".join(json.dumps({**EVENT, "id": f"l-{n}"}).encode() for n in range(3))
    assert post(lines, "application/x-ndjson").json()["accepted"] == 3
    assert post(gzip.compress(lines), "application/x-ndjson", Content_Encoding="gzip").json()["known"] == 3
    assert post([]).json() == {"accepted": 0, "known": 0, "ids": []}


def test_performance_events_that_are_refused(house: Any):
    def post(
        body: Any, method: str = "POST", target: str = "/v1/performance-events", **headers: str | None
    ) -> Any:
        return house.ask(body, method, target, **headers)

    assert post(b"{").status == 400
    wrong = post([EVENT, {**EVENT, "id": "x", "kind": "rumour"}])
    assert wrong.status == 400
    assert wrong.problem()["where"].startswith("/1")
    assert post(EVENT, Content_Type="text/csv").status == 415
    assert post(EVENT, Authorization=house.reader).status == 403
    assert post(EVENT, Authorization=None).status == 401
    assert post(b"", "GET", Content_Length=None).status == 405
    assert post(EVENT, target="/v1/performance-events?x=1").problem()["code"] == "parameter-unknown"
    assert post(b" " * 200_001).status == 413
    assert not house.intake.stored


def test_a_cloudevent_in_binary_mode(house: Any):
    envelope = {
        "Ce_Specversion": "1.0",
        "Ce_Id": "b%201",
        "Ce_Source": "crm",
        "Ce_Type": "io.carrythrough.performance.task-outcome",
        "Ce_Subject": "e-017",
        "Ce_Time": "2026-03-01T10:00:00Z",
    }
    data = {"outcome": {"met": True}}
    answer = house.ask(data, target="/v1/performance-events", Content_Type="application/json", **envelope)
    assert (answer.status, answer.json()["accepted"]) == (200, 1)
    same = {**EVENT, "id": "b 1"}
    del same["activity"]
    assert house.ask(same, target="/v1/performance-events").json()["known"] == 1
    wrong = house.ask(data, target="/v1/performance-events", **{**envelope, "Ce_Time": "%zz"})
    assert (wrong.status, wrong.problem()["where"]) == (400, "ce-time")


def test_our_own_sources_are_ours(house: Any):
    for source in ("carrythrough:forms", "carrythrough:"):
        answer = house.ask({**EVENT, "source": source}, target="/v1/performance-events")
        assert (answer.status, answer.problem()["code"]) == (403, "event-source-reserved")
