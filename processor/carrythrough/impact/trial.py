"""The data of one question about effect, as columns: decision points at which chance chose between a push and none.

A row is one decision point at which the push in question and "nothing" could both have been chosen, and one
of the two was. The probabilities are the logged ones, never fitted: that is what makes the answer causal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


class Trial(NamedTuple):
    """Columns of n decision points, in the order in which the decisions were made.

    person: (n,) codes 0..k-1. treated: (n,) the push was chosen. p: (n,) the probability of that, given that either
    it or nothing was chosen, between 0 and 1 without the ends; where other pushes were eligible too, this is p(push)
    over p(push) + p(nothing). y: (n,) outcome 0..1 within the window after the decision. controls: (n, c) what was
    known before the decision. t_ms: (n,) when it was made, ascending. window_ms: after this the outcome is known.
    """

    person: Integers
    treated: Truths
    p: Floats
    y: Floats
    controls: Floats
    t_ms: Integers
    window_ms: int

    @property
    def size(self) -> int:
        """Number of decision points."""
        return len(self.y)

    def people(self, *, treated: bool) -> int:
        """Return how many people have a decision point that was treated, or one that was not."""
        return len(np.unique(self.person[self.treated == treated]))

    def select(self, rows: Truths) -> Trial:
        """Return the rows for which `rows` is true, with people coded anew."""
        person = np.unique(self.person[rows], return_inverse=True)[1].astype(np.int64)
        return Trial(
            person,
            self.treated[rows],
            self.p[rows],
            self.y[rows],
            self.controls[rows],
            self.t_ms[rows],
            self.window_ms,
        )
