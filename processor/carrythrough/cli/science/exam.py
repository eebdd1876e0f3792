"""Plays an answer file through the production state and the shadow learner, predicting before each answer.

State, fold and reading are those of the pipeline (`scoring.state.apply`, `scoring.decay.read`,
`scoring.head.features`), one call an answer and skill; nothing here is a research copy.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

import msgspec

from carrythrough.cli.science.answers import Answer, AnswerFile
from carrythrough.cli.science.baselines import Baseline, baselines
from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.answer_features import Question
from carrythrough.scoring.head import Model, features, prior
from carrythrough.scoring.judging import Verdict, judge
from carrythrough.scoring.learner import Learner
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState, PairState, apply

LEARNER = "shadow learner"
FROZEN = "shadow learner, shared weights frozen at the test rows"
SEALED = "shadow learner, everything frozen at the test rows"
AT_QUESTION = "shadow learner, read when the question was put"
HEAD = "shipped head, frozen"


class Line(msgspec.Struct, frozen=True):
    """One line of the result: who predicted, and how well."""

    name: str
    verdict: Verdict


class Result(msgspec.Struct, frozen=True):
    """All lines of one file; answer_us: predict, learn and fold of one answer, in microseconds."""

    lines: list[Line]
    answers: int
    people: int
    items: int
    skills: int
    answer_us: float

    def of(self, name: str) -> Verdict | None:
        """Return the verdict of one line, None when it was not measured."""
        return next((line.verdict for line in self.lines if line.name == name), None)


class Stream:
    """States of the persons and one learner, answer by answer. read_at_question: see `Answer.asked_ms`."""

    def __init__(self, learner: Learner, *, read_at_question: bool = False) -> None:
        self.learner = learner
        self.states: dict[str, LearnerState] = {}
        self._read_at_question = read_at_question
        self._shared: frozenset[str] = frozenset()
        self._played = 0

    def fork(self) -> Stream:
        """Return an independent copy: what it plays is not seen here."""
        twin = copy.copy(self)
        twin.learner = copy.deepcopy(self.learner)
        twin.states = dict(self.states)
        twin._shared = frozenset(self.states)  # noqa: SLF001 - of the same class
        return twin

    def state(self, person: str) -> LearnerState:
        """Return the state of a person, made when it is new."""
        state = self.states.get(person)
        if state is None:
            state = self.states[person] = LearnerState()
        elif person in self._shared:
            state = self.states[person] = state.copy()
            state.pairs = {skill: pair.copy() for skill, pair in state.pairs.items()}
            self._shared -= {person}
        return state

    def play(self, answer: Answer) -> float | None:
        """Predict, learn and fold one answer; None for something that was only shown."""
        state = self.state(answer.person)
        p, p_item = None, 0
        if answer.y is not None:
            at_ms = answer.asked_ms if self._read_at_question else answer.t_ms
            prediction = self.learner.predict(
                state, Question(answer.person, answer.item, answer.skills), at_ms
            )
            self.learner.learn(prediction, answer.y)
            p, p_item = prediction.p, round(prediction.p_item * Y_ONE)
        self._played += 1
        self._fold(state, answer, p_item)
        return p

    def _fold(self, state: LearnerState, answer: Answer, p_item: int) -> None:
        source = blake2b(self._played.to_bytes(8), digest_size=16).digest()
        for skill in answer.skills:
            if answer.y is None:
                e = Evidence(source, skill, Channel.EXPOSURE, answer.t_ms, 0, 0, 0)
            else:
                y = round(answer.y * Y_ONE)
                e = Evidence(source, skill, Channel.LEARN, answer.t_ms, y, W_ONE, p_item, item=answer.item)
            pair = state.pairs.get(skill)
            if pair is None:
                pair = state.pairs[skill] = PairState()
            apply(state, pair, e, assisted=False)


def head_prior(state: LearnerState, answer: Answer, model: Model) -> float:
    """Return π of the frozen head before an answer: the mean over its skills."""
    total = 0.0
    for skill in answer.skills:
        pair = state.pairs.get(skill) or PairState()
        total += prior(features(state, pair, answer.t_ms, model), model)
    return total / len(answer.skills)


def sit(file: AnswerFile, progress: Callable[[int], None] = lambda _: None) -> Result:
    """Return the figures of one file; progress: called now and then with the number of answers played."""
    stream = Stream(Learner())
    rivals = baselines()
    judged: dict[str, list[float]] = {name: [] for name in (LEARNER, HEAD, *(r.name for r in rivals))}
    outcomes: list[float] = []
    start = next((k for k, a in enumerate(file.answers) if a.judged), 0) if file.split else len(file.answers)
    busy_s, asked = 0.0, 0
    forks: list[tuple[str, Stream]] = []
    for number, answer in enumerate(file.answers):
        if number == start:
            forks = _frozen(stream)
        if number % 2_000 == 0:
            progress(number)
        if answer.judged and answer.y is not None:
            outcomes.append(answer.y)
            judged[HEAD].append(head_prior(stream.state(answer.person), answer, SHIPPED))
        _rival(rivals, answer, judged)
        began = time.perf_counter()
        p = stream.play(answer)
        busy_s += time.perf_counter() - began
        asked += p is not None
        if p is not None and answer.judged:
            judged[LEARNER].append(p)
    for name, fork in forks:
        judged[name] = _replayed(fork, file.answers[start:])
    if any(answer.asked_ms != answer.t_ms for answer in file.answers):
        judged[AT_QUESTION] = _replayed(Stream(Learner(), read_at_question=True), file.answers)
    lines = [Line(name, judge(predictions, outcomes)) for name, predictions in judged.items()]
    return _result(file, lines, busy_s / max(asked, 1) * 1e6)


def _frozen(stream: Stream) -> list[tuple[str, Stream]]:
    frozen, sealed = stream.fork(), stream.fork()
    frozen.learner.frozen = True
    sealed.learner.sealed = True
    return [(FROZEN, frozen), (SEALED, sealed)]


def _rival(rivals: Sequence[Baseline], answer: Answer, judged: dict[str, list[float]]) -> None:
    if answer.y is None:
        return
    for rival in rivals:
        if answer.judged:
            judged[rival.name].append(rival.predict(answer))
        rival.learn(answer, answer.y)


def _replayed(stream: Stream, answers: Iterable[Answer]) -> list[float]:
    """Return the predictions of the judged answers."""
    return [p for answer in answers if (p := stream.play(answer)) is not None and answer.judged]


def _result(file: AnswerFile, lines: list[Line], answer_us: float) -> Result:
    answers = [a for a in file.answers if a.y is not None]
    return Result(
        lines=sorted(lines, key=lambda line: -line.verdict.log_loss),
        answers=len(answers),
        people=len({a.person for a in answers}),
        items=len({a.item for a in answers}),
        skills=len({skill for a in answers for skill in a.skills}),
        answer_us=answer_us,
    )
