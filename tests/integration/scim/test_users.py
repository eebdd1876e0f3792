"""Proves what the SCIM endpoint does beyond the tester: search, versions, refusals, privacy, restarts, the roster."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import httpx
import pytest

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EMPLOYMENT = "urn:carrythrough:scim:schemas:employment:1.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def post(scim: httpx.Client, name: str, **more: Any) -> dict[str, Any]:
    body = {"schemas": [CORE], "userName": f"{name}@corp.example", "externalId": name} | more
    answer = scim.post("/Users", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture(scope="module")
def crowd(live: Any) -> list[str]:
    """Put ten people on the roster and return their ids; every third is not active."""
    with live.client("hr", "/scim/v2") as client:
        return [
            post(
                client,
                f"crowd-{n}",
                active=n % 3 != 0,
                displayName=f"Person {9 - n}",
                title="Lead" if n < 3 else "Agent",
                emails=[{"value": f"c{n}@mail.example", "type": "home"}],
            )["id"]
            for n in range(10)
        ]


def found(scim: httpx.Client, **query: Any) -> list[str]:
    answer = scim.get("/Users", params={"count": 200} | query)
    assert answer.status_code == 200, answer.text
    return [user["id"] for user in answer.json()["Resources"]]


def numbers(ids: list[str]) -> list[int]:
    return [int(id_.rpartition("-")[2]) for id_ in ids]


CROWD = 'externalId sw "crowd-"'


@pytest.mark.parametrize(
    ("filter_", "wanted"),
    [
        ('userName eq "CROWD-4@corp.example"', [4]),
        ('externalId eq "crowd-4"', [4]),
        ('externalId eq "Crowd-4"', []),
        ('id eq "crowd-4"', [4]),
        ('emails.value eq "c4@mail.example"', [4]),
        ('emails eq "c4@mail.example"', [4]),
        ('emails[type eq "home" and value eq "c4@mail.example"]', [4]),
        ('emails[type eq "work" and value eq "c4@mail.example"]', []),
        ('emails[value co "@mail.example"]', list(range(10))),
        (f"{CROWD} and active eq false", [0, 3, 6, 9]),
        (f"{CROWD} and not (active eq true)", [0, 3, 6, 9]),
        (f'{CROWD} and (title eq "lead" or userName sw "crowd-8")', [0, 1, 2, 8]),
        (f'active eq false and (title eq "lead" or userName sw "crowd-6") and {CROWD}', [0, 6]),
        ('userName co "owd-4@"', [4]),
        ('userName ew "-4@corp.example"', [4]),
        (f"{CROWD} and title pr and nickName pr", []),
        (f'{CROWD} and displayName ge "person 8"', [0, 1]),
        (f'{CROWD} and urn:ietf:params:scim:schemas:core:2.0:User:userName eq "crowd-4@corp.example"', [4]),
        (f'{CROWD} and meta.created gt "2020-01-01T00:00:00Z" and userName ne "CROWD-0@corp.example"', [*range(1, 10)]),
    ],
)  # fmt: skip
def test_filters_mean_what_the_rfc_says(
    scim: httpx.Client, crowd: list[str], filter_: str, wanted: list[int]
) -> None:
    assert numbers(found(scim, filter=filter_)) == wanted
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": filter_,
        "count": 200,
    }
    by_post = scim.post("/Users/.search", json=body).json()
    assert numbers([user["id"] for user in by_post["Resources"]]) == wanted


def test_pages_have_everybody_once_in_one_order(scim: httpx.Client, crowd: list[str]) -> None:
    pages = [scim.get("/Users", params={"startIndex": n, "count": 3}).json() for n in range(1, 40, 3)]
    ids = [user["id"] for page in pages for user in page["Resources"]]
    total = pages[0]["totalResults"]
    assert len(ids) == len(set(ids)) == total
    assert {"e-1", "e-2", *crowd} <= set(ids)
    assert ids == sorted(ids)
    assert pages[-1]["itemsPerPage"] == 0
    assert scim.get("/Users", params={"count": 0}).json()["Resources"] == []
    assert scim.get("/Users", params={"count": -1, "startIndex": -5}).json()["startIndex"] == 1


def test_sorting_goes_by_the_attribute(scim: httpx.Client, crowd: list[str]) -> None:
    ordered = found(scim, filter=CROWD, sortBy="displayName")
    assert numbers(ordered) == list(range(9, -1, -1))
    assert found(scim, filter=CROWD, sortBy="displayName", sortOrder="descending") == ordered[::-1]


def test_only_the_attributes_asked_for_are_given_out(scim: httpx.Client, crowd: list[str]) -> None:
    user = scim.get(f"/Users/{crowd[1]}", params={"attributes": "userName,emails.value"}).json()
    assert set(user) == {"schemas", "id", "userName", "emails"}
    assert user["emails"] == [{"value": "c1@mail.example"}]
    user = scim.get(f"/Users/{crowd[1]}", params={"excludedAttributes": "emails, meta"}).json()
    assert {"emails", "meta"} & set(user) == set()
    assert user["userName"]


@pytest.mark.parametrize(
    ("filter_", "kind"),
    [("userName eq", "invalidFilter"), ("nosuch eq 1", "invalidFilter"), ("active gt true", "invalidFilter")],
)
def test_a_filter_that_means_nothing_is_refused(scim: httpx.Client, filter_: str, kind: str) -> None:
    answer = scim.get("/Users", params={"filter": filter_})
    assert (answer.status_code, answer.json()["scimType"]) == (400, kind)
    assert answer.json()["schemas"] == [ERROR]


def test_versions_guard_changes(scim: httpx.Client) -> None:
    user = post(scim, "tagged")
    tag = user["meta"]["version"]
    place = f"/Users/{user['id']}"
    assert scim.get(place).headers["etag"] == tag
    assert scim.get(place, headers={"If-None-Match": tag}).status_code == 304
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "A"}]}
    assert scim.patch(place, json=change, headers={"If-Match": 'W/"other"'}).status_code == 412
    changed = scim.patch(place, json=change, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert scim.put(place, json=user, headers={"If-Match": tag}).status_code == 412
    assert scim.delete(place, headers={"If-Match": tag}).status_code == 412
    # The same again changes nothing, the version included.
    assert scim.patch(place, json=change).headers["etag"] == changed.headers["etag"]
    assert scim.delete(place, headers={"If-Match": "*"}).status_code == 204


@pytest.mark.parametrize("address", ["kim@firm.local", "kim@intranet", "kim@firm.test"])
def test_addresses_that_only_the_firm_reaches_are_taken(scim: httpx.Client, address: str) -> None:
    made = scim.post("/Users", json={"schemas": [CORE], "userName": address, "emails": [{"value": address}]})
    assert made.status_code == 201, made.text
    assert made.json()["emails"][0]["value"] == address
    assert scim.delete(f"/Users/{made.json()['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"schemas": [CORE]}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": " "}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": "ANN@corp.example"}, 409, "uniqueness"),
        ({"schemas": [CORE], "userName": "x1", "externalId": "e-2"}, 409, "uniqueness"),
        ({"schemas": [CORE], "userName": "x2", "emails": [{"value": "bo@corp.example"}]}, 409, "uniqueness"),
        ({"schemas": [CORE], "userName": "x3", "emails": [{"value": "nobody"}]}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": "x4", "timezone": "Mars/Olympus"}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": "x5", "active": "perhaps"}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": "x6", EMPLOYMENT: {"hireDate": "soon"}}, 400, "invalidValue"),
        ({"schemas": [CORE], "userName": "x7", EMPLOYMENT: {"exitDate": "9999-12-31"}}, 400, "invalidValue"),
        (
            {"schemas": [CORE], "userName": "x8", EMPLOYMENT: {"hireDate": "2026-02-01", "exitDate": "2026-01-01"}},
            400,
            "invalidValue",
        ),
        ([], 400, "invalidSyntax"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_of_it_stays(
    scim: httpx.Client, body: Any, status: int, kind: str
) -> None:
    before = scim.get("/Users", params={"count": 0}).json()["totalResults"]
    answer = scim.post("/Users", json=body)
    assert (answer.status_code, answer.json().get("scimType")) == (status, kind), answer.text
    assert answer.json()["status"] == str(status)
    assert scim.get("/Users", params={"count": 0}).json()["totalResults"] == before


@pytest.mark.parametrize(
    ("operation", "status", "kind"),
    [
        ({"op": "replace", "path": "nosuch", "value": 1}, 400, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": 1}, 400, "invalidPath"),
        ({"op": "move", "path": "title", "value": 1}, 400, "invalidValue"),
        ({"op": "remove"}, 400, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, 400, "mutability"),
        ({"op": "replace", "path": "userName", "value": "bo@corp.example"}, 409, "uniqueness"),
        ({"op": "replace", "path": f"{ENTERPRISE}:manager.value", "value": "patient"}, 400, "invalidValue"),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(
    scim: httpx.Client, operation: dict[str, Any], status: int, kind: str
) -> None:
    place = "/Users/patient"
    if scim.get(place).status_code == 404:
        post(scim, "patient")
    before = scim.get(place).json()
    sent = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "no"}, operation]}
    answer = scim.patch(place, json=sent)
    assert (answer.status_code, answer.json().get("scimType")) == (status, kind), answer.text
    assert scim.get(place).json() == before


def test_managers_may_not_go_in_a_circle(scim: httpx.Client) -> None:
    post(scim, "above")
    post(scim, "below", **{ENTERPRISE: {"manager": {"value": "above"}}})
    change = {"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "below"}}
    answer = scim.patch("/Users/above", json={"schemas": [PATCH], "Operations": [change]})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "invalidValue")
    assert "back to" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Nothing", 404),
        ("GET", "/Users/nobody", 404),
        ("GET", "/Users/e-1/emails", 404),
        ("POST", "/Bulk", 501),
        ("GET", "/Me", 501),
        ("DELETE", "/Users", 405),
        ("PUT", "/Schemas", 405),
        ("GET", "/Schemas?filter=id%20pr", 403),
        ("GET", "/ResourceTypes/Nobody", 404),
    ],
)
def test_addresses_that_are_none(scim: httpx.Client, method: str, path: str, status: int) -> None:
    answer = scim.request(method, path, content=b"{}" if method in {"POST", "PUT"} else None)
    assert answer.status_code == status, answer.text
    assert answer.json()["schemas"] == [ERROR]
    assert answer.headers["content-type"] == "application/scim+json"


def test_a_body_of_another_kind_is_refused(scim: httpx.Client) -> None:
    answer = scim.post("/Users", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax")
    big = json.dumps({"schemas": [CORE], "userName": "x" * 300_000})
    assert scim.post("/Users", content=big).status_code == 413


def test_only_the_scope_opens_it(live: Any) -> None:
    with httpx.Client(base_url=live.url, timeout=10) as bare:
        assert bare.get("/scim/v2/Users").status_code == 401
        wrong = {"Authorization": f"Bearer {live.logins['hr'][0]}.wrong"}
        assert bare.get("/scim/v2/Users", headers=wrong).json()["status"] == "401"
        assert bare.get("/scim/v2/Users", auth=live.logins["hr"]).status_code == 200
    with live.client("nobody", "/scim/v2") as other:
        answer = other.get("/Users")
        assert (answer.status_code, answer.json()["schemas"]) == (403, [ERROR])


def test_everything_that_was_put_is_given_back(scim: httpx.Client) -> None:
    sent = {
        "nickName": "Cee",
        "userType": "Contractor",
        "phoneNumbers": [{"value": "+41 44 000 00 00", "type": "work"}],
        "urn:example:params:scim:schemas:extension:badge:2.0:User": {"colour": "blue"},
        "shoeSize": 42,
        ENTERPRISE: {"costCenter": "C-1", "division": "D", "organization": "O"},
        EMPLOYMENT: {"hireDate": "2024-03-01", "workHours": "08:00-17:00", "cohort": "wave-1, pilot"},
    }
    user = post(scim, "whole", **sent)
    assert {name: user.get(name) for name in sent} == sent
    assert scim.get("/Users/whole").json() == user


def test_what_was_acknowledged_outlives_a_kill(live: Any, scim: httpx.Client) -> None:
    user = post(scim, "survivor", nickName="Sur")
    live.restart()
    with live.client("hr", "/scim/v2") as again:
        after = again.get("/Users/survivor").json()
        user["meta"]["location"] = after["meta"]["location"]  # another port
        assert after == user
        assert found(again, filter='userName eq "survivor@corp.example"') == ["survivor"]


def test_statements_under_a_former_address_are_still_theirs(live: Any) -> None:
    with live.client("hr", "/scim/v2") as scim, live.client("people") as people:
        name = uuid.uuid4().hex[:8]
        post(scim, name, displayName="Dee")
        change = {"op": "replace", "path": "userName", "value": f"{name}.married@corp.example"}
        answer = scim.patch(f"/Users/{name}", json={"schemas": [PATCH], "Operations": [change]})
        assert answer.status_code == 200
        for address in (f"{name}@corp.example", f"{name}.married@corp.example"):
            agent = json.dumps({"mbox": f"mailto:{address}"})
            person: dict[str, Any] = {}
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                person = people.get(
                    "/xapi/agents", params={"agent": agent}, headers={"X-Experience-API-Version": "1.0.3"}
                ).json()
                if person.get("name") == ["Dee"]:
                    break
                time.sleep(0.02)
            assert person.get("name") == ["Dee"], person


def test_neither_names_nor_addresses_nor_secrets_are_logged(live: Any, scim: httpx.Client) -> None:
    post(scim, "secretive", displayName="Ivy Hush", password="hushhush-password")
    scim.get("/Users", params={"filter": 'userName eq "secretive@corp.example"'})
    scim.post("/Users", json={"schemas": [CORE], "userName": "secretive@corp.example"})
    scim.post("/Users", json={"schemas": [CORE], "userName": "z", "emails": [{"value": "ivy hush at home"}]})
    log = (live.folder / "server.log").read_text()
    for word in ("Ivy", "secretive@", "hushhush", "ivy hush", live.logins["hr"][1]):
        assert word not in log
