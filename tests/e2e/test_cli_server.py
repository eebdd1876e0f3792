"""Proves `serve` and every command that talks to a running server: the real program on a real port."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).with_name("carrythrough")
Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}


class Server:
    """A running server and what it said when it was ready."""

    def __init__(self, process: subprocess.Popen[str], info: dict[str, Any], folder: Path) -> None:
        self.process = process
        self.info = info
        self.folder = folder
        self.url: str = info["url"]

    def as_(self, name: str) -> tuple[str, ...]:
        """Return the flags that name this server with one of its first credentials."""
        found = next(c for c in self.info["credentials"] if c["name"] == name)
        return ("--url", self.url, "--key", found["key"], "--secret", found["secret"])


@pytest.fixture(scope="module")
def course(repository: Path) -> Path:
    return repository / "examples" / "tccc"


def start(course: Path, folder: Path, *flags: str) -> subprocess.Popen[str]:
    command = [str(PROGRAM), "serve", *flags, "--data-dir", str(folder), "--port", "0", "--metrics-port", "0"]
    command += ["--program", str(course / "program-map.yaml"), "--roster", str(course / "roster.yaml")]
    return subprocess.Popen(command, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the line of JSON that `serve --json` prints when it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    info: dict[str, Any] = json.loads(line)
    return info


@pytest.fixture(scope="module")
def server(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start, add a credential that may send and read, and start again: the first credentials still work."""
    folder = tmp_path_factory.mktemp("serve") / "data"
    first = start(course, folder, "--json")
    made = ready(first)["credentials"]
    first.terminate()
    first.communicate(timeout=30)
    scopes = ("--scope", "statements/write", "--scope", "scores/read")
    add = [str(PROGRAM), "credentials", "add", "importer", *scopes, "--data-dir", str(folder), "--json"]
    made.append(json.loads(subprocess.run(add, env=CLEAN, capture_output=True, check=True).stdout))
    process = start(course, folder, "--json")
    try:
        info = ready(process)
        assert info["credentials"] == []
        yield Server(process, info | {"credentials": made}, folder)
    finally:
        process.terminate()
        process.communicate(timeout=30)


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


def test_the_first_start_says_where_and_with_which_credentials(server: Server) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
    assert server.info["signin_url"].startswith(f"{server.url}/signin?token=")
    assert server.info["metrics_url"].endswith("/metrics")
    assert {c["name"] for c in server.info["credentials"]} == {
        "lms",
        "business",
        "reader",
        "importer",
        "steward",
        "hr",
    }
    text = (server.folder / "credentials.json").read_text("utf-8")
    assert not [c for c in server.info["credentials"] if c["secret"] in text]
    assert stat.S_IMODE((server.folder / "credentials.json").stat().st_mode) == 0o600


def test_words_for_people_and_secrets_only_once(course: Path, tmp_path: Path) -> None:
    said = []
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(course, tmp_path / "data")
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops it." in line:
                break
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert err.endswith("Stopped.\n")
        said.append("".join(lines))
    first, second = said
    assert "shown this once" in first
    assert len(re.findall(r"^(lms|business|reader) +\1-[0-9a-f]{8} +\S{24,}", first, re.MULTILINE)) == 3
    assert "works once" in first
    assert "carrythrough credentials list" in second
    assert "secret" not in second


def test_what_cannot_start_says_why(server: Server, course: Path, run: Run, tmp_path: Path) -> None:
    inputs = ("--port", 0, "--metrics-port", 0, "--program", course / "program-map.yaml")
    done = run("serve", "--data-dir", server.folder, *inputs)
    assert done.returncode == 1
    assert f"locked by process {server.process.pid}" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--data-dir", "d", "--port", port, *inputs[2:])
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "set port to another port" in " ".join(done.stderr.split())
    (tmp_path / "m.yaml").write_text("map: m\nversion: 1\nname: M\nskills: [{id: a-b}]\n", "utf-8")
    done = run("serve", "--data-dir", "e", "--program", "m.yaml", *inputs[:4])
    assert done.returncode == 1
    assert re.search(r"where m\.yaml:4:\d+", done.stderr)
    done = run("serve", "--data-dir", "f", *inputs[:4])
    assert done.returncode == 1
    assert "code  program-missing" in done.stderr


def test_a_file_sent_to_the_server_and_read_back_both_ways(
    server: Server, course: Path, run: Run, tmp_path: Path
) -> None:
    with gzip.open(course / "statements.jsonl.gz", "rt", encoding="utf-8") as lines:
        statements = [json.loads(line) for line in lines]
    bad = json.dumps(statements[3] | {"timestamp": "soon"})
    text = "".join(json.dumps(one) + "\n" for one in statements)
    (tmp_path / "in.jsonl").write_text(text + bad + "\n" + text.splitlines()[0] + "\n{\n", "utf-8")

    done = run("ingest", "in.jsonl", *server.as_("lms"), "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["accepted"] == len(statements) + 1
    assert found["known"] is None  # this credential may not read
    assert found["quarantined"] == {"json-malformed": 1, "timestamp-invalid": 1}
    assert len((tmp_path / "carrythrough.quarantine.jsonl").read_text("utf-8").splitlines()) == 2

    again = json.loads(run("ingest", "in.jsonl", *server.as_("importer"), "--json").stdout)
    assert (again["accepted"], again["known"]) == (0, len(statements) + 1)
    assert again["folded"]["employees"] == 6
    added = run("credentials", "add", "later", "--scope", "all", "--data-dir", server.folder)
    assert "takes the change up" in added.stderr

    by_url = run("scores", *server.as_("reader"))
    by_folder = run("scores", "--data-dir", server.folder)
    assert by_url.returncode == by_folder.returncode == 0
    assert by_url.stdout == by_folder.stdout
    assert "6 people, 26 skill pairs, 0 with enough evidence." in by_url.stdout
    assert "Alice Edwards" in by_url.stdout

    whom = ("tccc-04", "--skill", "tourniquet-buddy")
    by_url = run("explain", *whom, *server.as_("reader"))
    assert by_url.returncode == 0
    assert "0 of 5 scored outcomes, 17 times seen or read" in by_url.stdout
    assert "Evidence: 20 pieces" in by_url.stdout
    then = (*whom, "--at", "2020-03-01", "--json")
    one = json.loads(run("explain", *then, *server.as_("reader")).stdout)
    two = json.loads(run("explain", *then, "--data-dir", server.folder).stdout)
    assert one["as_of"] == "2020-03-01T23:59:59.999Z"
    assert one == two, "who reads the files is no more the learner than who has a credential to read"
    assert (one.pop("withheld"), one.pop("confidence")) == (True, None)
    own = json.loads(run("explain", *then, "--data-dir", server.folder, "--for-learner").stdout)
    assert own.pop("confidence")["verdict"] == "too-early"
    assert own == one


def test_the_environment_names_the_server_too(server: Server, run: Run) -> None:
    url, key, secret = server.as_("reader")[1::2]
    variables = {"CARRYTHROUGH_URL": url, "CARRYTHROUGH_KEY": key, "CARRYTHROUGH_SECRET": secret}
    for command in (("scores",), ("doctor",), ("quarantine", "list"), ("deadletters", "list")):
        done = run(*command, **variables)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() or done.stderr.strip()
    assert json.loads(run("doctor", "--json", **variables).stdout)["failed"] == 0


def test_refusals_of_the_server_are_shown_as_ours(
    server: Server, run: Run, course: Path, free_port: Any
) -> None:
    file = course / "statements.jsonl.gz"
    key, secret = server.as_("lms")[3::2]
    for arguments, words in (
        (
            ("ingest", file, "--url", server.url, "--key", key, "--secret", secret + "x"),
            "the secret is wrong",
        ),
        (("ingest", file, *server.as_("reader")), "does not have the scope statements/write"),
        (("scores", *server.as_("lms")), "does not have the scope scores/read"),
        (("scores", "nobody", *server.as_("reader")), "employee-unknown"),
        (("explain", "tccc-01", "--skill", "nothing", *server.as_("reader")), "skill-unknown"),
        (
            ("scores", "--url", f"http://127.0.0.1:{free_port()}", "--key", "a", "--secret", "b"),
            "does not answer",
        ),
        (("ingest", file, "--roster", "x", *server.as_("lms")), "--data-dir"),
    ):
        done = run(*arguments)
        assert done.returncode in (1, 2), arguments
        assert words in " ".join(done.stderr.split()), (words, done.stderr)
        assert secret not in done.stderr


def test_ingest_into_the_folder_of_a_server_points_to_the_server(
    server: Server, run: Run, course: Path
) -> None:
    done = run("ingest", course / "statements.jsonl.gz", "--data-dir", server.folder)
    assert done.returncode == 1
    assert "send to the running server with --url" in " ".join(done.stderr.split())


def test_doctor_beside_a_server(server: Server, run: Run) -> None:
    done = run("doctor", "--data-dir", server.folder)
    assert done.returncode == 0, done.stdout
    assert f"process {server.process.pid} holds the data folder" in done.stdout
