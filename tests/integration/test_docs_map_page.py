"""Proves that the examples of the page about program maps are, put together, one sound map that passes its tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from carrythrough.program.load import check_program

FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def page_map(repository: Path, tmp_path: Path) -> Path:
    page = (repository / "docs" / "how-to" / "write-a-program-map.md").read_text("utf-8")
    path = tmp_path / "program-map.yaml"
    path.write_text("\n".join(FENCE.findall(page)), "utf-8")
    return path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "carrythrough.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_linter_has_nothing_to_say_about_it(page_map: Path) -> None:
    program, lints = check_program(page_map.read_text("utf-8"), page_map.name)
    assert [lint.sentence() for lint in lints] == []
    assert program is not None
    sections = ("goals", "skills", "objectives", "activities", "events", "reinforcement", "programs", "tests")
    assert all(getattr(program, section) for section in sections)
    assert run("program", "lint", str(page_map), "--strict").returncode == 0


def test_it_passes_the_tests_that_it_contains_and_fails_when_it_is_wrong(page_map: Path) -> None:
    done = run("program", "test", str(page_map))
    assert done.returncode == 0, done.stdout
    text = page_map.read_text("utf-8")
    page_map.write_text(text.replace("except: {activity:", "except: {activity_type:"), "utf-8")
    done = run("program", "test", str(page_map))
    assert done.returncode == 1
    assert "warm-up" in done.stdout
