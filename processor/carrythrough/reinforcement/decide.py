"""One decision point: rules, then guards, then the choice, all of it logged.

A decision depends on the state and the log alone: caps and cooldowns live in the employee's state, the person's
local time in the roster record in force, what was learnt in the version of the posteriors in force.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.effects import ActionReferred, ActionRequested, Choice, Decision, effect_id
from carrythrough.program.compile import Program
from carrythrough.program.shipped_texts import FALLBACK_LANGUAGE
from carrythrough.program.types import Reinforcement
from carrythrough.reinforcement import blast
from carrythrough.reinforcement.actions import Said, facts_told, said
from carrythrough.reinforcement.addressee import limits_of, person_of, recipient_of
from carrythrough.reinforcement.blast import IDLE, RuleLoads
from carrythrough.reinforcement.choice import WHOLE, drawn, gain_of, probabilities, recovered
from carrythrough.reinforcement.guards import (
    DAY_MS,
    HOUR_MS,
    Person,
    Push,
    Verdict,
    check,
    check_about,
    in_holdout,
)
from carrythrough.reinforcement.orders import NONE, Orders
from carrythrough.reinforcement.posteriors import SHIPPED_PRIOR, Posteriors
from carrythrough.reinforcement.prerequisites import WAITS, waits_for_another
from carrythrough.reinforcement.requests import NOTHING, Requests
from carrythrough.reinforcement.rules import Facts, SkillRules, eligible, why
from carrythrough.reinforcement.stage import Stage
from carrythrough.reinforcement.wishes import NO_WISHES, Wishes
from carrythrough.scoring.state import LearnerState, Published

RELOG_MS = DAY_MS
"""A decision that says the same again is logged at most once in this span."""
REST_MS = 2 * DAY_MS
"""After chance chose nothing the pair is left alone for as long as the near outcome of that decision is waited for."""

Effects = tuple[ActionRequested | ActionReferred | Decision, ...]


class Situation(msgspec.Struct, frozen=True):
    """What is decided about: one pair as of now. news_ms: age of the evidence that led here."""

    subject: str
    stage: Stage
    news_ms: int
    facts: Facts
    wishes: Wishes = NO_WISHES


class Outcome(msgspec.Struct, frozen=True):
    """What came of the choice: the rule, or None for nothing, its probability, and all choices there were."""

    rule: Reinforcement | None
    probability: float
    choices: tuple[Choice, ...]
    randomised: bool


class Decider:
    """Rules and policy of the program in force."""

    def __init__(
        self,
        program: Program,
        directory: RosterIndex,
        tenant: str,
        orders: Orders = NONE,
        posteriors: Posteriors = SHIPPED_PRIOR,
        loads: RuleLoads | None = None,
    ) -> None:
        """loads: what each rule did lately; none at all where nothing is counted over people."""
        self._rules = program.reinforcement
        self._by_skill: dict[str, SkillRules] = {}
        self._directory = directory
        self._tenant = tenant
        self._policy = policy = program.policy
        self._orders = orders
        self._posteriors = posteriors
        self._loads = RuleLoads(blast.no_load, {}) if loads is None else loads
        self._limits = limits_of(policy, orders)
        self._version = f"{program.map.id}@{program.map.version}"
        self.requests = Requests(self._rules, policy, self._limits, directory, tenant)
        self.news_ms_max = max((rule.expires_h for rule in self._rules), default=0) * HOUR_MS
        """Evidence older than this decides nothing: history is not news (promise 8)."""

    def of(self, skill: str) -> SkillRules:
        """Return the rules for a skill."""
        found = self._by_skill.get(skill)
        if found is None:
            found = self._by_skill[skill] = SkillRules(self._rules, skill)
        return found

    def decide(self, s: Situation, learner: LearnerState, published: Published) -> Effects:
        """Return the effects of one decision point and note pushes and timers in the state given."""
        now = published.as_of_ms
        rules = eligible(self.of(s.facts.skill.id).rules, s.stage, s.facts)
        rules = tuple(rule for rule in rules if s.news_ms <= rule.expires_h * HOUR_MS)
        rules = tuple(rule for rule in rules if not s.wishes.silences(rule.id, now))
        if not rules:
            return ()
        if published.rest_ms > now:
            _wake(published, published.rest_ms)
            return ()
        published.rest_ms = 0
        learner.pushes = tuple(t for t in learner.pushes if now - t < 7 * DAY_MS)
        if (dropped := self._dropped(rules, published)) is not None:
            published.armed = 0
            return self._held(s, rules, dropped, (Verdict((blast.DENIED,)),), published)
        person = person_of(self._directory, self._policy, s.subject, s.wishes.topics)
        verdicts = tuple(self._verdict(s, person, rule, learner, published) for rule in rules)
        free = tuple(rule for rule, verdict in zip(rules, verdicts, strict=True) if not verdict.held_by)
        if not free:
            return self._held(s, rules, rules[0], verdicts, published)
        return self._choose(s, rules, free, learner, published)

    def _verdict(
        self, s: Situation, person: Person, rule: Reinforcement, learner: LearnerState, published: Published
    ) -> Verdict:
        """Return what holds one rule back from one person now."""
        now, skill = published.as_of_ms, s.facts.skill
        push = Push(action=rule.action, rule=rule.id, skill=skill.id, adapters=rule.adapters)
        action_ms, ignored = published.action_ms, published.ignored
        if rule.to == "employee":
            verdict = check(
                person, self._limits, push, now, pushes=learner.pushes, action_ms=action_ms, ignored=ignored
            )
        else:
            verdict = check_about(person, self._limits, push, now, action_ms=action_ms, ignored=ignored)
            if not verdict.held_by and self._recipient(s, rule) is None:
                verdict = Verdict(("no-recipient",))
        if later_ms := s.wishes.later_ms(skill.id, now):
            opens = verdict.again_ms or not verdict.held_by
            again_ms = max(verdict.again_ms, later_ms) if opens else 0
            verdict = Verdict((*verdict.held_by, "postponed"), again_ms)
        if verdict.held_by:
            return verdict
        if waits_for_another(skill, learner):
            return Verdict((WAITS,))  # asked again when the pair is next read
        if blast.held(self._loads.of(rule.id), rule.id, now, self._policy.blast, self._orders):
            return Verdict((blast.HELD,), now + blast.ASKED_AGAIN_MS)
        return verdict

    def _recipient(self, s: Situation, rule: Reinforcement) -> str | None:
        return recipient_of(self._directory, s.subject, rule.to, f"{s.subject}/{s.facts.skill.id}/{rule.id}")

    def _dropped(self, rules: tuple[Reinforcement, ...], published: Published) -> Reinforcement | None:
        """Return the rule that this pair waited with for an approval, if it was denied since."""
        for rule in rules:
            denied_ms = self._orders.denied.get(rule.id, 0)
            if denied_ms >= published.decision_ms and published.signature == _signature(rule, (blast.HELD,)):
                return rule
        return None

    def _held(
        self,
        s: Situation,
        rules: tuple[Reinforcement, ...],
        rule: Reinforcement,
        verdicts: tuple[Verdict, ...],
        published: Published,
    ) -> Effects:
        """Log that nothing may be sent, at most once a day where nothing has changed, and set the timer."""
        now, held_by = published.as_of_ms, verdicts[0].held_by
        if again := min((verdict.again_ms for verdict in verdicts if verdict.again_ms), default=0):
            _wake(published, max(again, now + 1))
        signature = _signature(rule, held_by)
        if signature == published.signature and now - published.decision_ms < RELOG_MS:
            return ()
        decision = self._decision(s, rules, rule, published, Outcome(None, 1.0, (), randomised=False))
        decision = msgspec.structs.replace(decision, suppressed_by=held_by)
        if blast.HELD in held_by:
            load = blast.noted_held(self._loads.of(rule.id), rule.id, now, self._orders)
            self._loads.put(rule.id, load)
        published.signature, published.decision_ms = signature, now
        return (decision,)

    def _choose(
        self,
        s: Situation,
        rules: tuple[Reinforcement, ...],
        free: tuple[Reinforcement, ...],
        learner: LearnerState,
        published: Published,
    ) -> Effects:
        now = published.as_of_ms
        outcome = self._outcome(s, rules, free, learner, published)
        rule = outcome.rule
        decision = self._decision(s, rules, rule or free[0], published, outcome)
        published.signature = _signature(rule or free[0], ("chance",) if rule is None else (), rule)
        published.decision_ms = now
        if rule is None:
            published.rest_ms = now + REST_MS
            _wake(published, published.rest_ms)
            return (decision,)
        published.action_ms = now
        published.ignored += 1
        load = self._loads.of(rule.id)
        after = blast.noted_sent(load, rule.id, now, self._orders)
        if after != load or load != IDLE:
            self._loads.put(rule.id, after)
        if rule.to != "employee":
            referred = self._referral(s, rule, published)
            return msgspec.structs.replace(decision, recipient=referred.recipient), referred
        learner.pushes = (*learner.pushes, now)
        learner.sent = tuple(sorted((dict(learner.sent) | {rule.action: now}).items()))
        return decision, self._action(s, rule, published)

    def _outcome(
        self,
        s: Situation,
        rules: tuple[Reinforcement, ...],
        free: tuple[Reinforcement, ...],
        learner: LearnerState,
        published: Published,
    ) -> Outcome:
        """Return the first rule of the map, or what chance draws where the policy leaves it to chance."""
        fixed = next((rule for rule in free if rule.fixed), None)
        if self._policy.choice == "first" or fixed is not None:
            rule = fixed or free[0]
            return Outcome(rule, 1.0, (_choice(rule, WHOLE),), randomised=False)
        nothing = -1.0 if s.facts.skill.safety_critical else self._policy.nothing
        sent, now = dict(learner.sent), published.as_of_ms
        gains = []
        for rule in free:
            cell = self._posteriors.cell(s.stage.text, rule.action, channel_of(rule))
            last_ms = sent.get(rule.action)
            since_ms = None if last_ms is None else now - last_ms
            gains.append(gain_of(cell, recovered(since_ms, self._posteriors.recovery_days)))
        chances = probabilities(gains, nothing)
        number = drawn(chances, self._decision_id(s, rules, published))
        choices = tuple(_choice(rule, chance) for rule, chance in zip((None, *free), chances, strict=True))
        if nothing < 0.0:
            choices = choices[1:]
        picked = None if number == 0 else free[number - 1]
        return Outcome(picked, chances[number] / WHOLE, choices, randomised=len(choices) > 1)

    def _decision_id(self, s: Situation, rules: tuple[Reinforcement, ...], published: Published) -> str:
        """Return the id of this decision, which says nothing of its outcome: chance is a hash of it.

        The last logged decision is in it, so that two at one time of the log have two ids.
        """
        last = f"{published.decision_ms}/{published.signature}"
        names = "|".join(rule.id for rule in rules)
        skill, now = s.facts.skill.id, published.as_of_ms
        return effect_id("decision", self._tenant, s.subject, skill, published.sequence, now, last, names)

    def _decision(
        self,
        s: Situation,
        rules: tuple[Reinforcement, ...],
        rule: Reinforcement,
        published: Published,
        outcome: Outcome,
    ) -> Decision:
        learnt = f" {self._posteriors.name}" if outcome.randomised else ""
        return Decision(
            id=self._decision_id(s, rules, published),
            subject=s.subject,
            skill=s.facts.skill.id,
            rule=rule.id if outcome.rule or not outcome.choices else "",
            as_of_ms=published.as_of_ms,
            eligible=tuple(r.action for r in rules),
            chosen=NOTHING if outcome.rule is None else outcome.rule.action,
            propensity=outcome.probability,
            suppressed_by=(),
            why=why(s.stage, s.facts, rule),
            stage=s.stage.text,
            policy=self._version + learnt,
            choices=outcome.choices,
            holdout=in_holdout(s.subject, self._limits.holdout),
            randomised=outcome.randomised,
        )

    def _action(self, s: Situation, rule: Reinforcement, published: Published) -> ActionRequested:
        now = published.as_of_ms
        reason = why(s.stage, s.facts, rule)
        words = self._said(s, rule, s.subject, facts_told(s.facts, s.stage, reason))
        return ActionRequested(
            id=effect_id("action", self._tenant, s.subject, s.facts.skill.id, rule.action, self._window(now)),
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
            title=words.title,
            body=words.body,
            link=words.link,
            why=reason,
        )

    def _referral(self, s: Situation, rule: Reinforcement, published: Published) -> ActionReferred:
        now, skill, stage = published.as_of_ms, s.facts.skill, s.stage.text
        recipient = self._recipient(s, rule) or ""  # there is one: the guards asked
        reason = f"Where they stand with {skill.name}: {stage.replace('-', ' ')}."
        values = facts_told(s.facts, s.stage, reason)
        values.pop("score", None)  # what somebody scores is theirs to show
        words = self._said(s, rule, recipient, values)
        return ActionReferred(
            id=effect_id("referral", self._tenant, s.subject, skill.id, rule.id, self._window(now)),
            subject=s.subject,
            recipient=recipient,
            to=rule.to,
            skill=skill.id,
            skill_name=skill.name,
            action=rule.action,
            rule=rule.id,
            stage=stage,
            as_of_ms=now,
            expires_ms=now + rule.expires_h * HOUR_MS,
            title=words.title,
            body=words.body,
            link=words.link,
            why=reason,
        )

    def _window(self, now_ms: int) -> int:
        """Return the number of the decision window, which the id of an action is made of."""
        return now_ms // max(self._limits.cooldown_ms, HOUR_MS)

    def _said(self, s: Situation, rule: Reinforcement, reader: str, values: dict[str, str]) -> Said:
        person = self._directory.person(reader)
        locale = FALLBACK_LANGUAGE if person is None else person.locale
        return said(rule, locale, values, {"skill_id": s.facts.skill.id, "person_id": s.subject})


def channel_of(rule: Reinforcement) -> str:
    """Return through what a rule reaches people, as the posteriors know it: its one adapter, "" for several or any."""
    return rule.adapters[0] if len(rule.adapters) == 1 else ""


def _choice(rule: Reinforcement | None, chance: int) -> Choice:
    if rule is None:
        return Choice(probability=chance / WHOLE)
    return Choice(rule=rule.id, action=rule.action, probability=chance / WHOLE)


def _signature(rule: Reinforcement, held_by: tuple[str, ...], chosen: Reinforcement | None = None) -> int:
    """Return a hash of what a decision says, to tell whether it only repeats the last one."""
    text = f"{rule.id}|{NOTHING if chosen is None else chosen.action}|{','.join(held_by)}"
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def _wake(published: Published, at_ms: int) -> None:
    """Have the pair looked at again at a time, or sooner where something else asks for it."""
    if not published.due_ms or at_ms < published.due_ms:
        published.due_ms = at_ms
