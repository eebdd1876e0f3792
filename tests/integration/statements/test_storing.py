"""Proves what POST and PUT of statements store and refuse, with and without attachments, in both versions."""

from __future__ import annotations

import json
from typing import Any

import pytest

ONE, TWO, EMPTY = b"here is a simple attachment", bytes(range(256)) * 40 + b"\r\n--a-boundar\r\n", b""


@pytest.mark.requirement("1.0.3", "Communication 2.1.1.s1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.1.s2.b2")
@pytest.mark.requirement("1.0.3", "Communication 2.1.1.s2.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (PUT)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (conflict)")
def test_put_stores_one_statement_once(xapi: Any, kit: Any):
    statement = kit.statement()
    id_ = statement.pop("id")
    for _ in range(2):
        reply = xapi.ask("PUT", {"statementId": id_}, statement)
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["x-experience-api-version"] == xapi.version
    assert xapi.one(id_)["id"] == id_
    other = {**statement, "verb": {"id": kit.iri("other")}}
    problem = xapi.ask("PUT", {"statementId": id_}, other).refused("statement-conflict", 409)
    assert "/verb/id" in problem["detail"]
    assert xapi.one(id_)["verb"] == statement["verb"]


@pytest.mark.requirement("1.0.3", "Communication 2.1.1.s1.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.1.s3.b3")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (statementId of PUT)")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "parameter-missing"),
        ({"statementId": "true"}, "parameter-invalid"),
        ("other", "statement-id-mismatch"),
    ],
)
def test_put_needs_the_id_of_its_statement(xapi: Any, kit: Any, query: Any, code: str):
    given = {"statementId": kit.uuid()} if query == "other" else query
    xapi.ask("PUT", given, kit.statement()).refused(code)


@pytest.mark.requirement("1.0.3", "Communication 2.1.2.s1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.2.s2.b4")
@pytest.mark.requirement("1.0.3", "Communication 2.1.2.s2.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (POST)")
def test_post_answers_the_ids_in_order_and_a_re_send_the_same(xapi: Any, kit: Any):
    batch = [kit.statement(), kit.statement(), kit.statement()]
    for _ in range(2):
        assert xapi.store(*batch) == [one["id"] for one in batch]
    stored = xapi.one(batch[1]["id"])["stored"]
    changed = [kit.statement(), {**batch[1], "result": {"success": True}}]
    assert xapi.ask("POST", body=changed).refused("statement-conflict", 409)["where"] == "/1"
    assert xapi.one(batch[1]["id"])["stored"] == stored
    assert xapi.ask(query={"statementId": changed[0]["id"]}).status == 404


@pytest.mark.requirement("1.0.3", "Data 2.4.1.s2.b1")
def test_what_is_said_again_after_its_voiding_is_a_statement_of_its_own(xapi: Any, kit: Any):
    bare = {name: value for name, value in kit.statement().items() if name not in {"id", "timestamp"}}
    (first,) = xapi.store(bare)
    assert xapi.store(bare) == [first]
    xapi.store(kit.voiding(first))
    (second,) = xapi.store(bare)
    assert second != first
    assert xapi.one(second)["id"] == second
    assert xapi.ask(query={"statementId": first}).status == 404
    timed = {**bare, "timestamp": "2026-03-01T09:30:00Z"}
    (told,) = xapi.store(timed)
    xapi.store(kit.voiding(told))
    assert xapi.store(timed) == [told], "a timestamp says which event it is, voided or not"


@pytest.mark.requirement("1.0.3", "Communication 2.1.2.s2.b6")
@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b9")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (same id twice)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (all or nothing)")
def test_a_batch_is_stored_whole_or_not_at_all(xapi: Any, kit: Any):
    good, bad, twice = kit.statement(), kit.statement(verb={"id": "no iri"}), kit.statement()
    xapi.ask("POST", body=[good, bad]).refused("iri-invalid")
    xapi.ask("POST", body=[good, twice, twice]).refused("statement-id-repeated")
    assert xapi.ask(query={"statementId": good["id"]}).status == 404


@pytest.mark.requirement("1.0.3", "Data 2.4.1.s2.b1")
@pytest.mark.requirement("1.0.3", "Data 2.4.7.s3.b2")
@pytest.mark.requirement("1.0.3", "Data 2.4.8.s3.b2")
@pytest.mark.requirement("1.0.3", "Data 2.4.9.s3.b2")
@pytest.mark.requirement("1.0.3", "Data 2.4.9.s3.b3")
@pytest.mark.requirement("1.0.3", "Data 2.4.9.s3.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.4.2 (set by the LRS)")
def test_what_is_missing_is_set_and_what_only_the_lrs_may_say_is_replaced(xapi: Any, kit: Any):
    bare = kit.statement()
    del bare["id"]
    told = kit.statement(
        stored="2011-07-15T00:00:00.000Z",
        authority={"mbox": "mailto:nobody@example.org"},
        timestamp="2026-01-01T00:00:00Z",
    )
    for id_ in xapi.store(bare, told):
        found = xapi.one(id_)
        assert found["stored"].startswith("20")
        assert found["stored"] > "2026-01-02"
        assert found["authority"] == {
            "objectType": "Agent",
            "account": {"homePage": "https://lrs.example.org", "name": "all"},
        }
        assert found["timestamp"] == (found["stored"] if id_ != told["id"] else told["timestamp"])


@pytest.mark.requirement("1.0.3", "Data 2.4.10.s3.b3")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s5.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.4.3 (kept)")
def test_a_statement_keeps_the_version_that_it_was_taken_in_with(client: Any, kit: Any):
    old, new = client("1.0.3", "/xapi"), client("2.0.0", "/xapi")
    said, silent, later = kit.statement(version="1.0.2"), kit.statement(), kit.statement()
    old.store(said, silent)
    new.store(later)
    for reader in (old, new):
        assert [reader.one(one["id"])["version"] for one in (said, silent, later)] == [
            "1.0.2",
            "1.0.0",
            "2.0.0",
        ]


@pytest.mark.requirement("1.0.3", "Communication 1.4.s1.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.2 (UTF-8)")
def test_texts_are_utf_8(xapi: Any, kit: Any):
    display = {"de": "geprüft", "ja": "回答した", "und": "🙂"}
    statement = kit.statement(verb={"id": kit.iri("verb"), "display": display})
    raw = json.dumps(statement, ensure_ascii=False)
    assert xapi.ask("POST", body=raw.encode(), Content_Type="application/json").status == 200
    assert xapi.one(statement["id"])["verb"]["display"] == display
    reply = xapi.ask("POST", body=raw.encode("utf-16"), Content_Type="application/json")
    assert reply.status == 400


# ---- attachments -------------------------------------------------------------------------------------


@pytest.mark.requirement("1.0.3", "Communication 1.5.1.s1.b1")
@pytest.mark.requirement("1.0.3", "Communication 1.5.1.s1.b2")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s3.b4")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s3.b8")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s3.b9")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (statements with attachments)")
def test_attachments_come_with_their_data_or_with_an_address(xapi: Any, kit: Any):
    linked = kit.statement(attachments=[kit.attachment(ONE, fileUrl="https://x.example/file")])
    assert xapi.store(linked) == [linked["id"]]
    plain = kit.statement()
    shared = [
        kit.statement(attachments=[kit.attachment(ONE)]),
        kit.statement(attachments=[kit.attachment(ONE)]),
    ]
    inner = kit.statement(attachments=[kit.attachment(TWO)], objectType="SubStatement")
    del inner["id"]
    around = kit.statement(object=inner, attachments=[kit.attachment(EMPTY)])
    for statements, data in ((linked, ()), (plain, ()), (shared, (ONE,)), (around, (TWO, EMPTY))):
        reply = xapi.send_parts(statements, *data)
        assert reply.status == 200, reply
    put = kit.statement(attachments=[kit.attachment(TWO)])
    assert xapi.send_parts(put, TWO, method="PUT", query=f"statementId={put['id']}").status == 204
    reply = xapi.ask(query={"statementId": put["id"], "attachments": True})
    assert kit.parts(reply)[1].content == TWO


@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b1")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s3.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (no data)")
def test_an_attachment_without_data_and_address_is_refused(xapi: Any, kit: Any):
    statement = kit.statement(attachments=[kit.attachment(ONE), kit.attachment(TWO)])
    assert xapi.ask("POST", body=statement).refused("attachment-without-data")["where"] == "/attachments/0"
    problem = xapi.send_parts([kit.statement(), statement], ONE).refused("attachment-without-data")
    assert problem["where"] == "/1/attachments/1"
    assert xapi.ask(query={"statementId": statement["id"]}).status == 404


def changed(old: bytes, new: bytes) -> Any:
    return lambda body: body.replace(old, new, 1)


@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b1")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b2")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b3")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b4")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s1.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (multipart)")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (changed(b"--a-boundary", b"--another"), "multipart-statements-missing"),
        (changed(b"--a-boundary--\r\n", b""), "multipart-malformed"),
        (changed(b"application/json", b"text/plain"), "multipart-statements-missing"),
        (changed(b"\r\n--a-boundary\r\nContent-Type: text", b"\r\nContent-Type: text"), "json-malformed"),
        (changed(b"X-Experience-API-Hash", b"X-Hash"), "attachment-hash-missing"),
        (changed(b"API-Hash: ", b"API-Hash: 00"), "attachment-hash-missing"),
        (changed(b"here is", b"here was"), "attachment-hash-wrong"),
        (changed(b": binary", b": base64"), "attachment-encoding"),
        (changed(b"Content-Type: text/plain\r\n", b"Content-Type\r\n"), "multipart-malformed"),
        (changed(b"\r\n\r\nhere", b"\r\nhere"), "multipart-malformed"),
        (lambda _: b"", "multipart-malformed"),
        (lambda body: body * 2, None),
        (lambda body: body.replace(b"\r\n", b"\n"), None),
        (changed(b": binary", b": Binary"), None),
        (changed(b"Content-Transfer-Encoding: binary\r\n", b""), None),
        (changed(b"--a-boundary", b"a preamble\r\n--a-boundary"), None),
    ],
)  # fmt: skip
def test_the_form_of_multipart(xapi: Any, kit: Any, change: Any, code: str | None):
    statement = kit.statement(attachments=[kit.attachment(ONE)])
    text = json.dumps(statement)
    body = (
        f"--a-boundary\r\nContent-Type: application/json\r\n\r\n{text}\r\n--a-boundary\r\n"
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
        f"X-Experience-API-Hash: {statement['attachments'][0]['sha2']}\r\n\r\n"
    ).encode() + ONE + b"\r\n--a-boundary--\r\n"  # fmt: skip
    reply = xapi.ask("POST", body=change(body), Content_Type='multipart/mixed; boundary="a-boundary"')
    if code is None:
        assert reply.json() == [statement["id"]]
    else:
        reply.refused(code)
        assert xapi.ask(query={"statementId": statement["id"]}).status == 404


@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (multipart)")
def test_a_part_that_no_statement_names_is_refused(xapi: Any, kit: Any):
    statement = kit.statement(attachments=[kit.attachment(ONE)])
    assert xapi.send_parts(statement, ONE, TWO).refused("attachment-unnamed")["where"] == "part 2"


@pytest.mark.requirement("1.0.3", "Communication 1.5.b2")
@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b6")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (media types)")
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("multipart/form-data; boundary=a-boundary", "media-type-unsupported"),
        ("text/plain", "media-type-unsupported"),
        (None, "media-type-unsupported"),
        ("multipart/mixed", "multipart-boundary-missing"),
        ("multipart/mixed;", "multipart-boundary-missing"),
        ("multipart/mixed; boundary=", "multipart-boundary-missing"),
        ('multipart/mixed; boundary="<>"', "multipart-boundary-missing"),
    ],
)
def test_other_kinds_of_bodies(xapi: Any, kit: Any, kind: str | None, code: str):
    linked = kit.statement(attachments=[kit.attachment(ONE, fileUrl="https://x.example/file")])
    xapi.ask("POST", body=json.dumps(linked).encode(), Content_Type=kind).refused(code)


@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b11")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.3 (too large)")
def test_the_limits_of_multipart_have_names(xapi: Any, kit: Any):
    parts = [b"%d" % number for number in range(1_001)]
    statement = kit.statement(attachments=[kit.attachment(one) for one in parts])
    problem = xapi.send_parts(statement, *parts).refused("multipart-too-many-parts", 413)
    assert "parts_max" in problem["rule"]
