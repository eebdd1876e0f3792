"""A state file of an older version opens: what it lacked is filled in, and its state derived from the ledger."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import apsw
import pytest

from carrythrough.cli.folder_reader import FolderReader
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.scoring.codec import STATE_VERSION, decode_pair, encode_pair
from carrythrough.scoring.state import PairState
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501


def statement(number: int, who: str, scaled: float) -> dict[str, object]:
    return {
        "id": str(uuid.UUID(int=number)),
        "actor": {"mbox": f"mailto:{who}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://x.example/q/{number}"},
        "result": {"score": {"scaled": scaled}},
    }


def void(number: int, target: int) -> dict[str, object]:
    return statement(number, "admin", 0.0) | {
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": str(uuid.UUID(int=target))},
        "result": None,
    }


def without_nulls(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of two people with a void in the middle of the log, closed."""
    (tmp_path / "map.yaml").write_text(MAP)
    embedded = Embedded(settings_of(tmp_path))
    embedded.start(deliver=False)
    bodies = [statement(n, "ann" if n % 2 else "bo", n % 4 / 3) for n in range(1, 21)]
    bodies[12:12] = [without_nulls(void(100, 5))]
    for body in bodies:
        asyncio.run(embedded.submit_statements(admit(json.dumps(body).encode(), Limits(), "1.0.3"), "lms"))
    assert embedded.caught_up()
    embedded.stop()
    return tmp_path


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "data"), program=str(folder / "map.yaml"))


def made_old(state: Path) -> int:
    """Turn a state file into one of an earlier version; return where in the log its void was said."""
    connection = apsw.Connection(str(state))
    [(said,)] = connection.execute("SELECT position FROM void")
    connection.execute("ALTER TABLE void DROP COLUMN position")
    connection.execute("DROP TABLE contest")
    connection.execute("DELETE FROM meta WHERE name='state_version'")
    connection.execute("INSERT INTO meta VALUES ('state_version', ?)", (STATE_VERSION - 1,))
    for employee, skill, blob in list(connection.execute("SELECT employee, skill, state FROM pair")):
        empty = PairState()
        empty.published = decode_pair(bytes(blob)).published
        connection.execute(
            "UPDATE pair SET state=? WHERE employee=? AND skill=?", (encode_pair(empty), employee, skill)
        )
    connection.close()
    return int(said)


def test_state_is_derived_again_and_what_was_published_stays(folder: Path) -> None:
    state = folder / "data" / "state.sqlite"
    said = made_old(state)
    with pytest.raises(PermanentError) as caught:
        FolderReader(folder / "data")
    assert caught.value.problem.code == "state-of-another-version"
    assert "carrythrough serve" in caught.value.problem.fix
    embedded = Embedded(settings_of(folder))
    embedded.start(deliver=False)
    assert embedded.caught_up()
    page = embedded.queries.list_scores(embedded.clock.now_ms())["scores"]
    assert [entry["outcomes"] for entry in page] in ([9, 10], [10, 9])
    assert all(entry["sequence"] >= 10 for entry in page)
    embedded.stop()
    data = folder / "data"
    with FolderReader(data) as reader:
        assert len(reader.scores(skill="", stage="", team="", limit=9)[0]) == 2
    assert compare(offline_fold(data), stored_state(data)) == []
    connection = apsw.Connection(str(state))
    assert list(connection.execute("SELECT position FROM void")) == [(said,)]
    assert dict(connection.execute("SELECT name, value FROM meta"))["state_version"] == STATE_VERSION
    connection.close()


def test_opening_a_current_file_changes_nothing(folder: Path) -> None:
    state = folder / "data" / "state.sqlite"

    def image() -> list[object]:
        connection = apsw.Connection(str(state))
        found: list[object] = [
            list(connection.execute(f"SELECT * FROM {name}"))
            for name in ("employee", "pair", "ledger", "void", "contest")
        ]
        connection.close()
        return found

    before = image()
    embedded = Embedded(settings_of(folder))
    embedded.stop()
    assert image() == before
