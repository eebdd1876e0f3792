"""Proves that what is proposed for unknown statements is what a careful author would write, sender by sender."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from carrythrough.program.courses import slug
from carrythrough.program.load import check_program
from carrythrough.program.map_text import Answers, comment, map_text, scalar
from carrythrough.program.observed import Observed, is_bearing
from carrythrough.program.proposing import Proposal, propose
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.statement import Statement

ADL = "http://adlnet.gov/expapi/"
CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"


def activity(iri: str, type_: str = "", name: str = "", **definition: Any) -> dict[str, Any]:
    if type_:
        definition["type"] = type_
    if name:
        definition["name"] = {"en": name}
    return {"id": iri} | ({"definition": definition} if definition else {})


def statement(
    verb: str, obj: dict[str, Any], result: Any = None, **around: list[dict[str, Any]]
) -> Statement:
    whole: dict[str, Any] = {
        "actor": {"mbox": "mailto:ada@example.com"},
        "verb": {"id": verb if ":" in verb else f"{ADL}verbs/{verb}"},
        "object": obj,
    }
    if result is not None:
        whole["result"] = result
    if around:
        whole["context"] = {"contextActivities": around}
    (one,) = admit(msgspec.json.encode(whole), Limits(), "1.0.3")
    return one.statement


def proposed(statements: Iterable[Statement]) -> Proposal:
    observed = Observed()
    for st in statements:
        observed.add(st)
    return propose(observed)


def readings(proposal: Proposal) -> dict[str, tuple[str, str]]:
    """Return channel and outcome by activity."""
    return {
        part.activity.id: (part.activity.evidence[0].channel, part.activity.evidence[0].outcome)
        for part in proposal.activities
    }


QUESTION = f"{ADL}activities/cmi.interaction"
SCORED = {"score": {"scaled": 0.5}, "success": True}


EXT = "https://vr.example/ext/"


def run(extensions: Any, **result: Any) -> Statement:
    """Return a statement of a simulation that writes its result into extensions."""
    scene = activity("https://vr.example/scene/1", f"{ADL}activities/simulation", "Scene")
    return statement("completed", scene, {"extensions": extensions} | result)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([{EXT + "score": n / 10} for n in range(10)], (EXT + "score", (), 0, 1)),
        ([{EXT + "finalScore": 40 + n} for n in range(10)], (EXT + "finalScore", (), 0, 100)),
        (
            [{EXT + "end": {"grade": 40 + n, "maxGrade": 100}} for n in range(10)],
            (EXT + "end", ("grade",), 0, 100),
        ),
        ([{EXT + "passed": n > 3} for n in range(10)], (EXT + "passed", (), 0, 1)),
        ([{EXT + "passed": n > 3, EXT + "score": n / 10} for n in range(10)], (EXT + "score", (), 0, 1)),
        ([{EXT + "grade": n % 6 + 1} for n in range(10)], None),  # 1 is the best grade in some places
        ([{EXT + "score": n * 1000} for n in range(10)], None),
        ([{EXT + "score": -n} for n in range(10)], None),
        ([{EXT + "errors": n} for n in range(10)], None),
        ([{EXT + "max-score": 100} for _ in range(10)], None),
        ([{EXT + "score": 0.5}] + [{EXT + "errors": 1}] * 9, None),  # in few of them
    ],
)
def test_an_extension_that_is_named_like_a_score_is_read_where_its_scale_shows(
    results: list[Any], expected: tuple[Any, ...] | None
) -> None:
    proposal = proposed(run(each) for each in results)
    (part,) = proposal.activities
    entry = part.activity.evidence[0]
    if expected is None:
        assert (entry.channel, entry.outcome, entry.extension) == ("exposure", "none", None)
        return
    found = entry.extension
    assert found is not None
    assert (entry.channel, entry.outcome) == ("practice", "extension")
    assert (found.iri, found.path, found.worst, found.best) == expected
    text = map_text(proposal, Answers(), "runs.jsonl")
    program, lints = check_program(text, "m.yaml")
    assert program is not None, lints
    assert program.activities[0].evidence == part.activity.evidence


def test_numbers_that_nobody_can_name_are_told_to_the_author() -> None:
    proposal = proposed(run({EXT + "errors": n, EXT + "calm": {"end": 10 * n, "max": 100}}) for n in range(4))
    assert f'"{EXT}errors" (0 to 3)' in proposal.activities[0].reason
    assert proposal.numbers == f'"{EXT}calm, end" (0 to 30), "{EXT}errors" (0 to 3)'


def test_a_score_in_an_extension_alone_is_score_bearing() -> None:
    scene = activity("https://vr.example/scene/1")
    for name, bears in (("score", True), ("errors", False), ("passing-score", False)):
        st = statement("https://vr.example/verbs/ran", scene, {"extensions": {EXT + name: 1}})
        assert is_bearing(st) is bears


def test_a_score_comes_before_extensions() -> None:
    proposal = proposed([run({EXT + "score": 0.2}, score={"scaled": 0.9})])
    assert readings(proposal) == {"scene": ("practice", "score")}


def test_ids_keep_the_letters_of_other_languages_where_latin_has_them() -> None:
    assert slug("Prévention des chutes") == "prevention-des-chutes"
    assert slug("Größe Übung") == "grosse-ubung"
    assert slug("手指衛生", "skill") == "skill"


def moodle() -> list[Statement]:
    course = activity("http://m.example/course/view.php?id=2", f"{ADL}activities/course", "Lifting")
    system = activity("http://m.example", "http://id.tincanapi.com/activitytype/lms", "Moodle")
    source = activity("http://m.example", "http://id.tincanapi.com/activitytype/source", "Moodle")
    around = {"grouping": [system, course], "category": [source]}
    quiz = activity("http://m.example/mod/quiz/attempt.php?attempt=7", f"{ADL}activities/attempt", "Attempt")
    page = activity(
        "http://m.example/mod/page/view.php?id=5", "http://activitystrea.ms/schema/1.0/page", "Read me"
    )
    questions = [activity(f"http://m.example/question.php?id={n}", QUESTION, f"Q{n}") for n in range(3)]
    return [
        statement("https://w3id.org/xapi/adl/verbs/logged-in", system, None, **around),
        statement("http://id.tincanapi.com/verb/viewed", page, None, **around),
        statement("http://id.tincanapi.com/verb/viewed", course, None, **around),
        statement(
            "completed", quiz, {"score": {"raw": 7, "min": 0, "max": 10}, "completion": True}, **around
        ),
        *(
            statement("answered", question, {"response": "a", "success": True}, **around)
            for question in questions
        ),
    ]


def test_moodle_gives_one_skill_a_course_and_nothing_of_the_system() -> None:
    found = proposed(moodle())
    assert [(skill.id, skill.name) for skill in found.skills] == [("lifting", "Lifting")]
    assert readings(found) == {
        "questions": ("learn", "success"),
        "attempt": ("learn", "score"),
        "read-me": ("exposure", "none"),
        "lifting": ("exposure", "none"),
    }
    (questions,) = [part.activity for part in found.activities if part.activity.id == "questions"]
    assert questions.match.grouping == ("http://m.example/course/view.php?id=2",)
    assert questions.match.activity_type == (QUESTION,)
    assert questions.evidence[0].item == "activity"
    assert [(left.verb.rpartition("/")[2], left.why) for left in found.left_out] == [
        ("logged-in", "about the system itself")
    ]
    assert (found.bearing, found.covered) == (4, 4)


def test_cmi5_takes_what_was_passed_and_failed_and_the_answers() -> None:
    unit = activity("https://l.example/au/1")
    around = {"category": [activity(CMI5)], "grouping": [activity("https://l.example/course/forklift")]}
    question = activity(
        "https://l.example/au/1/q1", QUESTION, interactionType="choice", correctResponsesPattern=["a"]
    )
    found = proposed(
        [
            statement("launched", unit, None, **around),
            statement("initialized", unit, None, **around),
            statement("passed", unit, {"score": {"scaled": 0.9}, "success": True}, **around),
            statement("failed", unit, {"score": {"scaled": 0.2}, "success": False}, **around),
            statement("completed", unit, {"completion": True}, **around),
            statement("answered", question, {"response": "a"}, grouping=around["grouping"]),
        ]
    )
    assert {skill.id for skill in found.skills} == {"forklift"}
    assert sorted(readings(found).values()) == [
        ("exposure", "none"),
        ("learn", "question"),
        ("learn", "score"),
    ]
    assert found.covered == found.bearing == 4


def test_an_h5p_exercise_is_no_course() -> None:
    library = activity("http://h5p.org/libraries/H5P.MultiChoice-1.16")
    base = activity("https://s.example/h5p?id=1", name="Set")
    question = activity("https://s.example/h5p?id=1&subContentId=4", QUESTION)
    survey = activity("http://h5p.org/libraries/H5P.Questionnaire-1.3")
    found = proposed(
        [
            statement("answered", question, SCORED, parent=[base], category=[library]),
            statement(
                "completed",
                base,
                SCORED,
                category=[activity("http://h5p.org/libraries/H5P.QuestionSet-1.20")],
            ),
            statement("answered", question, {"response": "fine"}, parent=[base], category=[survey]),
        ]
    )
    assert len(found.skills) == 1
    assert set(readings(found).values()) >= {("learn", "score"), ("voice", "none")}
    assert found.covered == found.bearing == 3


def test_a_simulation_is_told_by_the_words_of_its_id() -> None:
    found = proposed(
        statement("passed", activity(f"https://vr.example/scenarios/fire/{n}")) for n in range(4)
    )
    assert list(readings(found).values()) == [("practice", "success")]
    assert found.activities[0].activity.match.activity_prefix == ("https://vr.example/scenarios/fire/",)
    assert found.skills[0].name == "Fire"


def test_opinions_and_confidence_are_told_apart_by_the_question() -> None:
    def likert(number: int, text: str) -> dict[str, Any]:
        found = activity(f"https://l.example/survey#q-{number}", QUESTION, interactionType="likert")
        found["definition"]["description"] = {"en": text}
        return found

    answer = {"response": "likert_4", "score": {"raw": 4, "min": 1, "max": 5}}
    texts = [
        "The room was warm.",
        "I am confident I can lift.",
        "The instructor was kind.",
        "I feel able to help.",
    ]
    found = proposed(statement("answered", likert(n, text), answer) for n, text in enumerate(texts))
    weights = {part.activity.evidence[0].weight: part.activity for part in found.activities}
    assert all(part.activity.evidence[0].channel == "voice" for part in found.activities)
    assert weights[1.0].match.activity == ("https://l.example/survey#q-1", "https://l.example/survey#q-3")
    assert set(weights[0.0].match.except_.activity) == set(weights[1.0].match.activity)


@pytest.mark.parametrize(
    ("result", "verb", "bearing"),
    [
        ({"score": {"raw": 3}}, "experienced", True),
        ({"success": False}, "experienced", True),
        ({"completion": False}, "experienced", True),
        ({"response": ""}, "experienced", True),
        ({"duration": "PT5M"}, "experienced", False),
        ({"extensions": {"https://e.example/x": 1}}, "experienced", False),
        (None, "passed", True),
        (None, "completed", True),
        (None, "initialized", False),
    ],
)
def test_what_makes_a_statement_score_bearing(result: Any, verb: str, bearing: bool) -> None:
    assert is_bearing(statement(verb, activity("https://x.example/1"), result)) is bearing


def test_what_the_system_waived_is_nothing_that_anybody_did() -> None:
    unit = activity("https://l.example/au/1")
    waived = statement("https://w3id.org/xapi/adl/verbs/waived", unit, {"success": True, "completion": True})
    assert not is_bearing(waived)
    assert proposed([waived]).activities == ()


def test_a_score_without_a_maximum_is_said_to_be_unreadable() -> None:
    found = proposed([statement("scored", activity("https://x.example/quiz"), {"score": {"raw": 7}})])
    assert list(readings(found).values()) == [("exposure", "none")]
    assert "maximum" in found.activities[0].reason


def test_many_courses_become_one_skill() -> None:
    course = f"{ADL}activities/course"
    found = proposed(statement("passed", activity(f"https://x.example/c{n}", course)) for n in range(40))
    assert (len(found.skills), found.covered) == (1, 40)


def test_of_mere_happenings_one_verb_a_sitting_is_taken() -> None:
    video = activity("https://x.example/v", "https://w3id.org/xapi/video/activity-type/video", "V")
    verbs = ["played", "paused", "seeked", "terminated", "initialized"]
    found = proposed(statement(f"https://w3id.org/xapi/video/verbs/{verb}", video) for verb in verbs)
    assert found.activities[0].activity.match.verb == ("https://w3id.org/xapi/video/verbs/terminated",)
    assert sum(left.statements for left in found.left_out) == 4


def test_the_order_of_the_file_does_not_matter() -> None:
    statements = moodle()
    assert propose(_of(statements)) == propose(_of(reversed(statements)))


def _of(statements: Iterable[Statement]) -> Observed:
    observed = Observed()
    for st in statements:
        observed.add(st)
    return observed


HOSTILE = [
    "a: b",
    "#x",
    "- y",
    "yes",
    "1.0",
    "null",
    "{z}",
    "it's",
    'say "so"',
    "tab\there",
    "\u2028",
    "ends:",
    "日本",
    " ",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_any_title_gives_a_map_that_reads_back(title: str) -> None:
    course = activity("https://x.example/c", f"{ADL}activities/course", title)
    inside = activity("https://x.example/c/q", QUESTION, title)
    proposal = proposed([statement("answered", inside, SCORED, grouping=[course])])
    program, lints = check_program(map_text(proposal, Answers(), "f.jsonl"), "m.yaml")
    assert program is not None, [lint.sentence() for lint in lints]
    assert [part.activity.match for part in proposal.activities] == [
        part.match for part in program.activities
    ]
    assert program.activities[0].evidence == proposal.activities[0].activity.evidence


def test_comments_never_break_out() -> None:
    assert all(line.startswith("  # ") for line in comment("one\n- id: two\r\u2028three " + "x" * 300, 2))
    assert scalar("a #b") == '"a #b"'
