"""Proves that each dependency has its reason on a page, and that the locks are what they promise."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))


def bare(requirement: str) -> str:
    """Return the normalised name of a requirement."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def named(project: dict[str, Any]) -> Iterator[str]:
    yield from map(bare, project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        yield from map(bare, extra)
    for group in project["dependency-groups"].values():
        yield from (bare(entry) for entry in group if isinstance(entry, str))


def test_every_dependency_has_its_reason_and_nothing_else_has(
    repository: Path, project: dict[str, Any]
) -> None:
    rows = dict(ROW.findall((repository / "docs" / "dependencies.md").read_text("utf-8")))
    assert sorted(rows) == sorted(set(named(project)))
    assert not [name for name, reason in rows.items() if len(reason.split()) < 3]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_with_hashes_and_names_no_address(repository: Path, lock: str) -> None:
    text = (repository / lock).read_text("utf-8")
    requirements = [entry for entry in re.split(r"\n(?=\S)", text) if entry and not entry.startswith("#")]
    assert requirements
    assert not [
        entry.splitlines()[0] for entry in requirements if "==" not in entry or "--hash=sha256:" not in entry
    ]
    assert not re.search(r"https?://|file:|--(index|extra-index|find-links)| @ ", text)


def test_the_locks_hold_what_the_project_asks_for(repository: Path, project: dict[str, Any]) -> None:
    runtime, everything = (
        {bare(name) for name, _ in PINNED.findall((repository / lock).read_text("utf-8"))} for lock in LOCKS
    )
    assert {bare(name) for name in project["project"]["dependencies"]} <= runtime
    assert set(named(project)) <= everything


def test_what_is_tested_is_what_runs(repository: Path) -> None:
    runtime, everything = (
        {(bare(name), version) for name, version in PINNED.findall((repository / lock).read_text("utf-8"))}
        for lock in LOCKS
    )
    assert runtime <= everything


def test_the_build_is_locked_too(project: dict[str, Any]) -> None:
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def imported(folders: Iterable[Path]) -> set[str]:
    """Return the top-level names that the Python files below `folders` import."""
    found: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


def imported_at_start(folders: Iterable[Path]) -> set[str]:
    """Return the top-level names that those files import when they are imported themselves."""
    found: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


def test_what_an_extra_brings_is_imported_where_it_is_used(repository: Path, project: dict[str, Any]) -> None:
    distributions = packages_distributions()
    names = imported_at_start([repository / "processor", repository / "plugins" / "carrythrough_adapters"])
    declared = {bare(requirement) for requirement in project["project"]["dependencies"]}
    extras = {bare(one) for extra in project["project"]["optional-dependencies"].values() for one in extra}
    started = {bare(distributions[name][0]) for name in names if name in distributions}
    assert started & (extras - declared) == set(), "a server without the extra could not start"


IMPORTED_BY_NOBODY = {
    "tzdata": "data that zoneinfo reads",
}


def test_the_product_imports_what_it_depends_on_and_nothing_else(
    repository: Path, project: dict[str, Any]
) -> None:
    distributions = packages_distributions()
    names = imported([repository / "processor", repository / "plugins" / "carrythrough_adapters"])
    ours = {"carrythrough", "carrythrough_adapters"}
    third_party = {name for name in names - ours if name not in sys.stdlib_module_names}
    used = {bare(distributions[name][0]) for name in third_party}
    declared = {bare(requirement) for requirement in project["project"]["dependencies"]}
    extras = {bare(one) for extra in project["project"]["optional-dependencies"].values() for one in extra}
    assert used - declared - extras == set(), "imported, and missing from the dependencies of the product"
    assert declared - used - set(IMPORTED_BY_NOBODY) == set(), "a dependency that nothing imports"
