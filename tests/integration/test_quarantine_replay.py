"""Proves that `carrythrough quarantine replay` stores what passes by now, once, and in the name of its sender.

The statements are put aside by a real server with a reason of yesterday: the rules or repairs of then.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import Problem
from carrythrough.pipeline.records import Kind
from carrythrough.settings import Settings
from carrythrough.testing.offline import compare, offline_fold, stored_state
from carrythrough.xapi import lenient
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.lenient import Sender
from carrythrough.xapi.query import AttachmentData
from carrythrough.xapi.signatures import USAGE_TYPE

PROGRAM = Path(sys.executable).with_name("carrythrough")
PLAIN: dict[str, Any] = {
    "actor": {"mbox": "mailto:ana@example.org"},
    "verb": {"id": "http://example.org/did"},
    "object": {"id": "http://example.org/it"},
    "timestamp": "2026-03-01T09:30:00.000Z",
}
UUIDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(5)]
GOOD = PLAIN | {"id": UUIDS[0]}
NAMELESS = PLAIN | {"result": {"success": True}}
MENDED = PLAIN | {"id": UUIDS[1], "version": "1.03"}
BAD = PLAIN | {"id": UUIDS[2], "verb": {"id": "did"}}
COLLIDES = PLAIN | {"id": UUIDS[3], "result": {"success": False}}
DATA = AttachmentData(sha2=hashlib.sha256(b"seen").hexdigest(), content_type="text/plain", data=b"seen")
ATTACHED = {
    "usageType": "http://example.org/certificate",
    "display": {"en": "Seen"},
    "contentType": "text/plain",
    "length": 4,
    "sha2": DATA.sha2.upper(),
}
WITH_DATA = PLAIN | {"attachments": [ATTACHED]}
SIGNED = PLAIN | {"attachments": [ATTACHED | {"usageType": USAGE_TYPE}]}
SENT = (GOOD, NAMELESS, MENDED, WITH_DATA, BAD, COLLIDES, SIGNED)
OUTCOMES = [
    "stored",
    "stored",
    "repaired",
    "stored",
    "iri-invalid",
    "statement-conflict",
    "signature-malformed",
]
YESTERDAY = Problem(
    code="statement-invalid",
    status=400,
    title="Yesterday",
    detail="unknown then",
    rule="a rule of then",
    fix="wait",
)


@pytest.fixture
def folder(tmp_path: Path, repository: Path, wait_until: Any) -> Path:
    """A data folder in whose log seven statements of "vr" were refused, and one of their ids is taken."""
    program = repository / "examples" / "tccc" / "program-map.yaml"
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(program)))
    try:
        runtime.start(deliver=False)
        sender = Sender(credential="vr", version="1.0.3", now_ms=runtime.clock.now_ms())
        texts = [json.dumps(value).encode() for value in SENT]
        refused = [lenient.set_aside(text, YESTERDAY, sender) for text in texts]
        asyncio.run(runtime.submit_statements(refused, "vr", attachments=[DATA], lenient=True))
        taken = lenient.admit(json.dumps(PLAIN | {"id": UUIDS[3]}).encode(), Limits(), sender)
        asyncio.run(runtime.submit_statements(taken, "vr", lenient=True))
        wait_until(lambda: runtime.state.position >= runtime.log.end, what="the fold")
    finally:
        runtime.stop()
    return tmp_path / "data"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "quarantine", *arguments, "--data-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def stored(folder: Path) -> list[tuple[str, bytes]]:
    log = apsw.Connection(str(folder / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    query = "SELECT credential, raw FROM log WHERE kind = ? ORDER BY position"
    return list(log.execute(query, (int(Kind.STATEMENT),)))


def test_what_passes_by_now_is_stored_once(folder: Path):
    before = len(stored(folder))
    done = run(folder, "replay", "--json")
    assert done.returncode == 1, done.stderr
    entries = json.loads(done.stdout)["entries"]
    assert [
        entry["problem"]["code"] if entry.get("problem") else entry["outcome"] for entry in entries
    ] == OUTCOMES
    new = stored(folder)[before:]
    assert [credential for credential, _ in new] == ["vr"] * 4
    assert [json.loads(raw).get("version") for _, raw in new] == [None, None, "1.0.3", None]
    again = json.loads(run(folder, "replay", "--json").stdout)["counts"]
    assert again == {"known": 4, "refused": 4}
    assert len(stored(folder)) == before + 4
    state = stored_state(folder)
    assert compare(state, offline_fold(folder, up_to=state.position)) == []


def test_single_entries_and_words(folder: Path):
    positions = sorted(e["position"] for e in json.loads(run(folder, "list", "--json").stdout)["set_aside"])
    done = run(folder, "replay", str(positions[0]))
    assert done.returncode == 0
    assert "1 statement judged again" in done.stdout
    done = run(folder, "replay", str(positions[4]))
    assert done.returncode == 1
    assert "iri-invalid" in done.stdout
    wrong = run(folder, "replay", "999999")
    assert wrong.returncode != 0
    assert "entry-unknown" in wrong.stderr
