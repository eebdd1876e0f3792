"""One act of one simulated person: draw what happens, change the truth, return what arrives.

Everything here is a function of the scene's own random generator and of the hidden
truth of the pair. Deliveries never arrive before the act, some arrive hours later
(a headset that synchronises when it is docked, a queue that was stuck), and about one
in a hundred arrives twice, as real senders do it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from carrythrough.testing import simulator_events as events
from carrythrough.testing import simulator_statements as statements
from carrythrough.testing.simulator_lives import Act, Life
from carrythrough.testing.simulator_people import Employee
from carrythrough.testing.simulator_truth import heavy_tailed

SECOND_MS = 1000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
NO_SHOW_SHARE = 0.06
"""Share of planned sessions to which nobody turns up."""
DUPLICATE_SHARE = 0.01
LATE_SHARE = 0.03
HEADSET_LATE_SHARE = 0.15
UNRECORDED_SHARE = 0.10
"""Share of opportunities whose outcome no system records."""
CHECKED_SHARE = 0.15
"""Share of opportunities that quality assurance looks at."""
CHECK_AGREES = 0.93
FIGURE_CHANCE_MIN = 0.5
"""Who gets less than this factor of the usual cases has too few for a weekly figure."""
FIGURE_DRIFT_DAYS = 90.0
VIDEO_TRACE, MENTORING_TRACE = 0.30, 0.50
ANSWER_TRACE = {True: 0.12, False: 0.08}
CHOICE_TRACE = {True: 0.14, False: 0.09}
REVIEW_QUESTIONS = 4

Arrival = tuple[int, str, dict[str, Any]]


class Scene(NamedTuple):
    """Who acts, in which life, when (ms and days since the start), under which key and chance."""

    person: Employee
    life: Life
    t_ms: int
    day: float
    key: str
    rng: random.Random
    seed: int


def play(act: Act, scene: Scene) -> Iterator[Arrival]:
    """Yield (arrival time ms, kind, payload) for one act; the truth of the pair changes on the way."""
    return _PLAYS[act](scene)


def _arrive(
    scene: Scene, kind: str, timed: list[tuple[int, dict[str, Any]]], late: float
) -> Iterator[Arrival]:
    """Yield the arrivals of one session: in one go when it is late, otherwise seconds after each event."""
    rng = scene.rng
    session_delay_ms = int(rng.uniform(0.2, 30.0) * HOUR_MS) if rng.random() < late else 0
    for t_ms, payload in timed:
        arrival_ms = t_ms + session_delay_ms + int(rng.uniform(1.0, 20.0) * SECOND_MS)
        yield arrival_ms, kind, payload
        if rng.random() < DUPLICATE_SHARE:
            yield arrival_ms + int(rng.uniform(1.0, 30.0) * MINUTE_MS), kind, payload


def _video(scene: Scene) -> Iterator[Arrival]:
    watched = 1.0 if scene.rng.random() < 0.8 else scene.rng.uniform(0.1, 0.9)
    scene.life.truth.rehearse(scene.day, VIDEO_TRACE * watched)
    made = statements.video(scene.person, scene.life.skill, scene.t_ms, watched, scene.key)
    return _arrive(scene, "statement", made, LATE_SHARE)


def _mentoring(scene: Scene) -> Iterator[Arrival]:
    if scene.rng.random() < NO_SHOW_SHARE:
        return iter(())
    scene.life.truth.rehearse(scene.day, MENTORING_TRACE)
    made = statements.mentoring(scene.person, scene.life.skill, scene.t_ms, scene.key)
    return _arrive(scene, "statement", made, LATE_SHARE)


def _answers(scene: Scene, numbers: list[int]) -> list[tuple[int, bool]]:
    """Draw the answers; each one, right or wrong, is followed by feedback and leaves a trace."""
    truth = scene.life.truth
    drawn: list[tuple[int, bool]] = []
    for number in numbers:
        right = scene.rng.random() < truth.answer(scene.day)
        truth.rehearse(scene.day, ANSWER_TRACE[right])
        drawn.append((number, right))
    return drawn


def _quiz(scene: Scene) -> Iterator[Arrival]:
    if scene.rng.random() < NO_SHOW_SHARE:
        return iter(())
    skill = scene.life.skill
    answers = _answers(scene, list(range(1, skill.questions + 1)))
    made = statements.quiz(scene.person, skill, scene.t_ms, answers, scene.key, whole=True)
    return _arrive(scene, "statement", made, LATE_SHARE)


def _review(scene: Scene) -> Iterator[Arrival]:
    skill = scene.life.skill
    numbers = scene.rng.sample(range(1, skill.questions + 1), REVIEW_QUESTIONS)
    answers = _answers(scene, numbers)
    made = statements.quiz(scene.person, skill, scene.t_ms, answers, scene.key, whole=False)
    if scene.rng.random() < 0.3:
        made.append(statements.aid_viewed(scene.person, skill, made[-1][0] + MINUTE_MS, f"{scene.key}-aid"))
    return _arrive(scene, "statement", made, LATE_SHARE)


def _simulation(scene: Scene) -> Iterator[Arrival]:
    person, life, rng = scene.person, scene.life, scene.rng
    if rng.random() < NO_SHOW_SHARE:
        made = statements.abandoned(person, life.skill, scene.t_ms, scene.key)
        return _arrive(scene, "statement", made, LATE_SHARE)
    choices: list[bool] = []
    for _ in range(life.skill.steps):
        right = rng.random() < life.truth.simulate_step(scene.day)
        life.truth.rehearse(scene.day, CHOICE_TRACE[right])
        life.truth.practise(1.0 if right else 0.5)
        choices.append(right)
    registration = statements.uuid_of(scene.key, "registration")
    made = statements.simulation(person, life.skill, scene.t_ms, choices, scene.key, registration)
    return _arrive(scene, "statement", made, HEADSET_LATE_SHARE)


def _opportunity(scene: Scene) -> Iterator[Arrival]:
    """Meet the standard or not, with the job aid or without; using the skill is what keeps it."""
    person, life, rng = scene.person, scene.life, scene.rng
    truth, skill = life.truth, life.skill
    aided = rng.random() < truth.reliance
    met = rng.random() < (truth.aided(scene.day) if aided else truth.unaided(scene.day))
    if met:
        truth.rehearse(scene.day, 0.05 if aided else 0.20)
        truth.practise(0.15 if aided else 1.0)
    else:
        truth.rehearse(scene.day, 0.06)
        truth.practise(0.3)
    made: list[tuple[int, dict[str, Any]]] = []
    if aided:
        made.append(
            (scene.t_ms, events.aid_used(person, skill, scene.t_ms, f"{skill.source}-{scene.key}-aid"))
        )
    done_ms = scene.t_ms + int(rng.uniform(2.0, 12.0) * MINUTE_MS)
    key = f"{skill.source}-{scene.key}"
    if rng.random() < UNRECORDED_SHARE:
        made.append((done_ms, events.opportunity(person, skill, done_ms, key)))
    else:
        said_assisted = aided and rng.random() < 0.5
        made.append(
            (done_ms, events.task_outcome(person, skill, done_ms, key, met=met, said_assisted=said_assisted))
        )
    if not aided and rng.random() < CHECKED_SHARE:
        made.append(_checked(scene, done_ms, met=met))
    return _arrive(scene, "event", made, LATE_SHARE)


def _checked(scene: Scene, done_ms: int, *, met: bool) -> tuple[int, dict[str, Any]]:
    """Return the check of a recorded case, some hours later, by somebody who mostly agrees."""
    checked_ms = done_ms + int(scene.rng.uniform(1.0, 30.0) * HOUR_MS)
    verdict = met if scene.rng.random() < CHECK_AGREES else not met
    check = events.quality_check(scene.person, scene.life.skill, checked_ms, f"qa-{scene.key}", met=verdict)
    return checked_ms, check


def _kpi(scene: Scene) -> Iterator[Arrival]:
    """Return the weekly figure: the truth, a slope, and noise with heavy tails."""
    life, skill = scene.life, scene.life.skill
    if scene.person.role not in skill.kpi_roles or life.chance < FIGURE_CHANCE_MIN:
        return iter(())
    draws = [scene.rng.gauss(0.0, 1.0) for _ in range(4)]
    noise = skill.kpi_sd * heavy_tailed(draws[0], (draws[1], draws[2], draws[3]))
    expected = skill.kpi_at_target + skill.kpi_slope * (life.truth.next_opportunity(scene.day) - 0.75)
    beside = skill.kpi_sd * (life.figure_shift + life.figure_drift * scene.day / FIGURE_DRIFT_DAYS)
    value = round(min(1.0, max(0.0, expected + beside + noise)), 3)
    reading = events.kpi_reading(scene.person, skill, scene.t_ms, value, f"kpi-{scene.key}")
    return _arrive(scene, "event", [(scene.t_ms, reading)], LATE_SHARE)


def _observation(scene: Scene) -> Iterator[Arrival]:
    """Return what a manager (with a bias of their own) or a peer wrote down."""
    rng, person = scene.rng, scene.person
    observer = "manager" if person.manager and rng.random() < 0.7 else "peer"
    if observer == "manager":
        bias = random.Random(f"{scene.seed}-{person.manager}").gauss(0.04, 0.10)
        noise = 0.12
    else:
        bias, noise = 0.06, 0.18
    score = scene.life.truth.next_opportunity(scene.day) + bias + rng.gauss(0.0, noise)
    score = round(min(1.0, max(0.0, score)), 2)
    seen = events.observation(person, scene.life.skill, scene.t_ms, score, observer, f"obs-{scene.key}")
    return _arrive(scene, "event", [(scene.t_ms, seen)], LATE_SHARE)


def _self_report(scene: Scene) -> Iterator[Arrival]:
    """Return a person's own confidence, which leans towards the middle and a little upwards."""
    p = scene.life.truth.next_opportunity(scene.day)
    confidence = round(min(1.0, max(0.0, 0.35 + 0.5 * p + scene.rng.gauss(0.05, 0.15))), 2)
    said = events.self_report(scene.person, scene.life.skill, scene.t_ms, confidence, f"said-{scene.key}")
    return _arrive(scene, "event", [(scene.t_ms, said)], LATE_SHARE)


_PLAYS: dict[Act, Callable[[Scene], Iterator[Arrival]]] = {
    Act.VIDEO: _video,
    Act.QUIZ: _quiz,
    Act.SIMULATION: _simulation,
    Act.MENTORING: _mentoring,
    Act.REVIEW: _review,
    Act.OPPORTUNITY: _opportunity,
    Act.KPI: _kpi,
    Act.OBSERVATION: _observation,
    Act.SELF_REPORT: _self_report,
}
