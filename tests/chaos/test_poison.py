"""Proves that one bad record stops nothing: it is set aside with its reason, and the rest is folded.

Every record here is real bytes in a real log, folded by the real server without its HTTP side: rows
that an older, a newer or a broken program could have left. Afterwards the state is compared with
the offline fold of the same log, which passes the same records for the same reasons.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.committer import Control
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Admitted, Limits, admit

NOW_MS = 1_795_000_000_000
NEIGHBOURS = 20
VOID_OF_NOTHING = {
    "actor": {"mbox": "mailto:admin@example.org"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": {"objectType": "StatementRef", "id": "not-a-uuid"},
}
POISON: dict[str, tuple[int, bytes]] = {
    "bytes that are no text": (Kind.STATEMENT, b"\x00\xff\xfe{"),
    "a statement cut off": (Kind.STATEMENT, b'{"actor":{"mbox":"mailto:a@example.org"},"ve'),
    "nesting beyond the decoder": (Kind.STATEMENT, b'{"actor":' + b"[" * 200_000),
    "an empty row": (Kind.STATEMENT, b""),
    "a void whose target is no id": (Kind.STATEMENT, json.dumps(VOID_OF_NOTHING).encode()),
    "an event of a kind to come": (Kind.EVENT, b'{"id":"1","source":"crm","kind":"horoscope","time":"now"}'),
    "a kind of record to come": (99, b"{}"),
    "a program map that breaks the rules": (Kind.PROGRAM, b'{"file":"map.yaml","text":"map: 1"}'),
    "a program map without its envelope": (Kind.PROGRAM, b"map: plain"),
    "a roster that is none": (Kind.ROSTER, b'{"file":"roster.yaml","text":"people: 7"}'),
}
ACTIVATIONS = {Kind.PROGRAM, Kind.ROSTER}


class FixedClock:
    """A clock that moves by a second at every question."""

    def __init__(self) -> None:
        self._now_ms = NOW_MS

    def now_ms(self) -> int:
        """Return a little later than before."""
        self._now_ms += 1000
        return self._now_ms


@pytest.fixture
def running(tmp_path: Path, program_map: str) -> Callable[[], Any]:
    """Give a context manager that runs the server's inside over one data folder."""
    (tmp_path / "map.yaml").write_text(program_map, encoding="utf-8")
    adapters = {"file": {"adapter": "file", "path": str(tmp_path / "actions.jsonl")}}
    settings = Settings(
        data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml"), adapters=adapters
    )

    @contextmanager
    def run() -> Iterator[Embedded]:
        embedded = Embedded(settings, FixedClock())
        try:
            embedded.start()
            yield embedded
        finally:
            embedded.stop()

    return run


@pytest.fixture
def statements(traffic_type: Any) -> Callable[[int], list[Admitted]]:
    """Give `statements(count)`: that many admitted statements, never the same twice."""
    traffic = traffic_type(11, NOW_MS, people=5)
    return lambda count: list(
        admit(json.dumps([traffic.statement() for _ in range(count)]).encode(), Limits(), "1.0.3")
    )


def insert(data_dir: Path, rows: list[tuple[int, bytes]]) -> list[int]:
    """Append rows to the log by hand, as the committer would; return their positions."""
    connection = apsw.Connection(str(data_dir / "log.sqlite"))
    positions = []
    with connection:
        for kind, raw in rows:
            position = connection.execute("SELECT max(position) + 1 FROM log").get
            key = blake2b(raw + position.to_bytes(8, "big"), digest_size=16).digest()
            connection.execute(
                "INSERT INTO log VALUES (?,?,?,?,?,?,?,103)", (position, kind, NOW_MS, -1, "lms", key, raw)
            )
            if kind <= Kind.EVENT:
                connection.execute("INSERT INTO known VALUES (?,?)", (key, position))
            positions.append(position)
    connection.close()
    return positions


def quarantined(embedded: Embedded) -> float:
    """Return what the alert metric says."""
    return embedded.telemetry.registry.get_sample_value("carrythrough_records_quarantined_total") or 0.0


def submit(embedded: Embedded, admitted: list[Admitted]) -> None:
    """Store statements and check that all were new."""
    receipt = embedded.committer.submit_now(Kind.STATEMENT, admitted, "lms")
    assert receipt.known == [False] * len(admitted)


@pytest.mark.parametrize(
    "name",
    list(POISON),
)
def test_a_record_that_cannot_be_folded_is_set_aside(
    name: str, running: Any, statements: Callable[[int], list[Admitted]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with running() as embedded:
        submit(embedded, statements(3))
        assert embedded.caught_up()
    before = stored_state(data)
    good = statements(2)
    (bad,) = insert(data, [POISON[name]])
    insert(data, [(Kind.STATEMENT, one.raw) for one in good])

    with running() as embedded:
        assert embedded.caught_up(), "the fold does not pass the record"
        assert quarantined(embedded) == 1
        (entry,) = embedded.queries.quarantine()["quarantine"]
        assert entry["position"] == bad
        assert entry["detail"], "the reason is missing"
        assert embedded.healthy()
        submit(embedded, statements(NEIGHBOURS))
        assert embedded.caught_up()
        assert quarantined(embedded) == 1

        end = embedded.log.end

    after = stored_state(data)
    assert after.set_aside == (bad,)
    assert after.position == end
    assert {row.position for row in after.rows.values()} - {row.position for row in before.rows.values()}
    assert not compare(offline_fold(data), after)


def test_many_bad_records_among_good_ones_in_one_batch(
    running: Any, statements: Callable[[int], list[Admitted]], tmp_path: Path
) -> None:
    """Halving finds each of them, wherever they stand in the batch, and the good ones count once."""
    data = tmp_path / "data"
    with running() as embedded:
        assert embedded.caught_up()
    bad = [raw for kind, raw in POISON.values() if kind not in ACTIVATIONS]
    rows: list[tuple[int, bytes]] = []
    for one in statements(NEIGHBOURS):
        rows += [(Kind.STATEMENT, one.raw), (Kind.STATEMENT, bad[len(rows) % len(bad)])]
    positions = insert(data, rows)
    with running() as embedded:
        assert embedded.caught_up()
        assert quarantined(embedded) == NEIGHBOURS
    after = stored_state(data)
    assert after.set_aside == tuple(positions[1::2])
    assert not compare(offline_fold(data), after)


def test_a_restart_after_a_bad_activation_keeps_the_map_that_was_in_force(
    running: Any, statements: Callable[[int], list[Admitted]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with running() as embedded:
        assert embedded.caught_up()
    insert(data, [POISON["a program map that breaks the rules"], POISON["a roster that is none"]])
    for _ in range(2):
        with running() as embedded:
            submit(embedded, statements(10))
            assert embedded.caught_up()
            assert embedded.ready()
            assert embedded.fold.in_force.program.map.id == "chaos"
    assert not compare(offline_fold(data), stored_state(data))


def test_a_conflict_is_refused_as_such_right_after_a_restart(
    running: Any, statements: Callable[[int], list[Admitted]], tmp_path: Path
) -> None:
    """The first group of a new process may hold nothing that is stored."""
    first, other = statements(2)
    with running() as embedded:
        submit(embedded, [first])
    changed = Admitted(first.id, other.raw.replace(other.statement.id.encode(), first.statement.id.encode()),
                       other.statement, other.t_ms)  # fmt: skip
    with running() as embedded:
        with pytest.raises(PermanentError) as refused:
            submit(embedded, [changed])
        assert refused.value.problem.status == 409
        submit(embedded, statements(1))
        assert embedded.caught_up()
    assert not compare(offline_fold(tmp_path / "data"), stored_state(tmp_path / "data"))


def test_a_tick_after_a_bad_record_still_fires(
    running: Any, statements: Callable[[int], list[Admitted]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with running() as embedded:
        submit(embedded, statements(NEIGHBOURS))
        assert embedded.caught_up()
    insert(data, [POISON["bytes that are no text"]])
    with running() as embedded:
        embedded.committer.submit_now(Kind.TICK, [Control(b"")], "carrythrough")
        assert embedded.caught_up()
        assert quarantined(embedded) == 1
    assert not compare(offline_fold(data), stored_state(data))
