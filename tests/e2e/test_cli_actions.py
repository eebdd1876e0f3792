"""Proves that an author sees a message before anybody gets it: words, language, names, and when it would not leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carrythrough.cli.main import main

MAP = """\
map: m
version: 1
name: M
skills: [{id: calm, name: "Calm <customers>"}]
reinforcement:
  - id: own
    when: {stage: unapplied}
    action: nudge
    title: "{name|You}, try {skill}"
    body: "Score {score} of {target}, {days} days."
    texts:
      de: {title: "Los: {skill}", body: "Stand {score} von {target}, {name}."}
    adapters: [console]
  - {id: shipped, when: {stage: underperforming}, action: coaching, to: manager, adapters: [console]}
"""
ROSTER = '{"people": [{"id": "e-1", "name": "Bo Ek", "locale": "de-AT"}, {"id": "e-2"}]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text(MAP, "utf-8")
    (tmp_path / "roster.json").write_text(ROSTER, "utf-8")
    return tmp_path


def previewed(
    folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, dict[str, Any]]:
    code = main(["actions", "preview", str(folder / "map.yaml"), *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_words_are_those_of_the_map(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = previewed(folder, capsys, "own")
    assert code == 0
    assert shown["subject"] == "Ada Lovelace, try Calm <customers>"
    assert "Score 61 of 75, 21 days." in shown["text"]
    assert "Calm &lt;customers&gt;" in shown["html"]
    assert "<customers>" not in shown["html"]


def test_a_locale_chooses_the_language(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert previewed(folder, capsys, "own", "--locale", "de-CH")[1]["subject"] == "Los: Calm <customers>"
    assert "Fünfzehn Minuten" in previewed(folder, capsys, "shipped", "--locale", "de")[1]["subject"]


def test_a_roster_gives_name_and_language(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = ("--roster", str(folder / "roster.json"))
    code, shown = previewed(folder, capsys, "own", "--person", "e-1", *roster)
    assert (code, shown["text"].splitlines()[2]) == (0, "Stand 61 von 75, Bo Ek.")
    assert (
        previewed(folder, capsys, "own", "--person", "e-2", *roster)[1]["subject"]
        == "You, try Calm <customers>"
    )


def test_a_message_that_would_not_leave_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = previewed(folder, capsys, "own", "--locale", "de", "--person", "")
    assert code == 1
    assert "{name}" in shown["refused"]


def test_people_read_text_and_html(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actions", "preview", str(folder / "map.yaml"), "shipped"]) == 0
    shown = capsys.readouterr().out
    assert "Grace Hopper uses this at work" in shown
    assert "<h2>Fifteen minutes of coaching" in shown
    assert main(["actions", "preview", str(folder / "map.yaml"), "shipped", "--html"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_what_is_not_in_the_map_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actions", "preview", str(folder / "map.yaml"), "oven"]) == 2
    assert "own, shipped" in capsys.readouterr().err
    assert main(["actions", "preview", str(folder / "map.yaml"), "own", "--skill", "x"]) == 2
    assert main(["actions", "preview", str(folder / "map.yaml"), "own", "--person", "x", "--roster",
                 str(folder / "roster.json")]) == 2  # fmt: skip


def test_the_catalogue_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["actions", "list", "--json"]) == 0
    assert {"mentor-match", "nudge"} <= {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    assert main(["actions", "list"]) == 0
    assert "opportunity-request" in capsys.readouterr().out
