"""A roster after any changes answers as one that is indexed anew; whoever holds an older one keeps it."""

from __future__ import annotations

from hashlib import sha1

from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.identity.changes import (
    PutPerson,
    RemovePerson,
    after_changes,
    decode_changes,
    encode_changes,
)
from carrythrough.identity.claims import hash_names, names_of, tokens_of
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.layered import Layered
from carrythrough.identity.person import Identifier, Person, Roster, RosterAccount

KEY = b"k" * 32
EMAILS = ["ann@x.example", "ANN@x.example", "bo@x.example", "cy@x.example"]
HOMES = ["https://lms.x.example", "https://lms.x.example/", "https://LMS.x.example"]
ACCOUNTS = st.builds(
    RosterAccount, home_page=st.sampled_from(HOMES), name=st.sampled_from(["ann", "Ann", "bo"])
)
HASHES = [sha1(text.encode()).hexdigest() for e in EMAILS for text in (e.lower(), "mailto:" + e.lower())]
IDENTIFIERS = st.one_of(
    ACCOUNTS.map(lambda account: Identifier(account=account)),
    st.sampled_from(EMAILS).map(lambda email: Identifier(mbox="mailto:" + email)),
    st.sampled_from(HASHES).map(lambda digest: Identifier(mbox_sha1sum=digest)),
    st.just(Identifier(openid="https://id.x.example/ann")),
)
IDS = [f"e-{n}" for n in range(5)]
PEOPLE = st.builds(
    Person,
    id=st.sampled_from(IDS),
    email=st.sampled_from(["", *EMAILS]),
    former_emails=st.lists(st.sampled_from(EMAILS), max_size=1).map(tuple),
    identifiers=st.lists(IDENTIFIERS, max_size=3, unique=True).map(tuple),
    aliases=st.lists(st.sampled_from(["old", "e-4"]), max_size=1).map(tuple),
    manager=st.sampled_from(["", "", *IDS]),
    team=st.sampled_from(["red", "blue"]),
)
CHANGES = st.one_of(PEOPLE.map(PutPerson), PEOPLE.map(PutPerson), st.sampled_from(IDS).map(RemovePerson))
RECORDS = st.lists(st.lists(CHANGES, min_size=1, max_size=3), max_size=14)
NAMES = [
    *(f"mbox:mailto:{e.lower()}" for e in EMAILS),
    *(f"mbox_sha1sum:{digest}" for digest in HASHES),
    *(
        f"account:{home}|{name}"
        for home in [*HOMES, "https://lms.X.example"]
        for name in ("ann", "ANN", "bo", "nobody")
    ),
    "openid:https://id.x.example/ann",
    *(f"employee:{id_}" for id_ in [*IDS, "old", "none"]),
]


def answers(roster: RosterIndex) -> list[object]:
    """Return everything that can be asked of a roster."""
    found: list[object] = [roster.subject_of_name(name) for name in NAMES]
    found += [sorted(roster.owners(token)) for name in NAMES for token in tokens_of(name)]
    found += [(roster.knows(id_), roster.manager_of(roster.own_subject(id_))) for id_ in IDS]
    return [*found, sorted(roster.people.items()), len(roster.people)]


@given(RECORDS)
@settings(max_examples=200, deadline=None)
def test_generations_answer_as_a_new_index(records: list[list[PutPerson | RemovePerson]]) -> None:
    roster, kept = RosterIndex(Roster(people=()), KEY), []
    for position, record in enumerate(records, 1):
        changes = decode_changes(encode_changes(record))
        kept.append((roster, answers(roster)))
        try:
            roster = after_changes(roster, changes, position)
        except PermanentError as refused:
            assert refused.problem.status == 409  # noqa: PT017 - only these may come
            assert answers(roster) == kept[-1][1]
        owners: dict[str, str] = {}
        for person in roster.people.values():
            for name in names_of(person):
                for form in (name, *hash_names(name)):
                    assert owners.setdefault(form, person.id) == person.id, "no name has two owners"
    assert answers(roster) == answers(RosterIndex(Roster(people=tuple(roster.people.values())), KEY))
    for older, said in kept:
        assert answers(older) == said


@given(
    st.lists(
        st.dictionaries(st.integers(0, 30), st.one_of(st.none(), st.integers(1, 9)), max_size=6), max_size=60
    )
)
@settings(max_examples=100, deadline=None)
def test_layers_are_a_mapping(changes: list[dict[int, int | None]]) -> None:
    layered, plain = Layered[int, int](), dict[int, int]()
    for entries in changes:
        before = dict(layered.items())
        after = layered.changed(entries)
        assert dict(layered.items()) == before, "what was held stays as it was"
        layered = after
        for key, value in entries.items():
            if value is None:
                plain.pop(key, None)
            else:
                plain[key] = value
        assert dict(layered.items()) == plain
        assert len(layered) == len(plain)
        assert [key in layered for key in range(31)] == [key in plain for key in range(31)]


def test_a_change_of_one_among_many_touches_few_entries() -> None:
    layered = Layered({n: n for n in range(10_000)})
    for number in range(2_000):
        layered = layered.changed({number: number + 1})
    assert len(layered) == 10_000
    assert layered.depth() <= 9, "layers grow with the logarithm of the changes"
