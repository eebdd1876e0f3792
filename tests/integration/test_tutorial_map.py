"""Proves the tutorial on program maps by doing it: its commands and edits, in an empty folder, lead where it says.

Each edit has to stand in a message that the command before it printed, word for word.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PAGE = Path("docs", "tutorial", "map-from-statements.md")
FENCE = re.compile(
    r"(?:^\*\*Edit \d\.\*\*[^\n]*?Add (?P<where>at the end|after line \d+):\n\n)?"
    r"^```(?P<kind>sh|text|yaml)\n(?P<body>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
COMMANDS_MAX, EDITS_MAX, SHARE_MIN = 8, 3, 0.8


class Step(NamedTuple):
    """A fenced block of the page: a command ("sh"), what it prints ("text"), or an edit ("yaml")."""

    kind: str
    body: str
    where: str


@pytest.fixture(scope="module")
def steps(repository: Path) -> list[Step]:
    text = (repository / PAGE).read_text("utf-8")
    return [Step(found["kind"], found["body"], found["where"] or "") for found in FENCE.finditer(text)]


@pytest.fixture(scope="module")
def done(
    steps: list[Step], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Step, str]]:
    """Do every step in an empty folder; returns each with what the last command had printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    printed, found = "", []
    for step in steps:
        if step.kind == "sh":
            printed = shell(step.body, folder, repository)
        elif step.kind == "yaml":
            edit(folder / "program-map.yaml", step)
        found.append((step, printed))
    (folder / "done").touch()
    return [*found, (Step("folder", str(folder), ""), "")]


def shell(script: str, folder: Path, repository: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PROJECT": str(repository)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def edit(path: Path, step: Step) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = len(lines) if step.where == "at the end" else int(step.where.rpartition(" ")[2])
    path.write_text("".join([*lines[:at], step.body, *lines[at:]]), "utf-8")


def proposed(printed: str) -> list[tuple[str, str]]:
    """Return the edits that a command proposed: where, and the lines."""
    found = re.findall(r"^  edit  add ([^\n]*):\n((?:  \|[^\n]*\n)+)", printed, re.MULTILINE)
    return [(where, "".join(f"{line[4:]}\n" for line in block.splitlines())) for where, block in found]


def test_it_takes_few_commands_and_few_edits(steps: list[Step]) -> None:
    commands = [line for step in steps if step.kind == "sh" for line in step.body.splitlines()]
    assert 5 <= len(commands) <= COMMANDS_MAX
    assert 1 <= len([step for step in steps if step.kind == "yaml"]) <= EDITS_MAX
    assert all(step.where for step in steps if step.kind == "yaml")


def test_each_edit_was_proposed_by_the_command_before_it(done: list[tuple[Step, str]]) -> None:
    for step, printed in done:
        if step.kind == "yaml":
            assert (step.where, step.body) in proposed(printed)


def test_each_command_prints_what_the_page_shows(done: list[tuple[Step, str]]) -> None:
    for step, printed in done:
        if step.kind == "text":
            flat = " ".join(printed.split())
            for line in step.body.splitlines():
                assert " ".join(line.split()) in flat


def test_the_map_gives_evidence_for_most_of_the_score_bearing_statements(
    done: list[tuple[Step, str]],
) -> None:
    folder = Path(done[-1][0].body)
    assert (folder / "statements.jsonl.gz").stat().st_size > 100_000
    command = "carrythrough program coverage program-map.yaml statements.jsonl.gz --json"
    found = json.loads(shell(command, folder, folder))
    assert (found["statements"], found["score_bearing"]) == (2814, 326)
    assert found["share"] >= SHARE_MIN
    assert "score" in found["score_bearing_means"]
    # Nobody was examined: however the statements are mapped, none of them is an outcome.
    assert found["score_bearing_with_outcome"] == 0
    lint = json.loads(shell("carrythrough program lint program-map.yaml --json", folder, folder))
    assert (lint["errors"], lint["warnings"]) == (0, 0)
