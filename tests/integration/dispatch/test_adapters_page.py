"""Proves that what docs/how-to/adapters.md shows works as it stands there: settings, receiver, own adapter."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carrythrough.dispatch import AdapterLimits, build_adapters
from carrythrough.errors import PermanentError
from carrythrough.plugin import action_members
from carrythrough.testing.adapters import sample_action, sample_recipient

FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI="


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "how-to" / "adapters.md").read_text("utf-8")


def block(page: str, language: str, start: str) -> str:
    """Return the only block of a language that begins with `start`."""
    [text] = [text for kind, text in FENCE.findall(page) if kind == language and text.startswith(start)]
    assert isinstance(text, str)
    return text


def test_every_settings_example_is_taken(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("SMTP_PASSWORD", "pass-word")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-0")
    monkeypatch.setenv("TEAMS_WORKFLOW_URL", "https://prod-00.westeurope.logic.azure.com/workflows/0")
    monkeypatch.setenv("MOODLE_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("OPENEDX_SECRET", "secret-of-the-application")
    monkeypatch.setenv("LMS_AUTHORIZATION", "Bearer 0123456789")
    monkeypatch.setenv("LRS_PASSWORD", "pass-word")
    monkeypatch.setenv("NTFY_URL", "ntfys://ntfy.example.com/learning-{pseudonym}")
    (tmp_path / "smtp").write_text("pass-word\n")
    examples = [text for kind, text in FENCE.findall(page) if kind == "toml" and "[adapters." in text]
    assert len(examples) >= 4
    for text in examples:
        build_adapters(tomllib.loads(text.replace("/run/secrets/smtp", str(tmp_path / "smtp")))["adapters"])


def test_the_table_of_limits_is_the_limits(page: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page.split("## Limits")[1], re.MULTILINE))
    fields = msgspec.structs.fields(AdapterLimits)
    assert {field.name: float(field.default) for field in fields} == {key: float(rows[key]) for key in rows}


def test_the_payload_has_the_members_of_the_example(page: str) -> None:
    shown = json.loads(block(page, "json", "{"))
    assert list(shown["data"]) == list(action_members(sample_action()))


@pytest.fixture
def receiver_of_the_page(page: str, tmp_path: Path) -> Iterator[tuple[int, Any]]:
    script = tmp_path / "receiver.py"
    script.write_text(block(page, "python", "# receiver.py"))
    environment = {**os.environ, "CRM_WEBHOOK_SECRET": SECRET, "PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    words = process.stdout.readline()
    yield int(words.rsplit(" ", 1)[1]), process.stdout
    process.kill()
    process.communicate()


def test_the_receiver_takes_what_is_signed_once_and_refuses_the_rest(
    receiver_of_the_page: tuple[int, Any],
) -> None:
    port, output = receiver_of_the_page
    url = f"http://127.0.0.1:{port}/"
    right = build_adapters({"crm": {"adapter": "webhook", "url": url, "secrets": [SECRET]}})["crm"]
    forged = {
        "adapter": "webhook",
        "url": url,
        "secrets": ["whsec_YW5vdGhlciBzZWNyZXQsIG5vdCB0aGUgcmlnaHQgb25l"],
    }
    for _ in range(2):
        right.send(sample_action(), sample_recipient(), "one")
    with pytest.raises(PermanentError, match="401"):
        build_adapters({"crm": forged})["crm"].send(sample_action(), sample_recipient(), "two")
    right.send(sample_action(title="the last"), sample_recipient(), "three")
    assert output.readline() == f"nudge {'a' * 26} Use it in your next call\n"
    assert output.readline() == f"nudge {'a' * 26} the last\n", "a repeat or a forgery was taken"


def test_the_own_adapter_keeps_the_contract(page: str, tmp_path: Path) -> None:
    project = tomllib.loads(block(page, "toml", "# pyproject.toml"))["project"]
    [(name, value)] = project["entry-points"]["carrythrough.adapters"].items()
    info = tmp_path / "carrythrough_pigeon-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrythrough-pigeon\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[carrythrough.adapters]\n{name} = {value}\n")
    for file in ("carrythrough_pigeon.py", "test_pigeon.py"):
        (tmp_path / file).write_text(block(page, "python", f"# {file}"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pigeon.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    passed = re.search(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stdout
    assert passed
    assert int(passed[1]) >= 13
