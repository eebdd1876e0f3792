"""Proves the command `pull` as a process: it reads, goes on after kill -9, and tells what became of it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")


@pytest.fixture
def settings(tmp_path: Path, store: Any, program: Path) -> Path:
    path = tmp_path / "carrythrough.toml"
    path.write_text(
        f'data_dir = "{tmp_path / "data"}"\nprogram = "{program}"\n'
        f'[pull.campus]\nendpoint = "{store.endpoint}"\nkey = "reader"\nsecret_env = "CAMPUS_SECRET"\n'
        "page = 10\nevery_s = 1\n",
        "utf-8",
    )
    return path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), "pull", *map(str, arguments)],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return call


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
    return clean | {"CAMPUS_SECRET": "wonderful"}


def ids_in(log: Path) -> list[str]:
    connection = apsw.Connection(str(log), flags=apsw.SQLITE_OPEN_READONLY)
    rows = list(connection.execute("SELECT id FROM log WHERE kind = 1 ORDER BY position"))
    connection.close()
    return [str(uuid.UUID(bytes=bytes(row[0]))) for row in rows]


def test_once_reads_everything_and_says_what_became_of_it(run: Any, settings: Path, store: Any) -> None:
    ids = store.add(25)
    store.statements[7]["object"] = {"id": "no iri"}
    done = run("--once", "--config", settings, "--json")
    assert done.returncode == 1, done.stderr  # one was refused
    found = json.loads(done.stdout)["sources"]["campus"]
    assert (found["read"], found["accepted"], found["refused"]) == (25, 24, 1)
    assert ids_in(settings.parent / "data/log.sqlite") == [id_ for n, id_ in enumerate(ids) if n != 7]
    again = json.loads(run("--once", "--config", settings, "--json").stdout)["sources"]["campus"]
    assert again["accepted"] == 0
    status = run("--status", "--config", settings)
    assert status.returncode == 0
    assert "campus" in status.stdout
    assert "2026-03-01T00:00:24" in status.stdout.replace("\n", "")


def test_killed_in_the_middle_it_goes_on_without_loss_or_repetition(
    settings: Path, store: Any, run: Any, tmp_path: Path
) -> None:
    ids = store.add(400)
    free = [0]

    def slowly(_: Any, parameters: dict[str, str]) -> bool:
        # What lies well beyond the next kill is held back, so that the reader cannot end before it.
        page = json.loads(store.result(parameters))["statements"]
        time.sleep(5.0 if page and ids.index(page[-1]["id"]) > free[0] else 0.01)
        return False

    store.quirk = slowly
    log = tmp_path / "data/log.sqlite"
    kills = 0
    for target in (60, 150, 290):
        free[0] = target + 60
        process = subprocess.Popen(
            [str(PROGRAM), "pull", "--config", str(settings)], cwd=tmp_path, env=environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            if log.exists() and len(ids_in_or_none(log)) >= target:
                break
            time.sleep(0.01)
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += len(ids_in(log)) < 400
    assert kills == 3, "it was never killed in the middle"
    free[0] = 400
    done = run("--once", "--config", settings, "--json")
    assert done.returncode == 0, done.stderr
    assert ids_in(log) == ids, "lost or doubled"


def ids_in_or_none(log: Path) -> list[str]:
    try:
        return ids_in(log)
    except apsw.Error:  # the process is just making the file
        return []


def test_a_store_can_be_named_on_the_command_line(run: Any, store: Any, program: Path, basic: Any) -> None:
    store.add(3)
    done = run(
        "--once", "--endpoint", store.endpoint, "--key", "k", "--secret-env", "CAMPUS_SECRET",
        "--program", program, "--data-dir", "here",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "lrs: 3 statements read, 3 new" in done.stdout
    assert store.headers[0]["Authorization"] == basic("k", "wonderful")


def test_a_store_that_refuses_ends_it_with_the_reason(
    run: Any, settings: Path, store: Any, answer: Any
) -> None:
    store.quirk = lambda handler, _: answer(handler, 403, b"") or True
    done = run("--once", "--config", settings)
    assert done.returncode == 1
    assert "may read statements" in " ".join(done.stderr.split())
    status = run("--status", "--config", settings, "--json")
    assert status.returncode == 1
    assert json.loads(status.stdout)["sources"]["campus"]["error_code"] == "pull-credentials-refused"


def test_the_doctor_asks_the_store_and_shows_what_was_refused(
    run: Any, settings: Path, store: Any, answer: Any
) -> None:
    store.add(3)
    store.statements[1]["verb"] = {"id": "no iri"}

    def check() -> dict[str, str]:
        done = subprocess.run(
            [str(PROGRAM), "doctor", "--json", "--config", str(settings)],
            env=environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        found: dict[str, str] = next(
            c for c in json.loads(done.stdout)["checks"] if c["name"] == "pull campus"
        )
        return found

    assert check()["status"] == "ok"
    run("--once", "--config", settings)
    assert check()["status"] == "warning"
    assert "campus.quarantine.jsonl" in check()["fix"]
    store.quirk = lambda handler, _: answer(handler, 401, b"") or True
    assert check()["status"] == "failed"


def test_a_folder_that_a_server_uses_is_left_to_it(run: Any, settings: Path, store: Any) -> None:
    store.add(1)
    run("--once", "--config", settings)
    with (settings.parent / "data" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("--once", "--config", settings)
    assert done.returncode == 1
    assert "reads by itself" in " ".join(done.stderr.split())


def test_a_name_that_is_no_source_is_a_wrong_command_line(run: Any, settings: Path) -> None:
    done = run("campsu", "--once", "--config", settings)
    assert done.returncode == 2
    assert "campus" in done.stderr
