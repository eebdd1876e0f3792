"""Proves that the examples in the how-to pages do what the pages say, run as printed against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
READY_S_MAX = 30


class Server:
    """A running `carrythrough serve`: its address and the credentials of its first start."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.url: str = ready["url"]
        self.credentials: dict[str, tuple[str, str]] = {
            credential["name"]: (credential["key"], credential["secret"])
            for credential in ready["credentials"]
        }

    def shell(self, script: str, credential: str) -> str:
        """Run a shell example with KEY, SECRET and BASE set as the page tells; returns what it prints."""
        key, secret = self.credentials[credential]
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", script],
            env={**os.environ, "KEY": key, "SECRET": secret, "BASE": self.url},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = [
        *(_program(), "serve", "--json", "--port", "0", "--metrics-port", "0"),
        *("--data-dir", str(tmp_path_factory.mktemp("server") / "data")),
        *("--program", str(repository / "examples" / "tccc" / "program-map.yaml")),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    try:
        yield Server(json.loads(process.stdout.readline()))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(READY_S_MAX)


def _program() -> str:
    """Return the installed command that belongs to the Python which runs the tests."""
    return str(Path(sys.executable).parent / "carrythrough")


@pytest.fixture
def examples(repository: Path) -> Callable[[str, str], list[str]]:
    def read(page: str, language: str) -> list[str]:
        text = (repository / "docs" / "how-to" / page).read_text("utf-8")
        return [code for found, code in FENCE.findall(text) if found == language]

    return read


@pytest.fixture(autouse=True)
def _curl(require: Callable[[object, str, str], None]) -> None:
    require(shutil.which("curl"), "curl", "sudo apt-get install curl")


Examples = Callable[[str, str], list[str]]


def test_the_statement_of_the_curl_page(server: Server, examples: Examples) -> None:
    (example,) = [code for code in examples("send-with-curl.md", "sh") if "verbs/passed" in code]
    for _ in range(2):  # the page promises the same answer for the same statement
        answer = server.shell(example, "lms")
        assert " 200 " in answer.splitlines()[0]
        assert "6f4fa8c6-52a9-4d6b-9f6a-1d4c3a5b7e01" in answer
    other = server.shell(example.replace("verbs/passed", "verbs/failed"), "lms")
    assert " 409 " in other.splitlines()[0]


def test_the_compressed_array_of_the_curl_page(
    server: Server, examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = [code for code in examples("send-with-curl.md", "sh") if "gzip -c" in code]
    statement = {
        "actor": {"mbox": "mailto:ada@example.com"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
        "object": {"id": "https://example.com/courses/one"},
    }
    (tmp_path / "statements.json").write_text(json.dumps([statement]))
    monkeypatch.chdir(tmp_path)
    assert " 200 " in server.shell(example, "lms").splitlines()[0]


def test_the_readings_of_the_curl_page(server: Server, examples: Examples) -> None:
    (example,) = [code for code in examples("send-with-curl.md", "sh") if "/v1/scores" in code]
    scores, stream = [line for line in example.splitlines() if line.startswith("curl")]
    assert '"scores"' in server.shell(scores, "reader")
    # It would go on for ever: two seconds show that it begins.
    assert "retry:" in server.shell(stream.replace("curl -N", "curl -sN --max-time 2") + " || true", "reader")


def test_the_event_of_the_events_page_in_every_form(server: Server, examples: Examples) -> None:
    shown = [code for code in examples("send-performance-events.md", "sh") if "crm-00012" in code]
    example, binary, corrected = shown
    answer = server.shell(example, "business")
    assert " 200 " in answer.splitlines()[0]
    assert json.loads(answer.splitlines()[-1])["accepted"] == 1
    again = json.loads(server.shell(example, "business").splitlines()[-1])
    assert (again["accepted"], again["known"]) == (0, 1)
    other = server.shell(example.replace('"met": true', '"met": false'), "business")
    assert " 409 " in other.splitlines()[0]
    for code, count in ((binary, 1), (corrected, 2)):
        answer = server.shell(code, "business")
        assert json.loads(answer.splitlines()[-1])["accepted"] == count


def test_the_columns_of_the_events_page(examples: Examples, repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "how-to" / "send-performance-events.md").read_text("utf-8")
    (columns,) = re.findall(r"`(id,source,kind[^`]*)`", text)
    row = {"id": "1", "source": "crm", "kind": "task-outcome", "employee": "e-1", "met": "true"}
    row |= {"time": "2026-11-01T10:00:00Z", "skill": "airway"}
    path = tmp_path / "events.csv"
    path.write_text(columns + "\n" + ",".join(row.get(name, "") for name in columns.split(",")) + "\n")
    done = subprocess.run(
        [_program(), "validate", str(path), "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_of_the_tincan_page(server: Server, examples: Examples) -> None:
    (example,) = examples("send-with-tincan.md", "python")
    key, secret = server.credentials["lms"]
    program = (
        example.replace("http://127.0.0.1:8080", server.url)
        .replace("the-key-that-was-printed", key)
        .replace("the-secret-that-was-printed", secret)
    )
    assert program.count(server.url) == program.count(key) == program.count(secret) == 1
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True 200 ")
