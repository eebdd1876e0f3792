"""An organisation in which chance decided about pushes, as its records: decisions, practice and job outcomes.

For tests of what reads the log of decisions: the records are plain data with a known effect, seeded, and go in by
the usual doors (decisions by the table that keeps them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from carrythrough.embedded.database import connect
from carrythrough.embedded.decisions import write_decisions
from carrythrough.embedded.hub import Published

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EVERY_MS = 5 * DAY_MS
ROUNDS = 9
STAGES = ("fading", "unapplied", "unpractised")
RULES = (("try-it", "nudge"), ("try-again", "spaced-review"))
BASE, AT_WORK = 0.3, 0.5
HELD_SHARE = 0.25
FIRST_SEQ = 1 << 40
"""Beyond the numbers of an installation's own effects."""


class Records(NamedTuple):
    """What happened. decisions: bodies with the number of the person under "person". practice: (person, t_ms).

    job: (person, t_ms, whether it met the standard).
    """

    decisions: list[dict[str, Any]]
    practice: list[tuple[int, int]]
    job: list[tuple[int, int, bool]]


def decided(people: int, skill: str, end_ms: int, *, effect: float, seed: int = 1) -> Records:
    """Return the records of the weeks before `end_ms`. effect: of a push on practice and job outcomes, 0..0.5.

    Every fourth person is held out; the nudge works, the spaced review does not.
    """
    rng = np.random.default_rng(seed)
    decisions: list[dict[str, Any]] = []
    practice: list[tuple[int, int]] = []
    job: list[tuple[int, int, bool]] = []
    for person in range(people):
        held = rng.random() < HELD_SHARE
        able = rng.normal(0.0, 0.1)
        for number in range(ROUNDS):
            t_ms = end_ms - 33 * DAY_MS - (ROUNDS - 1 - number) * EVERY_MS + int(rng.integers(0, DAY_MS))
            p_nothing = float(rng.uniform(0.3, 0.7))
            chances = [p_nothing, (1 - p_nothing) * 0.6, (1 - p_nothing) * 0.4]
            chosen = 0 if held else int(rng.choice(3, p=chances))
            rule, action = ("", "nothing") if not chosen else RULES[chosen - 1]
            helps = effect * (chosen == 1)
            if rng.random() < np.clip(BASE + able + helps, 0.02, 0.98):
                practice.append((person, t_ms + int(rng.integers(HOUR_MS, 40 * HOUR_MS))))
            met = bool(rng.random() < np.clip(AT_WORK + able + helps, 0.02, 0.98))
            job.append((person, t_ms + int(rng.integers(2 * DAY_MS, 4 * DAY_MS)), met))
            options = [("", "nothing"), *RULES]
            decisions.append(
                {
                    "type": "decision",
                    "person": person,
                    "skill": skill,
                    "stage": STAGES[int(rng.integers(len(STAGES)))],
                    "as_of_ms": t_ms,
                    "policy": "p-1",
                    "choices": [
                        {"rule": rule, "action": name, "probability": chance}
                        for (rule, name), chance in zip(options, chances, strict=True)
                    ]
                    if not held
                    else [],
                    "chosen": action,
                    "rule": rule,
                    "suppressed_by": ["holdout"] if held else [],
                    "holdout": held,
                    "randomised": not held,
                }
            )
    return Records(decisions, practice, job)


def keep(state: Path, decisions: Iterable[dict[str, Any]], subject_of: Callable[[int], str]) -> None:
    """Write decisions into a state file, also that of a running server."""
    published = []
    for number, decision in enumerate(decisions):
        body = {name: value for name, value in decision.items() if name != "person"}
        body["subject"] = subject_of(decision["person"])
        entry = Published(
            FIRST_SEQ + number, "decision", body["subject"], body["skill"], msgspec.json.encode(body)
        )
        published.append(entry)
    connection = connect(state)
    try:
        with connection:  # a transaction
            write_decisions(connection, published)
    finally:
        connection.close()
