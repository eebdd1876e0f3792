"""Proves that every action has words for everybody who may get it, in each language, and never words with a hole."""

from __future__ import annotations

from typing import get_args

import pytest

from carrythrough.authoring.action_names import ActionName
from carrythrough.identity.person import OptOut
from carrythrough.program.actions import ACTIONS
from carrythrough.program.shipped_texts import SHIPPED
from carrythrough.program.types import Reinforcement, When, Wording
from carrythrough.program.wording import (
    AT_SENDING,
    MEANINGS,
    addressed,
    filled,
    filled_link,
    placeholders,
    tags_of,
)
from carrythrough.reinforcement.actions import said

KNOWN = {"skill": "De-escalation", "score": "61", "target": "75", "stage": "unapplied", "why": "Because."}
IDS = {"skill_id": "de-escalation", "person_id": "p/1 2"}
EVERYBODY = sorted((action.name, to) for action in ACTIONS.values() for to in action.to)


def rule(**more: object) -> Reinforcement:
    return Reinforcement(**({"id": "r", "when": When(), "action": "nudge"} | more))  # type: ignore[arg-type]


def test_maps_rosters_and_the_catalogue_know_the_same_actions() -> None:
    assert set(ACTIONS) == set(get_args(ActionName))
    assert set(get_args(OptOut)) == {"all", *ACTIONS}


@pytest.mark.parametrize("language", sorted(SHIPPED))
@pytest.mark.parametrize(("action", "to"), EVERYBODY)
def test_every_action_comes_with_a_text_that_needs_nobodys_name(language: str, action: str, to: str) -> None:
    words = said(rule(action=action, to=to), language, KNOWN, IDS)
    assert (words.title, words.body) != (KNOWN["skill"], "")
    for text in (words.title, words.body):
        whole, missing = addressed(text, {})
        assert not missing
        assert "{" not in whole
        named, missing = addressed(text, dict.fromkeys(AT_SENDING, "Ada Lovelace"))
        assert not missing
        assert {found.word for found in placeholders(text)} <= AT_SENDING
        assert ("Ada Lovelace" in named) is bool(list(placeholders(text)))
    title, body = SHIPPED[language][action, to]
    assert filled(title, KNOWN) == words.title
    assert len(body) <= 400


@pytest.mark.parametrize("language", sorted(SHIPPED))
def test_shipped_texts_are_for_known_actions_and_use_known_placeholders(language: str) -> None:
    assert sorted(SHIPPED[language]) == EVERYBODY
    for texts in SHIPPED[language].values():
        for text in texts:
            assert {found.word for found in placeholders(text)} <= set(MEANINGS)


TEXTS = {"de": Wording(title="Los: {skill}", body="Noch {days|ein paar} Tage", link="https://x.example/de")}


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("de", "Los: De-escalation"),
        ("de-CH-1996", "Los: De-escalation"),
        ("DE_at", "Los: De-escalation"),
        ("fr", "Go"),
        ("den", "Go"),
    ],
)
def test_the_nearest_language_wins_then_the_rules_own_words(locale: str, title: str) -> None:
    words = said(rule(title="Go", body="B", link="https://x.example/", texts=TEXTS), locale, KNOWN, IDS)
    assert words.title == title
    assert words.link == ("https://x.example/de" if title != "Go" else "https://x.example/")


def test_without_words_of_its_own_a_rule_speaks_the_persons_language() -> None:
    german, english, french = (said(rule(), locale, KNOWN, IDS).title for locale in ("de-DE", "en-GB", "fr"))
    assert german != english
    assert french == english


@pytest.mark.parametrize("hole", ["{days}", "{unheard_of}", "{Score}", "{}", "{ skill }", "{skill|a|b}"])
def test_a_text_with_a_hole_is_passed_over_for_one_without(hole: str) -> None:
    words = said(rule(title="Go", body=f"It was {hole} ago"), "en", KNOWN, IDS)
    assert words == said(rule(), "en", KNOWN, IDS)


def test_what_is_not_known_is_said_in_the_words_given_for_it() -> None:
    assert filled("{days|some} days", KNOWN) == "some days"
    assert filled("{days|some} days", KNOWN | {"days": "3"}) == "3 days"
    assert filled("{days|}days", KNOWN) == "days"


def test_no_value_is_ever_taken_for_a_placeholder() -> None:
    sly = filled("{skill}: {name|you}", {"skill": "{person}{name}"})
    assert sly == "(person)(name): {name|you}"
    assert addressed(sly, {"name": "{person}"}) == ("(person)(name): {person}", "")


def test_a_name_that_is_not_known_is_reported_by_its_placeholder() -> None:
    assert addressed("Hello {name}, ask {person}", {"person": "Bo"}) == ("Hello , ask Bo", "{name}")
    assert addressed('{"json": 1} {skill}', {}) == ('{"json": 1} {skill}', "")


def test_links_take_ids_percent_encoded_and_nothing_else() -> None:
    assert filled_link("https://x.example/{skill_id}?p={person_id}", IDS) == (
        "https://x.example/de-escalation?p=p%2F1%202"
    )
    assert filled_link("https://x.example/{name}", IDS) is None
    assert said(rule(link="https://x.example/{name}"), "en", KNOWN, IDS).link == ""


def test_language_tags_are_looked_for_from_the_nearest_on() -> None:
    assert tags_of("de-CH-1996") == ("de-ch-1996", "de-ch", "de")
