"""Proves that the examples of docs/how-to/roster-files.md do what the page says, run as printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from carrythrough.cli.roster_places import read_mapping
from carrythrough.identity.columns import COLUMNS
from carrythrough.identity.person import Person
from carrythrough.identity.roster import check_roster

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(repository: Path, kind: str) -> list[str]:
    text = (repository / "docs" / "how-to" / "roster-files.md").read_text("utf-8")
    return [body for language, body in FENCE.findall(text) if language == kind]


def test_the_rosters_on_the_page_are_good(repository: Path) -> None:
    (table,) = examples(repository, "csv")
    roster, lints = check_roster(table, "page.csv")
    assert lints == []
    assert [person.id for person in roster.people] == ["e-1", "e-2"]
    document = examples(repository, "yaml")[0]
    roster, lints = check_roster(document, "page.yaml")
    assert lints == []
    assert roster.people[0].former_emails == ("ann.huber@example.org",)


def test_the_mapping_on_the_page_is_one(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(examples(repository, "yaml")[1])
    mapping = read_mapping(path)
    text = "Key,Full name,Unit,Login,start_date\n1,Ann,N,ann,03/04/2026\n"
    roster, lints = check_roster(text, "hr.csv", mapping)
    assert lints == []
    assert roster.people[0].hire_date == "2026-04-03"


def test_the_requests_on_the_page_are_answered(repository: Path, live: Any) -> None:
    key, secret = live.logins["writer"]
    script = next(body for body in examples(repository, "sh") if "curl" in body)
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "KEY": key, "SECRET": secret, "BASE": live.url},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    answers = [json.loads(part) for part in re.split(r"(?<=\})(?=\{)", done.stdout)]
    assert answers[1]["person"] == {
        "id": "e-3",
        "name": "Cy Falk",
        "manager": "e-2",
        "exit_date": "2026-12-31",
    }
    assert "e-3" in [person["id"] for person in answers[2]["people"]]


def test_every_field_of_a_person_can_stand_in_a_table() -> None:
    apart = {"identifiers": {"mbox", "mbox_sha1sum", "openid", "account_home_page", "account_name"}}
    apart["week"] = {f"hours_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    wanted = {name for field in Person.__struct_fields__ for name in apart.get(field, {field})}
    assert set(COLUMNS) == wanted | {"given_name", "family_name"}
