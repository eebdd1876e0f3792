"""One decision point: rules, then guards, then the choice, all of it logged.

A decision depends on the state and the log alone: caps and cooldowns live in the
employee's state, the person's local time in the roster record in force.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.effects import ActionRequested, Decision, effect_id
from carrythrough.program.compile import Program
from carrythrough.program.types import Reinforcement
from carrythrough.reinforcement.guards import DAY_MS, HOUR_MS, Limits, Person, Verdict, check
from carrythrough.reinforcement.prerequisites import WAITS, waits_for_another
from carrythrough.reinforcement.presence import employment_of, hours_of
from carrythrough.reinforcement.rules import Facts, SkillRules, eligible, why
from carrythrough.reinforcement.stage import Stage
from carrythrough.reinforcement.wishes import NO_WISHES, Wishes
from carrythrough.scoring.state import LearnerState, Published

RELOG_MS = DAY_MS
"""A decision that says the same again is logged at most once in this span."""


class Situation(msgspec.Struct, frozen=True):
    """What is decided about: one pair as of now. news_ms: age of the evidence that led here."""

    subject: str
    stage: Stage
    news_ms: int
    facts: Facts
    wishes: Wishes = NO_WISHES


class Decider:
    """Rules and policy of the program in force."""

    def __init__(self, program: Program, directory: RosterIndex, tenant: str) -> None:
        self._rules = program.reinforcement
        self._by_skill: dict[str, SkillRules] = {}
        self._directory = directory
        self._tenant = tenant
        policy = program.policy
        self._policy = policy
        self._limits = Limits(
            per_day=policy.per_day,
            per_week=policy.per_week,
            cooldown_ms=policy.cooldown_h * HOUR_MS,
            holdout=policy.holdout,
            killed_actions=frozenset(policy.kill.actions),
            killed_subjects=frozenset(policy.kill.subjects),
        )
        self.news_ms_max = max((rule.expires_h for rule in self._rules), default=0) * HOUR_MS
        """Evidence older than this decides nothing: history is not news (promise 8)."""

    def of(self, skill: str) -> SkillRules:
        """Return the rules for a skill."""
        found = self._by_skill.get(skill)
        if found is None:
            found = self._by_skill[skill] = SkillRules(self._rules, skill)
        return found

    def decide(
        self, s: Situation, learner: LearnerState, published: Published
    ) -> tuple[ActionRequested | Decision, ...]:
        """Return the effects of one decision point and note pushes and timers in the state given."""
        rules = eligible(self.of(s.facts.skill.id).rules, s.stage, s.facts)
        rules = tuple(rule for rule in rules if s.news_ms <= rule.expires_h * HOUR_MS)
        rules = tuple(r for r in rules if not s.wishes.silences(r.id, published.as_of_ms))
        if not rules:
            return ()
        rule = rules[0]
        now = published.as_of_ms
        learner.pushes = tuple(t for t in learner.pushes if now - t < 7 * DAY_MS)
        verdict = check(
            self._person(s.subject, s.wishes.topics),
            self._limits,
            rule.action,
            now,
            pushes=learner.pushes,
            action_ms=published.action_ms,
            ignored=published.ignored,
        )
        if later_ms := s.wishes.later_ms(s.facts.skill.id, now):
            opens = verdict.again_ms or not verdict.held_by
            verdict = Verdict(
                (*verdict.held_by, "postponed"), max(verdict.again_ms, later_ms) if opens else 0
            )
        if not verdict.held_by and waits_for_another(s.facts.skill, learner):
            verdict = Verdict((WAITS,))  # asked again when the pair is next read
        decision = self._decision(s, rules, rule, verdict, published)
        if verdict.held_by:
            if verdict.again_ms and (not published.due_ms or verdict.again_ms < published.due_ms):
                published.due_ms = max(verdict.again_ms, now + 1)
            return () if decision is None else (decision,)
        learner.pushes = (*learner.pushes, now)
        published.action_ms = now
        published.ignored += 1
        action = self._action(s, rule, published)
        return (action,) if decision is None else (decision, action)

    def _person(self, subject: str, declined: tuple[str, ...]) -> Person:
        person = self._directory.person(subject)
        quiet = self._policy.quiet.minutes()
        if person is None:
            return Person(
                subject=subject, days_off=self._policy.days_off, quiet_minutes=quiet, opted_out=declined
            )
        days_off = person.days_off or self._policy.days_off
        return Person(
            subject=subject,
            reference=person.id,
            time_zone=person.time_zone or "UTC",
            days_off=days_off,
            quiet_minutes=quiet,
            hours=hours_of(person, days_off),
            employment=employment_of(person),
            opted_out=(*person.opted_out, *declined),
        )

    def _decision(
        self,
        s: Situation,
        rules: tuple[Reinforcement, ...],
        rule: Reinforcement,
        verdict: Verdict,
        published: Published,
    ) -> Decision | None:
        """Return the log entry of this decision, None when it only repeats the last one."""
        chosen = "nothing" if verdict.held_by else rule.action
        text = f"{rule.id}|{chosen}|{','.join(verdict.held_by)}"
        signature = int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
        now = published.as_of_ms
        if verdict.held_by and signature == published.signature and now - published.decision_ms < RELOG_MS:
            return None
        published.signature = signature
        published.decision_ms = now
        return Decision(
            id=effect_id(
                "decision", self._tenant, s.subject, s.facts.skill.id, published.sequence, now, text
            ),
            subject=s.subject,
            skill=s.facts.skill.id,
            rule=rule.id,
            as_of_ms=now,
            eligible=tuple(r.action for r in rules),
            chosen=chosen,
            propensity=1.0,
            suppressed_by=verdict.held_by,
            why=why(s.stage, s.facts, rule),
        )

    def _action(self, s: Situation, rule: Reinforcement, published: Published) -> ActionRequested:
        now = published.as_of_ms
        window = now // max(self._limits.cooldown_ms, HOUR_MS)
        reason = why(s.stage, s.facts, rule)
        return ActionRequested(
            id=effect_id("action", self._tenant, s.subject, s.facts.skill.id, rule.action, window),
            subject=s.subject,
            recipient=s.subject,
            to=rule.to,
            skill=s.facts.skill.id,
            skill_name=s.facts.skill.name,
            action=rule.action,
            rule=rule.id,
            stage=s.stage.text,
            score=round(s.facts.score.value, 4),
            as_of_ms=now,
            expires_ms=now + rule.expires_h * HOUR_MS,
            title=rule.title,
            body=rule.body,
            link=rule.link,
            why=reason,
        )
