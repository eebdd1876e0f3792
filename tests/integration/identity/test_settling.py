"""A data folder of the time before merges opens: strangers are listed, and evidence goes to whose it is by now."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import apsw
import pytest

from carrythrough.cli.folder_reader import FolderReader
from carrythrough.embedded.activation import envelope
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.identity.changes import PutPerson
from carrythrough.identity.person import Person
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.testing.offline import offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501
FIRST = "people: [{id: e-1, email: p1@x.example}, {id: e-2, email: p2@x.example}]"
SECOND = "people: [{id: e-1, email: p2@x.example}, {id: e-3, email: p3@x.example}]"


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "data"), program=str(folder / "map.yaml"))


def say(running: Embedded, start: int) -> None:
    """Two statements of each of four people."""
    for number in range(start, start + 8):
        body = {
            "id": str(uuid.UUID(int=number)),
            "actor": {"mbox": f"mailto:p{number % 4 + 1}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{number}"},
            "result": {"score": {"scaled": number % 5 / 4}},
        }
        asyncio.run(running.submit_statements(admit(json.dumps(body).encode(), Limits(), "1.0.3"), "lms"))


def activated_without_moves(data: Path, roster: str) -> None:
    """Put a roster into force as earlier versions did: a record, folded, and nothing of the past touched."""
    log, state = apsw.Connection(str(data / "log.sqlite")), apsw.Connection(str(data / "state.sqlite"))
    end = log.execute("SELECT max(position) FROM log").get
    stored_ms = log.execute("SELECT stored_ms FROM log WHERE position=?", (end,)).get
    raw = envelope(roster, "roster.yaml")
    log.execute(
        "INSERT INTO log VALUES (?,?,?,-1,'carrythrough',zeroblob(16),?,103)",
        (end + 1, int(Kind.ROSTER), stored_ms, raw),
    )
    state.execute("UPDATE meta SET value=? WHERE name='position'", (end + 1,))
    log.close()
    state.close()


def made_old(data: Path) -> None:
    state = apsw.Connection(str(data / "state.sqlite"))
    for table in ("stranger", "kin", "vanished", "move"):
        state.execute(f"DROP TABLE {table}")
    state.execute("DELETE FROM meta WHERE name='identities'")
    state.close()


def test_an_older_folder_is_settled_once_when_it_opens(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    data = tmp_path / "data"
    for number, text in enumerate(("", FIRST, SECOND)):
        if text:
            activated_without_moves(data, text)
        running = Embedded(settings_of(tmp_path))
        running.start(deliver=False)
        say(running, 1 + 8 * number)
        assert running.caught_up()
        running.stop()
    made_old(data)
    with pytest.raises(PermanentError, match="carrythrough serve"):
        FolderReader(data)

    running = Embedded(settings_of(tmp_path))
    roster = running.roster()
    now_ms = running.clock.now_ms()

    def outcomes(subject: str) -> int:
        return sum(skill["outcomes"] for skill in running.queries.employee_scores(subject, now_ms)["skills"])

    running.start(deliver=False)
    assert outcomes(roster.subject_of_employee("e-1")) == 6, "all that p2 ever said, and nothing of p1"
    assert outcomes(roster.subject_of_employee("e-2")) == 0
    assert outcomes(roster.subject_of_employee("e-3")) == 6
    unknown = running.unknown.listed()["unknown"]
    assert sorted((one["kind"], one["evidence"]) for one in unknown) == [("mbox", 6), ("mbox", 6)]
    assert running.unknown.totals()["actors"] == 2
    assert "x.example" not in json.dumps(unknown), "no identifier is given away"
    asyncio.run(running.submit_roster_changes([PutPerson(Person(id="e-4", email="p4@x.example"))], "hr"))
    assert running.caught_up()
    assert outcomes(roster.subject_of_employee("e-4")) == 6, "strangers of before are recognised"
    running.stop()
    with FolderReader(data) as reader:
        assert len(reader.scores(skill="", stage="", team="", limit=9)[0]) == 3, (
            "nothing that vanished or is kept aside is listed"
        )
    stored, pure = stored_state(data), offline_fold(data)
    assert stored.evidence_bytes() == pure.evidence_bytes()
    assert stored.rows == pure.rows
    assert stored.outside.keys() == pure.outside.keys()
