"""Proves what the store promises beyond filters: at once, truthful about time, whole after any loss of its index."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.log import LogFile, LogReader
from carrythrough.embedded.statements import indexer, store
from carrythrough.embedded.statements.chains import REFERENCE_DEPTH_MAX
from carrythrough.errors import TransientError
from carrythrough.testing.statement_shell import START_MS, StatementShell
from carrythrough.xapi.query import StatementQuery

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
DID = "https://verbs.example/did"
Json = dict[str, Any]


def statement(number: int = 0, **more: Any) -> Json:
    """Return a statement of Ann's with an id of its own."""
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": DID},
        "object": {"id": f"https://activities.example/{number}"},
        **more,
    }


def about(target: str, verb: str = "https://verbs.example/said") -> Json:
    """Return a statement about another one."""
    return statement(verb={"id": verb}, object={"objectType": "StatementRef", "id": target})


def ids(shell: StatementShell, **query: Any) -> list[str]:
    """Return the ids that a query finds."""
    page = shell.store.page(StatementQuery(**query))
    return [str(uuid.UUID(bytes=one.id)) for one in page.statements]


def key(id_: str) -> bytes:
    return uuid.UUID(id_).bytes


@pytest.fixture
def opened() -> Iterator[Callable[..., StatementShell]]:
    """Give `opened(folder, ...)`, which opens a shell; all are closed at the end."""
    shells: list[StatementShell] = []

    def make(folder: Path, **options: Any) -> StatementShell:
        shells.append(StatementShell(folder, **options))
        return shells[-1]

    yield make
    for one in shells:
        one.close()


@pytest.fixture
def shell(opened: Callable[..., StatementShell], tmp_path: Path) -> StatementShell:
    """Give a shell over an empty folder."""
    return opened(tmp_path)


def stall(shell: StatementShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the index go no further, as a long load does."""
    monkeypatch.setattr(shell.store.indexer, "_advance", lambda: time.sleep(0.001))
    monkeypatch.setattr(store, "FRESH_WAIT_S", 0.01)
    time.sleep(0.05)


def test_a_query_sees_what_was_just_acknowledged(shell: StatementShell) -> None:
    for number in range(100):
        one = statement(number)
        shell.put([one])
        assert ids(shell, activity=one["object"]["id"]) == [one["id"]]


def test_a_page_holds_the_statement_as_it_was_sent(shell: StatementShell) -> None:
    one = statement(timestamp="2020-01-01T00:00:00.5Z")
    shell.time_ms += 7
    shell.put([one], "crm", "2.0.0")
    (found,) = shell.store.page(StatementQuery()).statements
    assert json.loads(found.raw) == one
    assert (found.position, found.stored_ms, found.t_ms) == (1, START_MS + 7, 1_577_836_800_500)
    assert (found.version, found.credential, found.id) == ("2.0.0", "crm", key(one["id"]))
    assert shell.store.statement(found.id, voided=False) == found


def test_a_void_holds_at_once_without_any_index(
    opened: Callable[..., StatementShell], tmp_path: Path
) -> None:
    shell = opened(tmp_path, indexing=False)
    one, other, late = statement(), statement(), statement()
    void = about(one["id"].upper(), VOIDED)
    early = about(late["id"], VOIDED)
    of_void = about(void["id"], VOIDED)
    shell.put([one, other])
    shell.put([void])
    shell.put([early, of_void])
    shell.put([late])
    for target, voided in ((one, True), (late, True), (other, False), (void, False), (early, False)):
        found = shell.store.statement(key(target["id"]), voided=voided)
        assert found is not None
        assert json.loads(found.raw) == target
        assert shell.store.statement(key(target["id"]), voided=not voided) is None
    assert shell.store.statement(uuid.uuid4().bytes, voided=False) is None


def test_a_page_never_holds_a_voided_statement_however_far_the_index_is_behind(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = statement(), statement()
    shell.put([one, other])
    assert len(ids(shell)) == 2
    stall(shell, monkeypatch)
    shell.put([about(one["id"], VOIDED)])
    assert ids(shell) == [other["id"]]


def test_the_time_of_consistency_tells_how_far_the_index_is(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.put([statement()])
    shell.time_ms += 1000
    assert shell.store.page(StatementQuery()).consistent_through_ms == START_MS + 1000
    assert shell.store.consistent_through_ms() == START_MS + 1000
    stall(shell, monkeypatch)
    shell.put([statement()])
    shell.time_ms += 1000
    page = shell.store.page(StatementQuery())
    assert len(page.statements) == 1
    assert page.consistent_through_ms == START_MS
    assert shell.store.consistent_through_ms() == START_MS
    assert shell.telemetry.registry.get_sample_value("carrythrough_index_lag_records") == 1.0


def test_far_behind_under_load_a_query_does_not_wait(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.put([statement()])
    assert len(ids(shell)) == 1
    stall(shell, monkeypatch)
    monkeypatch.setattr(store, "FRESH_WAIT_S", 30.0)
    monkeypatch.setattr(store, "FRESH_RECORDS_MAX", 1)
    shell.put([statement(), statement()])
    shell.store.indexer.pace.busy = True
    monkeypatch.setattr(shell.store.indexer.pace, "look", lambda: True)
    began = time.monotonic()
    assert len(ids(shell)) == 1
    assert time.monotonic() - began < 10


def test_stored_times_never_go_back(opened: Callable[..., StatementShell], tmp_path: Path) -> None:
    """Since and until are found by the place in the log, so a clock that is set back must not show."""
    first = opened(tmp_path)
    first.time_ms = START_MS + 60_000
    first.put([statement()])
    first.close()
    second = opened(tmp_path)  # its clock starts at START_MS again
    second.put([statement()])
    assert [one.stored_ms for one in second.store.page(StatementQuery()).statements] == [
        START_MS + 60_000
    ] * 2
    assert len(ids(second, since_ms=START_MS + 59_999)) == 2
    assert ids(second, since_ms=START_MS + 60_000) == []


def test_chains_are_followed_up_to_the_stated_depth(shell: StatementShell) -> None:
    chain = [statement()]
    for _ in range(REFERENCE_DEPTH_MAX + 3):
        chain.append(about(chain[-1]["id"]))
    shell.put(chain[::2])  # half of the targets come after those that refer to them
    shell.put(chain[1::2])
    found = ids(shell, activity="https://activities.example/0", limit=1000)
    assert set(found) == {one["id"] for one in chain[: REFERENCE_DEPTH_MAX + 1]}


def test_references_in_a_circle_end(shell: StatementShell) -> None:
    a, b = about(str(uuid.uuid4())), statement(actor={"mbox": "mailto:bo@example.org"})
    b["object"] = {"objectType": "StatementRef", "id": a["id"]}
    a["object"]["id"] = b["id"]
    own = about("")
    own["object"]["id"] = own["id"]
    shell.put([a, own])
    shell.put([b])
    assert set(ids(shell, agent="mbox:mailto:bo@example.org")) == {a["id"], b["id"]}
    assert set(ids(shell, agent="mbox:mailto:ann@example.org")) == {a["id"], b["id"], own["id"]}


def test_a_definition_is_put_together_from_all_that_was_said(shell: StatementShell) -> None:
    place = "https://activities.example/quiz"

    def say(definition: Json, credential: str = "lms", **more: Any) -> None:
        shell.put([statement(object={"id": place, "definition": definition}, **more)], credential)

    assert shell.store.activity(place) is None
    shell.put([statement(context={"contextActivities": {"parent": {"id": place}}})])
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place}
    say({"name": {"en": "Quiz", "de": "Frage"}, "type": "https://types.example/a"})
    choices = [{"id": "a"}, {"id": "b"}]
    say({"name": {"en": "The quiz"}, "interactionType": "choice", "choices": choices})
    inner = {
        "objectType": "SubStatement",
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": DID},
        "object": {"id": place, "definition": {"description": {"en": "Ten questions"}}},
    }
    shell.put([statement(object=inner)])
    category = {"category": [{"id": place, "definition": {"moreInfo": "https://more.example/"}}]}
    shell.put([statement(context={"contextActivities": category})])
    expected: Json = {
        "name": {"en": "The quiz", "de": "Frage"},
        "type": "https://types.example/a",
        "interactionType": "choice",
        "choices": choices,
        "description": {"en": "Ten questions"},
        "moreInfo": "https://more.example/",
    }
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place, "definition": expected}
    say({"interactionType": "fill-in", "correctResponsesPattern": ["x"]})
    del expected["choices"]
    expected |= {"interactionType": "fill-in", "correctResponsesPattern": ["x"]}
    shell.remove_index()
    assert shell.store.activity(place) == {"objectType": "Activity", "id": place, "definition": expected}


def test_who_may_not_define_is_not_believed(shell: StatementShell) -> None:
    shell.store.indexer.may_define = lambda name: name == "lms"
    place = {"id": "https://activities.example/a", "definition": {"name": {"en": "A"}}}
    shell.put([statement(object=place)], "stranger")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", "id": place["id"]}
    shell.put([statement(object=place)], "lms")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", **place}
    other = {"id": place["id"], "definition": {"name": {"en": "Other"}}}
    shell.put([statement(object=other)], "stranger")
    assert shell.store.activity(place["id"]) == {"objectType": "Activity", **place}


def test_many_definitions_are_written_before_the_chunk_ends(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "DEFINITIONS_WAITING_MAX", 5)
    for n in range(20):
        shell.put(
            [statement(object={"id": f"https://a.example/{n}", "definition": {"name": {"en": str(n)}}})]
        )
    for n in range(20):
        assert shell.store.activity(f"https://a.example/{n}") is not None
    assert len(shell.store.indexer.memory.definitions) <= 6
    connection = sqlite3.connect(shell.folder / "index.sqlite")
    assert connection.execute("SELECT count(*) FROM activity").fetchone()[0] >= 14
    connection.close()


def _older_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE meta(name TEXT, value); CREATE TABLE statement_index(position, agent);"
    )
    connection.close()


def _incomplete(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM meta WHERE name = 'key'")
    connection.commit()
    connection.close()


def _no_database(path: Path) -> None:
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 100)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [_older_schema, _incomplete, _no_database, _cut_off, _empty])
def test_an_index_that_is_no_good_is_made_anew(shell: StatementShell, spoil: Callable[[Path], None]) -> None:
    shell.put([statement(n) for n in range(5)])
    shell.fill_chunk(0)
    shell.put([statement(n) for n in range(5)])
    expected = ids(shell, verb=DID)
    assert len(expected) == 10
    shell.close()
    path = shell.folder / "index.sqlite"
    for extra in shell.folder.glob("index.sqlite-*"):
        extra.unlink()
    if spoil in (_older_schema, _empty):
        path.unlink()
    spoil(path)
    shell.open()
    assert ids(shell, verb=DID) == expected


def test_an_index_of_another_log_is_made_anew(opened: Callable[..., StatementShell], tmp_path: Path) -> None:
    """As after a restored backup of the log alone."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
        shell = opened(folder)
        shell.put([statement(n) for n in range(3)])
        shell.fill_chunk(0)
        shell.put([statement(9)])
        shell.put([statement(9)])
        shell.close()
    (folders[0] / "index.sqlite").write_bytes((folders[1] / "index.sqlite").read_bytes())
    shell = opened(folders[0])
    found = ids(shell, verb=DID)
    assert len(found) == 5
    shell.close()
    connection = apsw.Connection(str(folders[0] / "log.sqlite"))
    connection.execute("DELETE FROM log WHERE position > 2")
    connection.execute("DELETE FROM known WHERE position > 2")
    connection.close()
    shell = opened(folders[0])
    assert ids(shell, verb=DID) == found[-2:], "the index was ahead of the log"


def test_an_index_that_turns_out_damaged_is_made_anew_while_queries_go_on(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "DISK_WAIT_S", 0.01)
    shell.put([statement(n) for n in range(5)])
    assert len(ids(shell)) == 5
    damaged = shell.store.indexer.file

    def corrupt(*_: object) -> None:
        raise apsw.CorruptError("database disk image is malformed")

    monkeypatch.setattr(damaged, "referrers", corrupt)
    shell.put([statement(9)])
    assert len(ids(shell)) == 6
    assert shell.store.indexer.file is not damaged
    assert shell.telemetry.registry.get_sample_value("carrythrough_index_errors_total") == 1.0


def test_a_full_disk_stops_neither_queries_nor_the_index(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "DISK_WAIT_S", 0.01)
    monkeypatch.setattr(store, "FRESH_WAIT_S", 0.05)
    shell.put([statement(n) for n in range(5)])
    shell.fill_chunk(0)
    failures = iter(range(5))
    write = shell.store.indexer.file.write

    def full(*arguments: Any) -> None:
        if next(failures, None) is not None:
            raise apsw.FullError("no space is left")
        write(*arguments)

    monkeypatch.setattr(shell.store.indexer.file, "write", full)
    shell.put([statement(9)])
    assert len(ids(shell, verb=DID)) in (5, 6)
    assert shell.store.indexer.wait_for(shell.log.end, 10.0)
    assert len(ids(shell, verb=DID)) == 6
    assert shell.telemetry.registry.get_sample_value("carrythrough_index_errors_total") == 5.0


def test_a_failing_disk_is_answered_with_503(shell: StatementShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.put([statement()])
    assert len(ids(shell)) == 1

    def broken(*_: object) -> None:
        raise apsw.IOError("the disk does not answer")

    monkeypatch.setattr(LogReader, "rows_at", broken)
    with pytest.raises(TransientError) as refused:
        ids(shell)
    assert refused.value.problem.code == "disk-error"
    monkeypatch.undo()
    assert len(ids(shell)) == 1


def test_bytes_that_nobody_can_read_are_counted_and_passed(
    opened: Callable[..., StatementShell], tmp_path: Path
) -> None:
    first = opened(tmp_path)
    first.put([statement(n) for n in range(3)])
    first.close()
    connection = apsw.Connection(str(tmp_path / "log.sqlite"))
    for position, raw in enumerate((b'{"torn": "o', b"", b"\xff\x00", b'{"actor": 1}', b"[[]]"), start=4):
        connection.execute(
            "INSERT INTO log VALUES (?, 1, ?, -1, 'lms', ?, ?, 103)", (position, START_MS, bytes(16), raw)
        )
    connection.close()
    second = opened(tmp_path)
    second.put([statement(9)])
    assert len(ids(second)) == 4
    assert second.telemetry.registry.get_sample_value("carrythrough_index_unreadable_total") == 5.0


def _as_it_was(path: Path, statements: list[Json]) -> None:
    """Write a log as the first version did."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE log(position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, stored_ms INTEGER NOT NULL,"
        " t_ms INTEGER NOT NULL, credential TEXT NOT NULL, id BLOB NOT NULL, raw BLOB NOT NULL);"
        "CREATE TABLE known(id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;"
    )
    for position, one in enumerate(statements, start=1):
        raw = json.dumps(one).replace("/verbs/voided", r"\/verbs\/\u0076oided").encode()
        id_ = key(one["id"])
        connection.execute("INSERT INTO log VALUES (?,1,?,-1,'lms',?,?)", (position, START_MS, id_, raw))
        connection.execute("INSERT INTO known VALUES (?,?)", (id_, position))
    connection.commit()
    connection.close()


def test_a_log_of_an_earlier_version_is_upgraded(
    opened: Callable[..., StatementShell], tmp_path: Path
) -> None:
    one, other = statement(), statement()
    void = about(one["id"], VOIDED)
    _as_it_was(tmp_path / "log.sqlite", [one, other, void])
    before = LogReader(apsw.Connection(str(tmp_path / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY))
    assert [row.version for row in before.all()] == [103] * 3
    before.close()
    shell = opened(tmp_path)
    assert shell.store.statement(key(one["id"]), voided=True) is not None
    assert ids(shell) == [void["id"], other["id"]]
    shell.put([statement()], version="2.0.0")
    assert [one.version for one in shell.store.page(StatementQuery()).statements] == [
        "2.0.0",
        "1.0.3",
        "1.0.3",
    ]
    shell.close()
    again = LogFile(tmp_path / "log.sqlite")
    assert [row.version for row in again.reader().all()] == [103] * 3 + [200]
    again.close()


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = statement()
    _as_it_was(tmp_path / "log.sqlite", [one, about(one["id"], VOIDED)])

    def broken(_: object) -> Iterator[tuple[bytes, int]]:
        raise apsw.FullError("no space is left")

    monkeypatch.setattr("carrythrough.embedded.log_upgrade._voiding", broken)
    with pytest.raises(apsw.FullError):
        LogFile(tmp_path / "log.sqlite")
    monkeypatch.undo()
    log = LogFile(tmp_path / "log.sqlite")
    assert log.reader().voiding_among([key(one["id"])]) == {key(one["id"])}
    log.close()
