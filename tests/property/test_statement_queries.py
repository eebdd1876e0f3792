"""Proves that queries for statements find what a plain reading of the specification finds, over random statements.

The model here looks at every statement as JSON and knows nothing of an index. Statements refer to
earlier, later, missing and their own ids, void each other, and come in several groups, so that
targets arrive late. Filters and pages are random too.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from carrythrough.embedded.statements import indexer, slices
from carrythrough.embedded.statements.postings import CHUNK
from carrythrough.identity.actor import actor_key
from carrythrough.testing.statement_shell import AUTHORITY_HOME, START_MS, StatementShell
from carrythrough.xapi import wire
from carrythrough.xapi.query import StatementQuery

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
Json = dict[str, Any]

AGENTS: list[Json] = [
    {"mbox": "mailto:Ann@example.org"},
    {"mbox": "mailto:ann@example.org", "name": "Ann", "objectType": "Agent"},
    {"account": {"homePage": "https://a.example/x", "name": "bo"}},
    {"openid": "https://c.example/"},
    {"mbox_sha1sum": "0123456789abcdef0123456789abcdef01234567"},
    {"account": {"homePage": AUTHORITY_HOME, "name": "lms"}},
]
GROUP: Json = {"objectType": "Group", "mbox": "mailto:team@example.org", "member": [AGENTS[2], AGENTS[3]]}
ANONYMOUS: Json = {"objectType": "Group", "member": [AGENTS[0], AGENTS[4]]}
VERBS = [f"https://verbs.example/{name}" for name in ("did", "saw", "said")]
ACTIVITIES = [f"https://activities.example/{n}" for n in range(4)]
REGISTRATIONS = [str(uuid.UUID(int=n, version=4)) for n in range(2)]
CREDENTIALS = ("lms", "crm")


class World:
    """Random statements, and what a plain reading finds among them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ids = [str(uuid.UUID(int=self.chance.getrandbits(128), version=4)) for _ in range(60)]
        self.stored: list[tuple[int, int, str, Json]] = []
        """(position, stored_ms, credential, statement)"""
        self._unused = list(self.ids)

    def statement(self, *, v2: bool) -> Json:
        chance = self.chance
        id_ = self._unused.pop(chance.randrange(len(self._unused)))
        statement = {"id": id_, "actor": self._actor(), "verb": {"id": chance.choice(VERBS)}}
        kind = chance.randrange(10)
        if kind < 4:
            statement["object"] = {"id": chance.choice(ACTIVITIES)}
        elif kind < 5:
            statement["object"] = {"objectType": "Agent", **chance.choice(AGENTS)}
        elif kind < 8:
            target = chance.choice(self.ids)
            target = target.upper() if chance.random() < 0.2 else target
            statement["object"] = {"objectType": "StatementRef", "id": target}
            if chance.random() < 0.3:
                statement["verb"] = {"id": VOIDED}
        else:
            inner = {
                "objectType": "SubStatement",
                "actor": self._actor(),
                "verb": {"id": chance.choice(VERBS)},
            }
            inner["object"] = chance.choice(
                [{"id": chance.choice(ACTIVITIES)}, GROUP, {"objectType": "StatementRef", "id": self.ids[0]}]
            )
            if chance.random() < 0.5:
                inner["context"] = self._context(v2=v2)
            statement["object"] = inner
        if chance.random() < 0.5:
            statement["context"] = self._context(v2=v2)
        return statement

    def _actor(self) -> Json:
        return self.chance.choice([*AGENTS, GROUP, ANONYMOUS])

    def _context(self, *, v2: bool) -> Json:
        chance = self.chance
        context: Json = {}
        if chance.random() < 0.5:
            registration = chance.choice(REGISTRATIONS)
            context["registration"] = registration.upper() if chance.random() < 0.3 else registration
        if chance.random() < 0.3:
            context["instructor"] = self._actor()
        if chance.random() < 0.3:
            context["team"] = chance.choice([GROUP, ANONYMOUS])
        if chance.random() < 0.4:
            one = {"id": chance.choice(ACTIVITIES)}
            kind = chance.choice(("parent", "grouping", "category", "other"))
            context["contextActivities"] = {kind: chance.choice([one, [one], [one, {"id": ACTIVITIES[0]}]])}
        if v2 and chance.random() < 0.4:
            agent = {"objectType": "Agent", **chance.choice(AGENTS)}
            context["contextAgents"] = [{"objectType": "contextAgent", "agent": agent}]
        if v2 and chance.random() < 0.4:
            context["contextGroups"] = [{"objectType": "contextGroup", "group": GROUP}]
        return context

    def query(self) -> StatementQuery:
        chance = self.chance
        times = [row[1] for row in self.stored] or [START_MS]
        agent = chance.choice([*AGENTS, GROUP])
        return StatementQuery(
            agent=actor_key(wire.actor(json.dumps(agent).encode())) if chance.random() < 0.5 else "",
            verb=chance.choice([*VERBS, VOIDED]) if chance.random() < 0.5 else "",
            activity=chance.choice(ACTIVITIES) if chance.random() < 0.4 else "",
            registration=chance.choice(REGISTRATIONS) if chance.random() < 0.3 else "",
            related_agents=chance.random() < 0.5,
            related_activities=chance.random() < 0.5,
            since_ms=chance.choice(times) + chance.randrange(-1, 2) if chance.random() < 0.3 else -1,
            until_ms=chance.choice(times) + chance.randrange(-1, 2) if chance.random() < 0.3 else -1,
            limit=chance.choice((1, 2, 7, 100)),
            ascending=chance.random() < 0.5,
            credential=chance.choice(CREDENTIALS) if chance.random() < 0.3 else "",
        )

    def found(self, query: StatementQuery) -> list[str]:
        """Return the ids that a query should find, in order."""
        by_id = {statement["id"]: (credential, statement) for _, _, credential, statement in self.stored}
        voided = {
            statement["object"]["id"].lower()
            for _, (_, statement) in by_id.items()
            if statement["verb"]["id"] == VOIDED
        }
        found = []
        for _, stored_ms, credential, statement in self.stored:
            if statement["id"] in voided and statement["verb"]["id"] != VOIDED:
                continue
            if query.credential not in ("", credential):
                continue
            if query.since_ms >= 0 and stored_ms <= query.since_ms:
                continue
            if query.until_ms >= 0 and stored_ms > query.until_ms:
                continue
            if _leads_to_match(statement["id"], by_id, query):
                found.append(statement["id"])
        return found if query.ascending else found[::-1]


def _leads_to_match(id_: str, by_id: dict[str, tuple[str, Json]], query: StatementQuery) -> bool:
    seen: set[str] = set()
    while id_ in by_id and id_ not in seen:
        seen.add(id_)
        credential, statement = by_id[id_]
        if _matches(statement, credential, query):
            return True
        about = statement["object"]
        id_ = about["id"].lower() if about.get("objectType") == "StatementRef" else ""
    return False


def _matches(statement: Json, credential: str, query: StatementQuery) -> bool:
    about, context = statement["object"], statement.get("context", {})
    parts = [statement]
    if about.get("objectType") == "SubStatement":
        parts.append(about)
    agents = _keys(statement["actor"])
    if about.get("objectType") in ("Agent", "Group"):
        agents |= _keys(about)
    activities = {about["id"]} if about.get("objectType", "Activity") == "Activity" else set()
    if query.related_agents:
        agents |= {f"account:{AUTHORITY_HOME}|{credential}"}.union(*(_all_agents(part) for part in parts))
    if query.related_activities:
        activities = activities.union(*(_all_activities(part) for part in parts))
    return (
        query.verb in ("", statement["verb"]["id"])
        and query.registration in ("", context.get("registration", "").lower())
        and (not query.agent or query.agent in agents)
        and (not query.activity or query.activity in activities)
    )


def _keys(party: Json) -> set[str]:
    parties = [party, *party.get("member", [])]
    return {actor_key(wire.actor(json.dumps(one).encode())) for one in parties} - {""}


def _all_agents(part: Json) -> set[str]:
    context = part.get("context", {})
    parties = [part["actor"], *(context[name] for name in ("instructor", "team") if name in context)]
    parties += [one["agent"] for one in context.get("contextAgents", [])]
    parties += [one["group"] for one in context.get("contextGroups", [])]
    if part["object"].get("objectType") in ("Agent", "Group"):
        parties.append(part["object"])
    return set().union(*(_keys(party) for party in parties))


def _all_activities(part: Json) -> set[str]:
    found = {part["object"]["id"]} if part["object"].get("objectType", "Activity") == "Activity" else set()
    for some in part.get("context", {}).get("contextActivities", {}).values():
        found |= {one["id"] for one in (some if isinstance(some, list) else [some])}
    return found


class Bench(StatementShell):
    """A log with its store; each group of statements is stored a millisecond later or more."""

    def put_some(self, world: World, count: int) -> None:
        """Store a group of random statements."""
        self.time_ms += world.chance.randrange(1, 4)
        v2 = world.chance.random() < 0.5
        statements = [world.statement(v2=v2) for _ in range(count)]
        credential = world.chance.choice(CREDENTIALS)
        end = self.log.end
        self.put(statements, credential, "2.0.0" if v2 else "1.0.3")
        for number, statement in enumerate(statements):
            world.stored.append((end + 1 + number, self.time_ms, credential, statement))

    def pages(self, query: StatementQuery, between: Callable[[], None] = lambda: None) -> list[str]:
        """Return the ids of all pages of a query."""
        found: list[str] = []
        after, up_to = 0, 0
        while True:
            page = self.store.page(StatementQuery(**{**_fields(query), "after": after, "up_to": up_to}))
            assert len(page.statements) <= query.limit
            found += [str(uuid.UUID(bytes=one.id)) for one in page.statements]
            after, up_to = page.more_after, page.up_to
            if not after:
                return found
            between()


def _fields(query: StatementQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in query.__struct_fields__}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Give a function that makes an empty log and store; all are closed at the end."""
    made: list[Bench] = []

    def make() -> Bench:
        for one in made:
            one.close()
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Bench(folder))
        return made[-1]

    yield make
    for one in made:
        one.close()


@hypothesis.settings(max_examples=20, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_queries_find_what_a_plain_reading_finds(bench: Callable[[], Bench], seed: int) -> None:
    world, here = World(seed), bench()
    while len(world.stored) < 45:
        here.put_some(world, world.chance.choice((1, 2, 9)))
        for _ in range(4):
            query = world.query()
            assert here.pages(query) == world.found(query), query
    for _ in range(80):
        query = world.query()
        assert here.pages(query) == world.found(query), query


@hypothesis.settings(max_examples=6, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_the_same_when_chunks_are_written_in_pieces(
    bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Statements with very many values fill the memory before a chunk ends, and slices before their number."""
    monkeypatch.setattr(indexer, "DIGESTS_WAITING_MAX", 30)
    monkeypatch.setattr(slices, "SLICE_BYTES", 900)
    world, here = World(seed), bench()
    for number in range(8):
        here.put_some(world, 6)
        if number % 3 == 2:
            here.close()
            here.open()
        for _ in range(10):
            query = world.query()
            assert here.pages(query) == world.found(query), query
    assert here.store.indexer.file.position > 20, "nothing was written"


@hypothesis.settings(max_examples=2, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_the_same_over_chunks_restarts_and_a_lost_index(bench: Callable[[], Bench], seed: int) -> None:
    """Targets, referrers and voids lie in different chunks, in the file and in memory."""
    world, here = World(seed), bench()
    for left in (3, 5, 2):
        here.put_some(world, 8)
        here.fill_chunk(left)
        here.put_some(world, 9)
        for _ in range(40):
            query = world.query()
            assert here.pages(query) == world.found(query), query
    assert here.store.indexer.file.position == 3 * CHUNK - 1
    here.remove_index()
    for _ in range(80):
        query = world.query()
        assert here.pages(query) == world.found(query), query


@hypothesis.settings(max_examples=10, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_pages_neither_repeat_nor_skip_while_statements_come_in(
    bench: Callable[[], Bench], seed: int
) -> None:
    world, here = World(seed), bench()
    here.put_some(world, 25)
    for _ in range(8):
        query = StatementQuery(**{**_fields(world.query()), "limit": 2})
        before = world.found(query)
        last = world.stored[-1][0]

        def more() -> None:
            if len(world.stored) < 50:
                here.put_some(world, 1)

        found = here.pages(query, more)
        assert len(set(found)) == len(found)
        after = world.found(query)
        assert not set(before) & set(after) - set(found), "what was there all the time is missing"
        old = {statement["id"] for position, _, _, statement in world.stored if position <= last}
        assert set(found) <= old, "what came later is in"
