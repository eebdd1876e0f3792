"""The people of bench-memory: a roster, and what each of them does in one round.

A round is an exam, a simulated shift or a review of real calls, and each record says something about
all five skills. Within a round the people of a site come in an order that has nothing to do with
their number, as they would, so that the pages of the state file are met in no order either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from measuring.mix import Made

STRIDE = 7_919
"""A prime: i * STRIDE modulo the number of people of a site visits each of them once."""
HOME = "https://lms.bench.example"
DAYS_APART = 3


def roster(people: int) -> str:
    """Return a JSON roster of `people` employees in teams of twelve."""
    entries = [
        {
            "id": f"e-{n:06}",
            "name": f"Person Number {n}",
            "email": f"person.{n}@bench.example",
            "identifiers": [{"account": {"homePage": HOME, "name": f"u{n:06}"}}],
            "team": f"team-{n // 12}",
            "role": "agent",
            "time_zone": "Europe/Berlin",
        }
        for n in range(people)
    ]
    return json.dumps({"people": entries})


def statements(people: range, kind: str, number: int, rounds: int) -> Iterator[Made]:
    """Yield one statement of each of `people` in round `number`; kind: "exam" or "shift"."""
    activity = f"{HOME}/exam/{number}" if kind == "exam" else f"https://sim.bench.example/shift/{number}"
    for n, score, h, time in _people(people, number, rounds):
        statement = {
            "id": f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}",
            "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": f"u{n:06}"}},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
            "object": {"objectType": "Activity", "id": activity, "definition": {"name": {"en": "Round"}}},
            "result": {"score": {"scaled": score}, "success": score >= 0.5, "completion": True},
            "timestamp": time,
        }
        yield Made(json.dumps(statement, separators=(",", ":")).encode(), "")


def events(people: range, number: int, rounds: int) -> Iterator[Made]:
    """Yield one review of the calls of each of `people`, in round `number`."""
    for n, score, h, time in _people(people, number, rounds):
        event = {
            "id": h,
            "source": "qa",
            "kind": "qa-result",
            "employee": f"e-{n:06}",
            "time": time,
            "outcome": {"score": score},
        }
        yield Made(json.dumps(event, separators=(",", ":")).encode(), "")


def _people(people: range, number: int, rounds: int) -> Iterator[tuple[int, float, str, str]]:
    """Yield (person, score 0..1, 32 hex digits, time) of a round."""
    day = datetime.now(tz=UTC) - timedelta(days=1 + DAYS_APART * (rounds - 1 - number))
    for i in range(len(people)):
        n = people[(i * STRIDE + number) % len(people)]
        digest = blake2b(f"{number}/{n}".encode(), digest_size=16)
        time = day - timedelta(seconds=n % 50_000)
        score = 0.3 + 0.7 * digest.digest()[0] / 255
        yield n, round(score, 2), digest.hexdigest(), time.isoformat(timespec="milliseconds")
