"""Learning of the policy beside the pipeline: once a day, where the map leaves the choice to chance.

It reads decisions and the ledger with a connection of its own, a bounded number of the newest, which takes seconds. A
version that promises no less than the one in force, from enough decisions, comes into force by a record in the log,
with the figures of the comparison in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import structlog

from carrythrough.embedded.database import connect
from carrythrough.errors import CarrythroughError
from carrythrough.pipeline.plan import InForce
from carrythrough.reinforcement.posteriors import PolicyVersion

if TYPE_CHECKING:
    from carrythrough.impact.learning import Learnt

FIRST_S, EVERY_S = 3_600.0, 86_400.0
"""Once a day, the first time an hour after the start: outcomes take two days, so nothing is missed."""
LEAST = 200
"""Randomised decisions that a version must have learnt from to come into force by itself."""
NEWEST = 20_000
"""Decisions that are learnt from unasked: some seconds once a day. `carrythrough policy learn` reads more."""
BY = "carrythrough"

_logger = structlog.get_logger("carrythrough.policy")


def learnt_from(state: Path, in_force: InForce, now_ms: int, newest: int | None = None) -> Learnt:
    """Return what the decisions of a state file teach by now_ms, beside the version in force; raises apsw.Error.

    newest: decisions that are learnt from at most, all that are read by default.
    """
    # Here, because it brings numpy with it: memory that a server whose map decides does not need.
    from carrythrough.embedded.decisions import read_decisions  # noqa: PLC0415
    from carrythrough.embedded.pair_histories import read_histories  # noqa: PLC0415
    from carrythrough.embedded.terms import Terms  # noqa: PLC0415
    from carrythrough.impact.learning import learn, trials_of  # noqa: PLC0415
    from carrythrough.reinforcement.decide import channel_of  # noqa: PLC0415

    with closing(connect(state, readonly=True)) as connection:
        points = read_decisions(connection)[0][:newest]
        histories = read_histories(connection, Terms(connection), {point.subject for point in points})
    before, program = in_force.posteriors, in_force.program
    channels = {rule.id: channel_of(rule) for rule in program.reinforcement}
    trials = trials_of(points, histories, before.recovery_days, now_ms)
    return learn(trials, before, channels, program.policy.nothing)


def figures_of(learnt: Learnt) -> dict[str, float]:
    """Return the comparison that goes with a version into the log."""
    return {
        "decisions": float(learnt.decisions),
        "practised": learnt.mean,
        "value_in_force": learnt.old_value,
        "value_learnt": learnt.new_value,
    }


def fault_of(learnt: Learnt) -> str:
    """Return why a version should not come into force, "" for a good one."""
    if learnt.decisions < LEAST:
        return f"{learnt.decisions} decisions of chance so far, {LEAST} are asked for"
    if learnt.new_value < learnt.old_value:
        return f"it promises {learnt.new_value:.3f}, the version in force {learnt.old_value:.3f}"
    return ""


class PolicyLearner:
    """The thread that learns; `turn` is one of its rounds."""

    def __init__(
        self,
        state: Path,
        in_force: Callable[[], InForce],
        now_ms: Callable[[], int],
        activate: Callable[[PolicyVersion], None],
    ) -> None:
        self._state = state
        self._in_force = in_force
        self._now_ms = now_ms
        self._activate = activate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="policy-learner", daemon=True)

    def start(self) -> None:
        """Start learning."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a round under way is finished first."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> str:
        """Learn once; return the name of the version that came into force, "" where none did."""
        in_force = self._in_force()
        if in_force.program.policy.choice != "learnt":
            return ""
        learnt = learnt_from(self._state, in_force, self._now_ms(), NEWEST)
        name = learnt.posteriors.name
        fault = fault_of(learnt)
        if fault or name == in_force.posteriors.name:
            _logger.info("policy_stays", reason=fault or "nothing new", version=in_force.posteriors.name)
            return ""
        self._activate(PolicyVersion(posteriors=learnt.posteriors, by=BY, comparison=figures_of(learnt)))
        _logger.info("policy_in_force", version=name, **figures_of(learnt))
        return name

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._ended.wait(wait_s):
            wait_s = EVERY_S
            try:
                self.turn()
            except (apsw.Error, CarrythroughError) as error:  # the disk may be full or busy; tomorrow again
                _logger.warning("policy_not_learnt", error=f"{type(error).__name__}: {error}")
