"""Proves that the log of an earlier version is brought up to date once and as a whole."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.log import LogFile, LogReader
from carrythrough.testing.statement_shell import START_MS, VOIDED, StatementShell, about, key, statement
from carrythrough.xapi.query import StatementQuery


def _as_it_was(path: Path, statements: list[dict[str, Any]]) -> None:
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
    assert shell.ids() == [void["id"], other["id"]]
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
