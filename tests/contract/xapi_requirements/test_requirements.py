"""Proves that every requirement in the catalogue has a test, and that every marker names a requirement."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def sources(repository: Path) -> Any:
    """Give the module of the generator that reads catalogue and markers."""
    sys.path.insert(0, str(repository / "tools"))
    try:
        from reference_pages import requirements
    finally:
        sys.path.remove(str(repository / "tools"))
    return requirements


def test_every_requirement_has_a_test(repository: Path, sources: Any) -> None:
    proved = {(proof.version, proof.section) for proof in sources.proofs(repository)}
    wanted = sources.requirements(repository)
    assert wanted
    assert not [f"{r.version} {r.section}" for r in wanted if (r.version, r.section) not in proved]


def test_every_marker_names_a_requirement(repository: Path, sources: Any) -> None:
    known = {(r.version, r.section) for r in sources.requirements(repository)}
    unknown = [
        f"{proof.path}:{proof.line} {proof.version} {proof.section}"
        for proof in sources.proofs(repository)
        if (proof.version, proof.section) not in known
    ]
    assert not unknown


def test_no_requirement_stands_twice(repository: Path, sources: Any) -> None:
    sections = [(r.version, r.section) for r in sources.requirements(repository)]
    assert len(sections) == len(set(sections))
