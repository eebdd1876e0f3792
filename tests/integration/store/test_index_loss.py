"""Proves that the index comes back whole from any loss or fault, and that queries go on meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.log import LogReader
from carrythrough.embedded.statements import indexer, store
from carrythrough.errors import TransientError
from carrythrough.testing.statement_shell import DID, START_MS, StatementShell, statement


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
    expected = shell.ids(verb=DID)
    assert len(expected) == 10
    shell.close()
    path = shell.folder / "index.sqlite"
    for extra in shell.folder.glob("index.sqlite-*"):
        extra.unlink()
    if spoil in (_older_schema, _empty):
        path.unlink()
    spoil(path)
    shell.open()
    assert shell.ids(verb=DID) == expected


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
    found = shell.ids(verb=DID)
    assert len(found) == 5
    shell.close()
    connection = apsw.Connection(str(folders[0] / "log.sqlite"))
    connection.execute("DELETE FROM log WHERE position > 2")
    connection.execute("DELETE FROM known WHERE position > 2")
    connection.close()
    shell = opened(folders[0])
    assert shell.ids(verb=DID) == found[-2:], "the index was ahead of the log"


def test_an_index_that_turns_out_damaged_is_made_anew_while_queries_go_on(
    shell: StatementShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "DISK_WAIT_S", 0.01)
    shell.put([statement(n) for n in range(5)])
    assert len(shell.ids()) == 5
    damaged = shell.store.indexer.file

    def corrupt(*_: object) -> None:
        raise apsw.CorruptError("database disk image is malformed")

    monkeypatch.setattr(damaged, "referrers", corrupt)
    shell.put([statement(9)])
    assert len(shell.ids()) == 6
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
    assert len(shell.ids(verb=DID)) in (5, 6)
    assert shell.store.indexer.wait_for(shell.log.end, 10.0)
    assert len(shell.ids(verb=DID)) == 6
    assert shell.telemetry.registry.get_sample_value("carrythrough_index_errors_total") == 5.0


def test_a_failing_disk_is_answered_with_503(shell: StatementShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.put([statement()])
    assert len(shell.ids()) == 1

    def broken(*_: object) -> None:
        raise apsw.IOError("the disk does not answer")

    monkeypatch.setattr(LogReader, "rows_at", broken)
    with pytest.raises(TransientError) as refused:
        shell.ids()
    assert refused.value.problem.code == "disk-error"
    monkeypatch.undo()
    assert len(shell.ids()) == 1


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
    assert len(second.ids()) == 4
    assert second.telemetry.registry.get_sample_value("carrythrough_index_unreadable_total") == 5.0
