"""Proves that names are put into an action only as it leaves, and that no text leaves with a hole in it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from carrythrough.dispatch.addressing import addressed_to
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.ports import Recipient

NAMES = {"learner": "Ada Lovelace", "manager": "Grace Hopper", "nobody": ""}


class People:
    """A directory of a few people."""

    def recipient(self, pseudonym: str) -> Recipient | None:
        """Return a person by name."""
        return Recipient(pseudonym=pseudonym, name=NAMES[pseudonym]) if pseudonym in NAMES else None

    def recipients(self, pseudonyms: Iterable[str]) -> dict[str, Recipient]:
        """Return those that are known."""
        return {name: found for name in pseudonyms if (found := self.recipient(name))}


ACTION = ActionRequested(
    id="a", subject="learner", recipient="learner", to="employee", skill="s", skill_name="S", action="nudge",
    rule="r", stage="unapplied", score=0.5, as_of_ms=0, expires_ms=1, title="T", body="B", link="", why="",
)  # fmt: skip


def sent(**more: str) -> tuple[str, str]:
    action = msgspec.structs.replace(ACTION, **more)
    people = People()
    dressed, refused = addressed_to(action, people.recipient(action.recipient), people)
    assert dressed.id == action.id
    return f"{dressed.title}/{dressed.body}", refused


def test_whoever_gets_it_is_called_by_name() -> None:
    assert sent(title="Hello {name}") == ("Hello Ada Lovelace/B", "")


def test_a_manager_reads_whom_it_is_about() -> None:
    said = sent(recipient="manager", body="{name}, ask {person}.")
    assert said == ("T/Grace Hopper, ask Ada Lovelace.", "")


@pytest.mark.parametrize("who", ["nobody", "unknown"])
def test_without_a_name_the_words_in_its_place_are_said_or_nothing_leaves(who: str) -> None:
    assert sent(recipient=who, subject=who, title="Hello {name|there}") == ("Hello there/B", "")
    text, refused = sent(recipient=who, subject=who, title="Hello {name}")
    assert "{name}" in refused
    assert text == "Hello {name}/B"


def test_braces_of_older_texts_stay_as_they_are() -> None:
    assert sent(body='{"a": 1} {skill}') == ('T/{"a": 1} {skill}', "")


def test_a_name_forges_no_line_and_no_placeholder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "learner", "Ada\r\nBcc: all@x.example {person}")
    assert sent(title="Hello {name}") == ("Hello Ada Bcc: all@x.example {person}/B", "")
    monkeypatch.setitem(NAMES, "learner", "A" * 5_000)
    assert len(sent(title="{name}")[0]) < 120
