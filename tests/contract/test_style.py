"""Proves the house rules that no linter knows: file length, module names, no machine's paths."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

LINES_MAX = 400
"""A file longer than this is two rooms; give the second a name of its own."""

LONGER_WITH_REASON: dict[str, str] = {}
"""Files that may be longer, each with the reason."""

NAMELESS = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
"""Module names that say nothing about what is inside."""

BINARY = {".gz", ".ico", ".jpg", ".lock", ".png", ".sqlite", ".woff2"}
"""Endings that are not searched: no prose in them (locks have a check of their own in tools/lock.sh)."""

# Home folders and build machines, written so that this line does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.:~}])/(?:root|home/[a-z]\w*|Users/[A-Za-z]\w*|work|opt/wheels)" + r"/")


def tracked(repository: Path, *patterns: str) -> list[Path]:
    """Return the files git knows or would add; not what it ignores."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        *patterns,
    ]
    listing = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.fail(f"these rules are about what is committed; this is no git checkout: {listing.stderr}")
    return [
        repository / name for name in listing.stdout.split("\0") if name and (repository / name).is_file()
    ]


def test_files_are_short_enough_to_be_one_room(repository: Path) -> None:
    files = tracked(repository, "*.py")
    assert files, "no Python files found: the rule would hold for nothing"
    lengths = {
        str(path.relative_to(repository)): len(path.read_text("utf-8").splitlines())
        for path in files
        if "vendor" not in path.parts
    }
    too_long = {name: n for name, n in lengths.items() if n > LINES_MAX and name not in LONGER_WITH_REASON}
    assert not too_long
    outgrown = [name for name in LONGER_WITH_REASON if lengths.get(name, 0) <= LINES_MAX]
    assert not outgrown, "these need their exception no longer"


def test_modules_are_named_after_what_they_are(repository: Path) -> None:
    nameless = [
        str(path.relative_to(repository))
        for path in tracked(repository, "*.py")
        if NAMELESS & {path.stem, *path.relative_to(repository).parts[:-1]}
    ]
    assert not nameless


def test_no_path_of_a_machine_is_committed(repository: Path) -> None:
    found = [
        f"{path.relative_to(repository)}:{number}: {line.strip()[:120]}"
        for path in tracked(repository)
        if path.suffix not in BINARY
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not found


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("cd /ro" + "ot/project", True),
        ("open('/ho" + "me/ada/x')", True),
        ("/wo" + "rk/main", True),
        ("https://example.org/wo" + "rk/1", False),
        ("frame" + "wo" + "rk/thing", False),
    ],
)
def test_the_path_rule_catches_what_it_should(line: str, caught: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is caught
