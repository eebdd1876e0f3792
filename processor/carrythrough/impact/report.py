"""The report on what pushes do: overall, by action, by stage and by adapter, and against the holdout.

Parts of one table share the chance of a false claim: each is held to ALPHA over their number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from carrythrough.impact.columns import Columns, Pair
from carrythrough.impact.holdout import HoldoutComparison, Participant, compare
from carrythrough.impact.outcomes import FAR, NEAR, WORDS, PairHistory
from carrythrough.impact.points import DecisionPoint, Option
from carrythrough.impact.sequence import ALPHA
from carrythrough.impact.verdict import RUNG_A, RUNG_D, Estimate, estimate, sentence

TABLES = ("action", "stage", "adapter")


class Part(NamedTuple):
    """One line of a table: its name, the estimate and the estimate in words."""

    name: str
    found: Estimate
    words: str


class OutcomeReport(NamedTuple):
    """What pushes do to one outcome. open: decision points whose outcome is not known yet."""

    outcome: str
    words: str
    open: int
    whole: Part
    tables: dict[str, tuple[Part, ...]]


class Report(NamedTuple):
    """Everything that can be said. rung: of the ladder, with its meaning."""

    rung: str
    decisions: int
    randomised: int
    people: int
    outcomes: tuple[OutcomeReport, ...]
    holdout: HoldoutComparison


def report(
    points: Sequence[DecisionPoint],
    histories: Mapping[Pair, PairHistory],
    carried: Mapping[str, frozenset[str]],
    now_ms: int,
    worth: float,
) -> Report:
    """Return the report as of a time. carried: adapter → the rules whose actions it carries.

    points: one who was held out counts in the comparison with the holdout alone. worth: effect worth finding, 0..1.
    """
    points = [p for p in points if not p.request]  # they are about others than their subject
    randomised = [p for p in points if p.randomised and not p.holdout]
    return Report(
        rung=RUNG_A if randomised else RUNG_D,
        decisions=len(points),
        randomised=len(randomised),
        people=len({p.subject for p in randomised}),
        outcomes=tuple(
            _outcome(name, Columns(randomised, histories, name, now_ms), carried, worth)
            for name in (NEAR, FAR)
        ),
        holdout=compare(_participants(points, histories)),
    )


def _outcome(
    outcome: str, columns: Columns, carried: Mapping[str, frozenset[str]], worth: float
) -> OutcomeReport:
    words = WORDS[outcome]

    def part(
        name: str, what: str, wanted: Callable[[Option], bool], stage: str | None = None, alpha: float = ALPHA
    ) -> Part:
        found = estimate(columns.trial(wanted, stage), worth, alpha)
        return Part(name, found, sentence(found, what, words))

    actions = sorted({action for _, action in columns.options})
    stages = sorted(set(columns.stage))
    rules = {rule for rule, _ in columns.options}
    adapters = sorted(name for name, mine in carried.items() if mine & rules)
    return OutcomeReport(
        outcome,
        words,
        columns.open,
        part("", "Pushes", _any),
        {
            "action": tuple(
                part(name, f"“{name}”", _is_action(name), alpha=ALPHA / len(actions)) for name in actions
            ),
            "stage": tuple(
                part(name, f"Pushes at “{name}”", _any, name, ALPHA / len(stages)) for name in stages
            ),
            "adapter": tuple(
                part(name, f"Pushes by {name}", _is_of(carried[name]), alpha=ALPHA / len(adapters))
                for name in adapters
            ),
        },
    )


def _any(_: Option) -> bool:
    return True


def _is_action(name: str) -> Callable[[Option], bool]:
    return lambda option: option.action == name


def _is_of(rules: frozenset[str]) -> Callable[[Option], bool]:
    return lambda option: option.rule in rules


def _participants(
    points: Sequence[DecisionPoint], histories: Mapping[Pair, PairHistory]
) -> list[Participant]:
    """Return everybody who reached a decision point that the holdout alone could have changed."""
    first: dict[str, tuple[int, bool]] = {}
    for point in points:
        known = first.get(point.subject)
        if known is None or point.as_of_ms < known[0]:
            first[point.subject] = (point.as_of_ms, point.holdout)
    of_person: dict[str, list[PairHistory]] = {}
    for (subject, _), history in histories.items():
        of_person.setdefault(subject, []).append(history)
    return [
        Participant(held, since_ms, tuple(of_person.get(subject, ())))
        for subject, (since_ms, held) in first.items()
    ]
