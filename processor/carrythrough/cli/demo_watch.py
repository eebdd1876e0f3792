"""The figures with which the demo ends, read from the server's public API before it stops."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import msgspec

from carrythrough.cli.demo_tour import Tour
from carrythrough.testing.clock import ScaledClock
from carrythrough.testing.simulator_feed import Report

PAGE = 500
PAIRS_MAX = 2_500
"""Scores read at most at the start and the end; a larger organisation gets no per-pair figures."""
MOVED_POINTS = 1.0
TIMEOUT_S = 5.0


class Ending(msgspec.Struct):
    """What was seen of a run. before, after: (subject, skill) → score 0..1 or None, where they were read."""

    report: Report | None = None
    summary: dict[str, Any] = {}
    before: dict[tuple[str, str], float | None] | None = None
    after: dict[tuple[str, str], float | None] | None = None

    def read_at_start(self, tour: Tour) -> None:
        """Remember the scores with which live time begins."""
        with contextlib.suppress(httpx.HTTPError), _client(tour) as client:
            self.before = _scores(client)

    def look(self, tour: Tour) -> None:
        """Keep the present summary; a server that is stopping leaves the one before."""
        with contextlib.suppress(httpx.HTTPError), _client(tour) as client:
            self.summary = client.get("/v1/summary").raise_for_status().json()

    def read_at_end(self, tour: Tour) -> None:
        """Read the closing figures."""
        self.look(tour)
        with contextlib.suppress(httpx.HTTPError), _client(tour) as client:
            self.after = _scores(client)


def measure(ending: Ending, clock: ScaledClock, failure: str) -> dict[str, Any]:
    """Return the closing figures as one flat JSON-ready object.

    scores: pairs with a shown score; moved: of these, changed by MOVED_POINTS or more since live time
    began (both null in large organisations and after Ctrl-C). actions: requested, by rule of the program map.
    """
    report, summary = ending.report, ending.summary
    before, after = ending.before, ending.after
    sent = None if report is None else report.sent
    moved = None
    if before is not None and after is not None:
        moved = sum(_differs(before.get(pair), score) for pair, score in after.items())
    return {
        "ok": not failure,
        "failure": failure or None,
        "simulated_hours": round(max(0, clock.now_ms() - clock.anchor_ms) / 3_600_000, 2),
        "sent_statements": 0 if sent is None else sent.statements,
        "sent_events": 0 if sent is None else sent.events,
        "refused": 0 if sent is None else sent.refused,
        "retried": 0 if sent is None else sent.retried,
        "behind_s": 0.0 if report is None else report.behind_s,
        "statements": summary.get("statements", 0),
        "events": summary.get("events", 0),
        "unmatched": summary.get("unmatched", 0),
        "quarantined": summary.get("quarantined", 0),
        "dead_letters": summary.get("dead_letters", 0),
        "employees": summary.get("employees", 0),
        "pairs": summary.get("pairs", 0),
        "scores": None if after is None else sum(score is not None for score in after.values()),
        "moved": moved,
        "actions": {} if report is None else dict(sorted(report.actions.items())),
        "taken_up": 0 if report is None else report.taken_up,
        "ack_p50_ms": summary.get("ack_p50_ms"),
        "visible_p50_ms": summary.get("visible_p50_ms"),
    }


def _client(tour: Tour) -> httpx.Client:
    return httpx.Client(base_url=tour.url, auth=tour.logins["reader"], timeout=TIMEOUT_S)


def _scores(client: httpx.Client) -> dict[tuple[str, str], float | None] | None:
    """Return the score of every pair, None when there are more than PAIRS_MAX."""
    found: dict[tuple[str, str], float | None] = {}
    cursor = ""
    while True:
        page = client.get("/v1/scores", params={"limit": PAGE, "cursor": cursor}).raise_for_status().json()
        found |= {(entry["subject"], entry["skill"]): entry["score"] for entry in page["scores"]}
        cursor = page["next"]
        if not cursor:
            return found
        if len(found) >= PAIRS_MAX:
            return None


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) * 100.0 >= MOVED_POINTS
