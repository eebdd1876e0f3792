"""Enriched statements of a real installation: what is in them, that they say what was true then, and the same always.

The strongest check holds them against the fold: whenever a statement moved a score, the score and stage in its
enriched event are those that the fold published for it, to the last digit, through voids, contests, corrections
by a job aid, late events and new maps, in whatever pages they are read.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from carrythrough.embedded.enriching import Enriching
from carrythrough.embedded.presenting import rfc3339
from carrythrough.embedded.runtime import Embedded
from carrythrough.events.performance import admit_events
from carrythrough.identity.changes import PutPerson
from carrythrough.identity.person import Person
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

DAY = 86_400_000
START = 1_760_000_000_000
MAP = """
map: m
version: {version}
name: M
goals: [{{id: g, name: G, kpis: [{{id: csat, name: CSAT, unit: points, target: 80, noise_sd: 5,
  targets: [{{site: Oslo, target: 85}}]}}]}}]
skills:
  - {{id: calm, name: Calm, kpis: [csat], target: 0.7, opportunity_days: 7, job_aid_minutes: 60}}
  - {{id: fix, name: Fix, kpis: [csat]}}
objectives:
  - {{id: greet, skill: calm, statement: Greets within ten seconds, activities: [quiz]}}
  - {{id: close, skill: calm, statement: Closes kindly, activities: [sim]}}
activities:
  - {{id: quiz, name: Quiz, match: {{activity_prefix: "https://x.example/q/"}}, evidence: [{{skill: calm, channel: learn, outcome: score}}]}}
  - {{id: sim, name: Sim, match: {{activity_prefix: "https://x.example/s/"}}, evidence: [{{skill: calm, channel: practice, outcome: score}}, {{skill: fix, channel: practice, outcome: score}}]}}
  - {{id: aid, name: Aid, match: {{activity_prefix: "https://x.example/a/"}}, modality: support, evidence: [{{skill: calm, channel: support}}]}}
events: [{{id: qa, match: {{kind: [qa-result, kpi-reading]}}, evidence: [{{skill: calm, channel: job}}]}}]
programs:
  - {{id: onboarding, name: Onboarding, start: 2025-09-01, cohorts: [{{id: north-first, teams: [north]}}, {{id: rest, roles: [agent], comparison: true}}]}}
policy: {{holdout: 0.0, minimum_outcomes: 2, minimum_effective: 1.0}}
"""  # noqa: E501
ROSTER = """
people:
  - {id: e-1, name: Ann Lee, email: ann@x.example, team: north, role: agent, site: Oslo, manager: e-3, cohorts: [pilot]}
  - {id: e-2, name: Bo Olsen, email: bo@x.example, team: south, role: agent}
  - {id: e-3, name: Cy Moe, email: cy@x.example, team: north, role: lead}
"""


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


class Installation:
    """An embedded server on a clock of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.number = 0
        (folder / "roster.yaml").write_text(ROSTER)
        self.runtime = self.open(1)

    def open(self, version: int) -> Embedded:
        (self.folder / "map.yaml").write_text(MAP.format(version=version))
        settings = Settings(
            data_dir=str(self.folder / "data"),
            program=str(self.folder / "map.yaml"),
            roster=str(self.folder / "roster.yaml"),
        )
        runtime = Embedded(settings, self.clock)
        runtime.start(deliver=False)
        return runtime

    def statement(self, who: str, path: str, **more: Any) -> str:
        self.number += 1
        statement = {
            "id": str(uuid.UUID(int=self.number)),
            "actor": {"mbox": f"mailto:{who}@x.example", "name": who.title()},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/{path}/{self.number}"},
            "timestamp": iso(self.clock.ms),
            **more,
        }
        self.post(statement)
        return str(statement["id"])

    def post(self, *statements: dict[str, Any]) -> None:
        admitted = admit(json.dumps(list(statements)).encode(), Limits(), "1.0.3")
        asyncio.run(self.runtime.submit_statements(admitted, "lms"))

    def void(self, target: str) -> None:
        self.post(
            {
                "actor": {"mbox": "mailto:admin@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
                "object": {"objectType": "StatementRef", "id": target},
            }
        )

    def event(self, who: str, **more: Any) -> None:
        self.number += 1
        event = {
            "id": str(self.number),
            "source": "crm",
            "actor": {"mbox": f"mailto:{who}@x.example"},
            "time": iso(self.clock.ms),
            **more,
        }
        events = admit_events(json.dumps(event).encode(), "application/json")
        asyncio.run(self.runtime.submit_events(list(events), "crm"))

    def pages(self, size: int, after: int = 0, enriching: Enriching | None = None) -> list[bytes]:
        """Return the events after a position, read in pages of a size."""
        assert self.runtime.caught_up()
        found: list[bytes] = []
        more = True
        while more:
            page = (enriching or self.runtime.enriching).page(after, size)
            found += [body for _, body in page.events]
            assert page.next > after or not page.more
            after, more = page.next, page.more
        return found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.runtime.stop()


def iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).isoformat()


def score(scaled: float) -> dict[str, Any]:
    return {"score": {"scaled": scaled}}


def test_a_statement_comes_with_its_context(here: Installation) -> None:
    for value in (82.0, 91.0):
        here.clock.ms += DAY
        here.event("ann", kind="kpi-reading", kpi="csat", outcome={"value": value})
    here.clock.ms += 10 * DAY
    for number in range(3):
        here.statement(
            "ann", "q", result=score(0.9), context={"registration": str(uuid.UUID(int=900 + number))}
        )
    here.statement("ann", "s", result={"score": {"scaled": 0.2}, "response": "I said it was Ann's fault"})
    here.statement("stranger", "elsewhere")
    events = [json.loads(body) for body in here.pages(10)]
    assert [event["data"]["statement"]["id"] for event in events] == [
        str(uuid.UUID(int=number)) for number in range(3, 8)
    ]
    last = events[2]
    ann = here.runtime.queries.subject("e-1")
    assert (last["specversion"], last["type"]) == ("1.0", "io.carrythrough.statement.enriched")
    assert (last["subject"], last["data"]["employee"]["manager"]) == (
        ann,
        here.runtime.queries.subject("e-3"),
    )
    assert last["data"]["employee"] | {"pseudonym": 0, "manager": 0} == {
        "pseudonym": 0,
        "on_roster": True,
        "role": "agent",
        "team": "north",
        "site": "Oslo",
        "manager": 0,
    }
    assert last["data"]["programs"] == [
        {"id": "onboarding", "cohort": "north-first", "comparison": False, "start": "2025-09-01"}
    ]
    assert last["data"]["cohorts"] == ["north-first", "pilot"]
    assert last["data"]["activities"] == [{"id": "quiz", "name": "Quiz", "modality": "formal"}]
    assert [objective["id"] for objective in last["data"]["objectives"]] == ["greet"]
    [calm] = last["data"]["skills"]
    assert (calm["skill"], calm["channel"], calm["outcome"], calm["objectives"]) == (
        "calm",
        "learn",
        0.9,
        ["greet"],
    )
    assert calm["opportunity"]["state"] == "expected"
    assert calm["opportunity"]["expected_every_days"] == 7
    newest = calm["performance"]["last_outcomes"][0]
    assert (newest["kind"], newest["kpi"], newest["value"], newest["unit"]) == (
        "kpi-reading",
        "csat",
        91.0,
        "points",
    )
    assert newest["target"] == 85.0, "the standard of the person's site"
    assert calm["performance"]["score"] is not None
    practice = events[3]["data"]["skills"]
    assert [(entry["skill"], entry["outcome"], entry["withheld"]) for entry in practice] == [
        ("calm", None, True),
        ("fix", None, True),
    ]
    stranger = events[4]
    assert stranger["data"]["skills"] == []
    assert stranger["data"]["employee"]["on_roster"] is False
    assert stranger["subject"]


def test_every_event_fits_the_published_schema(here: Installation, repository: Path) -> None:
    mixed_history(here, 100, seed=1)
    schema = json.loads((repository / "schemas" / "enriched-statement.schema.json").read_text("utf-8"))
    check = jsonschema_rs.validator_for(schema)
    events = here.pages(50)
    assert len(events) > 40
    for body in events:
        check.validate(json.loads(body))


def test_scores_are_those_that_the_fold_published_for_the_same_statement(here: Installation) -> None:
    mixed_history(here, 190, seed=2)
    events = here.pages(40)
    published = {
        (effect["source"], effect["skill"], rfc3339(effect["as_of_ms"])): effect
        for entry in here.runtime.queries.effects_after(0, 1_000_000)
        if entry.kind == "score" and (effect := json.loads(entry.body))["source"]
    }
    compared = 0
    for body in events:
        data = json.loads(body)["data"]
        source = data["statement"]["id"].replace("-", "")
        # The fold publishes skill by skill; only the last one of a statement is read after all of it.
        for entry in data["skills"][-1:]:
            effect = published.get((source, entry["skill"], data["statement"]["stored"]))
            if effect is None or entry["channel"] == "support":
                continue
            performance = entry["performance"]
            for name in ("score", "low", "high", "stage", "outcomes", "model"):
                assert performance[name] == effect[name], (name, data["statement"])
            compared += 1
    assert compared > 60


def test_they_are_the_same_whenever_and_however_they_are_read(here: Installation) -> None:
    live: list[bytes] = []
    chance = random.Random(3)
    for round_ in range(6):
        mixed_history(here, 20, seed=30 + round_)
        after = int(json.loads(live[-1])["sequence"]) if live else 0
        live += here.pages(chance.choice((1, 7, 500)), after)
    here.runtime.stop()
    here.clock.ms += DAY
    here.runtime = here.open(2)  # a new version of the map: what was before it stays as it was
    for _ in range(5):
        here.statement("bo", "q", result=score(0.4))
    later = here.pages(13)
    assert later[: len(live)] == live
    assert {json.loads(body)["data"]["map_version"] for body in later[len(live) :]} == {2}
    sequences = [int(json.loads(body)["sequence"]) for body in later]
    assert sequences == sorted(set(sequences))
    assert len({json.loads(body)["id"] for body in later}) == len(later)


def test_merging_somebody_later_does_not_change_what_was_given_out(here: Installation) -> None:
    mixed_history(here, 60, seed=5)
    before = here.pages(50)
    known = {here.runtime.queries.subject(f"e-{number}") for number in (1, 2)}
    zed = {event["subject"] for event in map(json.loads, before) if event["data"]["skills"]} - known
    put = PutPerson(Person(id="e-2", email="bo@x.example", former_emails=("zed@x.example",), team="south"))
    asyncio.run(here.runtime.submit_roster_changes([put], "hr"))
    mixed_history(here, 60, seed=6)
    after = here.pages(50)
    assert after[: len(before)] == before
    assert len(zed) == 1
    assert zed.isdisjoint(json.loads(body)["subject"] for body in after[len(before) :])
    cold = here.runtime.enriching
    cold._readers.clear()
    assert here.pages(7) == after


def test_two_readers_at_different_places_do_not_disturb_each_other(here: Installation) -> None:
    mixed_history(here, 60, seed=4)
    alone = here.pages(500)
    enriching = here.runtime.enriching
    first, second = enriching.page(0, 5), enriching.page(0, 25)
    mixed = [body for _, body in enriching.page(second.next, 500).events]
    behind = [body for _, body in enriching.page(first.next, 500).events]
    assert [body for _, body in first.events] + behind == alone
    assert [body for _, body in second.events] + mixed == alone


def test_what_is_not_folded_yet_is_not_given_out(here: Installation) -> None:
    here.statement("ann", "q", result=score(1.0))
    assert here.runtime.caught_up()
    end = here.runtime.state.position
    page = here.runtime.enriching.page(end, 10)
    assert (page.events, page.next, page.more) == ([], end, False)
    assert here.runtime.enriching.page(end + 1_000, 10).next == end + 1_000, "a place to come is kept"


def mixed_history(here: Installation, records: int, seed: int) -> None:
    """Send answers, practice, job aid use, job results, some of them late, and voids and contests of them."""
    chance = random.Random(seed)
    sent: list[str] = []
    for _ in range(records):
        here.clock.ms += chance.randrange(3_600_000)
        who = chance.choice(("ann", "bo", "zed"))
        late = iso(here.clock.ms - chance.choice((0, 0, 0, 600_000, 40 * DAY)))
        match chance.randrange(10):
            case 0 | 1 | 2:
                sent.append(here.statement(who, "q", result=score(round(chance.random(), 2)), timestamp=late))
            case 3 | 4:
                sent.append(here.statement(who, "s", result=score(round(chance.random(), 2)), timestamp=late))
            case 5:
                sent.append(here.statement(who, "a", timestamp=late))
            case 6:
                sent.append(cmi5(here, who, chance, late))
            case 7:
                here.event(who, kind="qa-result", outcome={"met": chance.random() < 0.7}, time=late)
            case 8 if sent:
                here.void(chance.choice(sent))
            case _ if sent:
                contest(here, chance.choice(sent), restore=chance.random() < 0.5)


def cmi5(here: Installation, who: str, chance: random.Random, late: str) -> str:
    """Send a cmi5-defined statement: of one registration, what passed sets aside what failed, and the like."""
    passed = chance.random() < 0.5
    category = [
        {"id": f"https://w3id.org/xapi/cmi5/context/categories/{name}"} for name in ("cmi5", "moveon")
    ]
    extensions = {"https://w3id.org/xapi/cmi5/context/extensions/sessionid": str(chance.randrange(3))}
    return here.statement(
        who,
        "q",
        verb={"id": f"http://adlnet.gov/expapi/verbs/{'passed' if passed else 'failed'}"},
        object={"id": f"https://x.example/q/unit-{chance.randrange(2)}"},
        result={"success": passed, "score": {"scaled": round(chance.random(), 2)}},
        context={
            "registration": str(uuid.uuid5(uuid.NAMESPACE_URL, who)),
            "contextActivities": {"category": category},
            "extensions": extensions,
        },
        timestamp=late,
    )


def contest(here: Installation, source: str, *, restore: bool) -> None:
    """Contest what a statement is evidence of, or restore it; nothing for one that is no evidence."""
    assert here.runtime.caught_up()
    for rows in here.runtime.queries.ledgers():
        if any(row.evidence.source == uuid.UUID(source).bytes for row in rows):
            here.runtime.contests.contest(
                rows[0].subject, [source], by="steward", reason="a mix-up", restore=restore
            )
