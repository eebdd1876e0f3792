"""Decision points and what followed them as columns, from which the trial of any set of options is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from carrythrough.impact.outcomes import CONTROLS, EMPTY, WINDOW_MS, PairHistory, controls, followed
from carrythrough.impact.points import NOTHING, DecisionPoint, Option
from carrythrough.impact.trial import Floats, Integers, Trial, Truths

Pair = tuple[str, str]
"""(subject, skill)."""


class Columns:
    """Randomised decision points, in the order in which they were made, with their outcomes of one kind.

    Only points whose window has closed by `now_ms` are in it; `open` counts the others.
    """

    def __init__(
        self,
        points: Sequence[DecisionPoint],
        histories: Mapping[Pair, PairHistory],
        outcome: str,
        now_ms: int,
    ) -> None:
        """points: in any order; those that chance did not decide are passed over."""
        random = sorted((p for p in points if p.randomised), key=lambda p: (p.as_of_ms, p.subject, p.skill))
        known = [p for p in random if p.as_of_ms + WINDOW_MS[outcome] <= now_ms]
        self.open = len(random) - len(known)
        self.points = known
        self._window_ms = WINDOW_MS[outcome]
        self._t_ms = np.array([p.as_of_ms for p in known], np.int64)
        self._person = _codes([p.subject for p in known])
        self.stage = np.array([p.stage for p in known], dtype=object)
        self.options = tuple(
            sorted({(o.rule, o.action) for p in known for o in p.choices if o.action != NOTHING})
        )
        self._p_push, self._p_nothing, self._chosen = self._chances()
        self._y, self._controls = _followed(known, self._t_ms, histories, outcome)

    def _chances(self) -> tuple[Floats, Floats, Integers]:
        """Return (n, options) and (n,) probabilities, and what was chosen: -1 nothing."""
        place = {option: number for number, option in enumerate(self.options)}
        p_push = np.zeros((len(self.points), len(place)))
        p_nothing = np.zeros(len(self.points))
        chosen = np.full(len(self.points), -1, np.int64)
        for n, point in enumerate(self.points):
            for option in point.choices:
                if option.action == NOTHING:
                    p_nothing[n] += option.probability
                else:
                    p_push[n, place[option.rule, option.action]] += option.probability
            if point.pushed:
                chosen[n] = place.get((point.rule, point.chosen), len(place))
        return p_push, p_nothing, chosen

    def trial(self, wanted: Callable[[Option], bool], stage: str | None = None) -> Trial:
        """Return the trial of the options that are wanted against nothing. stage: only points at this stage.

        A point is in it where one of the options and nothing could both have been chosen, and one of the two was.
        """
        mine = np.array([wanted(Option(rule, action)) for rule, action in self.options], dtype=bool)
        p_push = self._p_push[:, mine].sum(axis=1)
        treated = np.append(mine, [False, False])[self._chosen] & (self._chosen >= 0)
        rows: Truths = (p_push > 0.0) & (self._p_nothing > 0.0) & (treated | (self._chosen < 0))
        if stage is not None:
            rows &= self.stage == stage
        whole = Trial(
            self._person,
            treated,
            np.divide(p_push, p_push + self._p_nothing, out=np.full(len(p_push), 0.5), where=rows),
            self._y,
            self._controls,
            self._t_ms,
            self._window_ms,
        )
        return whole.select(rows)


def _followed(
    points: Sequence[DecisionPoint], t_ms: Integers, histories: Mapping[Pair, PairHistory], outcome: str
) -> tuple[Floats, Floats]:
    """Return the outcomes and the controls of points, read pair by pair."""
    of_pair: dict[Pair, list[int]] = {}
    for n, point in enumerate(points):
        of_pair.setdefault((point.subject, point.skill), []).append(n)
    y, before = np.zeros(len(points)), np.zeros((len(points), len(CONTROLS)))
    for pair, rows in of_pair.items():
        history = histories.get(pair, EMPTY)
        y[rows] = followed(history, t_ms[rows], outcome)
        before[rows] = controls(history, t_ms[rows])
    return y, before


def _codes(names: Sequence[str]) -> Integers:
    place: dict[str, int] = {}
    return np.array([place.setdefault(name, len(place)) for name in names], np.int64)
