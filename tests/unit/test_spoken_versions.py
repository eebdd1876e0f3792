"""Proves that the versions of senders are remembered, replaced and bounded."""

from __future__ import annotations

from carrythrough.gateway.xapi.spoken import SENDERS_MAX, SpokenVersions


def test_the_last_version_of_each_sender_counts():
    spoken = SpokenVersions()
    assert spoken.last("lms") is None
    spoken.remember("lms", "1.0.3")
    spoken.remember("vr", "2.0.0")
    spoken.remember("lms", "2.0.0")
    spoken.remember("vr", "1.0.3")
    assert (spoken.last("lms"), spoken.last("vr")) == ("2.0.0", "1.0.3")


def test_no_more_than_so_many_senders_are_remembered():
    spoken = SpokenVersions()
    for number in range(SENDERS_MAX + 1):
        spoken.remember(f"token-{number}", "2.0.0")
    assert spoken.last("token-0") is None
    assert spoken.last("token-1") == spoken.last(f"token-{SENDERS_MAX}") == "2.0.0"
