"""Proves that an actor becomes one pseudonym: the roster's where it knows the person, else one of its own."""

from __future__ import annotations

import hmac
from base64 import b32encode
from hashlib import sha1, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.events.types import EventAccount, EventActor
from carrythrough.identity.actor import actor_key, pseudonym
from carrythrough.identity.directory import KEY_CHARACTERS_MAX, RosterIndex
from carrythrough.identity.person import Identifier, Person, Roster, RosterAccount
from carrythrough.xapi.statement import Account, Agent, Group

KEY = b"k" * 32


def digest(text: str) -> str:
    return sha1(text.encode()).hexdigest()


def account(home: str, name: str) -> Agent:
    return Agent(account=Account(home, name))


@pytest.mark.parametrize(
    ("agent", "key"),
    [
        (Agent(mbox="mailto:Ann@Example.org"), "mbox:mailto:ann@example.org"),
        (Agent(mbox_sha1sum="AB" * 20), "mbox_sha1sum:" + "ab" * 20),
        (Agent(openid="https://id.example/Ann"), "openid:https://id.example/Ann"),
        (account("https://lms.example", "ann"), "account:https://lms.example|ann"),
        (account("https://a|b", "c"), "account:https://a%7Cb|c"),
        (Agent(name="nobody"), ""),
        (EventActor(account=EventAccount(home_page="https://lms.example", name="ann")),
         "account:https://lms.example|ann"),
    ],
)  # fmt: skip
def test_an_actor_has_one_canonical_text(agent, key) -> None:
    assert actor_key(agent) == key


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_two_accounts_never_share_a_text(home_a, name_a, home_b, name_b) -> None:
    same = (home_a.replace("|", "%7C"), name_a) == (home_b.replace("|", "%7C"), name_b)
    assert (actor_key(account(home_a, name_a)) == actor_key(account(home_b, name_b))) == same


@given(st.binary(min_size=1, max_size=64), st.text(max_size=50))
def test_a_pseudonym_is_128_bits_of_hmac_in_base32(key, text) -> None:
    found = pseudonym(key, text)
    assert len(found) == 26
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz234567")
    expected = b32encode(hmac.new(key, text.encode(), sha256).digest()[:16]).decode()
    assert found == expected.rstrip("=").lower()


def person(name: str, *identifiers: Identifier, **more: str) -> Person:
    return Person(id=name, identifiers=identifiers, **more)


INDEX = RosterIndex(
    Roster(
        people=(
            person("e-1", Identifier(mbox="mailto:Ann@Example.org"), manager="e-2"),
            person(
                "e-2",
                Identifier(account=RosterAccount(home_page="https://lms.example/", name="Ben")),
                Identifier(openid="https://id.example/ben"),
                email="ben@example.org",
            ),
            person("e-3", Identifier(mbox_sha1sum=digest("mailto:cid@example.org").upper())),
            person("e-4", Identifier(mbox_sha1sum=digest("dee@example.org"))),
            person("e-5", Identifier(account=RosterAccount(home_page="https://x", name="TWIN"))),
            person("e-6", Identifier(account=RosterAccount(home_page="https://x", name="twin"))),
        )
    ),
    KEY,
)


@pytest.mark.parametrize(
    ("agent", "employee"),
    [
        (Agent(mbox="mailto:ann@example.org"), "e-1"),
        (Agent(mbox="mailto:ANN@EXAMPLE.ORG", name="any name"), "e-1"),
        (Agent(mbox_sha1sum=digest("mailto:ann@example.org")), "e-1"),
        (Agent(mbox_sha1sum=digest("ann@example.org")), "e-1"),
        (account("https://lms.example/", "Ben"), "e-2"),
        (account("https://LMS.example", "ben"), "e-2"),
        (Agent(openid="https://id.example/ben"), "e-2"),
        (Agent(mbox="mailto:ben@example.org"), "e-2"),
        (Agent(mbox_sha1sum=digest("mailto:ben@example.org")), "e-2"),
        (Agent(mbox="mailto:cid@example.org"), "e-3"),
        (Agent(mbox="mailto:dee@example.org"), "e-4"),
        (account("https://x", "TWIN"), "e-5"),
        (account("https://x", "twin"), "e-6"),
    ],
)
def test_the_roster_knows_a_person_by_every_identifier(agent, employee) -> None:
    subject = INDEX.subject_of_actor(agent)
    assert subject == INDEX.subject_of_employee(employee)
    found = INDEX.person(subject)
    assert found is not None
    assert found.id == employee


@pytest.mark.parametrize(
    "agent",
    [
        Agent(mbox="mailto:zoe@example.org"),
        account("https://lms.example", "zoe"),
        account("https://x", "Twin"),
        Agent(openid="https://id.example/BEN"),
    ],
)
def test_an_unknown_or_ambiguous_actor_has_a_pseudonym_of_their_own(agent) -> None:
    subject = INDEX.subject_of_actor(agent)
    assert subject == pseudonym(KEY, "actor:" + actor_key(agent))
    assert INDEX.person(subject) is None


def test_groups_and_nameless_agents_are_nobody() -> None:
    assert INDEX.subject_of_actor(Group(mbox="mailto:ann@example.org")) == ""
    assert INDEX.subject_of_actor(Agent(name="Ann")) == ""
    assert INDEX.subject_of_actor(None) == ""


def test_an_employee_id_has_a_pseudonym_before_the_roster_knows_it() -> None:
    assert INDEX.subject_of_employee("e-99") == pseudonym(KEY, "roster:e-99")
    assert not INDEX.knows("e-99")
    assert INDEX.knows("e-1")


def test_the_manager_is_found() -> None:
    assert INDEX.manager_of(INDEX.subject_of_employee("e-1")) == INDEX.subject_of_employee("e-2")
    assert INDEX.manager_of(INDEX.subject_of_employee("e-2")) is None
    assert INDEX.manager_of("nobody") is None


def test_another_tenant_key_gives_other_pseudonyms() -> None:
    other = RosterIndex(Roster(people=(person("e-1"),)), b"x" * 32)
    assert other.subject_of_employee("e-1") != INDEX.subject_of_employee("e-1")


def test_the_memo_is_bounded_and_never_wrong() -> None:
    index = RosterIndex(Roster(people=(person("e-1", email="a@b.c"),)), KEY, memo_entries_max=10)
    for n in range(100):
        agent = Agent(mbox=f"mailto:p{n}@example.org")
        assert index.subject_of_actor(agent) == pseudonym(KEY, "actor:" + actor_key(agent))
        assert index.subject_of_actor(Agent(mbox="mailto:a@b.c")) == index.subject_of_employee("e-1")
    assert len(index._young) <= 10
    assert len(index._old) <= 10
    index.subject_of_actor(Agent(mbox=f"mailto:{'x' * KEY_CHARACTERS_MAX}@b.c"))
    assert max(map(len, index._young)) <= KEY_CHARACTERS_MAX
