"""The answer learner in production: fed from a real data folder it predicts to the last bit what the exam predicts.

Statements go through admission, log, fold and ledger; the exam plays a file of the same answers. The learner's file
gives it back to the last bit, a torn one is not used, and what was voided neither teaches nor is known.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from carrythrough.cli.science.answers import Answer, load_answers
from carrythrough.cli.science.exam import Stream
from carrythrough.embedded.answer_feed import ANSWERS_NAME, AnswerFeed, People, save_answers
from carrythrough.embedded.answer_feed import load_answers as load_learner
from carrythrough.embedded.database import connect
from carrythrough.embedded.runtime import Embedded
from carrythrough.evidence.types import Evidence
from carrythrough.identity.changes import PutPerson
from carrythrough.identity.person import Identifier, Person
from carrythrough.scoring.answer_image import decode_shadow, encode_shadow
from carrythrough.scoring.answering import AnswerShadow, Taken
from carrythrough.scoring.codec import encode_learner_evidence
from carrythrough.scoring.learner import Learner
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills:
  - {id: calm, name: Calm, kpis: [k]}
  - {id: clear, name: Clear, kpis: [k]}
  - {id: brief, name: Brief, kpis: [k]}
activities:
  - id: one
    name: One
    match: {activity_prefix: "https://x.example/calm/"}
    evidence: [{skill: calm, channel: learn, outcome: score, item: activity}]
  - id: three
    name: Three
    match: {activity_prefix: "https://x.example/all/"}
    evidence:
      - {skill: clear, channel: practice, outcome: score, item: activity}
      - {skill: brief, channel: learn, outcome: score, item: activity}
      - {skill: calm, channel: learn, outcome: score, item: activity}
"""
SKILLS = {"calm": ("calm",), "all": ("clear", "brief", "calm")}
PEOPLE, ANSWERS = 9, 40
START_S = 1_760_000_000


def made_up(seed: int) -> list[Answer]:
    """Return answers in order of time, now and then something only shown, and scores between 0 and 1."""
    rng = random.Random(seed)
    t_ms, made = START_S * 1000, []
    for _ in range(PEOPLE * ANSWERS):
        t_ms += rng.randrange(1, 40_000_000)
        kind = rng.choice(("calm", "all"))
        y = None if rng.random() < 0.1 else rng.choice((0.0, 1.0, 1.0, 0.25))
        item = f"https://x.example/{kind}/{rng.randrange(12)}"
        made.append(Answer(f"p{rng.randrange(PEOPLE)}", item, SKILLS[kind], y, t_ms, t_ms, True))
    return made


def statement(number: int, answer: Answer) -> dict[str, object]:
    moment = datetime.fromtimestamp(answer.t_ms / 1000, UTC).isoformat(timespec="milliseconds")
    made: dict[str, object] = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
        "actor": {"mbox": f"mailto:{answer.person}@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": answer.item},
        "timestamp": moment,
    }
    return made if answer.y is None else made | {"result": {"score": {"scaled": answer.y}}}


class Recording(AnswerShadow):
    """The shadow of the server, with everything that it predicted."""

    def __init__(self, learner: Learner | None = None) -> None:
        super().__init__(SHIPPED, learner=learner)
        self.said: list[float] = []

    def take(
        self, state: LearnerState, person: str, pieces: Sequence[Evidence], position: int
    ) -> Taken | None:
        taken = super().take(state, person, pieces, position)
        if taken is not None:
            self.said.append(taken.prediction.p)
        return taken


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a data folder that took the answers in batches of 50, and the pseudonym of each person."""
    where = tmp_path_factory.mktemp("answers")
    answers = made_up(5)
    subjects: dict[str, str] = {}

    def after(runtime: Embedded) -> None:
        directory = runtime.fold.in_force.directory
        for n, answer in enumerate(answers):
            (one,) = admit(json.dumps(statement(n, answer)).encode(), Limits(), "1.0.3")
            subjects[answer.person] = directory.subject_of_actor(one.statement.actor)

    statements = [statement(n, answer) for n, answer in enumerate(answers)]
    return sent(where, [statements[n : n + 50] for n in range(0, len(statements), 50)], after), subjects


def sent(
    where: Path, batches: list[list[dict[str, object]]], after: Callable[[Embedded], None] | None = None
) -> Path:
    (where / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(where / "data"), program=str(where / "map.yaml")))
    runtime.start(deliver=False)
    for batch in batches:
        asyncio.run(runtime.submit_statements(admit(json.dumps(batch).encode(), Limits(), "1.0.3"), "lms"))
    assert runtime.caught_up()
    if after is not None:
        after(runtime)
    runtime.stop()
    return where / "data"


def learnt(folder: Path, chunk_rows: int = 1_000, people: People | None = None) -> Recording:
    shadow = Recording()
    more = True
    while more:
        feed = AnswerFeed(folder / "state.sqlite", people)
        more = feed.advance(shadow, chunk_rows)
        feed.close()
    return shadow


def test_the_server_predicts_to_the_last_bit_what_the_exam_predicts(
    folder: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    data, subjects = folder
    answers = [a for a in made_up(5) if a.y is not None]
    rows = [
        f"{subjects[a.person]},{a.item},{'|'.join(a.skills)},{a.y},{a.t_ms / 1000}" for a in reversed(answers)
    ]
    (tmp_path / "answers.csv").write_text("learner,item,skills,correct,time\n" + "\n".join(rows) + "\n")
    file = load_answers(tmp_path / "answers.csv", "csv")
    shown = [
        Answer(subjects[a.person], a.item, a.skills, None, a.t_ms, a.t_ms, True)
        for a in made_up(5)
        if a.y is None
    ]
    stream = Stream(Learner())
    said = [stream.play(a) for a in sorted([*file.answers, *shown], key=lambda a: a.t_ms)]
    shadow = learnt(data)
    assert len(shadow.said) == len(answers) > 300
    assert shadow.said == [p for p in said if p is not None]
    assert shadow.learner.logit.weights.tobytes() == stream.learner.logit.weights.tobytes()
    assert shadow.learner.logit.hashed == stream.learner.logit.hashed
    assert shadow.learner.items.entries == stream.learner.items.entries
    head, mine = shadow.trial.verdicts()
    assert head is not None
    assert mine is not None
    assert mine.rows == head.rows == len(answers)


@pytest.mark.parametrize(("chunk_rows", "pairs_kept"), [(1, 4_000), (7, 4), (1_000, 0), (33, 1)])
def test_what_is_learnt_does_not_depend_on_chunks_turns_or_who_is_kept(
    folder: tuple[Path, dict[str, str]], chunk_rows: int, pairs_kept: int
) -> None:
    other = learnt(folder[0], chunk_rows, People(pairs_kept))
    assert encode_shadow(other) == encode_shadow(learnt(folder[0]))


def test_a_file_goes_on_to_the_last_bit_and_a_torn_one_is_not_used(
    folder: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    half = Recording()
    feed = AnswerFeed(folder[0] / "state.sqlite")
    assert feed.advance(half, 300)
    path = tmp_path / ANSWERS_NAME
    save_answers(path, half)
    end = feed.end()
    resumed = load_learner(path, SHIPPED, 0, end)
    assert 0 < resumed.position == half.position < end
    while feed.advance(resumed, 50):
        pass
    feed.close()
    assert encode_shadow(resumed) == encode_shadow(learnt(folder[0]))
    image = path.read_bytes()
    for torn in (image[:-1], image[: len(image) // 2], b"", bytes([image[0] ^ 1]) + image[1:]):
        assert decode_shadow(torn) is None
        path.write_bytes(torn)
        assert load_learner(path, SHIPPED, 0, end).position == 0
    path.write_bytes(image)
    assert load_learner(path, SHIPPED, 0, half.position - 1).position == 0, "learnt from another log"


def test_the_bytes_are_the_learner_and_another_version_starts_the_trial_anew(
    folder: tuple[Path, dict[str, str]],
) -> None:
    shadow = learnt(folder[0])
    twin = decode_shadow(encode_shadow(shadow))
    assert twin is not None
    assert encode_shadow(twin) == encode_shadow(shadow)
    rows = shadow.trial.learner.outcomes
    twin.hold_against(SHIPPED, 0)
    assert twin.trial.learner.outcomes == rows > 0
    twin.hold_against(msgspec.structs.replace(SHIPPED, name="other"), 7)
    assert twin.trial.learner.outcomes == 0
    assert twin.learner.answers == shadow.learner.answers


def test_what_was_voided_neither_teaches_nor_is_known(tmp_path: Path) -> None:
    answers = made_up(6)[:90]
    statements = [statement(n, a) for n, a in enumerate(answers)]
    later = {a.person for a in answers[40:]}
    gone = next(n for n, a in enumerate(answers) if a.y is not None and a.person in later)
    void = {
        "actor": {"mbox": "mailto:admin@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": {"objectType": "StatementRef", "id": statements[gone]["id"]},
    }
    data = sent(tmp_path, [statements[:40]])
    people, fresh = People(), People()
    shadow = learnt(data, 1_000, people)
    sent(tmp_path, [[void], statements[40:]])
    feed = AnswerFeed(data / "state.sqlite", people)
    while feed.advance(shadow):
        pass
    feed.close()
    again = learnt(data, 1_000, fresh)
    assert len(again.said) == len(shadow.said) - 1
    assert shadow.learner.answers == again.learner.answers + 1
    known = {n: (people.find(n), fresh.find(n)) for n in range(1, PEOPLE + 1)}
    same = [
        encode_learner_evidence(kept.state) == encode_learner_evidence(twin.state)
        for kept, twin in known.values()
        if kept is not None and twin is not None
    ]
    assert len(same) == len({a.person for a in answers})
    assert all(same), "a person kept from before the void still knows what was voided"


def test_two_pseudonyms_that_become_one_person_are_known_as_one(tmp_path: Path) -> None:
    def said_by(who: str, number: int, hour: int) -> dict[str, object]:
        answer = Answer(
            who, f"https://x.example/calm/{number % 4}", ("calm",), float(number % 3 > 0), 0, 0, True
        )
        return statement(number, msgspec.structs.replace(answer, t_ms=(START_S + 3600 * hour) * 1000))

    before = [said_by(("ann", "ann.old", "bo")[n % 3], n, n) for n in range(45)]
    folder = sent(tmp_path, [before])
    people = People()
    kept, apart = learnt(folder, 7, people), learnt(folder)
    image = encode_shadow(kept)
    assert encode_shadow(apart) == image
    old = Identifier(mbox="mailto:ann.old@x.example")

    def merge(runtime: Embedded) -> None:
        put = PutPerson(Person(id="e-1", email="ann@x.example", identifiers=(old,)))
        asyncio.run(runtime.submit_roster_changes((put,), "hr"))
        after = [said_by(("ann", "ann.old")[n % 2], 100 + n, 100 + n) for n in range(6)]
        admitted = admit(json.dumps(after).encode(), Limits(), "1.0.3")
        asyncio.run(runtime.submit_statements(admitted, "lms"))
        assert runtime.caught_up()

    sent(tmp_path, [], merge)
    fresh = decode_shadow(image)
    assert fresh is not None
    twin = Recording(fresh.learner)
    twin.position = fresh.position
    kept.said.clear()
    for shadow, known in ((kept, people), (twin, People())):
        feed = AnswerFeed(folder / "state.sqlite", known)
        while feed.advance(shadow, 4):
            pass
        feed.close()
    assert kept.said == twin.said
    assert len(kept.said) == 6
    assert encode_shadow(kept)[:-16] != image[:-16]
    with closing(connect(folder / "state.sqlite", readonly=True)) as state:
        [(number, rows)] = state.execute(
            "SELECT employee, count(*) FROM ledger GROUP BY employee HAVING count(*) > 15"
        ).fetchall()
    assert rows == 36, "thirty of both and the six that came after"
    known_now = people.find(number)
    assert known_now is not None
    assert known_now.pieces == rows


def test_an_answer_that_comes_late_is_counted_and_neither_learnt_nor_judged(tmp_path: Path) -> None:
    answers = [a for a in made_up(7) if a.y is not None and a.person == "p1"][:12]
    statements = [statement(n, a) for n, a in enumerate(answers)]
    data = sent(tmp_path, [statements[1:], statements[:1]])
    shadow = learnt(data)
    assert shadow.learner.answers == len(answers)
    assert shadow.trial.learner.outcomes == len(answers) - 1


def test_the_server_learns_answers_by_itself_and_keeps_them(tmp_path: Path) -> None:
    answers = made_up(8)[:40]
    (tmp_path / "map.yaml").write_text(MAP)
    runtime = Embedded(Settings(data_dir=str(tmp_path / "data"), program=str(tmp_path / "map.yaml")))
    runtime.start()
    statements = [statement(n, answer) for n, answer in enumerate(answers)]
    asyncio.run(runtime.submit_statements(admit(json.dumps(statements).encode(), Limits(), "1.0.3"), "lms"))
    assert runtime.caught_up()
    time.sleep(
        3.5
    )  # longer than the first three rests of the thread, which on a busy machine works in several turns
    runtime.stop()
    image = (tmp_path / "data" / ANSWERS_NAME).read_bytes()
    assert image == encode_shadow(learnt(tmp_path / "data"))
