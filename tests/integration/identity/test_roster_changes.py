"""Changes of single people through the log: durable, in order, refused before they are stored when they conflict."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from carrythrough.embedded.committer import Control
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange, encode_changes
from carrythrough.identity.person import Identifier, Person
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501
FILE = "people:\n  - {id: e-1, email: ann@x.example}\n  - {id: e-2, email: bo@x.example, manager: e-1}\n"


def settings_of(folder: Path, *, roster: bool = False) -> Settings:
    (folder / "map.yaml").write_text(MAP)
    if roster and not (folder / "roster.yaml").exists():
        (folder / "roster.yaml").write_text(FILE)
    return Settings(
        data_dir=str(folder / "data"),
        program=str(folder / "map.yaml"),
        roster=str(folder / "roster.yaml") if roster else "",
    )


def started(settings: Settings) -> Embedded:
    embedded = Embedded(settings)
    embedded.start(deliver=False)
    return embedded


def change(embedded: Embedded, *changes: RosterChange) -> int:
    return asyncio.run(embedded.submit_roster_changes(changes, "hr")).position


def email_of(embedded: Embedded, roster_id: str) -> str:
    person = embedded.fold.in_force.directory.person_of_id(roster_id)
    return "" if person is None else person.email


def test_changes_outlive_the_server_and_a_file_that_did_not_change(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, roster=True)
    embedded = started(settings)
    first = change(embedded, PutPerson(Person(id="e-3", email="cy@x.example", manager="e-2")))
    second = change(embedded, RemovePerson("e-1"), PutPerson(Person(id="e-2", email="bo@new.example")))
    assert second == first + 1
    assert embedded.roster().person_of_id("e-1") is None, "acknowledged is visible at the door at once"
    assert embedded.caught_up()
    assert [email_of(embedded, f"e-{n}") for n in (1, 2, 3)] == ["", "bo@new.example", "cy@x.example"]
    embedded.stop()

    again = started(settings)
    assert again.caught_up()
    assert [email_of(again, f"e-{n}") for n in (1, 2, 3)] == ["", "bo@new.example", "cy@x.example"]
    again.stop()

    (tmp_path / "roster.yaml").write_text(FILE + "  - {id: e-4}\n")
    whole = started(settings)
    assert whole.caught_up()
    assert [email_of(whole, f"e-{n}") for n in (1, 2, 3)] == ["ann@x.example", "bo@x.example", ""]
    assert whole.fold.in_force.directory.knows("e-4"), "a file in another edition is the whole roster again"
    whole.stop()


def test_an_identifier_that_is_somebody_elses_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    embedded = started(settings_of(tmp_path, roster=True))
    end = embedded.log.end
    for taken in ("ann@x.example", "ANN@x.example"):
        with pytest.raises(PermanentError) as refused:
            change(embedded, PutPerson(Person(id="e-9")), PutPerson(Person(id="e-8", email=taken)))
        assert (refused.value.problem.code, refused.value.problem.status) == ("roster-conflict", 409)
        assert "ann" not in refused.value.problem.sentence().lower(), "the address itself is told to nobody"
    with pytest.raises(PermanentError, match="lead back"):
        change(embedded, PutPerson(Person(id="e-1", email="ann@x.example", manager="e-2")))
    assert embedded.log.end == end
    assert not embedded.roster().knows("e-9")
    move = change(
        embedded,
        PutPerson(Person(id="e-8", identifiers=(Identifier(mbox="mailto:ann@x.example"),))),
        PutPerson(Person(id="e-1", email="ann@new.example")),
    )
    assert move == embedded.log.end, "in one step it may go from one person to another"
    embedded.stop()


def test_a_change_is_held_against_changes_that_are_not_folded_yet(tmp_path: Path) -> None:
    embedded = started(settings_of(tmp_path))
    embedded.fold.stop()
    for number in range(20):
        change(embedded, PutPerson(Person(id=f"e-{number}", email=f"p{number}@x.example")))
    with pytest.raises(PermanentError, match="belongs to"):
        change(embedded, PutPerson(Person(id="other", email="p7@x.example")))
    change(embedded, RemovePerson("e-7"), PutPerson(Person(id="other", email="p7@x.example")))
    assert embedded.fold.in_force.directory.people == {}, "nothing was folded in the meantime"
    assert embedded.roster().knows("other")
    embedded.stop()


def test_a_conflict_that_is_in_the_log_all_the_same_is_set_aside_whole(tmp_path: Path) -> None:
    """As in a log that was put together by hand: nothing of the record holds, now and after a restart."""
    settings = settings_of(tmp_path, roster=True)
    embedded = started(settings)
    conflicting = [
        PutPerson(Person(id="e-7", email="cy@x.example")),
        PutPerson(Person(id="e-8", email="bo@x.example")),
    ]
    raw = encode_changes(conflicting)
    embedded.committer.submit_now(Kind.ROSTER_CHANGE, [Control(raw, raw.decode())], "hr")
    change(embedded, PutPerson(Person(id="e-9", email="di@x.example")))
    assert embedded.caught_up()

    def holds(running: Embedded) -> None:
        directory = running.fold.in_force.directory
        assert [directory.knows(f"e-{n}") for n in (2, 7, 8, 9)] == [True, False, False, True]
        assert running.roster().people == directory.people

    holds(embedded)
    [entry] = embedded.queries.quarantine()["quarantine"]
    assert entry["code"] == "roster-conflict"
    assert "x.example" not in entry["detail"]
    embedded.stop()
    data = tmp_path / "data"
    assert compare(offline_fold(data), stored_state(data)) == []
    again = started(settings)
    holds(again)
    again.stop()
