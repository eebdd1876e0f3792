"""Proves what the statement resource answers to good and bad requests, over real sockets."""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib
from typing import Any

import pytest

ID_1 = "11111111-1111-4111-8111-111111111111"
ID_2 = "22222222-2222-4222-8222-222222222222"


def statement(id_: str | None = ID_1, **more: Any) -> dict[str, Any]:
    value = {
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/did"},
        "object": {"id": "http://example.org/it"},
        **more,
    }
    return value if id_ is None else {"id": id_, **value}


def test_one_statement(house: Any):
    answer = house.ask(statement())
    assert answer.status == 200
    assert answer.json() == [ID_1]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-experience-api-version"] == "1.0.3"


def test_many_statements_are_answered_in_order_and_a_re_send_as_the_first_time(house: Any):
    batch = [statement(ID_2), statement(ID_1), statement(None)]
    first = house.ask(batch)
    assert first.status == 200
    assert first.json()[:2] == [ID_2, ID_1]
    assert len(first.json()) == 3
    assert house.ask(batch[:2]).json() == [ID_2, ID_1]
    assert house.ask([]).json() == []


def test_another_content_under_a_known_id(house: Any):
    assert house.ask(statement()).status == 200
    answer = house.ask([statement(ID_2), statement(ID_1, result={"success": True})])
    assert answer.status == 409
    problem = answer.problem()
    assert problem["where"] == "/1"
    assert "/result" in problem["detail"]


def test_put(house: Any):
    target = f"/xapi/statements?statementId={ID_1}"
    answer = house.ask(statement(None), "PUT", target)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-experience-api-version"] == "1.0.3"
    assert house.ask(statement(ID_1), "PUT", target).status == 204
    assert list(house.intake.stored) == [bytes.fromhex(ID_1.replace("-", ""))]


@pytest.mark.parametrize(
    ("query", "body", "code", "where"),
    [
        ("", statement(), "parameter-missing", "statementId"),
        ("?statementId=x", statement(), "parameter-invalid", "statementId"),
        ("?statementid=" + ID_1, statement(), "parameter-unknown", "statementid"),
        (f"?statementId={ID_1}&registration=x", statement(), "parameter-unknown", "registration"),
        (f"?statementId={ID_1}&statementId={ID_1}", statement(), "parameter-repeated", "statementId"),
        ("?statementId", statement(), "parameter-invalid", ""),
        (f"?statementId={ID_2}", statement(), "statement-id-mismatch", "/id"),
        (f"?statementId={ID_1}", [statement()], "type-wrong", ""),
        (f"?statementId={ID_1}", [], "type-wrong", ""),
    ],
)
def test_put_wants_one_statement_and_its_id(house: Any, query: str, body: Any, code: str, where: str):
    answer = house.ask(body, "PUT", f"/xapi/statements{query}")
    assert answer.status == 400
    problem = answer.problem()
    assert (problem["code"], problem["where"]) == (code, where)
    assert not house.intake.stored


@pytest.mark.parametrize("query", ["?statementId=" + ID_1, "?x=1", "?x", "?%ff=1"])
def test_post_has_no_parameters(house: Any, query: str):
    answer = house.ask(statement(), target=f"/xapi/statements{query}")
    assert answer.status == 400
    assert answer.problem()["code"] in {"parameter-unknown", "parameter-invalid"}


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_other_methods(house: Any, method: str):
    answer = house.ask(b"", method, Content_Length=None)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, PUT, GET, HEAD"
    assert answer.problem()["code"] == "method-not-allowed"


def basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def test_who_is_not_known(house: Any):
    right, key, secret = house.lms, house.lms_key, house.lms_secret
    only_key = "Basic " + base64.b64encode(key.encode()).decode()
    wrong = [None, "", "Basic", "Basic !!!", "Bearer x", right + "x", only_key]
    wrong += [basic(key, "wrong" * 8), basic("nobody", secret), basic(key, "")]
    for authorization in wrong:
        answer = house.ask(statement(), Authorization=authorization)
        assert answer.status == 401, authorization
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert "statements/write" in answer.problem()["fix"]
        assert secret not in answer.body.decode()
    assert not house.intake.stored


def test_who_may_not_write(house: Any):
    answer = house.ask(statement(), Authorization=house.reader)
    assert answer.status == 403
    assert "statements/write" in answer.problem()["detail"]
    assert "www-authenticate" not in answer.headers
    assert house.ask(statement(), Authorization=house.other).status == 200


@pytest.mark.parametrize(
    ("sent", "answered"),
    [("1.0", "1.0.3"), ("1.0.0", "1.0.3"), ("1.0.2", "1.0.3"), ("2.0.0", "2.0.0"), ("2.0", "2.0.0")],
)
def test_versions_that_are_spoken(house: Any, sent: str, answered: str):
    answer = house.ask(statement(), X_Experience_API_Version=sent)
    assert answer.status == 200
    assert answer.headers["x-experience-api-version"] == answered


@pytest.mark.parametrize(
    "sent", [None, "", "0.9", "0.95", "1.0.", "1.1.0", "1.03", "2.1.0", "3.0.0", "latest", "1.0.3, 2.0.0"]
)
def test_versions_that_are_not(house: Any, sent: str | None):
    assert house.ask(statement()).headers["x-experience-api-version"] == "1.0.3"
    answer = house.ask(statement(), X_Experience_API_Version=sent)
    assert answer.status == 400
    problem = answer.problem()
    assert (problem["code"], problem["where"]) == ("version-unsupported", "X-Experience-API-Version")
    assert answer.headers["x-experience-api-version"] == "1.0.3"


def test_the_version_decides_which_rules_hold(house: Any):
    body = statement(timestamp="2026-03-01T10:00:00")
    assert house.ask(body).status == 200
    refused = house.ask(body, X_Experience_API_Version="2.0.0")
    assert refused.status == 400
    assert refused.problem()["where"] == "/timestamp"
    assert refused.headers["x-experience-api-version"] == "2.0.0"


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"],
)
def test_other_kinds_of_bodies(house: Any, content_type: str | None):
    answer = house.ask(statement(), Content_Type=content_type)
    assert answer.status == 400
    problem = answer.problem()
    assert (problem["code"], problem["where"]) == ("media-type-unsupported", "Content-Type")
    assert not house.intake.stored
    assert house.ask(statement(), Content_Type="Application/JSON; charset=utf-8").status == 200


def test_compressed_bodies(house: Any):
    body = json.dumps([statement(ID_1)]).encode()
    assert house.ask(gzip.compress(body), Content_Encoding="gzip").json() == [ID_1]
    two_members = gzip.compress(body[:20]) + gzip.compress(body[20:])
    assert house.ask(two_members, Content_Encoding="GZIP").json() == [ID_1]
    for damaged in (gzip.compress(body)[:-9], body, b"", zlib.compress(body)):
        answer = house.ask(damaged, Content_Encoding="gzip")
        assert answer.status == 400
        assert answer.problem()["code"] == "gzip-damaged"
    answer = house.ask(body, Content_Encoding="br")
    assert answer.status == 415
    assert answer.problem()["where"] == "Content-Encoding"


def test_bodies_in_pieces(house: Any):
    body = json.dumps([statement(ID_1), statement(ID_2)]).encode()
    with house.connect() as link:
        link.sendall(house.head(Transfer_Encoding="chunked"))
        for start in range(0, len(body), 50):
            piece = body[start : start + 50]
            link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(0.001)
        link.sendall(b"0\r\n\r\n")
        assert house.receive(link).json() == [ID_1, ID_2]
