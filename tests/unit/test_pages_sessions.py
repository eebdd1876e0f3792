"""Proves the limits of sign-in links and page sessions: single use, expiry, idle and absolute ends, caps."""

from __future__ import annotations

import pytest

from carrythrough.gateway.pages.sessions import (
    LINK_LIFE_S,
    LINKS_MAX,
    SESSION_IDLE_S_MAX,
    SESSION_LIFE_S_MAX,
    SESSIONS_MAX,
    Sessions,
)


class Time:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sessions(time: Time) -> Sessions:
    return Sessions(time)


def signed_in(sessions: Sessions, viewer: str = "viewer") -> str:
    secret = sessions.redeem(sessions.new_link_token(viewer))
    assert secret is not None
    return secret


def test_a_link_opens_one_session_for_its_viewer(sessions: Sessions) -> None:
    token = sessions.new_link_token("Ada")
    secret = sessions.redeem(token)
    assert secret is not None
    assert sessions.viewer(secret) == "Ada"
    assert sessions.redeem(token) is None
    assert sessions.viewer(token) is None, "the token itself is no session"


def test_tokens_carry_256_bits_and_never_repeat(sessions: Sessions) -> None:
    tokens = {sessions.new_link_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 43 for token in tokens)


def test_a_link_expires(sessions: Sessions, time: Time) -> None:
    early, late = sessions.new_link_token(), sessions.new_link_token()
    time.s += LINK_LIFE_S - 1
    assert sessions.redeem(early) is not None
    time.s += 1
    assert sessions.redeem(late) is None


@pytest.mark.parametrize("wrong", ["", "x", "a" * 43, "é"])
def test_a_wrong_token_or_secret_opens_nothing(sessions: Sessions, wrong: str) -> None:
    sessions.new_link_token()
    assert sessions.redeem(wrong) is None
    assert sessions.viewer(wrong) is None


def test_an_idle_session_ends_and_activity_prolongs_it(sessions: Sessions, time: Time) -> None:
    secret = signed_in(sessions)
    time.s += SESSION_IDLE_S_MAX - 1
    assert sessions.viewer(secret) == "viewer"
    time.s += SESSION_IDLE_S_MAX - 1
    assert sessions.viewer(secret) == "viewer"
    time.s += SESSION_IDLE_S_MAX
    assert sessions.viewer(secret) is None


def test_a_busy_session_ends_too(sessions: Sessions, time: Time) -> None:
    secret = signed_in(sessions)
    opened_s = time.s
    while time.s + 3_600 < opened_s + SESSION_LIFE_S_MAX:
        time.s += 3_600
        assert sessions.viewer(secret) == "viewer"
    time.s = opened_s + SESSION_LIFE_S_MAX
    assert sessions.viewer(secret) is None


def test_sign_out_ends_the_session_and_only_that_one(sessions: Sessions) -> None:
    mine, other = signed_in(sessions), signed_in(sessions)
    sessions.end(mine)
    sessions.end("unknown")
    assert sessions.viewer(mine) is None
    assert sessions.viewer(other) == "viewer"


def test_the_oldest_link_makes_room(sessions: Sessions) -> None:
    tokens = [sessions.new_link_token() for _ in range(LINKS_MAX + 1)]
    assert sessions.redeem(tokens[0]) is None
    assert sessions.redeem(tokens[1]) is not None
    assert sessions.redeem(tokens[-1]) is not None


def test_the_session_that_was_idle_longest_makes_room(sessions: Sessions, time: Time) -> None:
    first, second = signed_in(sessions), signed_in(sessions)
    for _ in range(SESSIONS_MAX - 2):
        signed_in(sessions)
    time.s += 1
    assert sessions.viewer(first) == "viewer"
    signed_in(sessions)
    assert sessions.viewer(first) == "viewer"
    assert sessions.viewer(second) is None
