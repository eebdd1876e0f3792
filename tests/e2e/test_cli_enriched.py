"""Proves that enriched statements reach other programs: from a folder, from a server, live, and on after a stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}


def run(folder: Path, *arguments: object) -> str:
    command = [str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def course(repository: Path) -> Path:
    return repository / "examples" / "tccc"


@pytest.fixture(scope="module")
def folder(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a data folder in it that holds a course of 639 statements."""
    place = tmp_path_factory.mktemp("enriched")
    maps = ("--program", course / "program-map.yaml", "--roster", course / "roster.yaml")
    run(place, "ingest", course / "statements.jsonl.gz", "--data-dir", "data", *maps)
    return place


@pytest.fixture(scope="module")
def lines(folder: Path) -> list[str]:
    return run(folder, "enriched", "--data-dir", "data").splitlines()


@pytest.fixture(scope="module")
def server(folder: Path, lines: list[str]) -> Iterator[dict[str, Any]]:
    assert lines, "the folder is read before a server owns it"
    command = [str(PROGRAM), "serve", "--json", "--data-dir", "data", "--port", "0", "--metrics-port", "0"]
    process = subprocess.Popen(command, cwd=folder, env=CLEAN, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    info: dict[str, Any] = json.loads(process.stdout.readline())
    reader = next(made for made in info["credentials"] if made["name"] == "reader")
    yield {"url": info["url"], "key": reader["key"], "secret": reader["secret"], **info}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_a_folder_gives_every_statement_once_in_order(lines: list[str]) -> None:
    events = [json.loads(line) for line in lines]
    assert len(events) == len({event["id"] for event in events}) == 639
    sequences = [int(event["sequence"]) for event in events]
    assert sequences == sorted(sequences)
    assert any(event["data"]["skills"] for event in events)


def test_a_position_file_goes_on_where_the_last_run_stopped(folder: Path, lines: list[str]) -> None:
    got: list[str] = []
    for _ in range(4):
        arguments = ("--data-dir", "data", "--position-file", "at", "--limit", 200)
        got += run(folder, "enriched", *arguments).splitlines()
    assert got == lines
    (folder / "at").write_text("yesterday\n")
    command = [str(PROGRAM), "enriched", "--data-dir", "data", "--position-file", "at"]
    done = subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'yesterday' and no position" in done.stderr


def test_a_server_gives_the_same_page_by_page_and_live(
    server: dict[str, Any], folder: Path, lines: list[str]
) -> None:
    asked = ("--url", server["url"], "--key", server["key"], "--secret", server["secret"])
    assert run(folder, "enriched", *asked).splitlines() == lines
    with httpx.Client(base_url=server["url"], auth=(server["key"], server["secret"]), timeout=20) as client:
        after = json.loads(lines[99])["sequence"]
        with client.stream("GET", "/v1/enriched/stream", headers={"Last-Event-ID": after}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            seen: list[tuple[str, str]] = []
            number = ""
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                number = value if name == "id" else number
                if name == "data":
                    seen.append((number, value))
                if len(seen) == len(lines) - 100:
                    break
        assert [body for _, body in seen] == lines[100:]
        assert [at for at, _ in seen] == [json.loads(line)["sequence"] for line in lines[100:]]


def test_who_may_not_read_scores_may_not_read_these(server: dict[str, Any]) -> None:
    lms = next(made for made in server["credentials"] if made["name"] == "lms")
    for path in ("/v1/enriched", "/v1/enriched/stream"):
        answer = httpx.get(server["url"] + path, auth=(lms["key"], lms["secret"]))
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")
