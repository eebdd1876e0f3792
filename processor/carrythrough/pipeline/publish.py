"""What a changed pair publishes and decides: score, stage, and perhaps an action.

Each effect's id comes from (tenant, kind, subject, skill, sequence) or the
decision window, so the same log gives the same ids however often it is replayed.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from carrythrough.evidence.types import Evidence
from carrythrough.pipeline.effects import (
    ActionAnswered,
    ActionReferred,
    Effect,
    ScoreChanged,
    ScoreRetracted,
    StageChanged,
    effect_id,
)
from carrythrough.pipeline.forecast import falls_within
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.reasons import reasons_for
from carrythrough.pipeline.replying import Replies, Reply
from carrythrough.pipeline.surveyed import Surveyed, most_pressing_first, reason
from carrythrough.program.types import Skill
from carrythrough.reinforcement.blast import RuleLoads
from carrythrough.reinforcement.decide import Decider, Situation
from carrythrough.reinforcement.rules import Facts, cause_of
from carrythrough.reinforcement.stage import Stage
from carrythrough.reinforcement.wishes import NO_WISHES, Wishes
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.state import LearnerState, PairState

RECHECK_MIN_MS = DAY_MS
RECHECK_MAX_MS = 7 * DAY_MS
RECHECK_SHARE = 8
"""A pair is read again after 1/RECHECK_SHARE of the time since its last evidence, within the two bounds."""
SPREAD_MS = 2 * 3_600_000
"""Timers are spread over this span by a hash, so that an import does not make them all fall due at once."""
REFRESH_MS = 15 * 60_000
"""Other skills of a person, which share the all-skills feature, are published again after this."""
PUBLISHED_STEP = 50
"""Time alone publishes a score again when it moved by this much (1e-4), or its stage changed."""


class Publisher:
    """Collects the effects of one batch; holds no state of its own between batches."""

    def __init__(
        self,
        in_force: InForce,
        surveyed: Surveyed | None = None,
        replies: Replies | None = None,
        loads: RuleLoads | None = None,
    ) -> None:
        self._in_force = in_force
        self._surveyed = surveyed
        self._replies = replies
        self._skills = in_force.program.skills
        self._policy = in_force.program.policy
        self._aside = in_force.directory.keeps_aside
        self._decider = Decider(
            in_force.program,
            in_force.directory,
            in_force.tenant,
            in_force.orders,
            in_force.posteriors,
            loads,
        )
        self.effects: list[Effect] = []

    def evidence(
        self,
        subject: str,
        learner: LearnerState,
        pair: PairState,
        e: Evidence,
        stored_ms: int,
        *,
        moved: bool,
    ) -> None:
        """Count one operation; publish when it moved the score (exposure alone does not), and decide on news.

        Nothing of it while the person is kept aside.
        """
        if self._aside(subject):
            return
        published = pair.published
        published.sequence += 1
        published.as_of_ms = max(published.as_of_ms, stored_ms)
        skill = self._skills.get(e.skill)
        if skill is None or not (moved or e.channel in self._decider.of(e.skill).watched):
            return
        news_ms = published.as_of_ms - e.t_ms
        news = news_ms <= self._decider.news_ms_max
        if news:
            published.armed = 1
        if not moved:
            if news:
                self._decide(subject, learner, pair, skill, self._read(learner, pair, skill), news_ms)
            return
        if news and published.ignored and e.t_ms > published.action_ms:
            self._answer(subject, pair, e)
        if e.channel <= 1 and len(learner.pairs) > 1:
            learner.refresh_ms = _refresh(learner.refresh_ms, published.as_of_ms, news=news)
        reading = self._read(learner, pair, skill)
        self._emit(subject, pair, skill, reading, e.source.hex())
        self._decide(subject, learner, pair, skill, reading, news_ms)

    def recounted(
        self,
        subject: str,
        learner: LearnerState,
        pair: PairState,
        skill_id: str,
        source: bytes,
        stored_ms: int,
    ) -> None:
        """Publish the score after evidence was voided, contested or restored; that decides nothing.

        Nothing of it while the person is kept aside.
        source: 16 bytes, the statement or event that it was about.
        """
        if self._aside(subject):
            return
        published = pair.published
        published.sequence += 1
        published.as_of_ms = max(published.as_of_ms, stored_ms)
        if len(learner.pairs) > 1:
            learner.refresh_ms = _refresh(learner.refresh_ms, published.as_of_ms, news=False)
        if (skill := self._skills.get(skill_id)) is not None:
            self._emit(subject, pair, skill, self._read(learner, pair, skill), source.hex())

    def retracted(self, subject: str, pair: PairState, skill_id: str, into: str, stored_ms: int) -> None:
        """Take back what was published of a pair whose evidence is another pseudonym's; its sequence goes on.

        into: that pseudonym, "" where the evidence stays and the person is kept aside.
        """
        published = pair.published
        published.sequence += 1
        published.as_of_ms = max(published.as_of_ms, stored_ms)
        previous = None if published.score < 0 else published.score / 10_000
        published.score, published.stage, published.due_ms = -1, int(Stage.UNKNOWN), 0
        published.armed = 0
        if into:
            published.ignored = 0  # what was sent is known where the evidence is
        self.effects.append(
            ScoreRetracted(
                id=effect_id("retracted", self._in_force.tenant, subject, skill_id, published.sequence),
                subject=subject,
                skill=skill_id,
                sequence=published.sequence,
                as_of_ms=published.as_of_ms,
                previous=previous,
                into=into,
            )
        )

    def tick(
        self,
        subject: str,
        learner: LearnerState,
        pair: PairState,
        skill_id: str,
        now_ms: int,
        *,
        arms: bool,
    ) -> None:
        """Read a pair again because time passed; publish what moved, and act where a rule is armed.

        arms: whether a change of stage is news; see `waits_for_history`.
        """
        published = pair.published
        before = Stage(published.stage)
        skill = self._skills.get(skill_id)
        if skill is None or self._aside(subject):
            published.due_ms = 0
            return
        # Timers are set no later than the next absence begins, so whatever began since was not looked at before.
        looked_ms = min(published.as_of_ms, published.due_ms - 1 if published.due_ms else now_ms)
        published.as_of_ms = max(published.as_of_ms, now_ms)
        reading = self._read(learner, pair, skill)
        stage = reading.stage
        begun = self._decider.of(skill.id).begun(pair, looked_ms, published.as_of_ms)
        if begun or (arms and stage is not before):
            published.armed = 1  # what begins or changes now is news, whatever the age of the evidence
        value = -1 if reading.score is None else round(reading.score.value * 10_000)
        if stage is not before or abs(value - published.score) >= PUBLISHED_STEP:
            published.sequence += 1
            self._emit(subject, pair, skill, reading, "")
        else:
            published.due_ms = self._next_due(subject, pair, skill.id, stage)
        self._decide(subject, learner, pair, skill, reading, 0)

    def _read(self, learner: LearnerState, pair: PairState, skill: Skill) -> Reading:
        return read_pair(learner, pair, pair.published.as_of_ms, skill, self._in_force.model, self._policy)

    def _emit(self, subject: str, pair: PairState, skill: Skill, reading: Reading, source: str) -> None:
        published = pair.published
        tenant, sequence = self._in_force.tenant, published.sequence
        score, weight, stage = reading.score, reading.weight, reading.stage
        previous = None if published.score < 0 else published.score / 10_000
        before = Stage(published.stage)
        published.score = -1 if score is None else round(score.value * 10_000)
        published.stage = int(stage)
        published.due_ms = self._next_due(subject, pair, skill.id, stage)
        reasons = reasons_for(reading, self._in_force.model, self._policy)
        self.effects.append(
            ScoreChanged(
                id=effect_id("score", tenant, subject, skill.id, sequence),
                subject=subject,
                skill=skill.id,
                sequence=sequence,
                as_of_ms=published.as_of_ms,
                valid_until_ms=published.due_ms or published.as_of_ms + RECHECK_MAX_MS,
                score=None if score is None else round(score.value, 4),
                low=None if score is None else round(score.low, 4),
                high=None if score is None else round(score.high, 4),
                previous=previous,
                outcomes=weight.outcomes,
                exposures=weight.exposures,
                effective=round(weight.effective, 2),
                stage=stage.text,
                source=source,
                reasons=reasons,
                model=self._in_force.model.name,
            )
        )
        if stage is not before:
            self.effects.append(
                StageChanged(
                    id=effect_id("stage", tenant, subject, skill.id, sequence),
                    subject=subject,
                    skill=skill.id,
                    sequence=sequence,
                    as_of_ms=published.as_of_ms,
                    before=before.text,
                    after=stage.text,
                    why="" if score is None else cause_of(stage, score, skill),
                    reasons=reasons,
                )
            )

    def replied(self, reply: Reply, pair: PairState) -> None:
        """Note that a push was answered by the person themselves: it was not ignored, whatever the answer."""
        published = pair.published
        published.as_of_ms = max(published.as_of_ms, reply.stored_ms)
        self.effects.append(
            ActionAnswered(
                id=effect_id("reply", self._in_force.tenant, reply.source.hex()),
                subject=reply.about,
                skill=reply.skill,
                sequence=published.sequence,
                as_of_ms=published.as_of_ms,
                action_ms=published.action_ms,
                answered_ms=reply.t_ms,
                pushes=published.ignored,
                source=reply.source.hex(),
                action=reply.action,
                answer=reply.answer,
            )
        )
        published.ignored = 0
        later_ms = reply.until_ms() if reply.answer == "not-now" else 0
        if self._aside(reply.about):
            return
        if later_ms > published.as_of_ms and not 0 < published.due_ms < later_ms:
            published.due_ms = later_ms

    def _answer(self, subject: str, pair: PairState, e: Evidence) -> None:
        """Note that something was done since the last push, and say so."""
        published = pair.published
        self.effects.append(
            ActionAnswered(
                id=effect_id("answer", self._in_force.tenant, subject, e.skill, published.sequence),
                subject=subject,
                skill=e.skill,
                sequence=published.sequence,
                as_of_ms=published.as_of_ms,
                action_ms=published.action_ms,
                answered_ms=e.t_ms,
                pushes=published.ignored,
                source=e.source.hex(),
            )
        )
        published.ignored = 0

    def _decide(
        self,
        subject: str,
        learner: LearnerState,
        pair: PairState,
        skill: Skill,
        reading: Reading,
        news_ms: int,
    ) -> None:
        if pair.published.armed and reading.score is not None:
            now_ms, model = pair.published.as_of_ms, self._in_force.model

            def falls(days: int) -> bool:
                return falls_within(learner, pair, now_ms, days * DAY_MS, skill, model)

            facts = Facts(now_ms, reading.score, skill, pair, falls)
            wishes = self._wishes(subject)
            situation = Situation(subject, reading.stage, news_ms, facts, wishes)
            decided = self._decider.decide(situation, learner, pair.published)
            if decided and self._surveyed is not None:
                need = self._surveyed.needs(subject, learner, now_ms).get(skill.id)
                if words := reason(need):
                    decided = tuple(
                        one
                        if type(one) is ActionReferred  # what somebody said of themselves is not for others
                        else msgspec.structs.replace(one, why=one.why + words)
                        for one in decided
                    )
            self.effects += decided

    def referred(self, request: ActionReferred, learner: LearnerState, now_ms: int) -> None:
        """Decide a request about somebody at the person whom it is for."""
        if self._aside(request.recipient):
            return
        wishes = self._wishes(request.recipient)
        self.effects += self._decider.requests.arrived(request, learner, wishes, now_ms)

    def requests_due(self, subject: str, learner: LearnerState, now_ms: int) -> None:
        """Decide again the requests that wait at a person and whose time has come."""
        if self._aside(subject):
            learner.waiting = ()
        elif learner.waiting:
            self.effects += self._decider.requests.due(learner, self._wishes(subject), now_ms)

    def _wishes(self, subject: str) -> Wishes:
        return NO_WISHES if self._replies is None else self._replies.wishes(subject)

    def in_order(self, subject: str, learner: LearnerState, now_ms: int) -> list[str]:
        """Return the skills of somebody in the order in which they are asked about when they fall due together."""
        needs = {} if self._surveyed is None else self._surveyed.needs(subject, learner, now_ms)
        return most_pressing_first(learner.pairs, needs)

    def _next_due(self, subject: str, pair: PairState, skill_id: str, stage: Stage) -> int:
        """Return when time alone should look at this pair again, 0 for never."""
        if stage is Stage.NOT_ENOUGH_EVIDENCE:
            return 0
        as_of = pair.published.as_of_ms
        newest = max((c.last_ms for c in pair.channels if c is not None), default=as_of)
        wait = min(max((as_of - newest) // RECHECK_SHARE, RECHECK_MIN_MS), RECHECK_MAX_MS)
        rules = self._decider.of(skill_id)
        if rules.lead_ms:
            wait = min(
                wait, max(rules.lead_ms // 2, RECHECK_MIN_MS)
            )  # no forecast is seen after its lead time
        due = as_of + wait + _spread(subject, skill_id)
        return min(due, rules.next_ms(pair, as_of) or due)


def waits_for_history(learner: LearnerState) -> bool:
    """Say whether other skills of a person are yet to follow old evidence, and nothing that is news.

    What changes a stage then may be that evidence, and history decides nothing: no such change is acted on.
    """
    return learner.refresh_ms > 0 and not learner.refresh_ms & 1


def _refresh(set_ms: int, as_of_ms: int, *, news: bool) -> int:
    """Return when the other skills are read again; odd when news is among what moved them, else even."""
    return (set_ms or (as_of_ms + REFRESH_MS) & ~1) | news


def _spread(subject: str, skill: str) -> int:
    digest = blake2b(f"{subject}/{skill}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") * SPREAD_MS >> 32
