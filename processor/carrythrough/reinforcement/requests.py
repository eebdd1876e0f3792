"""A request about somebody else, decided a second time where it arrives: at the manager, the report or the team-mate.

The first decision (`reinforcement.decide`) was about whose skill it is. This one is about whom it would interrupt:
their caps over everything that reaches them, their working hours and leave, what they opted out of, the kill
switches of now. It never asks for a further one.
"""

from __future__ import annotations

import msgspec

from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.effects import ActionReferred, ActionRequested, Decision, effect_id
from carrythrough.program.types import Policy, Reinforcement
from carrythrough.reinforcement.addressee import person_of, still_fits
from carrythrough.reinforcement.guards import DAY_MS, Limits, Push, Verdict, check_request, is_killed
from carrythrough.reinforcement.wishes import Wishes
from carrythrough.scoring.state import LearnerState

WAITING_MAX = 20
"""Requests that wait for one recipient; with a few a week let through, more would only wait to expire."""
NOTHING = "nothing"

Effects = tuple[ActionRequested | Decision, ...]


class Requests:
    """Decides requests by the program, roster and orders in force."""

    def __init__(
        self,
        rules: tuple[Reinforcement, ...],
        policy: Policy,
        limits: Limits,
        directory: RosterIndex,
        tenant: str,
    ) -> None:
        self._rules = {rule.id: rule for rule in rules}
        self._policy = policy
        self._limits = limits
        self._directory = directory
        self._tenant = tenant

    def arrived(self, asked: ActionReferred, learner: LearnerState, wishes: Wishes, now_ms: int) -> Effects:
        """Decide a request that has just arrived; what has to wait is noted in the state of its recipient."""
        if any(_read(body).id == asked.id for _, body in learner.waiting):
            return ()
        return self._decide(asked, learner, wishes, now_ms, first=True)

    def due(self, learner: LearnerState, wishes: Wishes, now_ms: int) -> Effects:
        """Decide again what has waited long enough, in the order of its timers."""
        ready = [entry for entry in learner.waiting if entry[0] <= now_ms]
        if not ready:
            return ()
        learner.waiting = tuple(entry for entry in learner.waiting if entry[0] > now_ms)
        effects: Effects = ()
        for _, body in ready:
            effects += self._decide(_read(body), learner, wishes, now_ms, first=False)
        return effects

    def _decide(
        self, asked: ActionReferred, learner: LearnerState, wishes: Wishes, now_ms: int, *, first: bool
    ) -> Effects:
        learner.pushes = tuple(t for t in learner.pushes if now_ms - t < 7 * DAY_MS)
        learner.asked = tuple(t for t in learner.asked if now_ms - t < 7 * DAY_MS)
        verdict = self._verdict(asked, learner, wishes, now_ms)
        if not verdict.held_by:
            learner.pushes = (*learner.pushes, now_ms)
            learner.asked = (*learner.asked, now_ms)
            learner.sent = tuple(sorted((dict(learner.sent) | {asked.action: now_ms}).items()))
            return self._decision(asked, verdict, now_ms), self._action(asked, now_ms)
        waits = now_ms < verdict.again_ms < asked.expires_ms
        if waits and len(learner.waiting) >= WAITING_MAX:
            verdict, waits = Verdict((*verdict.held_by, "too-many-waiting")), False
        if waits:
            body = msgspec.json.encode(asked).decode()
            learner.waiting = tuple(sorted((*learner.waiting, (verdict.again_ms, body))))
            return (self._decision(asked, verdict, now_ms),) if first else ()
        return (self._decision(asked, verdict, now_ms),)

    def _verdict(self, asked: ActionReferred, learner: LearnerState, wishes: Wishes, now_ms: int) -> Verdict:
        if now_ms >= asked.expires_ms:
            return Verdict(("expired",))
        if not still_fits(self._directory, asked.subject, asked.recipient, asked.to):
            return Verdict(("recipient-changed",))
        rule = self._rules.get(asked.rule)
        if rule is None:
            return Verdict(("rule-gone",))
        push = Push(action=asked.action, rule=asked.rule, skill=asked.skill, adapters=rule.adapters)
        about = person_of(self._directory, self._policy, asked.subject)
        if is_killed(about, self._limits, push):
            return Verdict(("kill-switch",))
        if "all" in about.opted_out:
            return Verdict(("opted-out",))
        if wishes.silences(asked.rule, now_ms):
            return Verdict(("not-relevant",))
        verdict = check_request(
            person_of(self._directory, self._policy, asked.recipient, wishes.topics),
            self._limits,
            push,
            now_ms,
            pushes=learner.pushes,
            asked=learner.asked,
        )
        if (later_ms := wishes.later_ms(asked.skill, now_ms)) and (verdict.again_ms or not verdict.held_by):
            return Verdict((*verdict.held_by, "postponed"), max(verdict.again_ms, later_ms))
        return verdict

    def _decision(self, asked: ActionReferred, verdict: Verdict, now_ms: int) -> Decision:
        return Decision(
            id=effect_id("decision", self._tenant, asked.recipient, asked.id, now_ms),
            subject=asked.recipient,
            skill=asked.skill,
            rule=asked.rule,
            as_of_ms=now_ms,
            eligible=(asked.action,),
            chosen=NOTHING if verdict.held_by else asked.action,
            propensity=1.0,
            suppressed_by=verdict.held_by,
            why=asked.why,
            stage=asked.stage,
            request=asked.id,
        )

    def _action(self, asked: ActionReferred, now_ms: int) -> ActionRequested:
        return ActionRequested(
            id=effect_id("action", self._tenant, asked.recipient, asked.id),
            subject=asked.subject,
            recipient=asked.recipient,
            to=asked.to,
            skill=asked.skill,
            skill_name=asked.skill_name,
            action=asked.action,
            rule=asked.rule,
            stage=asked.stage,
            score=None,  # what somebody scores is theirs to show
            as_of_ms=now_ms,
            expires_ms=asked.expires_ms,
            title=asked.title,
            body=asked.body,
            link=asked.link,
            why=asked.why,
        )


def _read(body: str) -> ActionReferred:
    return msgspec.json.decode(body, type=ActionReferred)
