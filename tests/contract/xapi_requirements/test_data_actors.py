"""Proves what the two versions demand of agents and groups, wherever they stand in a statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

requirement = pytest.mark.requirement
Holds = Callable[..., None]

ANA = {"mbox": "mailto:ana@example.org"}
BO = {"openid": "https://id.example.org/bo"}
IDENTIFIERS: dict[str, Any] = {
    "mbox": "mailto:ana@example.org",
    "mbox_sha1sum": "cd9b00a5611f94eaa7b1661edab976068e364975",
    "openid": "https://id.example.org/ana",
    "account": {"homePage": "https://lms.example.org", "name": "4711"},
}
AGENTS = ("/actor", "/context/instructor", "/object")
GROUPS = (*AGENTS, "/context/team")


def agents(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each place of an agent with `value` there, typed where that is required."""
    for place in AGENTS:
        yield place, {"objectType": "Agent", **value} if place == "/object" else value


def everywhere(holds: Holds, places: tuple[str, ...], value: Any, expected: str, below: str = "") -> None:
    """Check a value at each of the places; `expected` is a code, met at the place and `below` it."""
    for place in places:
        holds({place: value}, expected if expected == "accepted" else f"{expected} at {place}{below}")


@requirement("1.0.3", "Data 2.4.s1.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (actor)")
def test_an_actor_is_an_agent_or_a_group(holds: Holds):
    for good in (ANA, {"objectType": "Agent", **ANA}, {"objectType": "Group", **ANA}):
        holds({"/actor": good}, "accepted")
    for kind in ("Activity", "Person", "agent", "GroupActivity", ""):
        holds({"/actor": {"objectType": kind, **ANA}}, "value-not-allowed at /actor/objectType")
    for wrong in ("ana", 7, [ANA], True):
        holds({"/actor": wrong}, "type-wrong at /actor")


@requirement("1.0.3", "Data 2.4.2.1.s2.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (agent: an identifier)")
def test_an_agent_has_an_identifier(holds: Holds):
    for name, value in IDENTIFIERS.items():
        for place, agent in agents({name: value}):
            holds({place: agent}, "accepted")
    for place, agent in agents({"name": "Ana"}):
        holds({place: agent}, f"identifier-missing at {place}")


@requirement("1.0.3", "Data 2.4.2.1.s2.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (agent: one identifier)")
def test_an_agent_has_one_identifier_only(holds: Holds):
    names = list(IDENTIFIERS)
    for first in names:
        for second in names[names.index(first) + 1 :]:
            two = {first: IDENTIFIERS[first], second: IDENTIFIERS[second]}
            for place, agent in agents(two):
                holds({place: agent}, f"identifier-several at {place}")


@requirement("1.0.3", "Data 2.4.2.1.s2.table1.row1")
@requirement("1.0.3", "Data 2.4.2.1.s2.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (agent: properties)")
def test_type_and_name_of_an_agent_are_texts(holds: Holds):
    for place in ("/actor", "/context/instructor"):
        for wrong in (123, {"key": "value"}, ["Agent"]):
            holds({place: {**ANA, "objectType": wrong}}, f"type-wrong at {place}/objectType")
            holds({place: {**ANA, "name": wrong}}, f"type-wrong at {place}/name")
        holds({place: {**ANA, "member": [BO]}}, f"property-unknown at {place}/member")
    holds({"/authority/name": 7}, "type-wrong at /authority/name")


@requirement("1.0.3", "Data 2.4.2.2.s2.table1.row1")
@requirement("1.0.3", "Data 2.4.2.2.s2.table2.row1")
@requirement("1.0.3", "Data 2.4.6.s3.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (group: objectType)")
def test_a_group_says_that_it_is_one(holds: Holds):
    everywhere(holds, GROUPS, {"objectType": "Group", "member": [ANA]}, "accepted")
    holds({"/context/team": {"member": [ANA]}}, "property-missing at /context/team")
    holds({"/context/team": ANA}, "property-missing at /context/team")
    holds({"/context/team": {"objectType": "Agent", **ANA}}, "value-not-allowed at /context/team/objectType")
    holds({"/actor": {"member": [ANA]}}, "property-unknown at /actor/member")
    for wrong in ("team", [ANA]):
        holds({"/context/team": wrong}, "type-wrong at /context/team")


@requirement("1.0.3", "Data 2.4.2.2.s2.table1.row2")
@requirement("1.0.3", "Data 2.4.2.2.s2.table2.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (group: name)")
def test_the_name_of_a_group_is_a_text(holds: Holds):
    everywhere(holds, GROUPS, {"objectType": "Group", "name": 7, "member": [ANA]}, "type-wrong", "/name")


@requirement("1.0.3", "Data 2.4.2.2.s4.b1")
@requirement("1.0.3", "Data 2.4.2.2.s2.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (anonymous group: members)")
def test_an_anonymous_group_lists_its_members(holds: Holds):
    everywhere(holds, GROUPS, {"objectType": "Group", "member": [ANA, BO]}, "accepted")
    for empty in (
        {"objectType": "Group"},
        {"objectType": "Group", "name": "A"},
        {"objectType": "Group", "member": []},
    ):
        everywhere(holds, GROUPS, empty, "group-empty")


@requirement("1.0.3", "Data 2.4.2.2.s4.b2")
@requirement("1.0.3", "Data 2.4.2.2.s5.b2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (group: no groups in it)")
def test_a_group_holds_no_group(holds: Holds):
    inner = {"objectType": "Group", "member": [ANA]}
    for identified in ({}, BO):
        outer = {"objectType": "Group", **identified, "member": [ANA, inner]}
        everywhere(holds, GROUPS, outer, "property-misplaced", "/member/1")


@requirement("1.0.3", "Data 2.4.2.2.s5.b1")
@requirement("1.0.3", "Data 2.4.2.2.s2.table2.row4")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (identified group: one identifier)")
def test_an_identified_group_has_one_identifier(holds: Holds):
    for name, value in IDENTIFIERS.items():
        everywhere(holds, GROUPS, {"objectType": "Group", name: value}, "accepted")
    two = {"objectType": "Group", **ANA, **BO}
    everywhere(holds, GROUPS, two, "identifier-several")


@requirement("1.0.3", "Data 2.4.2.2.s2.table2.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (group: members are agents)")
def test_members_are_an_array_of_agents(holds: Holds):
    for members, code, below in (
        (ANA, "type-wrong", "/member"),
        ("ana", "type-wrong", "/member"),
        ([7], "type-wrong", "/member/0"),
        ([ANA, {}], "identifier-missing", "/member/1"),
        ([{"mbox": "ana@example.org"}], "mailbox-invalid", "/member/0/mbox"),
        ([{**ANA, "extra": 1}], "property-unknown", "/member/0/extra"),
    ):
        everywhere(holds, GROUPS, {"objectType": "Group", **BO, "member": members}, code, below)


@requirement("1.0.3", "Data 2.4.2.3.s3.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (mbox)")
def test_an_mbox_is_a_mailto_iri(holds: Holds):
    for good in ("mailto:ana@example.org", "mailto:ana+x@example.org", "mailto:ana@bücher.example"):
        holds({"/actor": {"mbox": good}}, "accepted")
    for bad in ("ana@example.org", "http://should.fail.com", "mailto:should.fail.com", "mailto:", "mailto:@example.org",
                "MAILTO ana@example.org", "mailto:ana@example.org ", "mailto:a b@example.org"):  # fmt: skip
        everywhere(holds, GROUPS, {"objectType": "Group", "mbox": bad}, "mailbox-invalid", "/mbox")
    everywhere(holds, GROUPS, {"objectType": "Group", "mbox": {"key": "value"}}, "type-wrong", "/mbox")


@requirement("1.0.3", "Data 2.4.2.3.s3.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (mbox_sha1sum)")
def test_an_mbox_sha1sum_is_a_hash_in_hexadecimal(holds: Holds):
    digest = "cd9b00a5611f94eaa7b1661edab976068e364975"
    for good in (digest, digest.upper()):
        holds({"/actor": {"mbox_sha1sum": good}}, "accepted")
    for bad in (digest[:-1], digest + "0", "g" * 40, ""):
        everywhere(
            holds, GROUPS, {"objectType": "Group", "mbox_sha1sum": bad}, "sha1-invalid", "/mbox_sha1sum"
        )
    everywhere(holds, GROUPS, {"objectType": "Group", "mbox_sha1sum": 7}, "type-wrong", "/mbox_sha1sum")


@requirement("1.0.3", "Data 2.4.2.3.s3.table1.row3")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (openid)")
def test_an_openid_is_a_uri(holds: Holds):
    for bad in ("ab=c://should.fail.com", "id.example.org", "", "http://exa mple.org/"):
        everywhere(holds, GROUPS, {"objectType": "Group", "openid": bad}, "iri-invalid", "/openid")
    everywhere(holds, GROUPS, {"objectType": "Group", "openid": 7}, "type-wrong", "/openid")


@requirement("1.0.3", "Data 2.4.2.3.s3.table1.row4")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (account)")
def test_an_account_is_an_object_of_two(holds: Holds):
    for wrong in ("4711", 4711, ["https://lms.example.org", "4711"]):
        everywhere(holds, GROUPS, {"objectType": "Group", "account": wrong}, "type-wrong", "/account")
    more = {"homePage": "https://lms.example.org", "name": "4711", "id": 1}
    everywhere(holds, GROUPS, {"objectType": "Group", "account": more}, "property-unknown", "/account/id")


@requirement("1.0.3", "Data 2.4.2.4.s2.table1.row1")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (account: homePage)")
def test_an_account_has_a_home_page(holds: Holds):
    without = {"objectType": "Group", "account": {"name": "4711"}}
    everywhere(holds, GROUPS, without, "property-missing", "/account")
    for bad in ("ab=c://should.fail.com", "lms.example.org", ""):
        wrong = {"objectType": "Group", "account": {"homePage": bad, "name": "4711"}}
        everywhere(holds, GROUPS, wrong, "iri-invalid", "/account/homePage")


@requirement("1.0.3", "Data 2.4.2.4.s2.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.1 (account: name)")
def test_an_account_has_a_name(holds: Holds):
    without = {"objectType": "Group", "account": {"homePage": "https://lms.example.org"}}
    everywhere(holds, GROUPS, without, "property-missing", "/account")
    for wrong in ({"key": "x"}, 4711, ["4711"]):
        value = {"objectType": "Group", "account": {"homePage": "https://lms.example.org", "name": wrong}}
        everywhere(holds, GROUPS, value, "type-wrong", "/account/name")


@requirement("1.0.3", "Data 2.4.6.s3.table1.row2")
@requirement("2.0.0", "9274.1.1 4.2.2.5 (instructor)")
def test_an_instructor_is_an_agent_or_a_group(holds: Holds):
    for good in (ANA, {"objectType": "Group", **ANA}):
        holds({"/context/instructor": good}, "accepted")
    for wrong in ("ines", 7, [ANA]):
        holds({"/context/instructor": wrong}, "type-wrong at /context/instructor")
    holds({"/context/instructor": {"key": "x"}}, "property-unknown at /context/instructor/key")


@requirement("1.0.3", "Data 2.4.4.2.s1.b1")
@requirement("2.0.0", "9274.1.1 4.2.2.3 (agent or group: objectType)")
def test_an_agent_or_group_as_object_says_its_type(holds: Holds):
    holds({"/object": {"objectType": "Agent", **ANA}}, "accepted")
    holds({"/object": {"objectType": "Group", "member": [ANA]}}, "accepted")
    holds({"/object": ANA}, "property-unknown at /object/mbox")
    holds({"/object": {"name": "Team", "member": [ANA]}}, "property-unknown at /object/name")
