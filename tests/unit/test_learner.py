"""The answer learner: any cut gives the same bits, it beats its rivals where the truth is known, it is bounded."""

from __future__ import annotations

import random
from hashlib import blake2b
from math import exp, log

import msgspec
import numpy as np
import pytest

from carrythrough.cli.science.answers import Answer, AnswerFile
from carrythrough.cli.science.exam import AT_QUESTION, FROZEN, HEAD, LEARNER, SEALED, Stream, sit
from carrythrough.scoring.answer_features import DENSE, Background, Question, dense_row, hashed_slots
from carrythrough.scoring.answer_image import IMAGE_BYTES_MAX, IMAGE_VERSION, decode_shadow, encode_shadow
from carrythrough.scoring.answering import AnswerShadow
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.head import FEATURES
from carrythrough.scoring.judging import judge
from carrythrough.scoring.learner import TABLE_MOST, Learner, Table
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.online import OnlineLogit
from carrythrough.scoring.promotion import check
from carrythrough.scoring.shadow import SIGNS, Outcome, Shadow, Tally, empty_tally
from carrythrough.scoring.state import LearnerState

START_MS = 20_000 * DAY_MS
SLOTS = 1 << 12


def made_up(people: int, answers: int, seed: int = 1) -> tuple[list[Answer], list[float]]:
    """Return answers of people who learn by practice and forget by a power law, and the true probabilities."""
    rng = random.Random(seed)
    skills = [f"s{k}" for k in range(6)]
    difficulty = {f"i{k}": rng.gauss(0.0, 1.0) for k in range(60)}
    ability = {f"p{k}": rng.gauss(0.3, 0.8) for k in range(people)}
    seen: dict[tuple[str, str], list[float]] = {}
    made, truth = [], []
    for turn in range(answers):
        for person in sorted(ability):
            item = f"i{rng.randrange(60)}"
            skill = skills[int(item[1:]) % len(skills)]
            day = turn * 0.5 + rng.random() * 0.2
            memory = sum((1.0 + day - then) ** -0.5 for then in seen.get((person, skill), ()))
            p = 1.0 / (1.0 + exp(-(ability[person] - difficulty[item] + 0.5 * log(0.3 + memory))))
            seen.setdefault((person, skill), []).append(day)
            y = float(rng.random() < p)
            t_ms = START_MS + round(day * DAY_MS)
            made.append(Answer(person, item, (skill,), y, t_ms, t_ms, True))
            truth.append(p)
    return made, truth


ANSWERS, TRUTH = made_up(80, 100)


def test_the_learner_comes_near_the_truth_and_beats_its_rivals() -> None:
    result = sit(AnswerFile(ANSWERS, split=False, timed=True))
    learner = result.of(LEARNER)
    assert learner is not None
    best = judge(TRUTH, [a.y for a in ANSWERS if a.y is not None])
    for line in result.lines:
        if line.name != LEARNER:
            assert learner.log_loss < line.verdict.log_loss, line.name
            # The made-up people come close to the world that Elo assumes: there it may order as well.
            assert learner.auc > line.verdict.auc - 0.01, line.name
    assert learner.log_loss < best.log_loss + 0.05
    assert learner.auc > best.auc - 0.06
    assert learner.ece < 0.03
    assert {HEAD, "global mean", "skill mean", "item mean", "PFA, streaming", "Elo, streaming"} < {
        line.name for line in result.lines
    }


def test_frozen_weights_are_judged_on_people_never_seen() -> None:
    people = sorted({a.person for a in ANSWERS})
    test = set(people[60:])
    parts = [
        [msgspec.structs.replace(a, judged=a.person in test) for a in ANSWERS if (a.person in test) is late]
        for late in (False, True)
    ]
    result = sit(AnswerFile(parts[0] + parts[1], split=True, timed=True))
    live, frozen, sealed = (result.of(name) for name in (LEARNER, FROZEN, SEALED))
    assert live is not None
    assert frozen is not None
    assert sealed is not None
    assert live.rows == frozen.rows == sealed.rows == len(parts[1])
    assert live.log_loss < sealed.log_loss
    assert frozen.log_loss < sealed.log_loss
    assert result.of(AT_QUESTION) is None


def test_a_question_put_earlier_is_read_earlier() -> None:
    asked = [msgspec.structs.replace(a, asked_ms=a.t_ms - 60_000) for a in ANSWERS[:300]]
    result = sit(AnswerFile(asked, split=False, timed=True))
    put, live = result.of(AT_QUESTION), result.of(LEARNER)
    assert put is not None
    assert live is not None
    assert put.rows == live.rows
    assert put != live


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_bits_do_not_depend_on_the_batches(size: int) -> None:
    whole = Stream(Learner(SLOTS))
    expected = [whole.play(a) for a in ANSWERS[:700]]
    cut = Stream(Learner(SLOTS))
    found: list[float | None] = []
    for start in range(0, 700, size):
        cut = cut.fork()
        found += [cut.play(a) for a in ANSWERS[start : min(700, start + size)]]
    assert found == expected
    assert cut.learner.logit.weights.tobytes() == whole.learner.logit.weights.tobytes()
    assert cut.learner.logit.covariance.tobytes() == whole.learner.logit.covariance.tobytes()
    assert cut.learner.logit.hashed == whole.learner.logit.hashed


def test_a_fork_leaves_the_original_alone() -> None:
    stream = Stream(Learner(SLOTS))
    for answer in ANSWERS[:200]:
        stream.play(answer)
    before = [stream.fork().play(a) for a in ANSWERS[200:220]]
    fork = stream.fork()
    for answer in ANSWERS[200:400]:
        fork.play(answer)
    assert [stream.fork().play(a) for a in ANSWERS[200:220]] == before


def test_the_covariance_stays_symmetric_and_positive() -> None:
    stream = Stream(Learner(SLOTS))
    for answer in ANSWERS[:1_000]:
        stream.play(answer)
    covariance = stream.learner.logit.covariance
    assert (covariance == covariance.T).all()
    assert np.linalg.eigvalsh(covariance).min() > 0.0


def test_nothing_known_gives_the_base_rate() -> None:
    learner = Learner(SLOTS)
    question = Question("nobody", "", ("a", "b", "c", "d"))
    prediction = learner.predict(LearnerState(), question, START_MS)
    assert prediction.p == 0.5
    background = Background(0.6, 0.6, 0.6, item_known=False)
    row, views = dense_row(LearnerState(), question, START_MS, background)
    assert len(row) == len(DENSE)
    slots = hashed_slots(LearnerState(), question, START_MS, row, views, SLOTS)
    assert all(0 <= slot < SLOTS for slot in slots)


def test_a_sealed_learner_learns_nothing_and_a_frozen_one_only_the_person() -> None:
    stream = Stream(Learner(SLOTS))
    for answer in ANSWERS[:300]:
        stream.play(answer)
    weights, hashed = stream.learner.logit.weights.copy(), stream.learner.logit.hashed[:]
    stream.learner.sealed = True
    for answer in ANSWERS[300:400]:
        stream.play(answer)
    assert (stream.learner.logit.weights == weights).all()
    assert stream.learner.logit.hashed == hashed
    stream.learner.sealed, stream.learner.frozen = False, True
    stream.play(ANSWERS[400])
    assert (stream.learner.logit.weights == weights).all()
    changed = [a != b for a, b in zip(stream.learner.logit.hashed, hashed, strict=True)]
    assert sum(changed) == 1


def test_tables_tell_codes_apart_while_there_is_room_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    table.count(5, 1.0)
    table.count(5 + TABLE_MOST, 0.0)
    assert table.share(5, 0.5, 2.0) == pytest.approx(2.0 / 3.0)
    monkeypatch.setattr("carrythrough.scoring.learner.TABLE_MOST", 4)
    small = Table()
    for code in range(100, 200):
        small.count(code, 1.0)
    assert len(small.entries) <= 8
    assert [small.answers(code) for code in range(100, 104)] == [1.0] * 4
    assert sum(n for n, _ in small.entries.values()) == 100.0


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        OnlineLogit([0.0], [1.0], 3)


def test_figures_of_known_predictions() -> None:
    verdict = judge([0.1, 0.4, 0.35, 0.8], [0.0, 0.0, 1.0, 1.0])
    assert verdict.auc == pytest.approx(0.75)
    assert verdict.log_loss == pytest.approx(-(log(0.9) + log(0.6) + log(0.35) + log(0.8)) / 4)
    assert judge([0.5] * 10, [1.0] * 10).auc == 0.5
    assert judge([0.3] * 100, [1.0] * 30 + [0.0] * 70).ece < 1.0
    even = judge([0.25] * 400, ([1.0] + [0.0] * 3) * 100)
    assert even.auc == pytest.approx(0.5)
    assert even.ece == pytest.approx(0.0, abs=0.02)
    with pytest.raises(ValueError, match="0 predictions"):
        judge([], [])


def outcomes(n: int, rate: float, seed: int = 2) -> list[Outcome]:
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        row = (1.0, *(rng.random() for _ in FEATURES[1:]))
        made.append(Outcome(row, 3.0, 3.0 * rate, float(rng.random() < rate), 1.0))
    return made


def test_the_shadow_head_holds_its_signs_and_its_tallies_agree_with_the_exact_figures() -> None:
    shadow = Shadow(SHIPPED)
    for outcome in outcomes(800, 0.15):
        shadow.take(outcome)
    model = shadow.model()
    check(model)
    for weight, sign in zip(model.weights, SIGNS, strict=True):
        assert weight >= 0 if sign == 1 else weight <= 0 if sign == -1 else weight == 0 or sign == 0
    comparison = shadow.comparison()
    assert comparison.old_verdict is not None
    assert comparison.new_verdict is not None
    assert comparison.new_verdict.log_loss < comparison.old_verdict.log_loss
    assert Shadow.of(shadow.snapshot()).snapshot() == shadow.snapshot()


def test_a_tally_gives_what_the_exact_figures_give() -> None:
    rng = random.Random(4)
    tally: Tally = empty_tally()
    said, came = [], []
    for _ in range(5_000):
        p = rng.betavariate(2.0, 2.0)
        y = float(rng.random() < p)
        tally.count(p, y, 1.0)
        said.append(p)
        came.append(y)
    exact, binned = judge(said, came), tally.verdict()
    assert binned is not None
    assert binned.log_loss == pytest.approx(exact.log_loss)
    assert binned.auc == pytest.approx(exact.auc, abs=0.002)
    assert binned.ece == pytest.approx(exact.ece, abs=0.01)
    assert empty_tally().verdict() is None


def test_bytes_of_another_program_or_of_something_else_are_no_learner() -> None:
    stream = Stream(Learner(SLOTS))
    for answer in ANSWERS[:50]:
        stream.play(answer)
    image = encode_shadow(AnswerShadow(SHIPPED, learner=stream.learner, position=50))
    assert decode_shadow(image) is not None
    parts = msgspec.msgpack.decode(image[:-16])
    others: list[object] = [
        {"x": 1},
        "text",
        [IMAGE_VERSION + 1, *parts[1:]],
        [parts[0], ["bias"], *parts[2:]],
    ]
    for other in others:
        body = msgspec.msgpack.encode(other)
        assert decode_shadow(body + blake2b(body, digest_size=16).digest()) is None
    assert len(image) < IMAGE_BYTES_MAX


def test_a_full_learner_stays_within_the_size_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Learner()
    for slot in range(learner.logit.slots):
        learner.logit.gathered[slot] = 1.0
    monkeypatch.setattr("carrythrough.scoring.learner.TABLE_MOST", 1 << 10)
    for table in (learner.items, learner.skills):
        for code in range(5_000, 9_000):
            table.count(code, 1.0)
        assert len(table.entries) <= 2 << 10
    size = len(encode_shadow(AnswerShadow(SHIPPED, learner=learner)))
    tables = 2 * 24 * 2 * (TABLE_MOST - (1 << 10))
    assert size + tables < IMAGE_BYTES_MAX
