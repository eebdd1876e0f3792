"""Proves the commands that look after an installation: scores with reasons, doctor, keys, adapters, dead letters."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
NOW = dt.datetime.now(tz=dt.UTC)

MAP = """\
map: service
version: 1
name: Service
skills:
  - {id: listening, name: Listening, target: 0.6, opportunity_days: 14}
  - {id: closing, name: Closing, target: 0.9}
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://lms.example.org/quiz/"}
    evidence: [{skill: listening, channel: practice, outcome: success}]
events:
  - {id: qa, match: {kind: qa-result}, evidence: [{skill: closing, channel: job}]}
reinforcement:
  - id: use-it
    when: {stage: unapplied}
    action: nudge
    title: Use it
    body: Try it today.
    expires_h: 720
    adapters: [crm]
policy: {quiet: {from: "00:00", to: "00:00"}, days_off: [], holdout: 0.0}
"""
ROSTER = """\
people:
  - {id: e-1, name: Ada Miro, email: ada@example.org, team: north, role: agent}
  - {id: e-2, name: Ben Oka, email: ben@example.org, team: south, role: agent}
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=tmp_path,
            env=CLEAN | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


def when(hours_ago: float) -> str:
    return (NOW - dt.timedelta(hours=hours_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Path:
    """Give a data folder in which Ada has practised well (and is due a nudge) and Ben has worked badly."""
    (tmp_path / "map.yaml").write_text(MAP, "utf-8")
    (tmp_path / "roster.yaml").write_text(ROSTER, "utf-8")
    statements = [
        {
            "id": f"{n:08d}-0000-4000-8000-000000000000",
            "actor": {"mbox": "mailto:ada@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
            "object": {"id": f"https://lms.example.org/quiz/{n}"},
            "result": {"success": True},
            "timestamp": when(20 - n),
        }
        for n in range(12)
    ]
    (tmp_path / "s.json").write_text(json.dumps(statements), "utf-8")
    rows = [f"{n},qa,qa-result,e-2,{when(200 - n)},{'true' if n % 4 == 0 else 'false'}" for n in range(10)]
    (tmp_path / "e.csv").write_text("id,source,kind,employee,time,met\n" + "\n".join(rows) + "\n", "utf-8")
    done = run(
        "ingest", "s.json", "e.csv", "--data-dir", "data", "--program", "map.yaml", "--roster", "roster.yaml"
    )
    assert done.returncode == 0, done.stderr
    assert "1 action wait" in done.stdout
    return tmp_path / "data"


def test_scores_and_their_reasons_for_people_and_for_scripts(run: Run, filled: Path) -> None:
    shown = run("scores", "--data-dir", "data").stdout
    assert re.search(r"^e-1 +Ada Miro +north +listening +\d+ +\d+–\d+ ", shown, re.MULTILINE)
    assert "2 people, 2 skill pairs, 2 with enough evidence." in shown
    assert "Ben Oka" not in run("scores", "--team", "north", "--data-dir", "data").stdout
    assert "Nobody matches" in run("scores", "--stage", "fading", "--data-dir", "data").stderr
    wrong = run("scores", "--skill", "closng", "--data-dir", "data")
    assert wrong.returncode == 1
    assert "did you mean 'closing'?" in wrong.stderr

    found = json.loads(run("scores", "--json", "--data-dir", "data").stdout)
    by_person = {entry["employee"]: entry for entry in found["scores"]}
    assert by_person["e-1"]["score"] > 0.8
    assert by_person["e-2"]["score"] < 0.4
    assert by_person["e-1"]["stage"] == "unapplied"
    assert (
        len(json.loads(run("scores", "--json", "--limit", "1", "--data-dir", "data").stdout)["scores"]) == 1
    )

    one = run("scores", "e-2", "--data-dir", "data").stdout
    assert "Ben Oka · e-2 · agent · south" in one
    assert re.search(r"^closing: \S", one, re.MULTILINE)

    why = run("explain", "e-2", "--data-dir", "data")
    assert why.returncode == 0, why.stderr
    assert "For Closing the score is" in why.stdout
    assert "Evidence: 10 pieces" in why.stdout
    assert re.search(r"On the job +0\.00 +0\.\d\d +−\d", why.stdout)
    exact = json.loads(run("explain", "e-2", "--skill", "closing", "--json", "--data-dir", "data").stdout)
    assert exact["score"] == by_person["e-2"]["score"]
    assert len(exact["evidence"]) == 10

    past = run("explain", "e-2", "--skill", "closing", "--at", when(198.5), "--data-dir", "data").stdout
    assert "Not enough evidence: 2 of 5 scored outcomes" in past
    unknown = run("explain", "e-3", "--skill", "closing", "--data-dir", "data")
    assert unknown.returncode == 1
    assert "did you mean 'e-" in unknown.stderr


def test_reading_changes_no_byte_of_the_folder(run: Run, filled: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {
            p.name: p.read_bytes() for p in filled.iterdir() if p.suffix not in (".sqlite-shm", ".sqlite-wal")
        }

    before = contents()
    for command in (
        ("scores",),
        ("explain", "e-2"),
        ("doctor",),
        ("quarantine", "list"),
        ("deadletters", "list"),
    ):
        assert run(*command, "--data-dir", "data").returncode == 0, command
    assert contents() == before


def test_doctor_names_each_fault_with_its_fix(run: Run, filled: Path, tmp_path: Path) -> None:
    free = {"CARRYTHROUGH_PORT": "0", "CARRYTHROUGH_METRICS_PORT": "0"}
    good = run("doctor", "--data-dir", "data", **free)
    assert good.returncode == 0, good.stdout
    assert "All is well" in good.stdout
    checks = {
        c["name"]: c
        for c in json.loads(run("doctor", "--data-dir", "data", "--json", **free).stdout)["checks"]
    }
    wanted = {
        "data folder",
        "disk space",
        "lock",
        "permissions",
        "credentials",
        "durability",
        "clock",
        "scoring",
    }
    assert wanted | {"map in force", "roster in force", "dead letters", "quarantine", "port"} <= set(checks)
    machine = {"disk space", "file system"}  # what the machine of the test is like is not at issue
    assert {c["status"] for name, c in checks.items() if name not in machine} == {"ok"}

    (filled / "tenant.key").chmod(0o644)
    (filled / "credentials.json").write_text("{}", "utf-8")
    (tmp_path / "bad.yaml").write_text("map: m\n", "utf-8")
    (tmp_path / "c.toml").write_text(
        'data_dir = "data"\nprogram = "bad.yaml"\n[adapters.hook]\nadapter = "webhok"\n', "utf-8"
    )
    connection = apsw.Connection(str(filled / "log.sqlite"))
    connection.execute("UPDATE log SET stored_ms = stored_ms + 7200000")
    connection.execute(
        "INSERT INTO log SELECT position + 1, 3, stored_ms, -1, 'x', x'', x'', 103 FROM log ORDER BY 1 DESC LIMIT 1"
    )
    connection.close()
    done = run("doctor", "--config", "c.toml", **free)
    assert done.returncode == 1
    for words in (
        "chmod 600 data/credentials.json data/tenant.key",
        "credentials cannot be read",
        "h in the future of this machine's clock",
        "carrythrough validate bad.yaml",
        "did you mean 'webhook'?",
        "1 record behind",
    ):
        assert words in " ".join(done.stdout.split()), words
    assert "5 checks failed, " in done.stdout


def test_credentials_are_made_listed_and_taken_away(run: Run, filled: Path) -> None:
    made = json.loads(
        run("credentials", "add", "crm", "--scope", "events/write", "--data-dir", "data", "--json").stdout
    )
    assert made["secret"] not in (filled / "credentials.json").read_text("utf-8")
    from carrythrough.gateway.auth import Credentials

    held = Credentials.from_file((filled / "credentials.json").read_text("utf-8"))
    header = b"Basic " + base64.b64encode(f"{made['key']}:{made['secret']}".encode())
    assert held.verify(header) is not None
    listed = run("credentials", "list", "--data-dir", "data").stdout
    assert made["key"] in listed
    assert made["secret"] not in listed
    again = run("credentials", "add", "crm", "--scope", "all", "--data-dir", "data")
    assert again.returncode == 1
    assert "credential-exists" in again.stderr
    wrong = run("credentials", "remove", "cmr", "--data-dir", "data")
    assert wrong.returncode == 1
    assert "did you mean 'crm'?" in wrong.stderr
    assert run("credentials", "remove", "crm", "--data-dir", "data").returncode == 0
    assert json.loads(run("credentials", "list", "--data-dir", "data", "--json").stdout) == {
        "credentials": []
    }
    assert run("credentials", "list", "--data-dir", "nowhere").returncode == 1
    assert run("credentials", "add", "vr", "--lenient", "--data-dir", "data").returncode == 0
    listed = " ".join(run("credentials", "list", "--data-dir", "data").stdout.split())
    assert "statements/write, statements/read/mine, state, define, profile" in listed
    assert "lenient" in listed


def test_adapters_are_listed_and_asked(run: Run, tmp_path: Path) -> None:
    done = run("adapters", "list")
    assert done.returncode == 0
    for name in ("console", "file", "webhook", "email"):
        assert name in done.stdout
    (tmp_path / "c.toml").write_text(
        '[adapters.out]\nadapter = "file"\npath = "out.jsonl"\n[adapters.bad]\nadapter = "file"\npaht = "x"\n',
        "utf-8",
    )
    done = run("adapters", "list", "--config", "c.toml")
    assert done.returncode == 1
    assert "out.jsonl" in done.stdout
    assert "adapters.bad" in done.stderr
    found = json.loads(run("adapters", "list", "--config", "c.toml", "--json").stdout)
    assert [bool(entry["problem"]) for entry in found["configured"]] == [False, True]
    assert {"console", "file", "webhook", "email"} <= {entry["name"] for entry in found["installed"]}
    assert not (tmp_path / "out.jsonl").exists()


def serving(config: Path, until: Callable[[], bool]) -> None:
    """Run a server on the settings until something has come about."""
    command = [str(PROGRAM), "serve", "--config", str(config), "--json", "--port", "0", "--metrics-port", "0"]
    process = subprocess.Popen(
        command, cwd=config.parent, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), process.communicate()[1]
        deadline = time.monotonic() + 30
        while not until():
            assert time.monotonic() < deadline, "it did not come about within 30 s"
            time.sleep(0.1)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_dead_letter_is_mended_replayed_and_delivered(run: Run, filled: Path, tmp_path: Path) -> None:
    def dead() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            run("deadletters", "list", "--data-dir", "data", "--json").stdout
        )["actions"]
        return found

    assert run("deadletters", "list", "--data-dir", "data").stdout == "There are no dead letters.\n"
    config = tmp_path / "c.toml"
    config.write_text('data_dir = "data"\n', "utf-8")
    serving(config, lambda: bool(dead()))
    (letter,) = dead()
    assert "name no adapter 'crm'" in letter["error"]
    shown = run("deadletters", "list", "--data-dir", "data").stdout
    assert "name no adapter 'crm'" in " ".join(shown.split())
    assert "Nudge" in shown
    assert "1 action could not be delivered" in run("doctor", "--data-dir", "data").stdout

    none = run("deadletters", "replay", letter["entry"] + 999, "--data-dir", "data")
    assert none.returncode == 1
    assert "not a dead letter" in none.stderr
    config.write_text('data_dir = "data"\n[adapters.crm]\nadapter = "file"\npath = "sent.jsonl"\n', "utf-8")
    back = run("deadletters", "replay", letter["entry"], "--data-dir", "data")
    assert back.returncode == 0, back.stderr
    assert "1 action put back" in back.stdout
    assert dead() == []
    serving(config, (tmp_path / "sent.jsonl").exists)
    (sent,) = (json.loads(line) for line in (tmp_path / "sent.jsonl").read_text("utf-8").splitlines())
    assert letter["id"] in json.dumps(sent)


def test_a_record_that_scoring_fails_on_is_set_aside_shown_and_exported(
    run: Run, filled: Path, tmp_path: Path
) -> None:
    connection = apsw.Connection(str(filled / "log.sqlite"))
    position = connection.execute("SELECT max(position) + 1 FROM log").get
    connection.execute(
        "INSERT INTO log SELECT ?, 1, stored_ms, -1, 'lms', x'00112233445566778899aabbccddeeff', ?, 103 "
        "FROM log ORDER BY position DESC LIMIT 1",
        (position, b'{"torn": "off'),
    )
    connection.close()
    again = run("ingest", "s.json", "--data-dir", "data")
    assert again.returncode == 0, again.stderr
    listed = run("quarantine", "list", "--data-dir", "data")
    assert re.search(rf"^{position} ", listed.stdout, re.MULTILINE)
    shown = run("quarantine", "show", position, "--data-dir", "data")
    assert '{"torn": "off' in shown.stdout
    assert f"position {position} of the log" in shown.stdout
    assert run("quarantine", "export", position, "--data-dir", "data").stdout == '{"torn": "off\n'
    assert run("quarantine", "show", position + 99, "--data-dir", "data").returncode == 1
    sick = run("doctor", "--data-dir", "data")
    assert sick.returncode == 1
    assert "scoring failed on 1 record" in sick.stdout
    scores = json.loads(run("scores", "--data-dir", "data", "--json").stdout)["scores"]
    assert len(scores) == 2
