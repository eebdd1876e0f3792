"""A seeded organisation with known truth: what its systems would send, and how good its people really are.

Statements and performance events come out as the senders would send them, in the order
in which they arrive, some late, some twice. Behind them each simulated employee learns,
forgets, practises and applies by the model in `simulator_truth`, which shares nothing
with the scorer, so `Simulator.truth` can judge a score. No sockets, no clock, no shared
randomness: the same organisation, seed and start give the same bytes, however the time
is cut into steps.
"""

from __future__ import annotations

import bisect
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from carrythrough.testing.simulator_conditions import CALM, Conditions, impose
from carrythrough.testing.simulator_lives import Act, Life, make_life
from carrythrough.testing.simulator_people import Employee, Organisation
from carrythrough.testing.simulator_scenes import Scene, play
from carrythrough.testing.simulator_world import SKILLS_OF_ROLE

DAY_MS = 86_400_000
MINUTE_MS = 60_000
STEP_MS = 3_600_000
"""Acts are played in steps of one hour, so that even 100,000 people need little memory."""
HISTORY_DAYS = 70.0
"""Length of the past that the plans are laid out for: newcomers start towards its end."""
LEAVE_SHARE = 0.04
"""Share of working days on leave."""
WEEKLY_OBSERVATION = 0.35
"""Chance that a manager or peer writes something down about one skill in a working week."""
FIGURES_AT_MINUTE = 6 * 60
"""Weekly figures come out on Mondays at 06:00 UTC."""

Planned = tuple[int, int, int, int, int]
"""(time ms, employee index, number within the day, act, life index): sorts by time, then person."""


class Delivery(NamedTuple):
    """One thing that arrives: when, "statement" or "event", and the JSON-ready payload."""

    delivery_ms: int
    kind: str
    payload: dict[str, Any]


def seeded(*parts: object) -> random.Random:
    """Return a generator that depends on nothing but `parts`."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))


class Simulator:
    """The organisation in time. start_ms: ms since the epoch; nothing happens before it.

    history_days: days after the start in which the plans unfold (see `HISTORY_DAYS`). conditions: what
    makes it rough (see `simulator_conditions`); calm by default.
    """

    def __init__(
        self,
        organisation: Organisation,
        seed: int,
        start_ms: int,
        history_days: float = HISTORY_DAYS,
        conditions: Conditions = CALM,
    ) -> None:
        self.organisation = organisation
        self.seed = seed
        self.start_ms = start_ms
        self._conditions = conditions
        self.now_ms = start_ms
        self.lives = [self._lives_of(person, history_days) for person in organisation.people]
        self._index = {person.id: person.index for person in organisation.people}
        self._planned: list[Planned] = []
        self._played = 0
        self._date = start_ms // DAY_MS - 2
        self._arriving: list[tuple[int, int, Delivery]] = []
        self._sequence = 0
        self._offsets: dict[tuple[str, int], int] = {}

    def _lives_of(self, person: Employee, history_days: float) -> list[Life]:
        rng = seeded(self.seed, "life", person.id)
        skills = SKILLS_OF_ROLE[person.role]
        lives = [make_life(person, skill, order, history_days, rng) for order, skill in enumerate(skills)]
        impose(self._conditions, person, lives, self.seed)
        return lives

    def advance(self, until_ms: int) -> Iterator[Delivery]:
        """Yield what arrives from the present up to, not including, `until_ms`, in order of arrival."""
        while self.now_ms < until_ms:
            step_end = min(until_ms, (self.now_ms // STEP_MS + 1) * STEP_MS)
            self._plan_through(step_end)
            self._play_through(step_end)
            self.now_ms = step_end
            while self._arriving and self._arriving[0][0] < step_end:
                yield heapq.heappop(self._arriving)[2]

    def truth(self, employee: str, skill: str, t_ms: int) -> float:
        """Return the true probability, 0..1, that the next opportunity at `t_ms` meets the standard.

        Exact from the newest event of the pair on; earlier times leave out what came after them but
        know today's practice. Raises KeyError for an unknown employee or a skill outside the role.
        """
        return self.life(employee, skill).truth.next_opportunity(self.day_of(t_ms))

    def life(self, employee: str, skill: str) -> Life:
        """Return the life of one pair; KeyError when there is none."""
        for life in self.lives[self._index[employee]]:
            if life.skill.id == skill:
                return life
        raise KeyError(f"{employee} has no skill {skill}")

    def day_of(self, t_ms: int) -> float:
        """Return days since the simulator's start."""
        return (t_ms - self.start_ms) / DAY_MS

    def prompt(self, employee: str, skill: str, action: str) -> bool:
        """Let a person react to an action that reached them now; say whether they take it up.

        A review brings the person back to the questions, a nudge makes them look for real cases, a
        faded job aid stays closed more often. Raises KeyError for an unknown person or skill.
        """
        life = self.life(employee, skill)
        index = self._index[employee]
        rng = seeded(self.seed, "prompt", employee, skill, action, self.now_ms)
        if rng.random() > 0.8:
            return False
        number = self.lives[index].index(life)
        for after_h in life.take_up(action, rng):
            t_ms = self.now_ms + int(after_h * STEP_MS)
            act = Act.REVIEW if action == "spaced-review" else Act.OPPORTUNITY
            bisect.insort(self._planned, (t_ms, index, 1000 + number, int(act), number), lo=self._played)
        return True

    def _plan_through(self, until_ms: int) -> None:
        # A working day in the far east begins on the UTC day before: stay one date ahead.
        while self._date <= until_ms // DAY_MS:
            self._date += 1
            fresh: list[Planned] = []
            for person in self.organisation.people:
                fresh.extend(self._plan_day(person, self._date))
            rest = self._planned[self._played :]
            self._planned = sorted(rest + [plan for plan in fresh if plan[0] >= self.now_ms])
            self._played = 0

    def _plan_day(self, person: Employee, date: int) -> Iterator[Planned]:
        """Yield what one person does on one local date (days since the epoch)."""
        rng = seeded(self.seed, "day", person.id, date)
        lives = self.lives[person.index]
        weekday = (date + 3) % 7
        number = 0
        if weekday == 0:
            figures_ms = date * DAY_MS + FIGURES_AT_MINUTE * MINUTE_MS
            for which in range(len(lives)):
                yield (figures_ms + which * MINUTE_MS, person.index, number := number + 1, Act.KPI, which)
        if weekday in person.days_off or rng.random() < LEAVE_SHARE:
            return
        midnight_ms = date * DAY_MS - self._offset_ms(person.time_zone, date)
        opens, closes = person.shift
        day = self.day_of(midnight_ms + opens * MINUTE_MS)
        for which, life in enumerate(lives):
            for act in self._acts_of(life, day, rng):
                t_ms = midnight_ms + int(rng.uniform(opens, closes - 20) * MINUTE_MS)
                yield (t_ms, person.index, number := number + 1, act, which)

    @staticmethod
    def _acts_of(life: Life, day: float, rng: random.Random) -> list[Act]:
        acts = life.due_steps(day)
        if life.finished():
            if rng.random() < life.review_rate:
                acts.append(Act.REVIEW)
            if rng.random() < life.simulate_rate:
                acts.append(Act.SIMULATION)
        acts += [Act.OPPORTUNITY] * _poisson(life.opportunities(day), rng)
        if rng.random() < min(1.0, life.chance) * WEEKLY_OBSERVATION / 5:
            acts.append(Act.OBSERVATION)
        if day >= life.start_day and rng.random() < 0.01:
            acts.append(Act.SELF_REPORT)
        return acts

    def _offset_ms(self, zone: str, date: int) -> int:
        found = self._offsets.get((zone, date))
        if found is None:
            noon = datetime.fromtimestamp(date * DAY_MS / 1000 + 43_200, UTC).astimezone(ZoneInfo(zone))
            shift = noon.utcoffset()
            found = 0 if shift is None else int(shift.total_seconds() * 1000)
            if len(self._offsets) > 10_000:
                self._offsets.clear()
            self._offsets[zone, date] = found
        return found

    def _play_through(self, until_ms: int) -> None:
        while self._played < len(self._planned) and self._planned[self._played][0] < until_ms:
            t_ms, index, number, act, which = self._planned[self._played]
            self._played += 1
            person = self.organisation.people[index]
            key = f"{self.seed}-{person.id}-{t_ms}-{number}"
            life = self.lives[index][which]
            scene = Scene(person, life, t_ms, self.day_of(t_ms), key, seeded(key), self.seed)
            for delivery_ms, kind, payload in play(Act(act), scene):
                self._sequence += 1
                entry = (delivery_ms, self._sequence, Delivery(delivery_ms, kind, payload))
                heapq.heappush(self._arriving, entry)


def _poisson(mean: float, rng: random.Random) -> int:
    """Return a Poisson draw for a small mean, by inversion."""
    if mean <= 0.0:
        return 0
    # Knuth's product of uniforms; means here are under 2.
    limit, product, count = 2.718281828459045**-mean, rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def stream(organisation: Organisation, seed: int, start_ms: int, end_ms: int) -> Iterator[Delivery]:
    """Yield everything that arrives from `start_ms` up to `end_ms`, in order of arrival."""
    return Simulator(organisation, seed, start_ms).advance(end_ms)
