"""The xAPI statements that the senders of the sample organisation would send.

Each function returns (event time in ms, statement as a JSON-ready dict) pairs in time
order. The senders differ as real ones do: the learning management system names people
by mail address and sends ids; Moodle names accounts, sends no ids and raw scores; the
simulation names people by a hash or a badge and reports every choice; the video player
follows the xAPI video profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b, sha1
from typing import Any

from carrythrough.testing.simulator_people import Employee
from carrythrough.testing.simulator_world import LEARN, MOODLE, SIM, SkillWorld

Statement = dict[str, Any]
Timed = tuple[int, Statement]

ADL = "http://adlnet.gov/expapi/verbs/"
ACTIVITY = "http://adlnet.gov/expapi/activities/"
CMI5_CATEGORY = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
CMI5_SESSION = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
CMI5_MASTERY = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore"
VIDEO = "https://w3id.org/xapi/video"
MASTERY = 0.7
"""Share of right answers or choices from which a test or a simulation counts as passed."""
ANSWER_S = 35
"""Seconds between two answers."""
CHOICE_S = 50
"""Seconds between two choices of a simulation."""
SECOND_MS = 1000


def uuid_of(*parts: object) -> str:
    """Return a UUID (version 4 form) that depends on nothing but `parts`."""
    digest = bytearray(blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def rfc3339(t_ms: int) -> str:
    """Return the time in UTC with milliseconds, as `2026-11-21T20:00:00.000Z`."""
    whole, ms = divmod(t_ms, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def _verb(iri: str) -> dict[str, Any]:
    return {"id": iri, "display": {"en": iri.rsplit("/", 1)[1]}}


def _by_mail(employee: Employee) -> dict[str, Any]:
    return {"objectType": "Agent", "name": employee.name, "mbox": f"mailto:{employee.email}"}


def _by_moodle(employee: Employee) -> dict[str, Any]:
    return {"name": employee.name, "account": {"homePage": MOODLE, "name": employee.moodle_user}}


def _by_simulation(employee: Employee) -> dict[str, Any]:
    """Half of the headsets are signed in with a badge, the others send only a hash of the address."""
    if employee.index % 2:
        return {"objectType": "Agent", "account": {"homePage": SIM, "name": employee.badge}}
    digest = sha1(f"mailto:{employee.email}".encode(), usedforsecurity=False).hexdigest()
    return {"objectType": "Agent", "mbox_sha1sum": digest}


def _activity(iri: str, kind: str, name: str) -> dict[str, Any]:
    return {"objectType": "Activity", "id": iri, "definition": {"type": kind, "name": {"en": name}}}


def quiz(
    employee: Employee,
    skill: SkillWorld,
    t_ms: int,
    answers: Sequence[tuple[int, bool]],
    key: str,
    *,
    whole: bool,
) -> list[Timed]:
    """Return the statements of one quiz attempt, from the learning management system or from Moodle.

    answers: (question number, right?) in order. key: names the attempt. whole: the test as a whole
    (passed or failed, with its score) ends the attempt; a short review has none.
    """
    build = _moodle_quiz if skill.moodle else _lms_quiz
    return build(employee, skill, t_ms, answers, key, whole=whole)


def _lms_quiz(
    employee: Employee,
    skill: SkillWorld,
    t_ms: int,
    answers: Sequence[tuple[int, bool]],
    key: str,
    *,
    whole: bool,
) -> list[Timed]:
    actor = _by_mail(employee)
    registration, session = uuid_of(key, "registration"), uuid_of(key, "session")
    course = _activity(skill.course_iri(), f"{ACTIVITY}course", skill.course)
    made: list[Timed] = []

    def add(
        at_ms: int, verb: str, thing: dict[str, Any], result: dict[str, Any] | None, *, cmi5: bool
    ) -> None:
        context: dict[str, Any] = {
            "registration": registration,
            "platform": "Larkfield Learn",
            "contextActivities": {"grouping": [{"id": skill.course_iri()}]},
            "extensions": {CMI5_SESSION: session},
        }
        if cmi5:
            context["contextActivities"]["category"] = [{"id": CMI5_CATEGORY}]
            if verb in ("passed", "failed"):
                context["extensions"][CMI5_MASTERY] = MASTERY
        statement = {
            "id": uuid_of(key, len(made)),
            "actor": actor,
            "verb": _verb(ADL + verb),
            "object": thing,
            "context": context,
            "timestamp": rfc3339(at_ms),
        }
        if result is not None:
            statement["result"] = result
        made.append((at_ms, statement))

    if whole:
        add(t_ms, "initialized", course, None, cmi5=True)
    at_ms = t_ms
    for number, right in answers:
        at_ms += ANSWER_S * SECOND_MS
        thing = _activity(skill.question_iri(number), f"{ACTIVITY}cmi.interaction", f"Question {number}")
        thing["definition"]["interactionType"] = "choice"
        answer = {"success": right, "response": "a" if right else "c", "score": {"scaled": 1 if right else 0}}
        add(at_ms, "answered", thing, {**answer, "duration": f"PT{ANSWER_S}S"}, cmi5=False)
    if whole:
        scaled = _share(answers)
        passed = scaled >= MASTERY
        result = {"success": passed, "score": {"scaled": scaled}, "duration": f"PT{(at_ms - t_ms) // 1000}S"}
        add(at_ms + SECOND_MS, "passed" if passed else "failed", course, result, cmi5=True)
        add(at_ms + 2 * SECOND_MS, "terminated", course, {"duration": result["duration"]}, cmi5=True)
    return made


def _moodle_quiz(
    employee: Employee,
    skill: SkillWorld,
    t_ms: int,
    answers: Sequence[tuple[int, bool]],
    key: str,
    *,
    whole: bool,
) -> list[Timed]:
    actor = _by_moodle(employee)
    made: list[Timed] = []

    def add(at_ms: int, verb: str, thing: dict[str, Any], result: dict[str, Any]) -> None:
        context = {
            "platform": "Moodle",
            "language": "en",
            "contextActivities": {
                "category": [
                    _activity("https://moodle.org", "http://id.tincanapi.com/activitytype/source", "Moodle")
                ],
                "parent": [_activity(skill.course_iri(), f"{ACTIVITY}course", skill.course)],
            },
            "extensions": {"https://moodle.larkfield.example/attempt": uuid_of(key, "attempt")},
        }
        statement = {"actor": actor, "verb": _verb(ADL + verb), "object": thing, "result": result}
        made.append((at_ms, {**statement, "context": context, "timestamp": rfc3339(at_ms)[:-5] + "+00:00"}))

    at_ms = t_ms
    for number, right in answers:
        at_ms += ANSWER_S * SECOND_MS
        thing = _activity(skill.question_iri(number), f"{ACTIVITY}cmi.interaction", f"Question {number}")
        score = {"raw": 1 if right else 0, "min": 0, "max": 1, "scaled": 1 if right else 0}
        add(at_ms, "answered", thing, {"success": right, "completion": True, "score": score})
    if whole:
        right_count = sum(right for _, right in answers)
        score = {"raw": right_count, "min": 0, "max": len(answers)}
        verb = "passed" if _share(answers) >= MASTERY else "failed"
        thing = _activity(skill.course_iri(), f"{ACTIVITY}course", skill.course)
        add(at_ms + SECOND_MS, verb, thing, {"success": verb == "passed", "score": score, "duration": "PT0S"})
    return made


def simulation(
    employee: Employee, skill: SkillWorld, t_ms: int, choices: Sequence[bool], key: str, registration: str
) -> list[Timed]:
    """Return the statements of one run of the simulation: each choice, then the result."""
    actor = _by_simulation(employee)
    scene = _activity(skill.scenario_iri(), f"{ACTIVITY}simulation", skill.scenario)
    context = {"registration": registration, "contextActivities": {"parent": [{"id": skill.scenario_iri()}]}}
    made: list[Timed] = []
    at_ms = t_ms
    for step, right in enumerate(choices, 1):
        at_ms += CHOICE_S * SECOND_MS
        thing = _activity(f"{skill.scenario_iri()}/step/{step}", f"{ACTIVITY}interaction", f"Choice {step}")
        made.append(
            (at_ms, _step_statement(key, step, actor, "responded", thing, {"success": right}, context, at_ms))
        )
    scaled = round(sum(choices) / len(choices), 4)
    passed = scaled >= MASTERY
    result = {"success": passed, "score": {"scaled": scaled}, "duration": f"PT{CHOICE_S * len(choices)}S"}
    at_ms += SECOND_MS
    verb = "passed" if passed else "failed"
    ending = {"registration": registration}
    made.append((at_ms, _step_statement(key, 0, actor, verb, scene, result, ending, at_ms)))
    return made


def abandoned(employee: Employee, skill: SkillWorld, t_ms: int, key: str) -> list[Timed]:
    """Return the only statement of a session to which nobody turned up."""
    scene = _activity(skill.scenario_iri(), f"{ACTIVITY}simulation", skill.scenario)
    statement = _step_statement(key, 0, _by_simulation(employee), "launched", scene, None, {}, t_ms)
    return [(t_ms, statement)]


def _step_statement(
    key: str,
    number: int,
    actor: dict[str, Any],
    verb: str,
    thing: dict[str, Any],
    result: dict[str, Any] | None,
    context: dict[str, Any],
    at_ms: int,
) -> Statement:
    statement: Statement = {
        "id": uuid_of(key, number),
        "actor": actor,
        "verb": _verb(ADL + verb),
        "object": thing,
        "timestamp": rfc3339(at_ms),
    }
    if result is not None:
        statement["result"] = result
    if context:
        statement["context"] = context
    return statement


def video(employee: Employee, skill: SkillWorld, t_ms: int, watched: float, key: str) -> list[Timed]:
    """Return the statements of one viewing; `watched` is the share seen, 0..1, completed from 0.95."""
    actor = _by_mail(employee)
    thing = _activity(skill.video_iri(), f"{VIDEO}/activity-type/video", skill.video)
    seconds = round(skill.video_s * watched, 2)
    context = {
        "registration": uuid_of(key, "registration"),
        "contextActivities": {"category": [{"id": VIDEO}]},
        "extensions": {f"{VIDEO}/extensions/length": skill.video_s},
    }
    played = {f"{VIDEO}/extensions/time": 0.0}
    verbs = [(0, f"{VIDEO}/verbs/played", played)]
    progress = {f"{VIDEO}/extensions/time": seconds, f"{VIDEO}/extensions/progress": round(watched, 3)}
    ending = f"{ADL}completed" if watched >= 0.95 else f"{VIDEO}/verbs/paused"
    verbs.append((int(seconds), ending, progress))
    made: list[Timed] = []
    for number, (after_s, verb, extensions) in enumerate(verbs):
        at_ms = t_ms + after_s * SECOND_MS
        statement = {
            "id": uuid_of(key, number),
            "actor": actor,
            "verb": _verb(verb),
            "object": thing,
            "result": {"extensions": extensions},
            "context": context,
            "timestamp": rfc3339(at_ms),
        }
        made.append((at_ms, statement))
    return made


def mentoring(employee: Employee, skill: SkillWorld, t_ms: int, key: str) -> list[Timed]:
    """Return the statement of a mentoring session attended."""
    thing = _activity(skill.mentoring_iri(), f"{ACTIVITY}meeting", f"Mentoring: {skill.name}")
    statement = {
        "id": uuid_of(key, 0),
        "actor": _by_mail(employee),
        "verb": _verb(f"{ADL}attended"),
        "object": thing,
        "result": {"duration": "PT25M"},
        "context": {"platform": "Larkfield Mentoring"},
        "timestamp": rfc3339(t_ms),
    }
    return [(t_ms, statement)]


def aid_viewed(employee: Employee, skill: SkillWorld, t_ms: int, key: str) -> Timed:
    """Return the statement of a job aid opened from the learning portal."""
    thing = _activity(skill.aid_iri(), "http://id.tincanapi.com/activitytype/document", skill.aid)
    return t_ms, {
        "id": uuid_of(key, 0),
        "actor": _by_mail(employee),
        "verb": _verb("http://id.tincanapi.com/verb/viewed"),
        "object": thing,
        "context": {"platform": "Larkfield Learn", "extensions": {f"{LEARN}/xapi/origin": "search"}},
        "timestamp": rfc3339(t_ms),
    }


def _share(answers: Sequence[tuple[int, bool]]) -> float:
    return round(sum(right for _, right in answers) / len(answers), 4)
