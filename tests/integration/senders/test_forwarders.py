"""Replays what forwards from another LRS: Learning Locker one by one, LRSPipe in batches, Ralph out of order."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any


def kept(person: str, number: int, **changes: Any) -> dict[str, Any]:
    """Return a statement as the other store gives it out, with what that store added."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{person}/{number}")),
        "actor": {"objectType": "Agent", "account": {"homePage": "https://lms.example", "name": person}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"objectType": "Activity", "id": f"https://other.example/{number}"},
        "result": {"score": {"scaled": 0.5}},
        "timestamp": "2026-03-01T10:00:00.000Z",
        "stored": "2026-03-01T10:00:01.500Z",
        "authority": {"objectType": "Agent", "name": "Store", "mbox": "mailto:store@other.example"},
        "version": "1.0.0",
        **changes,
    }


def test_learning_locker_one_by_one_and_again_after_a_timeout(house: Any, count: Callable[[], int]) -> None:
    one = kept("ada", 1)
    for _ in range(3):
        status, ids, _ = house.post(one)
        assert (status, ids) == (200, [one["id"]])
    assert count() == 1
    assert house.outcomes("ada", "forwarded") == [0.5]


def test_what_the_other_store_added_is_replaced_on_the_way_out(house: Any) -> None:
    one = kept("ben", 1)
    house.post(one)
    out = house.stored(one["id"])
    assert out["authority"]["account"]["name"] == "strict"
    assert out["stored"] != one["stored"]
    assert out["version"] == "1.0.0"


def test_lrspipe_in_batches_of_fifty_sent_twice(house: Any, count: Callable[[], int]) -> None:
    batch = [kept("cleo", number) for number in range(50)]
    assert house.post(batch)[:2] == house.post(batch)[:2] == (200, [one["id"] for one in batch])
    assert count() == 50


def test_lrspipe_with_attachments(house: Any) -> None:
    data = b"\x00certificate\r\n--not a boundary\xff"
    digest = hashlib.sha256(data).hexdigest()
    described = {
        "usageType": "https://other.example/certificate", "display": {"en": "C"}, "contentType": "text/plain",
        "length": len(data), "sha2": digest,
    }  # fmt: skip
    plain, attached = kept("dan", 1), kept("dan", 2, attachments=[described])
    body = (
        b"--abc\r\nContent-Type: application/json\r\n\r\n" + json.dumps([plain, attached]).encode()
        + b"\r\n--abc\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
        + f"X-Experience-API-Hash: {digest}\r\n\r\n".encode() + data + b"\r\n--abc--\r\n"
    )  # fmt: skip
    kind = "multipart/mixed; boundary=abc"
    assert house.post(body, Content_Type=kind)[:2] == (200, [plain["id"], attached["id"]])
    target = f"/xapi/statements?statementId={attached['id']}&attachments=true"
    status, out, headers = house.ask("GET", target, who="reader")
    assert status == 200
    assert headers["content-type"].startswith("multipart/mixed")
    assert data in out


def test_ralph_fed_logs_out_of_order_with_odd_object_ids(house: Any) -> None:
    """MOOC logs carry `uuid://` ids and results in extensions only; their order of arrival means nothing."""
    watched = kept("eva", 1, object={"id": "uuid://ba4252ce-d042-43b0-92e8-f033f45612ee"}, result={
        "extensions": {"https://w3id.org/xapi/video/extensions/time": 12.5}})  # fmt: skip
    later, earlier = (
        kept("eva", 2),
        kept("eva", 3, timestamp="2026-02-01T10:00:00.000Z", result={"success": False}),
    )
    assert house.post([watched, later])[0] == 200
    assert house.post(earlier)[0] == 200
    assert house.outcomes("eva", "forwarded") == [0.0, 0.5]
