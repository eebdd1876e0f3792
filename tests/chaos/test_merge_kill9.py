"""kill -9 in the middle of merges and splits: every one of them is whole or not begun, and the end is exact.

A server process that has many people to merge is killed with SIGKILL at random moments, again and again,
until it has come through. Whenever it died, no evidence was lost or stood twice; at the end state, ledger
and effects are those of the pure fold of the log, each effect once.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from carrythrough.embedded.runtime import Embedded
from carrythrough.identity.changes import PutPerson, RemovePerson, RosterChange
from carrythrough.identity.person import Person
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi.admission import Limits, admit

PEOPLE = 600
KILLS = 5
MOVES = PEOPLE + PEOPLE // 2 + PEOPLE // 3
"""Moves that the three changes of the roster make."""
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501
SERVER = """
import sys, time
from carrythrough.embedded import folder
from carrythrough.embedded.runtime import Embedded
from carrythrough.settings import Settings
folder.MOVES_AT_ONCE = 20
running = Embedded(Settings(data_dir=sys.argv[1] + "/data", program=sys.argv[1] + "/map.yaml"))
running.start(deliver=False)
print("started", flush=True)
time.sleep(600)
"""


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "data"), program=str(folder / "map.yaml"))


def statements() -> list[bytes]:
    """Three statements of everybody, under an address or its account."""
    bodies = []
    for number in range(PEOPLE * 3):
        who = number % PEOPLE
        body = {
            "id": str(uuid.UUID(int=number + 1)),
            "actor": {"mbox": f"mailto:p{who}@x.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://x.example/q/{number}"},
            "result": {"score": {"scaled": number % 7 / 6}},
        }
        bodies.append(body)
    return [json.dumps(bodies[at : at + 200]).encode() for at in range(0, len(bodies), 200)]


def rosters() -> list[list[RosterChange]]:
    """Everybody known, then half of the addresses with somebody else, then a third removed."""
    put = [PutPerson(Person(id=f"e-{n}", email=f"p{n}@x.example")) for n in range(PEOPLE)]
    swapped = [PutPerson(Person(id=f"e-{n}", email=f"p{n ^ 1}@x.example")) for n in range(PEOPLE // 2)]
    return [list(put), list(swapped), [RemovePerson(f"e-{n}") for n in range(0, PEOPLE, 3)]]


def finished(call: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine to its end in a thread of its own: this one may have a loop, that of the browser tests."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, call).result()


def prepared(folder: Path) -> None:
    """A data folder whose statements are folded and whose changes of the roster are not."""
    (folder / "map.yaml").write_text(MAP)
    running = Embedded(settings_of(folder))
    running.start(deliver=False)
    for body in statements():
        finished(running.submit_statements(admit(body, Limits(), "1.0.3"), "lms"))
    assert running.caught_up()
    running.fold.stop()
    for changes in rosters():
        finished(running.submit_roster_changes(changes, "hr"))
    running.stop()


def halfway(state: Path) -> tuple[int, int, int]:
    """Return (position, moves so far, ledger rows) of a state file that nobody has open."""
    connection = apsw.Connection(str(state))
    try:
        one = connection.execute
        position = one("SELECT value FROM meta WHERE name='position'").get
        moves, rows = one("SELECT count(*) FROM move").get, one("SELECT count(*) FROM ledger").get
        assert one("SELECT count(*) FROM ledger WHERE employee NOT IN (SELECT id FROM employee)").get == 0
        assert one("SELECT count(DISTINCT source) FROM ledger").get == rows, "nothing stands twice"
    finally:
        connection.close()
    return position, moves, rows


def wait_for_moves(state: Path, before: int) -> None:
    """Return once a running server has moved somebody since the last one, or has nothing left to move."""
    connection = apsw.Connection(str(state), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5_000)
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            moves = connection.execute("SELECT count(*) FROM move").get
            if moves > before or moves >= MOVES:
                return
            time.sleep(0.002)
    finally:
        connection.close()


def test_killed_in_the_middle_of_merges(tmp_path: Path) -> None:
    prepared(tmp_path)
    chance = random.Random(20260101)
    seen: set[tuple[int, int]] = set()
    moves = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        wait_for_moves(tmp_path / "data" / "state.sqlite", moves)
        time.sleep(chance.uniform(0.0, 0.03))
        process.kill()
        process.wait()
        process.stdout.close()
        position, moves, rows = halfway(tmp_path / "data" / "state.sqlite")
        assert rows == PEOPLE * 3
        seen.add((position, moves))
    assert len(seen) > 2, "the kills met merges under way"

    running = Embedded(settings_of(tmp_path))
    running.start(deliver=False)
    assert running.caught_up()
    running.stop()
    data = tmp_path / "data"
    assert compare(offline_fold(data), stored_state(data)) == []
