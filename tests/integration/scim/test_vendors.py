"""Proves that what Entra ID and Okta send is taken, the ways in which they differ from the RFC included.

Entra ID: "Develop and plan provisioning for a SCIM endpoint"
(learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups) and "Known issues and
resolutions with SCIM 2.0 protocol compliance" (…/application-provisioning-config-problem-scim-compatibility).
Okta: "Okta and SCIM Version 2.0" (developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20).
"""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def entra_user(name: str, **more: Any) -> dict[str, Any]:
    """Return a user as Entra ID creates one ("Create User" in its tutorial)."""
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": name,
        "userName": f"{name}@corp.example",
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": f"{name}@corp.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": f"{name} Formatted", "familyName": "Family", "givenName": "Given"},
        "roles": [],
        ENTERPRISE: {"department": "North"},
    } | more


def made(scim: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = scim.post("/Users", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["meta"]["location"]
    return dict(answer.json())


def patched(scim: httpx.Client, id_: str, *operations: dict[str, Any]) -> dict[str, Any]:
    answer = scim.patch(f"/Users/{id_}", json={"schemas": [PATCH], "Operations": list(operations)})
    assert answer.status_code == 200, answer.text
    assert scim.get(f"/Users/{id_}").json() == answer.json()
    return dict(answer.json())


# Entra ID


def test_entra_tests_the_connection_by_looking_for_somebody_who_cannot_be(scim: httpx.Client) -> None:
    answer = scim.get("/Users", params={"filter": f'userName eq "{uuid.uuid4()}"'})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/scim+json"
    assert answer.json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_entra_looks_before_it_creates_and_finds_afterwards(scim: httpx.Client) -> None:
    query = {"filter": 'userName eq "eva@corp.example"'}
    assert scim.get("/Users", params=query).json()["totalResults"] == 0
    user = made(scim, entra_user("eva"))
    assert user["id"] == "eva"
    assert scim.get("/Users", params=query).json()["Resources"] == [user]
    # Operators in capitals, and the other attribute that it may match by.
    assert scim.get("/Users", params={"filter": 'externalId Eq "eva"'}).json()["totalResults"] == 1


def test_entra_finds_who_is_on_the_roster_by_file_and_takes_them_over(scim: httpx.Client) -> None:
    (found,) = scim.get("/Users", params={"filter": 'userName eq "Ann@Corp.example"'}).json()["Resources"]
    assert (found["id"], found["displayName"], found["timezone"]) == ("e-1", "Ann Meier", "Europe/Zurich")
    user = patched(scim, "e-1", {"op": "Add", "path": "title", "value": "Agent"})
    assert (user["title"], user["timezone"], user[ENTERPRISE]) == (
        "Agent",
        "Europe/Zurich",
        {"department": "North"},
    )


@pytest.mark.parametrize("word", ["False", "false", False])
def test_entra_sends_booleans_as_words_with_a_capital(scim: httpx.Client, word: object) -> None:
    id_ = made(scim, entra_user(f"word{uuid.uuid4().hex[:8]}"))["id"]
    user = patched(scim, id_, {"op": "Replace", "path": "active", "value": word})
    assert user["active"] is False
    assert patched(scim, id_, {"op": "Replace", "path": "active", "value": "True"})["active"] is True


def test_entra_changes_an_address_by_a_filter_in_the_path(scim: httpx.Client) -> None:
    id_ = made(scim, entra_user("path"))["id"]
    work = {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "path.new@corp.example"}
    user = patched(scim, id_, work)
    assert user["emails"] == [{"value": "path.new@corp.example", "type": "work", "primary": True}]


def test_entra_adds_what_its_path_does_not_find(scim: httpx.Client) -> None:
    body = {name: value for name, value in entra_user("addr").items() if name != "emails"}
    id_ = made(scim, body)["id"]
    operations = (
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "addr@corp.example"},
        {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Zurich"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+41 44 000 00 00"},
    )
    user = patched(scim, id_, *operations)
    assert user["emails"] == [{"value": "addr@corp.example", "type": "work"}]
    assert user["addresses"] == [{"type": "work", "locality": "Zurich"}]


def test_entra_adds_where_it_means_to_replace(scim: httpx.Client) -> None:
    id_ = made(scim, entra_user("adds"))["id"]
    assert patched(scim, id_, {"op": "Add", "path": "title", "value": "A"})["title"] == "A"
    assert patched(scim, id_, {"op": "Add", "path": "title", "value": "B"})["title"] == "B"


def test_entra_names_attributes_of_an_extension_by_their_urn(scim: httpx.Client) -> None:
    id_ = made(scim, entra_user("ext"))["id"]
    user = patched(
        scim,
        id_,
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "South"},
        {"op": "Add", "path": f"{ENTERPRISE}:employeeNumber", "value": "4711"},
    )
    assert user[ENTERPRISE] == {"department": "South", "employeeNumber": "4711"}
    flat = {"name.givenName": "Gwen", f"{ENTERPRISE}:department": "West", "displayName": "Gwen"}
    user = patched(scim, id_, {"op": "Replace", "value": flat})
    assert (user["name"]["givenName"], user[ENTERPRISE]["department"]) == ("Gwen", "West")


@pytest.mark.parametrize("value", ["e-2", [{"value": "e-2"}], {"value": "e-2", "$ref": "../Users/e-2"}])
def test_entra_sends_a_manager_as_a_word_a_list_or_a_reference(scim: httpx.Client, value: object) -> None:
    id_ = made(scim, entra_user(f"boss{uuid.uuid4().hex[:8]}"))["id"]
    user = patched(scim, id_, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": value})
    manager = user[ENTERPRISE]["manager"]
    assert (manager["value"], manager["displayName"]) == ("e-2", "Bo Ek")
    assert manager["$ref"].endswith("/scim/v2/Users/e-2")
    gone = patched(scim, id_, {"op": "Remove", "path": f"{ENTERPRISE}:manager"})
    assert "manager" not in gone.get(ENTERPRISE, {})


def test_entra_removes_a_value_that_it_names_beside_the_path(scim: httpx.Client) -> None:
    roles = [{"value": "agent"}, {"value": "coach"}]
    id_ = made(scim, entra_user("beside", roles=roles))["id"]
    user = patched(scim, id_, {"op": "Remove", "path": "roles", "value": [{"value": "agent"}]})
    assert user["roles"] == [{"value": "coach"}]


def test_entra_deletes_for_good_after_a_while(scim: httpx.Client) -> None:
    id_ = made(scim, entra_user("gone"))["id"]
    assert scim.delete(f"/Users/{id_}").status_code == 204
    answer = scim.get(f"/Users/{id_}")
    assert (answer.status_code, answer.json()["status"]) == (404, "404")
    assert made(scim, entra_user("gone"))["id"] == "gone"


# Okta


def okta_user(name: str) -> dict[str, Any]:
    """Return a user as Okta creates one ("Create the User" in its guide)."""
    return {
        "schemas": [CORE],
        "userName": f"{name}@corp.example",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": f"{name}@corp.example", "type": "work"}],
        "displayName": "Test User",
        "locale": "en_US",
        "externalId": f"00u{name}",
        "groups": [],
        "password": "1mz050nq-never-kept",
        "active": True,
    }


def test_okta_creates_with_a_password_that_is_never_kept(scim: httpx.Client, live: Any) -> None:
    user = made(scim, okta_user("okta1"))
    assert user["id"] == "00uokta1"
    assert "password" not in user
    assert user["locale"] == "en_US"
    files = [path.read_bytes() for path in (live.folder / "data").iterdir() if path.is_file()]
    assert any(b"okta1@corp.example" in data for data in files)
    assert not any(b"1mz050nq-never-kept" in data for data in files)


def test_okta_asks_with_a_page_and_in_quotes(scim: httpx.Client) -> None:
    made(scim, okta_user("okta2"))
    query = {"filter": 'userName eq "okta2@corp.example"', "startIndex": "1", "count": "100"}
    answer = scim.get("/Users", params=query).json()
    assert (answer["totalResults"], answer["itemsPerPage"], answer["startIndex"]) == (1, 1, 1)


def test_okta_puts_the_whole_user_with_what_it_read(scim: httpx.Client) -> None:
    user = made(scim, okta_user("okta3"))
    user |= {"title": "Agent", "name": {"givenName": "Another", "familyName": "User"}}
    answer = scim.put(f"/Users/{user['id']}", json=user)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["title"], answer.json()["name"]["givenName"]) == ("Agent", "Another")
    del user["title"]
    assert "title" not in scim.put(f"/Users/{user['id']}", json=user).json()


def test_okta_deactivates_without_a_path(scim: httpx.Client) -> None:
    id_ = made(scim, okta_user("okta4"))["id"]
    assert patched(scim, id_, {"op": "replace", "value": {"active": False}})["active"] is False
    # It never deletes: who comes back is made active again.
    assert patched(scim, id_, {"op": "replace", "value": {"active": True}})["active"] is True


def test_okta_asks_for_groups_and_hears_that_there_are_none(scim: httpx.Client) -> None:
    answer = scim.get("/Groups", params={"startIndex": "1", "count": "100"})
    assert answer.status_code == 501
    assert "department" in answer.json()["detail"]
