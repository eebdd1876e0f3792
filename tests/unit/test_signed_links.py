"""Proves that a signed link says what it was made with, for one purpose and its time, and nothing once changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrythrough.errors import PermanentError
from carrythrough.gateway.signed_links import LIFE_S_MAX, TOKEN_CHARACTERS_MAX, SignedLinks

KEY = b"k" * 32
CLAIMS = {"form": "self-report", "about": "p-1", "skill": "calm"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def code(links: SignedLinks, token: str, purpose: str = "form") -> str:
    with pytest.raises(PermanentError) as caught:
        links.read(purpose, token)
    return caught.value.problem.code


def test_it_says_what_it_was_made_with() -> None:
    links = SignedLinks(KEY, Clock())
    one, other = (links.read("form", links.make("form", CLAIMS, 60)) for _ in range(2))
    assert one.claims == CLAIMS
    assert one.expires_s == 1_000_060
    assert one.id != other.id


def test_it_ends_with_its_time() -> None:
    clock = Clock()
    links = SignedLinks(KEY, clock)
    token = links.make("form", CLAIMS, 60)
    clock.now_s += 59
    assert links.read("form", token).claims == CLAIMS
    clock.now_s += 1
    assert code(links, token) == "link-expired"


def test_it_is_for_one_purpose_and_one_key() -> None:
    links = SignedLinks(KEY, Clock())
    token = links.make("form", CLAIMS, 60)
    assert code(links, token, "answer") == "link-invalid"
    assert code(SignedLinks(b"x" * 32, Clock()), token) == "link-invalid"


@given(st.data())
def test_no_change_of_a_character_goes_through(data: st.DataObject) -> None:
    links = SignedLinks(KEY, Clock())
    token = links.make("form", CLAIMS, 60)
    place = data.draw(st.integers(0, len(token) - 1))
    # The last character has bits that decode to nothing; all others count.
    other = data.draw(st.sampled_from("ABCDabcd0189-_.").filter(lambda c: c != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    if place < len(token) - 1:
        assert code(links, changed) == "link-invalid"


@pytest.mark.parametrize("token", ["", ".", "a.b", "é.é", "x" * 5_000, "." * 100])
def test_odd_tokens_are_invalid(token: str) -> None:
    assert code(SignedLinks(KEY, Clock()), token) == "link-invalid"


def test_a_life_is_bounded_and_a_token_fits_into_an_address() -> None:
    links = SignedLinks(KEY, Clock())
    for life_s in (0, -1, LIFE_S_MAX + 1):
        with pytest.raises(ValueError, match="LIFE_S_MAX"):
            links.make("form", CLAIMS, life_s)
    assert len(links.make("form", CLAIMS, 60)) < TOKEN_CHARACTERS_MAX / 4
