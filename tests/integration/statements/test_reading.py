"""Proves what GET of statements finds: filters, pages, attachments, voided statements, scopes."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest

FILE, SECOND = b"first file", b"\x00\xff second file\r\n"


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b8")
@pytest.mark.requirement("1.0.3", "Communication 1.1.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (statementId)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (Last-Modified)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.1 (HEAD)")
def test_one_statement_and_its_head(xapi: Any, kit: Any):
    statement = kit.statement(result={"score": {"raw": 1.10, "max": 2}, "extensions": {kit.iri("e"): None}})
    xapi.store(statement)
    reply = xapi.ask(query={"statementId": statement["id"].upper()})
    found = reply.json()
    assert {name: found[name] for name in statement} == statement
    modified = parsedate_to_datetime(reply.headers["last-modified"])
    assert modified == datetime.fromisoformat(found["stored"]).replace(microsecond=0)
    for query in (
        {"statementId": statement["id"]},
        {"limit": 1},
        {"statementId": kit.uuid()},
        {"limit": "x"},
    ):
        get, head = xapi.ask(query=query), xapi.ask("HEAD", query=query)
        assert head.body == b""
        assert head.status == get.status
        assert head.headers["content-type"] == get.headers["content-type"]
        if query != {"limit": 1}:
            assert head.headers["content-length"] == get.headers["content-length"]
        assert set(head.headers) == set(get.headers)


def test_a_statement_that_the_client_has_is_not_sent_again(xapi: Any, kit: Any):
    statement = kit.statement()
    xapi.store(statement)
    query = {"statementId": statement["id"]}
    first = xapi.ask(query=query)
    tag = first.headers["etag"]
    again = xapi.ask(query=query, if_none_match=f'"other", {tag}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert xapi.ask(query=query, if_none_match='"other"').body == first.body
    canonical = xapi.ask(query={**query, "format": "ids"}, if_none_match=tag)
    assert canonical.status == 200, "shown in another way, it is another representation"


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b2")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (beside statementId)")
@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
def test_what_may_stand_beside_an_id(xapi: Any, kit: Any, name: str):
    statement = kit.statement()
    xapi.store(statement)
    if name == "voidedStatementId":
        xapi.store(kit.voiding(statement["id"]))
    asked = {name: statement["id"]}
    for more in ({"format": "ids"}, {"attachments": True}, {"attachments": False, "format": "canonical"}):
        assert xapi.ask(query={**asked, **more}).status == 200
    other = "voidedStatementId" if name == "statementId" else "statementId"
    wrong = {
        other: kit.uuid(), "agent": kit.agent(), "verb": kit.iri("v"), "activity": kit.iri("a"),
        "registration": kit.uuid(), "related_activities": True, "related_agents": True,
        "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z", "limit": 1, "ascending": True,
    }  # fmt: skip
    for key, value in wrong.items():
        xapi.ask(query={**asked, key: value}).refused("parameter-misplaced")


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 2.1.4.s1.b1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.4.s1.b2")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s3")
@pytest.mark.requirement("1.0.3", "Data 2.3.2.s2.b3")
@pytest.mark.requirement("1.0.3", "Data 2.3.2.s2.b7")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (voided)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (StatementRef)")
def test_a_voided_statement(xapi: Any, kit: Any):
    statement = kit.statement()
    about = kit.statement(object={"objectType": "StatementRef", "id": statement["id"]})
    about["actor"] = kit.agent("somebody else")
    voiding = kit.voiding(statement["id"])
    xapi.store(voiding)  # before what it voids has come
    xapi.store(statement, about)
    xapi.store(kit.voiding(voiding["id"]))
    xapi.ask(query={"statementId": statement["id"]}).refused("statement-not-found", 404)
    assert xapi.ask(query={"voidedStatementId": statement["id"]}).json()["id"] == statement["id"]
    xapi.ask(query={"voidedStatementId": about["id"]}).refused("statement-not-found", 404)
    assert xapi.one(voiding["id"])["id"] == voiding["id"]
    assert set(xapi.found(activity=statement["object"]["id"])) >= {about["id"], voiding["id"]}
    assert statement["id"] not in xapi.found(verb=statement["verb"]["id"])


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row3")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row4")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row5")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row6")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (agent)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (verb, activity, registration)")
def test_the_filters(xapi: Any, kit: Any):
    registration = kit.uuid()
    one = kit.statement(context={"registration": registration})
    two = kit.statement(verb={"id": kit.iri("two")}, object={"objectType": "Agent", **kit.agent("object")})
    member = {"objectType": "Group", "member": [kit.agent("member")]}
    three = kit.statement(actor=member, object={"id": kit.iri("three")})
    xapi.store(one, two, three)
    assert xapi.found(verb=kit.iri("verb")) == [three["id"], one["id"]]
    assert xapi.found(agent=kit.agent()) == [two["id"], one["id"]]
    assert xapi.found(agent={**kit.agent("object"), "name": "whoever"}) == [two["id"]]
    assert xapi.found(agent=kit.agent("member")) == [three["id"]]
    assert xapi.found(activity=kit.iri("three")) == [three["id"]]
    assert xapi.found(registration=registration.upper()) == [one["id"]]
    assert xapi.found(agent=kit.agent(), verb=kit.iri("two")) == [two["id"]]


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row7")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row8")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (related)")
def test_the_broad_filters(xapi: Any, kit: Any):
    around = {"contextActivities": {"category": {"id": kit.iri("category")}}, "instructor": kit.agent("ines")}
    inner = {
        "objectType": "SubStatement", "actor": kit.agent("inner"), "verb": {"id": kit.iri("v")},
        "object": {"id": kit.iri("inner")}, "context": around,
    }  # fmt: skip
    one, two = kit.statement(context=around), kit.statement(object=inner)
    xapi.store(one, two)
    assert xapi.found(activity=kit.iri("category")) == []
    assert xapi.found(activity=kit.iri("category"), related_activities=True) == [two["id"], one["id"]]
    assert xapi.found(activity=kit.iri("inner"), related_activities=True) == [two["id"]]
    assert xapi.found(agent=kit.agent("ines")) == []
    assert xapi.found(agent=kit.agent("ines"), related_agents=True) == [two["id"], one["id"]]
    authority = {"account": {"homePage": "https://lrs.example.org", "name": "all"}}
    found = xapi.ask(query={"agent": authority, "related_agents": True, "verb": kit.iri("verb")}).json()
    assert [statement["id"] for statement in found["statements"]] == [two["id"], one["id"]]


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row9")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row10")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row14")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (since, until, ascending)")
def test_time_and_order(xapi: Any, kit: Any):
    batch = []
    for _ in range(3):
        batch += xapi.store(kit.statement())
        time.sleep(0.003)
    stored = [xapi.one(id_)["stored"] for id_ in batch]
    assert stored == sorted(set(stored))
    verb = kit.iri("verb")
    assert xapi.found(verb=verb, since=stored[0]) == [batch[2], batch[1]]
    assert xapi.found(verb=verb, until=stored[1]) == [batch[1], batch[0]]
    assert xapi.found(verb=verb, since=stored[0], until=stored[1]) == [batch[1]]
    assert xapi.found(verb=verb, ascending=True) == batch
    assert xapi.found(verb=verb, ascending="True") == batch  # as the tincan package writes it
    shifted = stored[0].replace("Z", "+00:00")
    assert xapi.ask(query=f"verb={quote(verb)}&since={shifted}").status == 200


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row11")
@pytest.mark.requirement("1.0.3", "Data 2.5.s2.table1.row1")
@pytest.mark.requirement("1.0.3", "Data 2.5.s2.table1.row2")
@pytest.mark.requirement("1.0.3", "Data 2.5.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (limit)")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.2.5 (more)")
@pytest.mark.parametrize("ascending", [False, True])
def test_pages(xapi: Any, kit: Any, ascending: bool):
    batch = xapi.store(*[kit.statement() for _ in range(5)])
    order = batch if ascending else batch[::-1]
    asked = {"verb": kit.iri("verb"), "ascending": ascending, "format": "ids"}
    assert xapi.found(**asked, limit=2) == order
    assert xapi.found(**asked, limit=5) == order
    assert xapi.found(**asked, limit=0) == order
    page = xapi.ask(query={**asked, "limit": 2}).json()
    assert page["more"].startswith(f"{xapi.path}/more/")
    xapi.store(kit.statement())  # comes too late for the pages of this query
    rest = xapi.ask(target=page["more"]).json()
    assert [one["id"] for one in rest["statements"]] == order[2:4]
    assert set(rest["statements"][0]["object"]) == {"id"}
    last = xapi.ask(target=rest["more"]).json()
    assert ([one["id"] for one in last["statements"]], last["more"]) == (order[4:], "")
    assert xapi.ask(target=page["more"]).json() == rest


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b3")
@pytest.mark.requirement("1.0.3", "Communication 4.2.s2.table1.row2")
def test_a_link_to_more_holds_no_right_and_bears_no_change(xapi: Any, kit: Any):
    mine, theirs = xapi.store(kit.statement(), kit.statement(), who="lms"), xapi.store(kit.statement())
    verb = kit.iri("verb")
    more = xapi.ask(query={"verb": verb, "limit": 1}).json()["more"]
    assert [one["id"] for one in xapi.ask(target=more).json()["statements"]] == mine[1:]
    assert xapi.ask(target=more, who="auditor").status == 200
    for who, status in (("writer", 403), ("scores", 403), ("", 401)):
        assert xapi.ask(target=more, who=who).status == status
    hers = xapi.ask(query={"verb": verb, "limit": 1}, who="auditor").json()["more"]
    xapi.store(kit.statement())
    assert theirs[0] not in [one["id"] for one in xapi.ask(target=hers, who="lms").json()["statements"]]
    changed = more[:-6] + ("A" if more[-6] != "A" else "B") + more[-5:]
    for target in (
        changed,
        more + "A",
        more[:-1],
        f"{xapi.path}/more/x",
        f"{xapi.path}/more/%ff",
        f"{xapi.path}/more/",
    ):
        reply = xapi.ask(target=target)
        reply.refused("more-invalid")
        assert reply.headers["x-experience-api-consistent-through"]
    xapi.ask(target=more + "?limit=1").refused("parameter-unknown")


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b4")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (nothing found)")
def test_nothing_found_is_an_empty_result(xapi: Any, kit: Any):
    reply = xapi.ask(query={"verb": kit.iri("never-done")})
    assert (reply.status, reply.json()) == (200, {"statements": [], "more": ""})


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (Consistent-Through)")
def test_every_answer_says_up_to_when_it_is_consistent(xapi: Any, kit: Any):
    before = datetime.now(UTC)
    statement = kit.statement()
    replies = [
        xapi.ask("POST", body=statement), xapi.ask("POST", body=b"{", Content_Type="application/json"),
        xapi.ask("PUT", body=statement), xapi.ask("DELETE"), xapi.ask(who=""), xapi.ask(who="scores"),
        xapi.ask(query="LIMIT=1"), xapi.ask(query={"statementId": statement["id"]}), xapi.ask(),
        xapi.ask("HEAD", query={"limit": 1}), xapi.ask(query={"attachments": True, "limit": 1}),
    ]  # fmt: skip
    assert [reply.status for reply in replies] == [200, 400, 400, 405, 401, 403, 400, 200, 200, 200, 200]
    for reply in replies:
        assert datetime.fromisoformat(reply.headers["x-experience-api-consistent-through"]).tzinfo is not None
    through = datetime.fromisoformat(
        xapi.ask(query={"limit": 1}).headers["x-experience-api-consistent-through"]
    )
    assert through >= before.replace(microsecond=0)


@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s1.table1.row13")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b6")
@pytest.mark.requirement("1.0.3", "Communication 2.1.3.s2.b7")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s2.b2.b5")
@pytest.mark.requirement("1.0.3", "Communication 1.5.2.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (attachments)")
def test_attachments_go_out_once_each(xapi: Any, kit: Any):
    one = kit.statement(attachments=[kit.attachment(FILE), kit.attachment(SECOND)])
    two = kit.statement(attachments=[kit.attachment(FILE)])
    assert xapi.send_parts([one, two], FILE, SECOND).status == 200
    linked = kit.statement(attachments=[kit.attachment(b"elsewhere", fileUrl="https://x.example/file")])
    xapi.store(linked)
    reply = xapi.ask(query={"verb": kit.iri("verb"), "attachments": True})
    first, *rest = kit.parts(reply)
    assert first.headers["content-type"] == "application/json"
    result = json.loads(first.content)
    assert [statement["id"] for statement in result["statements"]] == [linked["id"], two["id"], one["id"]]
    assert {part.headers["x-experience-api-hash"]: part.content for part in rest} == {
        hashlib.sha256(data).hexdigest(): data for data in (FILE, SECOND)
    }
    for part in rest:
        assert part.headers["content-transfer-encoding"] == "binary"
        assert part.headers["content-type"] == "text/plain"
    for query in ({"attachments": False}, {}):
        plain = xapi.ask(query={"verb": kit.iri("verb"), **query})
        assert plain.headers["content-type"] == "application/json"
        assert len(plain.json()["statements"]) == 3
    page = xapi.ask(query={"verb": kit.iri("verb"), "attachments": True, "limit": 2})
    more = json.loads(kit.parts(page)[0].content)["more"]
    assert len(kit.parts(xapi.ask(target=more))) == 3


@pytest.mark.requirement("1.0.3", "Communication 4.2.s2.table1.row2")
@pytest.mark.requirement("1.0.3", "Communication 4.2.s2.table1.row3")
@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b10")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (permissions)")
def test_who_may_read_only_its_own_sees_only_its_own(xapi: Any, kit: Any):
    mine, theirs = xapi.store(kit.statement(), who="lms"), xapi.store(kit.statement())
    assert xapi.found(verb=kit.iri("verb"), who="lms") == mine
    assert xapi.found(verb=kit.iri("verb"), who="auditor") == [*theirs, *mine]
    xapi.ask(query={"statementId": theirs[0]}, who="lms").refused("statement-not-found", 404)
    assert xapi.ask(query={"statementId": theirs[0]}, who="auditor").status == 200
    xapi.ask(who="writer").refused("scope-missing", 403)
    xapi.ask("POST", body=kit.statement(), who="auditor").refused("scope-missing", 403)
