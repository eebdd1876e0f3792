"""Proves conformance with RFC 7643 and 7644 by a client and a tester that are not ours, against a running server.

scim2-tester discovers the service, then creates, reads, searches, replaces, changes and removes users, attribute by
attribute, with add, remove and replace. It fills texts at random; the four attributes that are checked (a time zone,
two dates, hours) get an example instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pydantic import Field
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import EnterpriseUser as StandardEnterpriseUser
from scim2_models import (
    NotFoundException,
    PatchOp,
    ResourceType,
    ScimProvider,
    SearchRequest,
    UniquenessException,
)
from scim2_models import User as StandardUser
from scim2_tester import Status, check_server

from carrythrough.gateway.scim.models import Employment, EnterpriseUser


class User(StandardUser):
    """The standard user with an example of a time zone."""

    timezone: str | None = Field(None, examples=["Europe/Zurich"])


def described(*extensions: Any) -> ScimProvider:
    user: Any = User
    kind = ResourceType.from_resource(user[extensions[0] | extensions[1]])
    return ScimProvider(models=[User, *extensions], resource_types=[kind])


@pytest.fixture
def http(live: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=live.url + "/scim/v2", headers={"Authorization": f"Bearer {live.tokens['hr']}"}
    ) as client:
        yield client


def test_every_check_of_the_tester_passes(http: httpx2.Client) -> None:
    results = check_server(SyncSCIMClient(http, provider=described(EnterpriseUser, Employment)))
    failed = [f"{r.title}: {r.reason}" for r in results if r.status not in {Status.SUCCESS, Status.SKIPPED}]
    assert failed == []
    assert sum(r.status is Status.SUCCESS for r in results) > 120


def test_what_the_service_says_of_itself_is_enough_to_use_it(http: httpx2.Client) -> None:
    results = check_server(SyncSCIMClient(http), include_tags={"discovery", "misc"})
    failed = [f"{r.title}: {r.reason}" for r in results if r.status not in {Status.SUCCESS, Status.SKIPPED}]
    assert failed == []
    assert any(r.status is Status.SUCCESS for r in results)


def test_a_client_with_the_standard_models_lives_a_whole_life(http: httpx2.Client) -> None:
    model: Any = StandardUser[StandardEnterpriseUser]
    kind = ResourceType.from_resource(model)
    client: Any = SyncSCIMClient(http, provider=ScimProvider([StandardUser, StandardEnterpriseUser], [kind]))
    made = client.create(model(user_name="cy@corp.example", external_id="e-77", display_name="Cy"))
    assert made.id == "e-77"
    assert made.meta.version
    with pytest.raises(UniquenessException):
        client.create(model(user_name="CY@corp.example"))
    found = client.query(model, query_parameters=SearchRequest(filter='userName eq "CY@CORP.example"'))
    assert [user.id for user in found.resources] == ["e-77"]
    made.title = "Lead"
    assert client.replace(made).title == "Lead"
    operation: Any = {"op": "replace", "path": "name.familyName", "value": "Falk"}
    patch = PatchOp[model](Operations=[operation])
    assert client.modify(model, made.id, patch).name.family_name == "Falk"
    client.delete(model, made.id)
    with pytest.raises(NotFoundException):
        client.query(model, made.id)
