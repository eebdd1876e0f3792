"""kill -9 of a server that forwards to a second one: there nothing is lost and nothing is doubled.

Two real server processes on real disks. The first takes statements under load, forwards them and writes
its own milestones back, and is killed with SIGKILL at random moments; now and then the second is, too. In the
end the second has every statement of the first once, byte for byte, and every milestone of its effects once.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import apsw
import httpx
import msgspec
import pytest

from carrythrough.embedded.forward_file import ForwardFile
from carrythrough.forward import own, profile
from carrythrough.forward.milestones import SkillFacts, of_action, of_answer, of_score, of_stage
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.scopes import LMS_SCOPES
from carrythrough.pipeline.effects import ActionAnswered, ActionRequested, ScoreChanged, StageChanged
from carrythrough.xapi.comparison import same_statement

ROUNDS = int(os.environ.get("CARRYTHROUGH_FORWARD_KILL_ROUNDS", "12"))
LIFE_S_MAX = 1.2
CATCH_UP_S_MAX = 120.0
SERVER = """
import json, sys
from pathlib import Path
from carrythrough.embedded.serve import serve
from carrythrough.settings import load_settings
serve(load_settings(Path(sys.argv[1]), {}), on_ready=lambda info: print(json.dumps(info), flush=True))
"""


class Process:
    """One life of a server."""

    def __init__(self, config: Path, secret: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(config)],
            stdout=subprocess.PIPE,
            stderr=(config.parent / "stderr").open("wb"),
            env={**os.environ, "TARGET_SECRET": secret},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server did not start: {(config.parent / 'stderr').read_text()}"
        self.url = json.loads(line)["url"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def folder_of(parent: Path, name: str, program_map: str) -> tuple[Path, tuple[str, str]]:
    """Make a data folder with one credential and return the folder of settings and the login."""
    folder = parent / name
    (folder / "data").mkdir(parents=True)
    (folder / "map.yaml").write_text(program_map)
    credential, secret = new_credential("lms", LMS_SCOPES)
    (folder / "data" / "credentials.json").write_text(Credentials([credential]).to_file())
    return folder, (credential.key, secret)


def settings(folder: Path, more: str = "", port: int = 0) -> Path:
    path = folder / "c.toml"
    path.write_text(
        f'data_dir = "{folder}/data"\nprogram = "{folder}/map.yaml"\nport = {port}\nmetrics_port = 0\n'
        f'log_level = "error"\n[adapters.file]\npath = "{folder}/sent.jsonl"\n{more}'
    )
    return path


def lasting_port(chance: random.Random) -> int:
    """Return a free port that no other program is given by chance while its server is down."""
    while True:
        port = chance.randrange(20_000, 30_000)  # below those that systems give out
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def load(url: str, login: tuple[str, str], traffic: Any, ended: threading.Event) -> None:
    """Post batches until the server is gone."""
    headers = {"X-Experience-API-Version": "1.0.3"}
    with (
        contextlib.suppress(httpx.TransportError),
        httpx.Client(base_url=url, auth=login, headers=headers) as client,
    ):
        while not ended.is_set():
            batch = [traffic.statement(with_id=traffic.chance.random() < 0.8) for _ in range(20)]
            assert client.post("/xapi/statements", json=batch).status_code == 200
            time.sleep(0.02)


def statements(data: Path) -> dict[str, bytes]:
    """Return the statements of a log by id; each id is there once, or this fails."""
    log = apsw.Connection(str(data / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    rows = list(log.execute("SELECT id, raw FROM log WHERE kind=1"))
    log.close()
    found = {str(uuid.UUID(bytes=id_)): raw for id_, raw in rows}
    assert len(found) == len(rows)
    return found


def own_ids(data: Path) -> set[str]:
    """Return the ids of the milestones that follow from the effects and the outbox of a data folder."""
    state = apsw.Connection(str(data / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    rows = list(
        state.execute(
            "SELECT kind, body FROM effect WHERE kind IN ('score', 'stage', 'action', 'answer') ORDER BY seq"
        )
    )
    delivered = {action for (action,) in state.execute("SELECT action FROM outbox WHERE status='delivered'")}
    state.close()
    targets = {"listening": 0.75, "de-escalation": 0.75, "product": 0.6}
    ids = set()
    sent: dict[tuple[str, str, int], ActionRequested] = {}
    for kind, body in rows:
        milestone = None
        if kind == "stage":
            milestone = of_stage(json_of(body, StageChanged), lambda _: None)
        elif kind == "score":
            milestone = of_score(json_of(body, ScoreChanged), lambda skill: SkillFacts(skill, targets[skill]))
        elif kind == "answer":
            answer = json_of(body, ActionAnswered)
            pushed = sent.get((answer.subject, answer.skill, answer.action_ms))
            milestone = None if pushed is None else of_answer(answer, pushed)
        elif (action := json_of(body, ActionRequested)).id in delivered:
            sent[action.subject, action.skill, action.as_of_ms] = action
            milestone = of_action(action)
        if milestone is not None:
            ids.add(own.statement_id(milestone))
    return ids


def json_of(body: bytes, kind: Any) -> Any:
    return msgspec.json.decode(body, type=kind)


def caught_up(data: Path) -> bool:
    """Say whether everything is folded, delivered and forwarded."""
    state = apsw.Connection(str(data / "state.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    log = apsw.Connection(str(data / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    end = log.execute("SELECT max(position) FROM log").get
    folded = state.execute("SELECT value FROM meta WHERE name='position'").get
    last = state.execute("SELECT coalesce(max(seq), 0) FROM effect").get
    pending = state.execute("SELECT count(*) FROM outbox WHERE status='pending'").get
    state.close()
    log.close()
    file = ForwardFile(data, data / "state.sqlite")
    there = {feed: standing.position for (_, feed), standing in file.standings().items()}
    waiting = file.awaited("b", 1)
    file.close()
    return bool(
        folded == end and there.get("log") == end and there.get("own") == last and not pending and not waiting
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_on_the_way_to_another_store_and_nothing_arrives_twice(
    tmp_path: Path, program_map: str, traffic_type: Any
) -> None:
    seed = int(os.environ.get("CARRYTHROUGH_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}: CARRYTHROUGH_KILL_SEED={seed} repeats the moments and the traffic")
    chance = random.Random(seed)
    folder_b, login_b = folder_of(tmp_path, "b", program_map)
    folder_a, login_a = folder_of(tmp_path, "a", program_map)
    config_b = settings(folder_b, port=lasting_port(chance))
    b = Process(config_b)
    config = settings(
        folder_a,
        f'[forward.b]\nendpoint = "{b.url}/xapi"\nkey = "{login_b[0]}"\nsecret_env = "TARGET_SECRET"\n'
        "write_back = true\n",
    )
    traffic = traffic_type(seed, time.time_ns() // 1_000_000)
    try:
        for number in range(ROUNDS):
            life_s = chance.random() * LIFE_S_MAX
            death = threading.Timer(life_s / 2, b.kill) if number % 3 == 2 else None
            if death is not None:
                death.start()
            one_life(config, login_a, login_b[1], traffic, life_s)
            if death is not None:
                death.join()
                b = Process(config_b)
        last = Process(config, login_b[1])
        deadline = time.monotonic() + CATCH_UP_S_MAX
        while not caught_up(folder_a / "data"):
            assert time.monotonic() < deadline, "it did not catch up"
            time.sleep(0.2)
        last.kill()
    finally:
        b.kill()
    sent, kept, ours = (
        statements(folder_a / "data"),
        statements(folder_b / "data"),
        own_ids(folder_a / "data"),
    )
    print(f"{ROUNDS} kills, {len(sent)} statements and {len(ours)} of our own forwarded")
    assert len(sent) > 20 * ROUNDS
    assert len(ours) > 10, "the traffic moved too little to prove anything about what is written back"
    assert not set(sent) - set(kept), "lost on the way"
    assert set(kept) - set(sent) == ours, "our own: each once, and nothing else"
    whole = {id_: raw for id_, raw in sent.items() if "id" in json.loads(raw)}
    assert 0 < len(whole) < len(sent)
    assert all(kept[id_] == raw for id_, raw in whole.items()), "sent on byte for byte"
    assert not any(same_statement(raw, kept[id_]) for id_, raw in sent.items())
    about = {json.loads(kept[id_])["verb"]["id"] for id_ in ours}
    assert about <= {profile.CARRIED_THROUGH, profile.REACHED_TARGET, profile.WAS_SENT, profile.ANSWERED}


def one_life(config: Path, login: tuple[str, str], secret: str, traffic: Any, life_s: float) -> None:
    server = Process(config, secret)
    ended = threading.Event()
    thread = threading.Thread(target=load, args=(server.url, login, traffic, ended), daemon=True)
    thread.start()
    time.sleep(life_s)
    server.kill()
    ended.set()
    thread.join(20)
