"""Proves that the pages about senders say what is there: replays, settings and reasons have their lines."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carrythrough.evidence.cmi5 import Aside
from carrythrough.pull.source import PullSource, checked
from carrythrough.settings import Settings


@pytest.fixture(scope="module")
def page(repository: Path) -> Any:
    return lambda name: (repository / "docs" / "how-to" / name).read_text("utf-8")


def test_every_sender_that_is_replayed_has_a_row_and_every_row_a_proof(repository: Path, page: Any) -> None:
    rows = [line for line in page("senders.md").splitlines() if line.startswith("| ")][1:]
    proofs = [re.findall(r"\((\.\./[^)]+\.py)\)", row) for row in rows]
    assert len(rows) >= 10
    assert all(proofs), "a row without a test behind it"
    linked = {Path(link).name for links in proofs for link in links}
    replays = {path.name for path in (repository / "tests" / "integration" / "senders").glob("test_*.py")}
    assert replays <= linked


def test_every_page_of_a_sender_is_in_the_table(repository: Path, page: Any) -> None:
    table = page("senders.md")
    pages = {path.name for path in (repository / "docs" / "how-to").glob("send-from-*.md")}
    assert {name for name in pages if f"({name}" not in table} == set()


def test_every_setting_of_a_source_is_explained_and_the_example_works(page: Any) -> None:
    text = page("pull-from-an-lrs.md")
    assert {name for name in PullSource.__struct_fields__ if f"`{name}`" not in text} == set()
    example = tomllib.loads(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    settings = msgspec.convert(example, Settings)
    for name, source in settings.pull.items():
        checked(name, source)


def test_every_reason_why_a_cmi5_statement_does_not_count_is_explained(page: Any) -> None:
    text = page("send-from-cmi5.md")
    reasons = {aside.name.lower().replace("_", "-") for aside in Aside}
    assert {reason for reason in reasons if f"`{reason}`" not in text} == set()
