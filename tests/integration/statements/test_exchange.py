"""Proves what holds for every request: version, parameters, alternate syntax, methods, browsers, who asks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

PARAMETERS = (
    "statementId", "voidedStatementId", "agent", "verb", "activity", "registration", "related_activities",
    "related_agents", "since", "until", "limit", "format", "attachments", "ascending",
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b1")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b2")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b3")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b5")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.2 (version)")
@pytest.mark.parametrize("mount", ["/xapi", "/xapi/2.0"])
@pytest.mark.parametrize(
    ("sent", "spoken"),
    [("1.0", "1.0.3"), ("1.0.0", "1.0.3"), ("1.0.9", "1.0.3"), ("2.0.0", "2.0.0"), ("2.0", "2.0.0")],
)
def test_both_versions_are_spoken_at_every_mount(client: Any, kit: Any, mount: str, sent: str, spoken: str):
    speaker = client(sent, mount)
    body = kit.statement()
    for reply in (speaker.ask("POST", body=body), speaker.ask(query={"limit": 1}), speaker.ask(query="x=1")):
        assert reply.headers["x-experience-api-version"] == spoken
    assert speaker.one(body["id"])["id"] == body["id"]


@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b4")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b6")
@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b7")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.2 (version)")
@pytest.mark.parametrize(
    "sent", [None, "", "0.9", "0.95", "1.1.0", "1.0.x", "2.1.0", "3.0.0", "1.0.3, 2.0.0"]
)
def test_a_request_of_no_or_another_version(xapi: Any, kit: Any, sent: str | None):
    assert xapi.ask(query={"limit": 1}).status == 200  # a refusal speaks what its sender spoke last
    xapi.ask(query={"limit": 1})
    for method, body in (("GET", None), ("POST", kit.statement()), ("PUT", kit.statement())):
        reply = xapi.ask(method, body=body, X_Experience_API_Version=sent)
        reply.refused("version-unsupported")
        assert reply.headers["x-experience-api-version"] == xapi.version


@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.2 (version)")
@pytest.mark.parametrize("mount", ["/xapi", "/xapi/2.0"])
def test_a_refusal_names_the_version_that_its_sender_spoke_last(client: Any, mount: str):
    for last in ("2.0.0", "1.0.3", "2.0.0"):
        speaker = client(last, mount)
        assert speaker.ask(query={"limit": 1}, who="auditor").status == 200
        reply = speaker.ask(query={"limit": 1}, who="auditor", X_Experience_API_Version=None)
        reply.refused("version-unsupported")
        assert reply.headers["x-experience-api-version"] == last
    unknown = client("2.0.0", mount).ask(query={"limit": 1}, who="", X_Experience_API_Version=None)
    assert unknown.headers["x-experience-api-version"] == {"/xapi": "1.0.3", "/xapi/2.0": "2.0.0"}[mount]


@pytest.mark.requirement("1.0.3", "Communication 3.2.s2.b1")
@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b8")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (unknown parameters)")
def test_unknown_and_wrongly_cased_parameters(xapi: Any, kit: Any):
    for name in PARAMETERS:
        problem = xapi.ask(query={name.capitalize(): "x"}).refused("parameter-unknown")
        assert repr(name) in problem["detail"]
        xapi.ask("POST", {name: "x"}, kit.statement()).refused("parameter-unknown")
        xapi.ask(query=f"{name}=1&{name}=1").refused("parameter-repeated")
    xapi.ask(query="foo=bar").refused("parameter-unknown")
    xapi.ask("PUT", {"StatementId": kit.uuid()}, kit.statement()).refused("parameter-unknown")


@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b7")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (values of parameters)")
@pytest.mark.parametrize(
    "query",
    [
        "statementId=x", "voidedStatementId=1", "agent=x", "agent=1", "agent=%7B%7D", "agent=%5B%5D",
        "agent=%7B%22mbox%22:%22x%22%7D", "agent=%7B%22objectType%22:%22Group%22,%22member%22:%5B%5D%7D",
        "agent=%7B%22objectType%22:%22Group%22,%22member%22:%5B%7B%22mbox%22:%22mailto:a@b.c%22%7D%5D%7D",
        "verb=x", "activity=", "registration=x", "related_activities=1", "related_agents=TRUE", "since=yesterday",
        "until=2026", "limit=-1", "limit=1.5", "limit=", "limit=%D9%A1", "format=full", "attachments=yes",
        "ascending=", "x", "limit", "%ff=1", "verb=%ff", "&".join(f"p{n}=1" for n in range(100)),
    ],
)  # fmt: skip
def test_values_that_are_none(xapi: Any, query: str):
    reply = xapi.ask(query=query)
    assert reply.status == 400, reply
    assert reply.json()["code"]


@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (methods)")
@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_other_methods(xapi: Any, method: str):
    for who in ("all", ""):
        reply = xapi.ask(method, who=who)
        reply.refused("method-not-allowed", 405)
        assert reply.headers["allow"] == "POST, PUT, GET, HEAD"


@pytest.mark.requirement("1.0.3", "Communication 3.3.s3.b1")
@pytest.mark.parametrize("path", ["/nothing", "/", "/statements/x", "/a/b/c", "/activities/state/x"])
def test_what_is_no_resource(xapi: Any, path: str):
    for who in ("all", ""):
        reply = xapi.ask(target=xapi.mount + path, who=who)
        assert "statements, activities" in reply.refused("resource-unknown", 404)["fix"]
        assert reply.headers["x-experience-api-version"] == xapi.version


@pytest.mark.parametrize("path", ["//statements", "/statements/", "//statements//"])
def test_needless_slashes_do_no_harm(xapi: Any, kit: Any, path: str):
    statement = kit.statement()
    assert xapi.ask("POST", body=statement, target=xapi.mount + path).json() == [statement["id"]]
    assert xapi.ask(target=f"{xapi.mount}{path}?statementId={statement['id']}").status == 200


@pytest.mark.requirement("1.0.3", "Communication 3.2.s2.b2")
@pytest.mark.requirement("1.0.3", "Communication 4.0.s3.b1")
@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.2 (authorization)")
@pytest.mark.parametrize("given", [None, "Basic Zm9vOmJhcg==", "Basic:Zm9vOmJhcg==", "Basic", "Nonsense x"])
def test_who_is_not_known(xapi: Any, kit: Any, given: str | None):
    for method, body in (("GET", None), ("POST", kit.statement())):
        reply = xapi.ask(method, body=body, who="", Authorization=given)
        reply.refused("credentials-missing-or-wrong", 401)
        assert "Basic" in reply.headers["www-authenticate"]


# ---- alternate request syntax ------------------------------------------------------------------------


def form(
    client: Any, method: str, fields: dict[str, Any] | str | None, query: str = "", **headers: Any
) -> Any:
    body = urlencode(fields) if isinstance(fields, dict) else fields or ""
    target = f"{client.path}?method={method}{query}"
    return client.ask("POST", body=body.encode(), target=target, Content_Type=FORM, **headers)


@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b5")
@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b7")
@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b14")
@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b15")
@pytest.mark.requirement("1.0.3", "Communication 2.1.2.s2.b3")
@pytest.mark.parametrize("mount", ["/xapi", "/xapi/2.0"])
def test_the_alternate_syntax(client: Any, kit: Any, lrs: Any, mount: str):
    speaker = client("1.0.3", mount)
    statement = kit.statement(verb={"id": kit.iri("verb"), "display": {"de": "geprüft & für gut befunden"}})
    said = {
        "Authorization": lrs.login["all"],
        "X-Experience-API-Version": "1.0.3",
        "Content-Type": "application/json",
    }
    fields = {"statementId": statement["id"], "content": json.dumps(statement), "Content-Length": "5", **said}
    bare = {"who": "", "X_Experience_API_Version": None}
    assert form(speaker, "PUT", fields, **bare).status == 204
    fields = {"content": json.dumps([kit.statement()], ensure_ascii=False), **said}
    assert len(form(speaker, "POST", fields, **bare).json()) == 1
    reply = form(speaker, "GET", {"verb": kit.iri("verb"), "limit": "1", **said}, **bare)
    assert set(reply.json()) == {"statements", "more"}
    assert reply.headers["x-experience-api-version"] == "1.0.3"
    found = form(speaker, "GET", {"statementId": statement["id"], **said}, **bare).json()
    assert found["verb"] == statement["verb"]
    head = form(speaker, "HEAD", {"statementId": statement["id"], **said}, **bare)
    assert (head.status, head.body, "last-modified" in head.headers) == (200, b"", True)


@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b1")
@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b3")
@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b4")
@pytest.mark.requirement("1.0.3", "Communication 3.2.s3.b6")
def test_what_is_no_alternate_request(client: Any, kit: Any):
    speaker, text = client("1.0.3", "/xapi"), json.dumps(kit.statement())
    id_ = kit.uuid()
    fields = {"statementId": id_, "content": text}
    form(speaker, "PUT", fields, f"&statementId={id_}").refused("alternate-syntax-form")
    form(speaker, "PUT", None).refused("parameter-missing")
    form(speaker, "PUT", text).refused("alternate-syntax-form")
    form(speaker, "PUT", text.replace("=", "")).refused("alternate-syntax-form")
    form(speaker, "PUT", {"statementId": id_}).refused("media-type-unsupported")
    form(speaker, "PUT", [*fields.items()] and urlencode([*fields.items(), ("content", text)])).refused(
        "parameter-repeated"
    )
    multipart = {**fields, "Content-Type": "multipart/mixed; boundary=x"}
    form(speaker, "PUT", multipart).refused("alternate-syntax-form")
    form(speaker, "GET", {"method": "GET"}).refused("parameter-unknown")
    form(speaker, "DELETE", {}).refused("method-not-allowed", 405)
    form(speaker, "OPTIONS", {}).refused("method-not-allowed", 405)
    speaker.ask("GET", "method=POST").refused("parameter-unknown")
    plain = speaker.ask("POST", "method=PUT", json.dumps(fields).encode(), Content_Type="text/plain")
    plain.refused("alternate-syntax-form")
    assert speaker.ask(query={"statementId": id_}).status == 404


@pytest.mark.requirement("1.0.3", "Communication 1.3.s3.b7")
def test_a_field_of_the_form_counts_before_the_header_of_its_name(client: Any, kit: Any, lrs: Any):
    speaker, id_ = client("1.0.3", "/xapi"), kit.uuid()
    fields = {"statementId": id_, "content": json.dumps(kit.statement(id=id_))}
    for version in ("0.8", "1.1.0"):
        refusal = form(speaker, "PUT", {**fields, "X-Experience-API-Version": version})
        refusal.refused("version-unsupported")
    form(speaker, "PUT", {**fields, "X-Experience-API-Version": "2.0.0"}).refused("parameter-unknown")
    assert form(speaker, "PUT", {**fields, "Authorization": "Basic bm9ib2R5OngK"}).status == 401
    assert form(speaker, "PUT", {**fields, "X-Experience-API-Version": "1.0.2"}).status == 204
    found = form(speaker, "GET", {"statementId": id_, "Authorization": lrs.login["all"]}, who="")
    assert found.json()["id"] == id_


@pytest.mark.requirement("2.0.0", "9274.1.1 4.1.6.1 (no alternate syntax)")
@pytest.mark.parametrize("mount", ["/xapi", "/xapi/2.0"])
def test_2_0_has_no_alternate_syntax(client: Any, kit: Any, lrs: Any, mount: str):
    speaker = client("2.0.0", mount)
    fields = {"statementId": kit.uuid(), "content": json.dumps(kit.statement())}
    for method in ("GET", "PUT", "POST", "HEAD"):
        form(speaker, method, fields).refused("parameter-unknown")
        speaker.ask("PUT", {"method": method}).refused("parameter-unknown")
    said = {**fields, "Authorization": lrs.login["all"], "X-Experience-API-Version": "2.0.0"}
    form(speaker, "PUT", said, who="", X_Experience_API_Version=None).refused("parameter-unknown")


@pytest.mark.parametrize("path", ["/statements?limit=1", "/about", "/statements?limit=x", "/nothing"])
def test_nobody_keeps_an_answer_without_asking_again(xapi: Any, path: str):
    assert xapi.ask(target=xapi.mount + path).headers["cache-control"] == "private, no-cache"


# ---- browsers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", ["", "/more/x"])
def test_browser_content_of_any_origin_may_ask(xapi: Any, resource: str):
    origin = "https://courses.example.org"
    target = f"{xapi.path}{resource}"
    ask = {"Origin": origin, "Access_Control_Request_Method": "GET"}
    preflight = xapi.ask("OPTIONS", target=target, who="", X_Experience_API_Version=None, **ask)
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "GET" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "x-experience-api-version", "content-type", "if-match"} <= set(allowed)
    for reply in (xapi.ask(target=target, Origin=origin), xapi.ask(target=target, who="", Origin=origin)):
        assert reply.headers["access-control-allow-origin"] == "*"
        exposed = reply.headers["access-control-expose-headers"]
        for name in (
            "X-Experience-API-Version",
            "X-Experience-API-Consistent-Through",
            "ETag",
            "Last-Modified",
        ):
            assert name in exposed
    assert "access-control-allow-origin" not in xapi.ask(target=target).headers
