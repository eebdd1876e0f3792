"""Proves that the file adapter writes whole lines, keeps them private, and that a torn one spoils none."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from carrythrough.dispatch import BuiltAdapter, build_adapters
from carrythrough.errors import TransientError
from carrythrough.testing.adapters import sample_action, sample_recipient


def made(path: Path, **more: Any) -> BuiltAdapter:
    return build_adapters({"file": {"path": str(path), **more}})["file"]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_a_line_says_what_and_for_whom_by_pseudonym(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    adapter = made(path)
    assert adapter.send(sample_action(), sample_recipient(), "key-1") == "appended to a.jsonl"
    [line] = lines(path)
    assert line["id"] == "key-1"
    assert (line["recipient"], line["action"], line["score"]) == ("a" * 26, "nudge", 0.42)
    assert line["as_of"] == "2023-11-14T22:13:20.000Z"
    assert line["delivered"].endswith("Z")
    assert "contact" not in line
    assert "dana@example.org" not in path.read_text()
    made(path, include_contact=True).send(sample_action(), sample_recipient(), "key-2")
    assert lines(path)[1]["contact"] == {"name": "Dana Ösper", "email": "dana@example.org"}


def test_a_new_file_is_private_and_an_old_one_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    made(path).send(sample_action(), None, "key-1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made(path).send(sample_action(), None, "key-2")
    assert [line["id"] for line in lines(path)] == ["key-1", "key-2"]


def test_a_line_torn_by_a_crash_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":"whole"}\n{"id":"to')
    made(path).send(sample_action(), None, "key-1")
    whole, torn, mine = path.read_bytes().splitlines()
    assert (whole, torn) == (b'{"id":"whole"}', b'{"id":"to')
    assert json.loads(mine)["id"] == "key-1"


FULL = """
    import resource, signal, sys
    from carrythrough.dispatch import build_adapters
    from carrythrough.errors import TransientError
    from carrythrough.testing.adapters import sample_action

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
    adapter = build_adapters({"file": {"path": sys.argv[1]}})["file"]
    refused = 0
    for number in range(6):
        if number == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        try:
            adapter.send(sample_action(), None, f"key-{number}")
        except TransientError as error:
            assert "File too large" in str(error), error
            refused += 1
    print(refused)
"""


def test_a_full_disk_is_transient_and_costs_no_other_line(tmp_path: Path) -> None:
    """A file size limit in a process of its own makes a write fail half-way, as a full disk does."""
    path = tmp_path / "a.jsonl"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    refused = int(run.stdout)
    assert refused >= 1
    whole = []
    for line in path.read_bytes().splitlines():
        try:
            whole.append(json.loads(line)["id"])
        except ValueError:
            continue
    assert whole[-2:] == ["key-4", "key-5"], "the lines after the full disk must be whole"
    assert len(whole) == 6 - refused


def test_what_cannot_be_written_is_said_beforehand(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "a.jsonl", tmp_path):
        with pytest.raises(TransientError, match="create the folder"):
            made(path).check()
        with pytest.raises(TransientError):
            made(path).send(sample_action(), None, "key")
    assert made(tmp_path / "a.jsonl").check() == f"appends JSON lines to {tmp_path / 'a.jsonl'}"
    assert list(tmp_path.iterdir()) == []
