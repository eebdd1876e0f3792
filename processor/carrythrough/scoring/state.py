"""The state of one employee: a header and one pair state per skill.

The evidence half (sums, counts, last times, newest outcomes) is a function of
the set of stamped evidence alone. The published half (sequence, last published
score, timers, cooldowns) is a function of the log. The two are kept apart so
that the first can be compared bit for bit whatever the arrival order was.
"""

from __future__ import annotations

from carrythrough.evidence.types import FLAG_OPPORTUNITY_ONLY, W_ONE, Channel, Evidence
from carrythrough.scoring.decay import JOB_HALF_LIVES_MS, LEARN_HALF_LIVES_MS, Sums, add
from carrythrough.scoring.recent import Recent, entry, noted

NEWEST_KEPT = 8
"""Newest outcomes kept per channel, as a top-k by (event time, source)."""
SUCCESS_Y = 1 << 15
SUCCESS_W = W_ONE >> 1
"""An outcome of at least 0.5 with at least half a weight refreshes what was learnt.

A weekly KPI reading (0.2-0.5) is too far from the deed to say that the skill was used just then.
"""
ASSISTED_SHIFT = 1
"""An assisted success counts with weight / 2**ASSISTED_SHIFT: weaker evidence of unaided skill."""
LEARNER_HALF_LIVES_MS = (LEARN_HALF_LIVES_MS[2],)

Newest = tuple[tuple[int, bytes, int], ...]
"""(event time ms, source, y) newest last."""


class OutcomeChannel:
    """Sums, undecayed counts and newest outcomes of one channel that carries outcomes.

    count: outcomes. success: Σy in 2**-16. opportunities: chances without an outcome (job only).
    last_ms: newest event time, 0 when empty. success_ms: newest time of an outcome of at least
    SUCCESS_Y, 0 when there is none.
    """

    __slots__ = ("count", "last_ms", "newest", "opportunities", "success", "success_ms", "sums")

    def __init__(self) -> None:
        self.count = 0
        self.success = 0
        self.opportunities = 0
        self.last_ms = 0
        self.success_ms = 0
        self.newest: Newest = ()
        self.sums: Sums = {}

    def copy(self) -> OutcomeChannel:
        """Return an independent copy."""
        twin = OutcomeChannel.__new__(OutcomeChannel)
        twin.count = self.count
        twin.success = self.success
        twin.opportunities = self.opportunities
        twin.last_ms = self.last_ms
        twin.success_ms = self.success_ms
        twin.newest = self.newest
        twin.sums = self.sums.copy()
        return twin


class Published:
    """What the log has led us to publish and decide for one pair; not part of the evidence half.

    sequence: operations applied. as_of_ms, due_ms (next timer, 0: none), action_ms (last push),
    decision_ms: ms since the epoch. score: last published score in 1e-4, -1: none. stage: code of
    `reinforcement.stage.Stage`. armed: a rule may act on the present stage. ignored: pushes since
    the last evidence that was news. signature: hash of the last logged decision. rest_ms: chance chose to send
    nothing, and is not asked again before this; 0: it may be.
    """

    __slots__ = (
        "action_ms", "armed", "as_of_ms", "decision_ms", "due_ms", "ignored", "rest_ms", "score", "sequence",
        "signature", "stage",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sequence = 0
        self.as_of_ms = 0
        self.due_ms = 0
        self.action_ms = 0
        self.decision_ms = 0
        self.score = -1
        self.stage = 0
        self.armed = 0
        self.ignored = 0
        self.signature = 0
        self.rest_ms = 0

    def copy(self) -> Published:
        """Return an independent copy."""
        twin = Published.__new__(Published)
        twin.sequence = self.sequence
        twin.as_of_ms = self.as_of_ms
        twin.due_ms = self.due_ms
        twin.action_ms = self.action_ms
        twin.decision_ms = self.decision_ms
        twin.score = self.score
        twin.stage = self.stage
        twin.armed = self.armed
        twin.ignored = self.ignored
        twin.signature = self.signature
        twin.rest_ms = self.rest_ms
        return twin


class PairState:
    """Everything known about one (employee, skill).

    first_ms: oldest event time of any evidence, 0 when there is none. A copy shares its channels until it writes
    to one: `own` has the bit of each channel that is this pair's own to change.
    """

    __slots__ = ("channels", "counts", "first_ms", "own", "published")

    def __init__(self) -> None:
        self.own = 0b1111
        self.channels: list[OutcomeChannel | None] = [None, None, None, None]
        self.counts: list[tuple[int, int]] = [
            (0, 0),
            (0, 0),
            (0, 0),
        ]  # exposure, support, voice: (n, last ms)
        self.first_ms = 0
        self.published = Published()

    def copy(self) -> PairState:
        """Return a copy that may be folded into without touching this one."""
        twin = PairState.__new__(PairState)
        twin.channels = self.channels.copy()
        twin.own = 0
        twin.counts = self.counts.copy()
        twin.first_ms = self.first_ms
        twin.published = self.published.copy()
        return twin

    def channel(self, channel: int) -> OutcomeChannel:
        """Return the outcome channel to write to, created empty when it is new."""
        found = self.channels[channel]
        if found is None:
            found = self.channels[channel] = OutcomeChannel()
        elif not self.own >> channel & 1:
            found = self.channels[channel] = found.copy()
        self.own |= 1 << channel
        return found

    def outcomes(self) -> int:
        """Return the undecayed number of outcomes over all channels."""
        return sum(c.count for c in self.channels if c is not None)


class LearnerState:
    """One employee: header and pairs.

    sums: learn and practice outcomes over all skills, half-life 30 days. recent: the newest of them
    (`scoring.recent`). pushes: times (ms) of the pushes of the last seven days, oldest first.
    refresh_ms: when sibling skills are republished, 0: not; odd when news is among what moved them. asked: times
    (ms) of the requests about others of the last seven days, oldest first. sent: (action, time of the newest push
    with it), by action. waiting: (when it is decided again in ms, referral), of a manager; see `pipeline.referring`.
    """

    __slots__ = ("asked", "pairs", "pushes", "recent", "refresh_ms", "sent", "sums", "waiting")

    def __init__(self) -> None:
        self.sums: Sums = {}
        self.recent: Recent = ()
        self.pushes: tuple[int, ...] = ()
        self.refresh_ms = 0
        self.asked: tuple[int, ...] = ()
        self.sent: tuple[tuple[str, int], ...] = ()
        self.waiting: tuple[tuple[int, str], ...] = ()
        self.pairs: dict[str, PairState] = {}

    def copy(self) -> LearnerState:
        """Return a copy whose pairs are still shared: copy a pair before folding into it."""
        twin = LearnerState.__new__(LearnerState)
        twin.sums = self.sums.copy()
        twin.recent = self.recent
        twin.carry(self)
        twin.pairs = self.pairs.copy()
        return twin

    def carry(self, other: LearnerState) -> None:
        """Take over what is known of another state but its evidence: what reached the person, and timers."""
        self.pushes = other.pushes
        self.refresh_ms = other.refresh_ms
        self.asked = other.asked
        self.sent = other.sent
        self.waiting = other.waiting

    def due_ms(self) -> int:
        """Return the earliest timer of this employee, 0 when there is none."""
        times = [p.published.due_ms for p in self.pairs.values() if p.published.due_ms]
        if self.refresh_ms:
            times.append(self.refresh_ms)
        times += [due_ms for due_ms, _ in self.waiting]
        return min(times, default=0)


def apply(learner: LearnerState, pair: PairState, e: Evidence, *, assisted: bool) -> None:
    """Fold one piece of evidence into a learner and a pair, in place (O(1)).

    assisted: the success had a job aid at hand (see `pipeline.assist`).
    """
    if not pair.first_ms or e.t_ms < pair.first_ms:
        pair.first_ms = max(e.t_ms, 1)  # 0 stands for none
    if e.channel > Channel.OBSERVED:
        n, last = pair.counts[e.channel - Channel.EXPOSURE]
        pair.counts[e.channel - Channel.EXPOSURE] = (n + 1, max(last, e.t_ms))
    elif _count(pair.channel(e.channel), e):
        add_terms(learner, pair, e, assisted=assisted)
        if e.channel <= Channel.PRACTICE:
            learner.recent = noted(learner.recent, entry(e.t_ms, e.source, e.skill, e.item, e.y))


def add_terms(learner: LearnerState, pair: PairState, e: Evidence, *, assisted: bool, sign: int = 1) -> None:
    """Add (sign 1) or take back (sign -1) the terms of one outcome in the decayed sums, in place."""
    state = pair.channel(e.channel)
    w = e.w >> ASSISTED_SHIFT if assisted else e.w
    yw = e.y * w
    if e.channel <= Channel.PRACTICE:
        rw = (e.y - e.p_item) * w
        add(state.sums, LEARN_HALF_LIVES_MS, e.t_ms, sign * w, sign * yw, sign * rw)
        add(learner.sums, LEARNER_HALF_LIVES_MS, e.t_ms, sign * w, sign * yw, sign * rw)
    else:
        add(state.sums, JOB_HALF_LIVES_MS, e.t_ms, sign * w, sign * yw, sign * yw if assisted else 0)


def _count(state: OutcomeChannel, e: Evidence) -> bool:
    """Count one piece of evidence; say whether it carries an outcome to be summed."""
    state.last_ms = max(state.last_ms, e.t_ms)
    if e.flags & FLAG_OPPORTUNITY_ONLY or not e.w:
        state.opportunities += 1
        return False
    state.count += 1
    state.success += e.y
    if e.y >= SUCCESS_Y and e.w >= SUCCESS_W and e.t_ms > state.success_ms:
        state.success_ms = e.t_ms
    newest = state.newest
    entry = (e.t_ms, e.source, e.y)
    if not newest or entry > newest[-1]:
        state.newest = (*newest[-(NEWEST_KEPT - 1) :], entry)
    elif len(newest) < NEWEST_KEPT or entry > newest[0]:
        state.newest = tuple(sorted((*newest, entry))[-NEWEST_KEPT:])
    return True
