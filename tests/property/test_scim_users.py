"""Proves that no SCIM request makes the endpoint fall, that a refused one changes nothing, and what is read back.

The service works on a real roster index; what stands in for the log is a list of changes, folded as the log's are.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.gateway.scim.attributes import ENTERPRISE, person_of, resource_of
from carrythrough.gateway.scim.refusals import body_of
from carrythrough.gateway.scim.store import Entry
from carrythrough.gateway.scim.users import Asked, Users
from carrythrough.identity.changes import PutPerson, RosterChange, after_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier, Leave, Person, Roster, Week
from carrythrough.ports import RosterReceipt

ASKED = Asked(base="https://x.example/scim/v2", credential="hr")


class Installation:
    """A roster and what came by SCIM, both derived from one list of changes."""

    def __init__(self) -> None:
        self.index = RosterIndex(Roster(people=(Person(id="e-1", email="ann@corp.example"),)), bytes(32))
        self.resources: dict[str, dict[str, Any]] = {}
        self.users = Users(self, self, threading.Lock())

    def roster(self) -> RosterIndex:
        return self.index

    def submit(self, changes: Sequence[RosterChange], credential: str) -> RosterReceipt:
        self.index = after_changes(self.index, changes)
        for change in changes:
            if isinstance(change, PutPerson):
                self.resources[change.person.id] = json.loads(json.dumps(change.resource))
            else:
                self.resources.pop(change.id, None)
        return RosterReceipt(1)

    def entries(self, ids: Iterable[str]) -> dict[str, Entry]:
        return {id_: Entry(1, 1, self.resources[id_]) for id_ in ids if id_ in self.resources}

    def with_user_name(self, name: str) -> list[str]:
        return [
            i for i, r in self.resources.items() if str(r.get("userName", "")).casefold() == name.casefold()
        ]

    def with_external_id(self, external: str) -> list[str]:
        return [i for i, r in self.resources.items() if r.get("externalId") == external]

    def names(self) -> dict[str, tuple[str, str]]:
        return {
            i: (str(r["userName"]).casefold(), r.get("externalId") or "") for i, r in self.resources.items()
        }

    def file_ms(self) -> int:
        return 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["True", "a@b.example", "e-1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["value", "type", "primary", "userName", "emails", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.sampled_from(
    ["userName", "externalId", "emails", "active", "name", "title", "roles", "addresses", "timezone", "locale", "id",
     "meta", "password", "schemas", "phoneNumbers", "x509Certificates", "photos", ENTERPRISE, f"{ENTERPRISE}:manager"]
)  # fmt: skip
PATHS = NAMES | st.sampled_from(
    ['emails[type eq "work"].value', "name.givenName", f"{ENTERPRISE}:manager.value", 'emails[value sw "a"]', "emails["]
) | st.text(max_size=6)  # fmt: skip
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "move", ""])},
    optional={"path": PATHS, "value": VALUES},
)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(OPERATIONS, max_size=4), st.text(max_size=20))
def test_no_request_makes_it_fall_and_a_refusal_changes_nothing(
    body: dict[str, Any], operations: list[dict[str, Any]], filter_: str
) -> None:
    at = Installation()
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    for act in (
        lambda: at.users.create(json.dumps(body).encode(), ASKED),
        lambda: at.users.replace("e-1", json.dumps({"userName": "u"} | body).encode(), ASKED),
        lambda: at.users.patch("e-1", json.dumps(patch).encode(), ASKED),
        lambda: at.users.search({"filter": filter_}, ASKED),
    ):
        before = (at.index, dict(at.resources))
        try:
            act()
        except PermanentError as error:
            refused = error
        else:
            json.dumps(at.users.search({}, ASKED))
            continue
        assert 400 <= refused.problem.status < 500
        assert json.loads(body_of(refused.problem))["status"] == str(refused.problem.status)
        assert (at.index, at.resources) == before


@pytest.mark.parametrize("levels", [17, 900, 100_000])
def test_a_body_nested_deeply_is_refused(levels: int) -> None:
    at = Installation()
    body = b'{"userName": "u", "x": ' + b"[" * levels + b"]" * levels + b"}"
    for act in (at.users.create, lambda body, asked: at.users.patch("e-1", body, asked)):
        with pytest.raises(PermanentError, match="nested more than"):
            act(body, ASKED)


@pytest.mark.parametrize(
    "filter_", ["(" * 3_000 + "title pr" + ")" * 3_000, "not (" * 500 + "title pr" + ")" * 500]
)
def test_a_filter_nested_deeply_is_refused(filter_: str) -> None:
    with pytest.raises(PermanentError):
        Installation().users.search({"filter": filter_}, ASKED)


def test_operations_without_end_are_refused() -> None:
    operations = [{"op": "add", "path": "title", "value": "t"}] * 201
    with pytest.raises(PermanentError, match="201 operations"):
        Installation().users.patch("e-1", json.dumps({"operations": operations}).encode(), ASKED)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=10).map(
    str.strip
)
DAYS = st.dates().filter(lambda d: 1900 <= d.year <= 2100).map(str)
PERSONS = st.builds(
    Person,
    id=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    name=TEXTS,
    email=st.sampled_from(["", "p@corp.example", "q@corp.example"]),
    identifiers=st.sampled_from([(), (Identifier(openid="https://o.example"),)]),
    aliases=st.sampled_from([(), ("old",)]),
    former_emails=st.sampled_from([(), ("was@corp.example",)]),
    manager=st.sampled_from(["", "BOSS"]),
    team=TEXTS,
    role=TEXTS,
    site=TEXTS,
    cohorts=st.sampled_from([(), ("wave-1",), ("wave-1", "pilot")]),
    time_zone=st.sampled_from(["UTC", "Asia/Tokyo"]),
    work_hours=st.sampled_from(["", "08:00-17:00"]),
    days_off=st.sampled_from([(), ("sat", "sun")]),
    week=st.sampled_from([None, Week(mon="08:00-12:00")]),
    locale=st.sampled_from(["en", "de-CH"]),
    opted_out=st.sampled_from([(), ("nudge",)]),
    hire_date=st.just(""),
    exit_date=st.just("") | DAYS,
    leave=st.sampled_from([(), (Leave(start="2026-01-01"),)]),
    active=st.booleans(),
)


@given(PERSONS)
def test_a_user_put_back_as_it_was_read_is_the_same_person(person: Person) -> None:
    resource = json.loads(json.dumps(resource_of(person, None)))
    assert person_of(resource, person.id, person, None) == person
    assert person_of(resource, person.id, person, resource) == person
    assert resource_of(person, resource) == resource


@given(PERSONS, PERSONS)
def test_a_change_by_another_door_shows_and_survives(before: Person, after: Person) -> None:
    kept = resource_of(before, None) | {"nickName": "kept"}
    after = msgspec.structs.replace(after, id=before.id)
    shown = resource_of(after, kept)
    assert shown["nickName"] == "kept"
    again = person_of(shown, after.id, after, shown)
    told = (
        "name",
        "role",
        "team",
        "site",
        "manager",
        "time_zone",
        "locale",
        "exit_date",
        "cohorts",
        "active",
        "work_hours",
    )
    assert [getattr(again, name) for name in told] == [getattr(after, name) for name in told]
    if after.email:
        assert again.email == after.email
