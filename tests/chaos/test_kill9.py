"""kill -9 under load: nothing that was acknowledged is lost, nothing is counted twice.

A real server process on a real disk takes posts of 1 to 50 statements and performance events from
two senders and is killed with SIGKILL at random moments, fifty times and more. Senders do as real ones
do: what was not answered they send again, to the next server, now and then twice. At the end the
log holds every acknowledged id once, and the state is bit for bit what an offline fold of that log gives.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.testing.offline import compare, offline_fold, stored_state

ROUNDS = int(os.environ.get("CARRYTHROUGH_KILL_ROUNDS", "55"))
LIFE_S_MAX = 0.7
"""Longest time from the first answer of a server to its death."""
FOLD_S_MAX = 300.0
"""The fold may have fallen behind by everything that one loaded machine could take in."""
SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
folder = sys.argv[1]
serve(
    Settings(
        data_dir=folder + "/data", program=folder + "/map.yaml", port=0, metrics_port=0, log_level="error",
        adapters={"file": {"adapter": "file", "path": folder + "/sent.jsonl"}},
    ),
    on_ready=lambda info: print(json.dumps(info), flush=True),
)
"""


class ServerProcess:
    """One life of the server, from its start to SIGKILL."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server did not start: {self.process.stderr.read().decode()}"  # type: ignore[union-attr]
        self.url = json.loads(line)["url"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0


class Sender:
    """A sender with its own connection that keeps what is not yet answered and sends it again."""

    def __init__(self, path: str, login: tuple[str, str], make: Any, chance: random.Random) -> None:
        self._path = path
        self._login = login
        self._make = make
        self._chance = chance
        self._pending: list[dict[str, Any]] | None = None
        self.acknowledged: set[str] = set()
        self.resent = 0
        self.refused: list[str] = []

    def run(self, url: str, ended: threading.Event) -> None:
        """Post until the server is gone or `ended` is set."""
        headers = {"X-Experience-API-Version": "1.0.3"}
        client = httpx.Client(base_url=url, auth=self._login, headers=headers, timeout=10)
        with client, contextlib.suppress(httpx.TransportError):
            while not ended.is_set():
                self._post(client)

    def _post(self, client: httpx.Client) -> None:
        if self._pending is None:
            self._pending = [self._make() for _ in range(self._chance.choice((1, 1, 3, 20, 50)))]
        else:
            self.resent += 1
        batch = self._pending
        answer = client.post(self._path, json=batch)
        if answer.status_code != 200:
            self.refused.append(answer.text)
            self._pending = None
            return
        self.acknowledged.update(item["id"] for item in batch)
        # Now and then a sender loses the answer and sends the same once more.
        self._pending = batch if self._chance.random() < 0.1 else None


def _traffic_of(traffic: Any, sent: list[str]) -> Any:
    """Return a maker of statements: now and then a void of an earlier one (or of one never sent)."""

    def make() -> dict[str, Any]:
        if sent and traffic.chance.random() < 0.02:
            target = traffic.uuid() if traffic.chance.random() < 0.1 else traffic.chance.choice(sent)
            return dict(traffic.void(target))
        statement: dict[str, Any] = traffic.statement()
        sent.append(statement["id"])
        return statement

    return make


def _senders(folder: Path, traffic_type: Any, seed: int) -> list[Sender]:
    made = {"lms": ("statements/write",), "crm": ("events/write",)}
    credentials = {name: new_credential(name, scopes) for name, scopes in made.items()}
    (folder / "data").mkdir()
    text = Credentials(credential for credential, _ in credentials.values()).to_file()
    (folder / "data" / "credentials.json").write_text(text)
    login = {name: (credential.key, secret) for name, (credential, secret) in credentials.items()}
    now_ms = time.time_ns() // 1_000_000
    first, second, third = (traffic_type(seed + n, now_ms) for n in range(3))
    sent: list[str] = []
    return [
        Sender("/xapi/statements", login["lms"], _traffic_of(first, sent), random.Random(seed + 10)),
        Sender("/xapi/statements", login["lms"], _traffic_of(second, sent), random.Random(seed + 11)),
        Sender("/v1/performance-events", login["crm"], third.event, random.Random(seed + 12)),
    ]


def _one_life(folder: Path, senders: list[Sender], life_s: float) -> None:
    server = ServerProcess(folder)
    ended = threading.Event()
    threads = [threading.Thread(target=s.run, args=(server.url, ended), daemon=True) for s in senders]
    for thread in threads:
        thread.start()
    time.sleep(life_s)
    server.kill()
    ended.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(
    tmp_path: Path, program_map: str, traffic_type: Any
) -> None:
    seed = int(os.environ.get("CARRYTHROUGH_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}: CARRYTHROUGH_KILL_SEED={seed} repeats the moments and the traffic")
    chance = random.Random(seed)
    (tmp_path / "map.yaml").write_text(program_map)
    senders = _senders(tmp_path, traffic_type, seed)
    for _ in range(ROUNDS):
        # Many deaths soon after the start, where recovery itself is under way.
        _one_life(tmp_path, senders, chance.random() ** 2 * LIFE_S_MAX)
    last = ServerProcess(tmp_path)
    try:
        _wait_for_the_fold(tmp_path / "data")
        last.stop()
    finally:
        last.kill()

    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    resent = sum(sender.resent for sender in senders)
    print(f"{ROUNDS} kills, {len(acknowledged)} acknowledged, {resent} requests sent again")
    assert [sender.refused for sender in senders] == [[], [], []]
    assert len(acknowledged) > 20 * ROUNDS, "the load was too thin to prove anything"
    assert resent > ROUNDS / 4
    _check_log(tmp_path / "data", senders)
    assert compare(stored_state(tmp_path / "data"), offline_fold(tmp_path / "data")) == []
    _check_effects(tmp_path / "data")


def _wait_for_the_fold(data: Path) -> None:
    deadline = time.monotonic() + FOLD_S_MAX
    while True:
        state = apsw.Connection(str(data / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
        log = apsw.Connection(str(data / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
        folded = state.execute("SELECT value FROM meta WHERE name='position'").get
        end = log.execute("SELECT max(position) FROM log").get
        state.close()
        log.close()
        if folded == end:
            return
        assert time.monotonic() < deadline, f"folded {folded} of {end}"
        time.sleep(0.05)


def _check_log(data: Path, senders: list[Sender]) -> None:
    """Hold the log against what was acknowledged: everything there, and each id once."""
    log = apsw.Connection(str(data / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    rows = list(log.execute("SELECT position, kind, id, raw FROM log ORDER BY position"))
    log.close()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), "positions have no holes"
    for kind, group in ((1, senders[:2]), (2, senders[2:])):
        stored = [json.loads(bytes(row[3]))["id"] for row in rows if row[1] == kind]
        assert len(stored) == len(set(stored)), "an id stands in the log twice"
        acknowledged = set().union(*(sender.acknowledged for sender in group))
        assert not acknowledged - set(stored), "an acknowledged record is lost"


def _check_effects(data: Path) -> None:
    """Each effect stands once, and each action was handed to its adapter once."""
    state = apsw.Connection(str(data / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    ids = [json.loads(bytes(row[0]))["id"] for row in state.execute("SELECT body FROM effect")]
    actions = list(state.execute("SELECT action, adapter FROM outbox"))
    state.close()
    assert len(ids) == len(set(ids))
    assert len(actions) == len(set(actions))
    assert actions, "the traffic should have asked for some action"
