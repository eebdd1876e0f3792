"""Nothing that names a person leaves in an enriched event, wherever in a statement a sender has put it.

Statements are made with identifiers of every kind in every place that may hold one: actors, members, objects,
instructors, sub-statements, extensions, responses, and inside the ids of activities and verbs, percent-encoded
too. The whole text of the enriched event is then searched for each of them.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier as RosterIdentifier
from carrythrough.identity.person import Person, Roster, RosterAccount
from carrythrough.pipeline.enrich import Enricher, Subject
from carrythrough.pipeline.plan import Add, InForce, plan
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.withholding import Identifiers, names_nobody
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.model import SHIPPED
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501
PROGRAM = Program(load_program(MAP, "map.yaml"))

# Letters that no member name, word of the map or pseudonym (base32, lower case: no 0, 1, 8, 9) can make up.
marked = st.text("0189", min_size=3, max_size=8).map(lambda text: f"9{text}0x")
names = st.builds("{} {}".format, marked, marked)
mailboxes = st.builds("{}@{}.example".format, marked, marked)
accounts = st.builds(lambda name: {"homePage": "https://hr.example/", "name": name}, marked)
agents = st.one_of(
    st.builds(lambda mbox, name: {"mbox": f"mailto:{mbox}", "name": name}, mailboxes, names),
    st.builds(lambda account, name: {"account": account, "name": name}, accounts, names),
    st.builds(lambda key: {"openid": f"https://id.example/{key}"}, marked),
    st.builds(lambda a, b: {"mbox_sha1sum": (a + b).replace("x", "a").ljust(40, "0")[:40]}, marked, marked),
)


def identifiers(value: Any) -> set[str]:
    """Return every text that names somebody in a JSON value made here."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("name", "mbox", "mbox_sha1sum", "openid") and isinstance(inner, str):
                text = inner.removeprefix("mailto:")
                found |= {text, text.partition("@")[0], *text.split(" ")}
            else:
                found |= identifiers(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= identifiers(inner)
    return {text for text in found if text}


@st.composite
def statements(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    """Return a statement and everything in it that names somebody."""
    actor = draw(agents)
    others = [draw(agents), draw(agents)]
    kind, group = draw(st.sampled_from(("activity", "agent", "sub"))), draw(st.booleans())
    named = [actor, *others[: kind != "activity"], *others[1 : 1 + (group or kind == "activity")]]
    everybody = sorted(identifiers(named))
    who = draw(st.sampled_from(everybody))

    def iri(place: str) -> str:
        form = draw(st.sampled_from(("plain", "named", "encoded", "twice", "upper")))
        text = {
            "plain": "7",
            "named": who.replace(" ", "_"),
            "encoded": "".join(f"%{ord(c):02X}" for c in who),
            "twice": quote("".join(f"%{ord(c):02X}" for c in who), safe=""),
            "upper": quote(who.upper(), safe=""),
        }[form]
        return f"https://x.example/{place}/{text}/end"

    target: dict[str, Any] = {"id": iri("quiz")}
    if kind == "agent":
        target = {"objectType": "Agent", **others[0]}
    elif kind == "sub":
        verb = {"id": "http://x.example/plans"}
        target = {
            "objectType": "SubStatement",
            "actor": others[0],
            "verb": verb,
            "object": {"id": iri("sub")},
        }
    statement: dict[str, Any] = {
        "id": "7d3c4e52-0f4e-4f57-9a5b-2c9a8c3a0001",
        "actor": {"objectType": "Group", "member": [actor, others[1]]} if group else actor,
        "verb": {"id": iri("verbs"), "display": {"en": who}},
        "object": target,
        "result": {"score": {"scaled": 0.5}, "response": f"{who} did it", "extensions": {iri("ext"): who}},
        "context": {
            "extensions": {iri("more"): {"mbox": who}},
            "contextActivities": {
                name: [{"id": iri(name)}] for name in ("parent", "grouping", "category", "other")
            },
        },
        "timestamp": "2026-11-01T10:00:00Z",
    }
    if kind == "activity":
        target["definition"] = {"name": {"en": who}, "description": {"en": f"for {who}"}}
        statement["context"] |= {"instructor": others[1], "platform": who, "revision": who}
    return statement, {text for text in everybody if len(text) >= 3}


@settings(max_examples=60)
@given(statements(), st.booleans())
def test_no_identifier_of_anybody_can_be_found_in_the_event(
    made: tuple[dict[str, Any], set[str]], on_roster: bool
) -> None:
    statement, everybody = made
    [admitted] = admit(json.dumps(statement).encode(), Limits(), "1.0.3")
    people: tuple[Person, ...] = ()
    if on_roster and "account" in statement["actor"]:
        account = statement["actor"]["account"]
        identifier = RosterIdentifier(
            account=RosterAccount(home_page=account["homePage"], name=account["name"])
        )
        person = Person(
            id="9roster0x",
            name="9family0x 9given0x",
            email="9mail0x@9host0x.example",
            former_emails=("9former0x@x.example",),
            aliases=("9alias0x",),
            identifiers=(identifier,),
            team="north",
        )
        people = (person,)
        everybody |= {"9roster0x", "9family0x", "9given0x", "9mail0x", "9former0x", "9alias0x"}
    in_force = InForce(PROGRAM, RosterIndex(Roster(people=people), b"k" * 32), SHIPPED)
    record = Record(5, Kind.STATEMENT, 1_790_000_000_000, admitted.id, admitted.t_ms, admitted.statement)
    adds = [operation for operation in plan([record], in_force) if type(operation) is Add]
    pseudonym = adds[0].subject if adds else in_force.directory.subject_of_actor(record.content.actor)
    evidence = adds[0].evidence if adds else ()
    event = Enricher(in_force, lambda _: None).enrich(record, Subject(pseudonym, evidence, None))
    text = msgspec.json.encode(event).decode().casefold()
    for name in everybody:
        assert name.casefold() not in text, name
    assert bool(people) <= event.data.employee.on_roster


def test_plain_ids_are_not_withheld() -> None:
    for text in ("http://adlnet.gov/expapi/verbs/answered", "https://x.example/q/7?user=4", "urn:uuid:1234"):
        assert names_nobody(text, Identifiers(frozenset({"ann@x.com", "e-17"}), frozenset({"ann", "7a"})))


ANN = Identifiers(frozenset(), frozenset({"ann"}))


def test_a_short_identifier_is_a_whole_word_only() -> None:
    assert not names_nobody("https://x.example/users/ann/quiz", ANN)
    assert names_nobody("https://x.example/planning/quiz", ANN)


def test_any_mailbox_is_withheld_also_of_people_that_are_not_named_elsewhere() -> None:
    for text in ("mailto:zoe@y.org", "https://x.example/u/zoe%40y.org", "https://x.example/?m=zoe@y.org&a=1"):
        assert not names_nobody(text, Identifiers(frozenset(), frozenset()))
