"""One answer through the answer learner: asked, predicted, learnt, folded. The only way in which it learns.

The server takes answers out of its ledger (`embedded.answer_feed`), the exam out of a file
(`carrythrough bench-science`); both call `take`, so what the exam measures is what runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.answer_features import Question
from carrythrough.scoring.head import Model, features, prior
from carrythrough.scoring.judging import Verdict
from carrythrough.scoring.learner import Learner, Prediction
from carrythrough.scoring.shadow import Tally, empty_tally
from carrythrough.scoring.state import LearnerState, PairState, apply

CHANNELS: Final = (int(Channel.LEARN), int(Channel.PRACTICE), int(Channel.EXPOSURE))
"""What the learner reads of a person: answers and practice, and what was only shown."""


class Taken(msgspec.Struct, frozen=True):
    """One answer that was taken. y: its outcome, 0..1. weight: above 0, 1 for a whole answer.

    late: later evidence of the person was there already. Such an answer is predicted with what came
    after it, so it is counted for its item and skills, and neither learnt nor judged.
    """

    prediction: Prediction
    y: float
    weight: float
    late: bool


def take(
    learner: Learner,
    state: LearnerState,
    person: str,
    pieces: Sequence[Evidence],
    *,
    asked_ms: int | None = None,
) -> Taken | None:
    """Predict one answer, learn it, and fold it into `state`, in place; None for what was only shown.

    state: of the person before the answer. pieces: all evidence of one source in CHANNELS, one piece a
    skill and channel. asked_ms: when the question was put, if the state is to be read then.
    """
    answered = [e for e in pieces if e.channel != Channel.EXPOSURE and e.w > 0]
    taken = None
    if answered:
        taken = _predicted(learner, state, person, answered, asked_ms)
        if taken.late:
            learner.count(taken.prediction.question, taken.y, taken.weight)
        else:
            learner.learn(taken.prediction, taken.y, taken.weight)
    for e in pieces:
        put(state, e)
    return taken


def put(state: LearnerState, e: Evidence) -> None:
    """Fold one piece of evidence in CHANNELS into a person, in place."""
    pair = state.pairs.get(e.skill)
    if pair is None:
        pair = state.pairs[e.skill] = PairState()
    apply(state, pair, e, assisted=False)  # only outcomes of the job can be


def _predicted(
    learner: Learner, state: LearnerState, person: str, answered: Sequence[Evidence], asked_ms: int | None
) -> Taken:
    t_ms = answered[0].t_ms
    skills = learner.in_order({e.skill for e in answered})
    item = next((e.item for e in answered if e.item), "")
    late = _newest_ms(state, skills) > t_ms
    prediction = learner.predict(
        state, Question(person, item, skills), t_ms if asked_ms is None else asked_ms
    )
    many = len(answered)
    y = sum(e.y for e in answered) / (many * Y_ONE)
    return Taken(prediction, y, sum(e.w for e in answered) / (many * W_ONE), late)


def _newest_ms(state: LearnerState, skills: Sequence[str]) -> int:
    newest = state.recent[-1][0] if state.recent else 0
    for skill in skills:
        pair = state.pairs.get(skill)
        if pair is not None:
            newest = max(newest, pair.counts[0][1], *(c.last_ms for c in pair.channels[:2] if c is not None))
    return newest


def head_prior(state: LearnerState, skills: Sequence[str], now_ms: int, model: Model) -> float:
    """Return π of a frozen head before an answer about `skills`: the mean over them, 0..1."""
    total = 0.0
    for skill in skills:
        pair = state.pairs.get(skill) or PairState()
        total += prior(features(state, pair, now_ms, model), model)
    return total / len(skills)


class AnswerTrial(msgspec.Struct):
    """How well answers were foreseen, each before it was learnt: by the head in force and by the answer learner.

    rival: the version in force, since: where in the log it came into force. Another one starts both tallies
    anew, the learner itself learns on.
    """

    rival: Model
    since: int
    head: Tally
    learner: Tally

    def verdicts(self) -> tuple[Verdict | None, Verdict | None]:
        """Return what the head and the learner were worth, None before the first answer."""
        return self.head.verdict(), self.learner.verdict()


class AnswerShadow:
    """The answer learner of one installation: what it has learnt, up to where in the log, and how well it foresaw."""

    def __init__(
        self, rival: Model, since: int = 0, *, learner: Learner | None = None, position: int = 0
    ) -> None:
        self.learner = Learner() if learner is None else learner
        self.position = position
        self.trial = AnswerTrial(rival, since, empty_tally(), empty_tally())

    def hold_against(self, model: Model, since: int) -> None:
        """Start the trial anew when another version is in force than it was held against."""
        if self.trial.rival != model or self.trial.since != since:
            self.trial = AnswerTrial(model, since, empty_tally(), empty_tally())

    def take(
        self, state: LearnerState, person: str, pieces: Sequence[Evidence], position: int
    ) -> Taken | None:
        """Take one answer (`take`) and count how well it was foreseen; position: of its record in the log."""
        answered = [e for e in pieces if e.channel != Channel.EXPOSURE and e.w > 0]
        trial, pi = self.trial, 0.0
        if answered and position > trial.since:
            pi = head_prior(state, sorted({e.skill for e in answered}), answered[0].t_ms, trial.rival)
        taken = take(self.learner, state, person, pieces)
        if taken is not None and not taken.late and position > trial.since:
            trial.head.count(pi, taken.y, taken.weight)
            trial.learner.count(taken.prediction.p, taken.y, taken.weight)
        self.position = position
        return taken
