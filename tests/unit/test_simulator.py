"""Proves the simulated organisation: same seed, same bytes, and what arrives matches the known truth."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from carrythrough.testing.simulator import DAY_MS, Delivery, Simulator, stream
from carrythrough.testing.simulator_people import PEOPLE_MAX, Part, load_organisation
from carrythrough.testing.simulator_world import SKILL_BY_ID, SKILLS_OF_ROLE

START_MS = 1_789_257_600_000  # 2026-09-13T00:00:00Z, a Sunday
HISTORY_MS = START_MS + 70 * DAY_MS


def as_bytes(deliveries: list[Delivery]) -> bytes:
    return json.dumps(deliveries).encode()


@pytest.fixture(scope="module")
def seventy_days() -> tuple[Simulator, list[Delivery]]:
    simulator = Simulator(load_organisation(40), 1, START_MS)
    return simulator, list(simulator.advance(HISTORY_MS))


def skill_of(payload: dict) -> str:
    by_task = {skill.task: skill.id for skill in SKILL_BY_ID.values()}
    return by_task[payload["activity"]]


def test_the_same_seed_gives_the_same_bytes() -> None:
    organisation = load_organisation(15)
    end_ms = START_MS + 20 * DAY_MS
    first = as_bytes(list(stream(organisation, 7, START_MS, end_ms)))
    again = as_bytes(list(stream(load_organisation(15), 7, START_MS, end_ms)))
    other = as_bytes(list(stream(organisation, 8, START_MS, end_ms)))
    assert first == again
    assert first != other
    assert len(first) > 100_000


@pytest.mark.parametrize("cuts_seed", [1, 2])
def test_however_the_time_is_cut_the_bytes_are_the_same(cuts_seed: int) -> None:
    organisation = load_organisation(10)
    end_ms = START_MS + 15 * DAY_MS
    whole = list(stream(organisation, 3, START_MS, end_ms))
    rng = random.Random(cuts_seed)
    simulator = Simulator(organisation, 3, START_MS)
    pieces: list[Delivery] = []
    while simulator.now_ms < end_ms:
        pieces += simulator.advance(min(end_ms, simulator.now_ms + int(rng.expovariate(1 / (5 * 3_600_000)))))
    assert as_bytes(pieces) == as_bytes(whole)


def test_deliveries_come_in_order_and_only_within_the_time_asked_for(seventy_days) -> None:
    _, deliveries = seventy_days
    times = [delivery.delivery_ms for delivery in deliveries]
    assert times == sorted(times)
    assert times[0] >= START_MS
    assert times[-1] < HISTORY_MS


def test_nothing_arrives_before_it_happened(seventy_days) -> None:
    _, deliveries = seventy_days
    for delivery in deliveries:
        happened = datetime.fromisoformat(delivery.payload.get("time") or delivery.payload["timestamp"])
        assert happened.timestamp() * 1000 <= delivery.delivery_ms


def test_some_arrive_late_and_some_twice_with_the_same_content(seventy_days) -> None:
    _, deliveries = seventy_days
    seen: dict[tuple, list[bytes]] = defaultdict(list)
    late = 0
    for delivery in deliveries:
        payload = delivery.payload
        happened = datetime.fromisoformat(payload.get("time") or payload["timestamp"]).timestamp() * 1000
        late += delivery.delivery_ms - happened > 12 * 3_600_000
        if "id" in payload:
            seen[payload.get("source", ""), payload["id"]].append(json.dumps(payload).encode())
    repeated = [contents for contents in seen.values() if len(contents) > 1]
    assert all(len(set(contents)) == 1 for contents in repeated)
    assert 0.003 < len(repeated) / len(seen) < 0.02
    assert 0.005 < late / len(deliveries) < 0.10


def test_truth_is_a_probability_for_everybody(seventy_days) -> None:
    simulator, _ = seventy_days
    for person in simulator.organisation.people:
        for skill in SKILLS_OF_ROLE[person.role]:
            for days in (0, 1, 30, 3650):
                assert 0.0 < simulator.truth(person.id, skill.id, HISTORY_MS + days * DAY_MS) < 1.0
    with pytest.raises(KeyError):
        simulator.truth("e-001", "juggling", HISTORY_MS)


def test_outcomes_at_work_happen_as_often_as_the_truth_says() -> None:
    simulator = Simulator(load_organisation(120), 11, START_MS)
    expected: dict[int, float] = defaultdict(float)
    met: Counter[int] = Counter()
    count: Counter[int] = Counter()
    for delivery in simulator.advance(START_MS + 60 * DAY_MS):
        payload = delivery.payload
        if payload.get("kind") != "task-outcome" or delivery.delivery_ms < START_MS + 40 * DAY_MS:
            continue
        happened_ms = int(datetime.fromisoformat(payload["time"]).timestamp() * 1000)
        truth = simulator.truth(payload["employee"], skill_of(payload), happened_ms)
        tenth = int(truth * 5)
        expected[tenth] += truth
        met[tenth] += payload["outcome"]["met"]
        count[tenth] += 1
    assert sum(count.values()) > 2_000
    for tenth, n in count.items():
        if n >= 100:
            assert met[tenth] / n == pytest.approx(expected[tenth] / n, abs=0.09), (tenth, n)


def test_work_happens_in_working_hours_and_not_on_days_off(seventy_days) -> None:
    simulator, deliveries = seventy_days
    people = {person.id: person for person in simulator.organisation.people}
    checked = 0
    for delivery in deliveries:
        payload = delivery.payload
        if payload.get("kind") != "job-aid-use":
            continue
        person = people[payload["employee"]]
        local = datetime.fromisoformat(payload["time"]).astimezone(ZoneInfo(person.time_zone))
        opens, closes = person.shift
        assert opens <= local.hour * 60 + local.minute <= closes
        assert local.weekday() not in person.days_off
        checked += 1
    assert checked > 300


def test_each_part_of_the_cast_lives_what_it_should(seventy_days) -> None:
    simulator, deliveries = seventy_days
    outcomes: dict[tuple[str, str], list[dict]] = defaultdict(list)
    aids: Counter[tuple[str, str]] = Counter()
    for delivery in deliveries:
        payload = delivery.payload
        if payload.get("kind") == "task-outcome":
            outcomes[payload["employee"], skill_of(payload)].append(payload)
        elif payload.get("kind") == "job-aid-use":
            aids[payload["employee"], skill_of(payload)] += 1
    by_part: dict[Part, list[tuple[str, str, float]]] = defaultdict(list)
    for person in simulator.organisation.people:
        for life in simulator.lives[person.index]:
            truth = simulator.truth(person.id, life.skill.id, HISTORY_MS)
            by_part[life.part].append((person.id, life.skill.id, truth))
    assert set(by_part) == set(Part)
    for employee, skill, truth in by_part[Part.LAPSED]:
        assert truth < 0.6
        assert len(outcomes[employee, skill]) <= 2
        hidden = simulator.life(employee, skill).truth
        best = max(hidden.unaided(day / 4) for day in range(4 * 72))
        assert hidden.unaided(90.0) < best - 0.1
    for employee, skill, truth in by_part[Part.UNUSED]:
        assert truth > 0.6
        assert not outcomes[employee, skill]
    for employee, skill, _ in by_part[Part.LEANING]:
        assert aids[employee, skill] >= len(outcomes[employee, skill])
    assert sum(aids[employee, skill] >= 10 for employee, skill, _ in by_part[Part.LEANING]) >= 3
    steady = [truth for *_, truth in by_part[Part.STEADY]]
    struggling = [truth for *_, truth in by_part[Part.STRUGGLING]]
    absent = [truth for *_, truth in by_part[Part.NO_SHOW]]
    assert sum(steady) / len(steady) > 0.70
    assert sum(struggling) / len(struggling) < 0.62
    assert sum(absent) / len(absent) < 0.45


def test_everybody_of_the_cast_is_spread_over_rotas() -> None:
    people = load_organisation(40).people
    for part in (Part.LAPSED, Part.UNUSED, Part.LEANING):
        cast = [person for person in people if part in person.parts.values()]
        for weekday in range(7):
            at_work = [person for person in cast if weekday not in person.days_off]
            assert len(at_work) >= 2, (part, weekday)
            assert len({person.time_zone for person in cast}) == 3


def test_mix_of_what_arrives_is_what_the_senders_send(seventy_days) -> None:
    _, deliveries = seventy_days
    kinds = Counter(d.payload["kind"] for d in deliveries if d.kind == "event")
    verbs = Counter(d.payload["verb"]["id"].rsplit("/", 1)[1] for d in deliveries if d.kind == "statement")
    outcomes = {"task-outcome", "qa-result", "kpi-reading", "observation"}
    assert set(kinds) == outcomes | {"job-aid-use", "self-report", "opportunity"}
    assert {
        "answered",
        "passed",
        "failed",
        "completed",
        "responded",
        "attended",
        "viewed",
        "launched",
    } <= set(verbs)
    without_id = sum("id" not in d.payload for d in deliveries if d.kind == "statement")
    assert 0.1 < without_id / sum(verbs.values()) < 0.5
    assert 4_000 < sum(verbs.values()) < 9_000
    assert 4_000 < sum(kinds.values()) < 9_000


@pytest.mark.parametrize("action", ["spaced-review", "nudge", "fade-job-aid"])
def test_people_react_to_actions_and_nobody_else_changes(action: str) -> None:
    part = {"spaced-review": Part.LAPSED, "nudge": Part.UNUSED, "fade-job-aid": Part.LEANING}[action]
    prompted, left_alone = (Simulator(load_organisation(40), 1, START_MS) for _ in range(2))
    for simulator in (prompted, left_alone):
        for _ in simulator.advance(HISTORY_MS):
            pass
    cast = [
        (person.id, life.skill.id)
        for person in prompted.organisation.people
        for life in prompted.lives[person.index]
        if life.part is part
    ]
    taken = [pair for pair in cast if prompted.prompt(*pair, action)]
    assert taken
    later_ms = HISTORY_MS + 10 * DAY_MS
    changed, same = (list(simulator.advance(later_ms)) for simulator in (prompted, left_alone))
    moved = {employee for employee, _ in taken}

    def of_others(deliveries: list[Delivery]) -> list[Delivery]:
        return [d for d in deliveries if d.kind == "event" and d.payload["employee"] not in moved]

    assert of_others(changed) == of_others(same)
    if action == "fade-job-aid":
        reliance = [prompted.life(*pair).truth.reliance for pair in taken]
        assert max(reliance) < 0.5
    elif action == "spaced-review":
        gains = [prompted.truth(*pair, later_ms) - left_alone.truth(*pair, later_ms) for pair in taken]
        assert sum(gains) / len(gains) > 0.05
    else:
        done = Counter(
            (d.payload["employee"], d.payload.get("activity")) for d in changed if d.kind == "event"
        )
        assert all(done[employee, SKILL_BY_ID[skill].task] > 0 for employee, skill in taken)


@pytest.mark.parametrize("employees", [1, 2, 3, 4, 5, 41, 137])
def test_any_number_of_people_makes_a_whole_organisation(employees: int) -> None:
    organisation = load_organisation(employees)
    ids = [person.id for person in organisation.people]
    assert len(set(ids)) == employees
    assert {person.manager for person in organisation.people if person.manager} <= set(ids)
    assert len({person.email for person in organisation.people}) == employees
    simulator = Simulator(organisation, 1, START_MS)
    parts = {life.part for lives in simulator.lives for life in lives}
    assert {Part.LAPSED, Part.UNUSED, Part.LEANING} <= parts
    assert sum(1 for _ in simulator.advance(START_MS + 2 * DAY_MS)) > 0


@pytest.mark.parametrize("employees", [0, -1, PEOPLE_MAX + 1])
def test_an_impossible_number_of_people_is_refused(employees: int) -> None:
    with pytest.raises(ValueError, match="employees"):
        load_organisation(employees)


def test_teams_have_one_lead_and_people_report_to_the_lead_of_their_team() -> None:
    people = load_organisation(200).people
    by_id = {person.id: person for person in people}
    leads = Counter(person.team for person in people if person.role == "lead")
    assert all(leads[person.team] == 1 for person in people)
    for person in people:
        if person.manager and person.role != "lead":
            assert by_id[person.manager].team == person.team


def test_arrivals_of_one_day_are_spread_over_it() -> None:
    simulator = Simulator(load_organisation(60), 2, START_MS)
    for _ in simulator.advance(START_MS + 30 * DAY_MS):
        pass
    day = list(simulator.advance(START_MS + 31 * DAY_MS))
    hours = Counter((delivery.delivery_ms - START_MS) // 3_600_000 % 24 for delivery in day)
    assert len(hours) >= 16
    assert all(later.delivery_ms >= earlier.delivery_ms for earlier, later in pairwise(day))
