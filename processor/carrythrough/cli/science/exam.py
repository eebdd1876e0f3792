"""Plays an answer file through the answer learner of the server, predicting before each answer.

Each row becomes the evidence that a statement about it would be, and goes through `scoring.answering.take`,
the function that the server calls for each answer of its ledger (`embedded.answer_feed`); the head is read by
`scoring.answering.head_prior`, as there. Nothing here is a research copy: a test plays the same answers through a
real data folder and gets the same predictions.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

import msgspec

from carrythrough.cli.science.answers import Answer, AnswerFile
from carrythrough.cli.science.baselines import Baseline, baselines
from carrythrough.evidence.mapping import P_ITEM_DEFAULT
from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.scoring.answering import head_prior, take
from carrythrough.scoring.judging import Verdict, judge
from carrythrough.scoring.learner import Learner
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState

LEARNER = "answer learner"
FROZEN = "answer learner, shared weights frozen at the test rows"
SEALED = "answer learner, everything frozen at the test rows"
AT_QUESTION = "answer learner, read when the question was put"
HEAD = "shipped head, frozen"
SOURCES = {
    LEARNER: "scoring.answering.take, as the server feeds it",
    FROZEN: "the same; Learner.frozen set at the test rows",
    SEALED: "the same; Learner.sealed set at the test rows",
    AT_QUESTION: "the same; state read when the question was put",
    HEAD: "scoring.answering.head_prior, scoring.model.SHIPPED",
}
"""Which function of the product gives the predictions of a line; every other line is a rival of the exam's own."""


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
        """Take one answer; return what was predicted, None for something that was only shown."""
        self._played += 1
        at_ms = answer.asked_ms if self._read_at_question else None
        pieces = evidence_of(answer, self._played)
        taken = take(self.learner, self.state(answer.person), answer.person, pieces, asked_ms=at_ms)
        return None if taken is None else taken.prediction.p


def evidence_of(answer: Answer, number: int) -> list[Evidence]:
    """Return what a statement about the answer would be evidence of; number: of the row, for a source of its own."""
    source = blake2b(number.to_bytes(8), digest_size=16).digest()
    if answer.y is None:
        return [Evidence(source, skill, Channel.EXPOSURE, answer.t_ms, 0, 0, 0) for skill in answer.skills]
    y = round(answer.y * Y_ONE)
    return [
        Evidence(source, skill, Channel.LEARN, answer.t_ms, y, W_ONE, P_ITEM_DEFAULT, item=answer.item)
        for skill in answer.skills
    ]


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
            state = stream.state(answer.person)
            judged[HEAD].append(head_prior(state, answer.skills, answer.t_ms, SHIPPED))
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
