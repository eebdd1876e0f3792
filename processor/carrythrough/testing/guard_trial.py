"""Simulated decisions around changes of the clocks, each message held against the calendar oracle.

Short lives of forty people: roster entries of every kind in zones with odd rules, a clock that goes over a change of
summer time, evidence, orders and requests at random. What is decided is decided by the product's own code over its
own state; what went out is written down and judged by `calendar_oracle` alone.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Leave, Person, Roster, Week
from carrythrough.pipeline.effects import ActionReferred, ActionRequested, Decision
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.types import Policy
from carrythrough.reinforcement.blast import RuleLoad, RuleLoads, no_load
from carrythrough.reinforcement.decide import Decider, Situation
from carrythrough.reinforcement.orders import NONE, answered, resumed, stopped
from carrythrough.reinforcement.rules import Facts
from carrythrough.reinforcement.stage import Stage
from carrythrough.reinforcement.wishes import NO_WISHES
from carrythrough.scoring.score import Score
from carrythrough.scoring.state import LearnerState, PairState, Published
from carrythrough.testing.calendar_oracle import DAYS, Sent, faults, of_history, of_pair

ZONES = (
    "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "America/Santiago", "Africa/Casablanca", "Africa/Cairo",
    "Antarctica/Troll", "Asia/Gaza", "America/Havana", "Europe/Dublin", "UTC",
)  # fmt: skip
HOURS = ("", "", "", "09:00-17:00", "22:00-06:00", "02:00-03:00", "00:00-00:00", "06:30-14:15", "23:30-01:30")
PEOPLE = 40
LIFE = 1_500
"""Decisions in one short life."""
STEP_MAX_S = 1_500
BLAST = 2
SKILLS = ("calm", "fix")
MAP = """
map: m
version: 1
name: M
skills: [{id: calm, name: Calm, requires: []}, {id: fix, name: Fix, safety_critical: true}]
reinforcement:
  - {id: one, when: {stage: unapplied}, action: nudge, title: T, body: B, expires_h: 30}
  - {id: two, when: {stage: unapplied}, action: spaced-review, title: T, body: B, link: "https://x.example/", adapters: [chat]}
  - {id: three, when: {stage: unapplied}, action: coaching, to: manager, title: T, body: B, expires_h: 20}
  - {id: four, when: {stage: unapplied}, action: feedback-request, to: peer, title: T, body: B, expires_h: 50}
"""  # noqa: E501
SITE = load_program(MAP, "map.yaml")
SCORE = Score(
    value=0.6, low=0.4, high=0.8, pi=0.6, pi_fresh=0.6, alpha=5.0, beta=3.0, successes=1.0, trials=2.0,
    assisted=0.0, outcomes=9, effective=5.0, exposures=0,
)  # fmt: skip


class Verdict(msgspec.Struct):
    """decisions: asked for. sent: messages that went out. violations: what the oracle objected to, by name."""

    decisions: int = 0
    sent: int = 0
    requests: int = 0
    held: Counter[str] = msgspec.field(default_factory=Counter)
    violations: Counter[str] = msgspec.field(default_factory=Counter)


def run(decisions: int, seed: int) -> Verdict:
    """Return what came of at least so many decisions; the same for the same seed."""
    verdict = Verdict()
    number = 0
    while verdict.decisions < decisions:
        _Life(random.Random(f"{seed}/{number}"), verdict).live()
        number += 1
    return verdict


@cache
def changes(zone: str) -> tuple[int, ...]:
    """Return the hours since the epoch of 2024 to 2027 at which the clocks of a zone change."""
    info = ZoneInfo(zone)
    first = int(dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp()) // 3600

    def offset(hour: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(hour * 3600, info).utcoffset()

    return tuple(hour for hour in range(first, first + 4 * 8766) if offset(hour) != offset(hour - 1))


class _Life:
    """One short life of everybody."""

    def __init__(self, rng: random.Random, verdict: Verdict) -> None:
        self._rng = rng
        self._verdict = verdict
        zone = rng.choice(ZONES)
        at_hour = rng.choice(changes(zone) or changes("Europe/Berlin"))
        self._now_ms = (at_hour * 3600 - rng.randrange(6 * 86_400)) * 1000 + rng.randrange(1000)
        self._zone = zone
        self._policy = self._made_policy()
        people = tuple(self._person(n) for n in range(PEOPLE))
        self._directory = RosterIndex(Roster(people=people), b"k" * 32)
        self._subjects = [self._directory.own_subject(person.id) for person in people]
        self._program = Program(msgspec.structs.replace(SITE, policy=self._policy))
        self._rules = {rule.id: rule for rule in SITE.reinforcement}
        self._orders = NONE
        self._loads: dict[str, RuleLoad] = {}
        self._learners: dict[str, LearnerState] = defaultdict(LearnerState)
        self._pairs: dict[tuple[str, str], Published] = defaultdict(Published)
        self._sent: list[Sent] = []
        self._asked: list[Sent] = []
        self._expires: dict[str, int] = {}
        self._evidence: dict[tuple[str, str], list[dt.datetime]] = defaultdict(list)
        self._decider = self._made_decider()

    def live(self) -> None:
        rng = self._rng
        for _ in range(LIFE):
            self._now_ms += rng.randrange(STEP_MAX_S * 1000)
            if rng.random() < 0.01:
                self._order()
            subject, skill = rng.choice(self._subjects), rng.choice(SKILLS)
            if rng.random() < 0.2:
                self._evidence[subject, skill].append(self._at())
                self._pairs[subject, skill].ignored = 0
            if rng.random() < 0.2:
                self._due(rng.choice(self._subjects))
            self._decide(subject, skill)
            if rng.random() < 0.02:
                for other in rng.sample(self._subjects, PEOPLE // 2):  # a feed or a map went wrong
                    self._decide(other, skill)

    def _decide(self, subject: str, skill: str) -> None:
        published = self._pairs[subject, skill]
        published.as_of_ms = max(published.as_of_ms, self._now_ms)
        facts = Facts(self._now_ms, SCORE, self._program.skills[skill], PairState())
        situation = Situation(subject, Stage.UNAPPLIED, 0, facts)
        self._verdict.decisions += 1
        self._take(self._decider.decide(situation, self._learners[subject], published))

    def _due(self, subject: str) -> None:
        effects = self._decider.requests.due(self._learners[subject], NO_WISHES, self._now_ms)
        self._verdict.decisions += len(effects)
        self._take(effects)

    def _take(self, effects: tuple[ActionRequested | ActionReferred | Decision, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Decision):
                self._verdict.held.update(effect.suppressed_by)
            elif isinstance(effect, ActionReferred):
                self._refer(effect)
            else:
                self._judge_message(effect)

    def _refer(self, request: ActionReferred) -> None:
        self._verdict.requests += 1
        self._expires[request.subject + request.rule + request.skill] = request.expires_ms
        self._judge_decision(request, request.subject)
        self._verdict.decisions += 1
        learner = self._learners[request.recipient]
        self._take(self._decider.requests.arrived(request, learner, NO_WISHES, self._now_ms))

    def _judge_decision(self, effect: ActionRequested | ActionReferred, subject: str) -> None:
        """Hold a decision about a person and a skill against what was decided about them before."""
        now = self._noted(effect, subject)
        found = of_pair(self._policy, now, self._asked, self._evidence[subject, effect.skill])
        hour = sum(now.at - one.at < dt.timedelta(hours=1) for one in self._asked if one.rule == now.rule)
        if (
            hour >= BLAST
            and self._orders.approved.get(now.rule, 0) <= self._now_ms
            and not self._approved(now)
        ):
            found.append("blast")
        self._asked.append(now)
        self._verdict.violations.update(found)

    def _approved(self, now: Sent) -> bool:
        """Say whether an approval covered the last hour in part."""
        return now.at - self._approved_at.get(now.rule, _LONG_AGO) < dt.timedelta(hours=25)

    def _judge_message(self, action: ActionRequested) -> None:
        self._verdict.sent += 1
        now, rule = self._noted(action, action.recipient), self._rules[action.rule]
        person = self._directory.people[action.recipient]
        found = faults(self._policy, rule, self._orders, person, action.recipient, now.at)
        found += of_history(self._policy, now, self._sent)
        if action.subject == action.recipient:
            self._judge_decision(action, action.subject)
        elif self._now_ms >= self._expires[action.subject + action.rule + action.skill]:
            found.append("expiry")
        else:
            about = self._directory.people[action.subject]
            found += [fault for fault in faults(self._policy, rule, self._orders, about, action.subject, now.at)
                      if fault == "kill switch"]  # fmt: skip
        self._sent.append(now)
        self._verdict.violations.update(found)

    def _noted(self, effect: ActionRequested | ActionReferred, recipient: str) -> Sent:
        return Sent(self._at(), effect.subject, recipient, effect.skill, effect.rule, effect.action)

    def _at(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._now_ms // 1000, dt.UTC).replace(
            microsecond=self._now_ms % 1000 * 1000
        )

    def _order(self) -> None:
        rng = self._rng
        kind, name = rng.choice(
            (("person", f"e-{rng.randrange(PEOPLE)}"), ("team", "B"), ("adapter", "chat"), ("action", "nudge"),
             ("rule", "two"), ("everything", "all"))
        )  # fmt: skip
        rule = rng.choice(tuple(self._rules))
        lot = rng.random()
        if lot < 0.3:
            self._orders = stopped(self._orders, kind, [name], by="", reason="")  # type: ignore[arg-type]
        elif lot < 0.8:
            for name in ("people", "teams", "adapters", "actions", "rules"):
                self._orders = msgspec.structs.replace(self._orders, **{name: ()})
            self._orders = resumed(self._orders, "everything", ["all"], by="", reason="")
        else:
            approve = rng.random() < 0.5
            self._orders = answered(self._orders, rule, self._now_ms, approve=approve, by="", reason="")
            if approve:
                self._approved_at[rule] = self._at()
        self._decider = self._made_decider()

    def _made_decider(self) -> Decider:
        loads = RuleLoads(no_load, self._loads)
        return Decider(self._program, self._directory, "t", self._orders, loads=loads)

    @property
    def _approved_at(self) -> dict[str, dt.datetime]:
        return self.__dict__.setdefault("_approvals", {})  # type: ignore[no-any-return]

    def _made_policy(self) -> Policy:
        rng = self._rng
        return msgspec.convert(
            {
                "per_day": rng.choice((1, 1, 2)),
                "per_week": rng.choice((2, 3, 5)),
                "cooldown_h": rng.choice((0, 24, 72)),
                "quiet": rng.choice(
                    (
                        {"from": "20:00", "to": "07:00"},
                        {"from": "01:30", "to": "03:15"},
                        {"from": "00:00", "to": "00:00"},
                    )
                ),
                "days_off": rng.choice((["sat", "sun"], ["fri"], [])),
                "holdout": rng.choice((0.0, 0.1)),
                "choice": rng.choice(("first", "learnt", "learnt")),
                "manager_per_week": rng.choice((1, 2)),
                "blast": BLAST,
            },
            Policy,
        )

    def _person(self, number: int) -> Person:
        rng = self._rng
        day = dt.datetime.fromtimestamp(self._now_ms / 1000, dt.UTC).date()

        def near() -> str:
            return (day + dt.timedelta(days=rng.randrange(-3, 14))).isoformat()

        start = near()
        week = {name: rng.choice(HOURS) for name in DAYS}
        return Person(
            id=f"e-{number}",
            manager=f"e-{rng.randrange(4)}",
            team=rng.choice(("A", "B", "")),
            time_zone=self._zone if rng.random() < 0.5 else rng.choice(ZONES),
            work_hours=rng.choice(HOURS),
            days_off=rng.choice(((), (), ("sun", "mon"))),
            week=Week(**week) if rng.random() < 0.15 else None,
            opted_out=rng.choice(((), (), (), (), ("nudge",), ("all",))),
            hire_date=start if rng.random() < 0.1 else "",
            exit_date=near() if rng.random() < 0.1 else "",
            leave=(Leave(start=start, end=max(start, near())),) if rng.random() < 0.15 else (),
            active=rng.random() > 0.02,
        )


_LONG_AGO = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
