"""Proves `carrythrough documents`: what content has kept about an agent is listed, and erased for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carrythrough.embedded.clock import SystemClock
from carrythrough.embedded.documents import DocumentFile
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.documents import Content, Context

PROGRAM = Path(sys.executable).with_name("carrythrough")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CARRYTHROUGH_")}
Run = Callable[..., "subprocess.CompletedProcess[str]"]
ACCOUNT = {"account": {"homePage": "https://lms.example.org", "name": "4711"}}
KEPT = [
    (Context(kind="state", activity="https://x.example/a", agent="mbox:mailto:ana@example.org"), "bookmark"),
    (
        Context(
            kind="state",
            activity="https://x.example/a",
            agent="mbox:mailto:ana@example.org",
            registration="00000000-0000-4000-8000-000000000001",
        ),
        "bookmark",
    ),
    # SHA-1 of "mailto:ana@example.org"
    (Context(kind="agent-profile", agent="mbox_sha1sum:0e5544afbb6be286591577af49b31b0187a46ef0"), "hashed"),
    (Context(kind="agent-profile", agent="account:https://lms.example.org|4711"), "prefs"),
    (Context(kind="activity-profile", activity="https://x.example/a"), "notes"),
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=tmp_path,
            env=CLEAN,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log.sqlite").touch()
    file = DocumentFile(folder / "documents.sqlite", SystemClock(), Telemetry())
    file.start()
    for context, id_ in KEPT:
        file.change(context, id_, lambda _: Content("text/plain", b"page 7"))
    file.stop()
    return folder


def test_documents_about_an_agent_are_listed_and_erased(run: Run, data: Path) -> None:
    listed = json.loads(run("documents", "list", "Ana@example.org", "--json", "--data-dir", data).stdout)
    assert [(d["kind"], d["id"], d["size"]) for d in listed["documents"]] == [
        ("state", "bookmark", 6),
        ("state", "bookmark", 6),
        ("agent-profile", "hashed", 6),
    ]
    shown = run("documents", "list", json.dumps(ACCOUNT), "--data-dir", data).stdout
    assert "agent-profile" in shown
    assert "prefs" in shown

    assert "3 documents erased." in run("documents", "forget", "ana@example.org", "--data-dir", data).stdout
    assert "Nothing is kept" in run("documents", "list", "mailto:ana@example.org", "--data-dir", data).stdout
    again = run("documents", "forget", "ana@example.org", "--json", "--data-dir", data)
    assert json.loads(again.stdout) == {"erased": 0}
    assert json.loads(
        run("documents", "forget", json.dumps(ACCOUNT), "--json", "--data-dir", data).stdout
    ) == {"erased": 1}
    file = DocumentFile(data / "documents.sqlite", SystemClock(), Telemetry())
    assert file.ids(KEPT[-1][0]).ids == ["notes"]  # about nobody
    file.stop()


@pytest.mark.parametrize("agent", ["ana", "{", '{"mbox":"ana@example.org"}', "{}"])
def test_what_is_no_agent_is_a_wrong_command_line(run: Run, data: Path, agent: str) -> None:
    done = run("documents", "forget", agent, "--data-dir", data)
    assert done.returncode == 2
    assert "AGENT" in done.stderr
    assert "fix" in done.stderr


def test_another_folder_is_not_one_in_which_nothing_is_kept(run: Run, tmp_path: Path) -> None:
    done = run("documents", "forget", "ana@example.org", "--data-dir", tmp_path / "nowhere")
    assert done.returncode == 1
    assert "data-folder-empty" in done.stderr
