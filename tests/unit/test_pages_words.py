"""Proves that figures and codes read as people expect them, also at their edges."""

from __future__ import annotations

from typing import get_args

import pytest

from carrythrough.evidence.types import Channel
from carrythrough.gateway.pages import words
from carrythrough.program.types import ActionName, StageName

NOW_MS = 1_795_291_200_000  # 2026-11-21T20:00:00Z


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-21T20:00:00.000Z", "just now"),
        ("2026-11-21T19:59:00.000Z", "1 minute ago"),
        ("2026-11-21T17:00:00.000Z", "3 hours ago"),
        ("2026-11-20T20:00:00.000Z", "1 day ago"),
        ("2026-11-12T03:00:00.000+02:00", "9 days ago"),
        ("2026-12-01T00:00:00.000Z", ""),
        (None, ""),
    ],
)
def test_ago(time: str | None, expected: str) -> None:
    assert words.ago(time, NOW_MS) == expected


def test_times_are_shown_in_utc() -> None:
    assert words.when("2026-11-01T01:30:00.000+02:00") == "31 Oct 2026, 23:30"
    assert words.when(None) == "–"


@pytest.mark.parametrize(
    ("moved", "expected"),
    [(3.24, "+3.2"), (-0.44, "−0.4"), (0.04, "0"), (-0.04, "0"), (0.0, "0"), (None, "–")],
)
def test_signed_points_never_show_a_negative_zero(moved: float | None, expected: str) -> None:
    assert words.signed_points(moved) == expected


def test_figures() -> None:
    assert [words.count(n) for n in (0, 999, 1_000, 1_234_567, None)] == [
        "0",
        "999",
        "1\u202f000",
        "1\u202f234\u202f567",
        "–",
    ]
    assert [words.rate(r) for r in (0.0, 9.96, 12.4, None)] == ["0.0", "10.0", "12", "–"]
    assert [words.delay(d) for d in (0.0, 3.21, 18.7, 1_530.0, None)] == [
        "0.0 ms",
        "3.2 ms",
        "19 ms",
        "1.5 s",
        "–",
    ]
    assert [words.points(s) for s in (0.0, 0.684, 1.0, None)] == ["0", "68", "100", "–"]
    assert [words.plural(n, "person", "people") for n in (0, 1, 2)] == ["0 people", "1 person", "2 people"]


def test_why_there_is_no_score() -> None:
    assert words.too_little(3, 5) == "Not enough evidence (3 of 5 outcomes)"
    assert words.too_little(5, 5) == "Not enough recent evidence (5 older outcomes)"


def test_codes_of_a_newer_server_are_shown_rather_than_refused() -> None:
    assert words.stage("peer-coaching").word == "Peer coaching"
    assert words.channel("brain-scan") == "Brain scan"
    assert words.action("mentor-match") == "Mentor match"
    assert words.status("held-back") == "Held back"
    assert words.recipient("mentor") == "Mentor"


def test_every_code_of_the_core_has_words() -> None:
    assert set(words.STAGES) == set(get_args(StageName))
    assert set(words.ACTIONS) == set(get_args(ActionName))
    assert set(words.CHANNELS) == {channel.name.lower() for channel in Channel}
