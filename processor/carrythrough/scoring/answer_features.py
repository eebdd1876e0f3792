"""What the answer learner reads from the state of one employee before an answer: dense values and hashed slots.

Everything comes out of the state that the pipeline folds (`scoring.state`), read at `now`: decayed
sums per half-life, undecayed counts, times, the newest outcomes of a pair and the newest answers of the
person. An answer about several skills reads the mean over them: one prediction for an answer. What a
version in force has stamped on evidence (`Evidence.p_item`) is not read, so that the same answers teach
the same whatever was in force.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, log1p, log2
from typing import Final
from zlib import crc32

import msgspec

from carrythrough.evidence.types import Y_ONE
from carrythrough.scoring.decay import LEARN_HALF_LIVES_MS, read
from carrythrough.scoring.online import Hashed
from carrythrough.scoring.recent import Recent
from carrythrough.scoring.state import LEARNER_HALF_LIVES_MS, LearnerState, PairState

PAIR_FEATURES: Final = (
    "share_1d", "share_7d", "share_30d", "share_200d",
    "successes_1d", "failures_1d", "successes_200d", "failures_200d",
    "gap", "first", "gap_of_success", "no_success", "exposures", "last", "last_but_one", "amount",
    "fading", "fading_share",
    "fresh_successes_25", "fresh_failures_25", "fresh_successes_50", "fresh_failures_50",
    "fresh_successes_80", "fresh_failures_80",
)  # fmt: skip
DENSE: Final = (
    "bias", "item", "skill", "new_item",
    *PAIR_FEATURES,
    "beyond", "beyond_here", "all_share", "all_amount", "all_last", "all_last_2", "all_last_3",
)  # fmt: skip
"""Names of the dense features in the order of their weights (docs/explanation/science.md)."""

ACTIVATION_POWERS: Final = (0.25, 0.5, 0.8)
"""Powers of forgetting of the activation features: Σ age^-d over the newest outcomes (ACT-R, Anderson 1982)."""
SECOND_MS: Final = 1_000
GAP_BINS: Final = 60
SKILLS_HASHED: Final = 3
"""Skills of one answer that get hashed slots of their own; the dense means take all of them in."""

# Prior precisions of the hashed families, chosen on training rows (docs/explanation/science.md).
_ITEM, _SKILL, _SLOPE, _PATTERN, _LAG_ITEM, _LAG_SKILL, _PERSON = 6.0, 3.0, 60.0, 25.0, 5.0, 12.0, 3.0
_MINUTE_MS: Final = 60_000.0
_HOUR_MS: Final = 3_600_000.0
_FADING_SCALE: Final = 5.0
"""Divides log(1 + seconds), so that the feature and its products stay near 1."""


class Question(msgspec.Struct, frozen=True):
    """What is about to be answered: by whom, which item, of which skills (at least one; the first leads).

    person, item: any text; "" for an unknown item.
    """

    person: str
    item: str
    skills: tuple[str, ...]

    def item_code(self) -> int:
        """Return the 32-bit code of the item."""
        return crc32(self.item.encode())

    def skill_codes(self) -> tuple[int, ...]:
        """Return the 32-bit codes of the skills."""
        return tuple(crc32(skill.encode()) for skill in self.skills)


class Background(msgspec.Struct, frozen=True):
    """What the learner's tables say beside the state, as shares 0..1. base: of all answers so far.

    item: expected success of the item, skill: mean over the skills. item_known: seen before. beyond: mean of
    outcome minus expected success of the item over the person's newest answers, beyond_here: over those of
    these skills; both shrunk by one answer as expected.
    """

    base: float
    item: float
    skill: float
    item_known: bool
    beyond: float = 0.0
    beyond_here: float = 0.0


_Put = Callable[[int, int, int, float, float], None]


class _PairView:
    """One pair with its learn and practice channels taken together, read at `now_ms`."""

    __slots__ = ("count", "exposures", "last_ms", "newest", "success", "success_ms", "sums", "touched_ms")

    def __init__(self, pair: PairState | None, now_ms: int) -> None:
        self.count = self.last_ms = self.success_ms = self.exposures = self.touched_ms = 0
        self.success = 0.0
        self.newest: list[tuple[int, int]] = []
        self.sums = [(0.0, 0.0, 0.0)] * len(LEARN_HALF_LIVES_MS)
        if pair is None:
            return
        self.exposures, seen_ms = pair.counts[0]
        for channel in pair.channels[:2]:
            if channel is None or not channel.count:
                continue
            self.count += channel.count
            self.success += channel.success / Y_ONE
            self.last_ms = max(self.last_ms, channel.last_ms)
            self.success_ms = max(self.success_ms, channel.success_ms)
            sums = read(channel.sums, LEARN_HALF_LIVES_MS, max(now_ms, channel.last_ms))
            self.sums = [(n + m, a + b, r + s) for (n, a, r), (m, b, s) in zip(self.sums, sums, strict=True)]
            self.newest += [(t, y) for t, _, y in channel.newest]
        self.newest.sort(reverse=True)
        self.touched_ms = max(self.last_ms, seen_ms)


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1.0 - 1e-6)
    return log(p / (1.0 - p))


def _gap_ms(now_ms: int, then_ms: int) -> int:
    return max(now_ms - then_ms, SECOND_MS)


def _gap_bin(now_ms: int, then_ms: int) -> int:
    """Return the number of doublings of a second in the gap, from 1; 0 when there is no `then`."""
    return 1 + min(GAP_BINS, int(log2(1.0 + _gap_ms(now_ms, then_ms) / SECOND_MS))) if then_ms else 0


def _pair_row(view: _PairView, now_ms: int, base: float, origin: float) -> list[float]:
    """Return the values of PAIR_FEATURES; 0 wherever there is no evidence."""
    sums = view.sums
    row = [_logit((a + base) / (n + 1.0)) - origin for n, a, _ in sums]
    for n, a, _ in (sums[0], sums[3]):
        row += [log1p(a), log1p(max(0.0, n - a))]
    fading = 0.0
    if view.count:
        gap_ms = _gap_ms(now_ms, view.last_ms)
        fading = log1p(gap_ms / SECOND_MS) / _FADING_SCALE
        row += [log1p(gap_ms / _HOUR_MS), 0.0]
    else:
        row += [0.0, 1.0]
    fresh_ms = max(view.success_ms, view.touched_ms if view.exposures else 0)
    row += [log1p(_gap_ms(now_ms, fresh_ms) / _HOUR_MS), 0.0] if fresh_ms else [0.0, 1.0]
    row.append(log1p(view.exposures))
    row += [view.newest[k][1] / Y_ONE - base if k < len(view.newest) else 0.0 for k in (0, 1)]
    row += [log1p(view.count), fading, fading * (row[3] + origin)]
    return row + _activations(view.newest, now_ms)


def _activations(newest: Sequence[tuple[int, int]], now_ms: int) -> list[float]:
    """Return Σ y·age^-d and Σ (1-y)·age^-d over the newest outcomes, ages in minutes, for each power."""
    row = [0.0] * (2 * len(ACTIVATION_POWERS))
    for t_ms, y in newest:
        age = _gap_ms(now_ms, t_ms) / _MINUTE_MS
        share = y / Y_ONE
        for number, power in enumerate(ACTIVATION_POWERS):
            strength = age**-power
            row[2 * number] += share * strength
            row[2 * number + 1] += (1.0 - share) * strength
    return row


def dense_row(
    learner: LearnerState, question: Question, now_ms: int, background: Background
) -> tuple[list[float], list[_PairView]]:
    """Return the values of DENSE before `question` at `now_ms`, and the pairs as they were read."""
    base = background.base
    origin = _logit(base)
    views = [_PairView(learner.pairs.get(skill), now_ms) for skill in question.skills]
    rows = [_pair_row(view, now_ms, base, origin) for view in views]
    share = 1.0 / len(rows)
    mean = rows[0] if len(rows) == 1 else [sum(values) * share for values in zip(*rows, strict=True)]
    row = [1.0, _logit(background.item) - origin, _logit(background.skill) - origin]
    row.append(0.0 if background.item_known else 1.0)
    row += mean
    row += [background.beyond, background.beyond_here]
    recent = learner.recent
    newest_ms = max(now_ms, recent[-1][0]) if recent else now_ms
    ((n, a, _),) = read(learner.sums, LEARNER_HALF_LIVES_MS, newest_ms)
    row += [_logit((a + base) / (n + 1.0)) - origin, log1p(n)]
    row += [recent[-k][4] / Y_ONE - base if k <= len(recent) else 0.0 for k in (1, 2, 3)]
    return row, views


_FIRST, _SECOND, _THIRD = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = (1 << 64) - 1


def _slot(family: int, a: int, b: int, mask: int) -> int:
    """Return the slot of a feature (splitmix64's finaliser, Steele et al. 2014)."""
    x = (family * _FIRST ^ (a + 0x7F4A7C15) * _SECOND ^ (b + 0x1234567) * _THIRD) & _WORD
    x ^= x >> 29
    x = x * _SECOND & _WORD
    return (x ^ x >> 32) & mask


def person_slot(question: Question, slots: int) -> Hashed:
    """Return the slot of the person alone: what one answers beyond what state and question explain."""
    return {_slot(3, crc32(question.person.encode()), 0, slots - 1): (1.0, _PERSON)}


def hashed_slots(
    learner: LearnerState,
    question: Question,
    now_ms: int,
    row: Sequence[float],
    views: Sequence[_PairView],
    slots: int,
) -> Hashed:
    """Return the slots that the answer touches, with values and prior precisions.

    row, views: of `dense_row` for the same question.
    """
    mask = slots - 1
    out: Hashed = {}

    def put(family: int, a: int, b: int, value: float, prior: float) -> None:
        slot = _slot(family, a, b, mask)
        before = out.get(slot)
        out[slot] = (value if before is None else before[0] + value, prior)

    item, codes = question.item_code(), question.skill_codes()
    first = views[0]
    put(1, item, 0, 1.0, _ITEM)
    put(2, item, 1 + (first.count + first.exposures > 0), 1.0, _ITEM)
    out.update(person_slot(question, slots))
    share = 1.0 / min(len(codes), SKILLS_HASHED)
    for number, (code, view) in enumerate(zip(codes[:SKILLS_HASHED], views, strict=False)):
        put(4, code, 0, share**0.5, _SKILL)
        put(5, code, 1, row[4 + 2] * share, _SLOPE)
        put(5, code, 2, log1p(view.count) * share, _SLOPE)
        _put_patterns(put, number, view, now_ms, share)
    _put_recent(put, learner.recent, min(codes), item, now_ms)
    return out


def _put_patterns(put: _Put, number: int, view: _PairView, now_ms: int, share: float) -> None:
    """Gap by amount and last outcome, gap by successes, and what came of how many."""
    gap = _gap_bin(now_ms, view.touched_ms)
    last = bool(view.newest) and 2 * view.newest[0][1] > Y_ONE
    won = int(view.success)
    put(6, number, gap << 8 | min(view.count + view.exposures, 4) << 1 | last, share, _PATTERN)
    put(7, number, gap << 8 | min(won, 4) << 1 | (view.success_ms >= view.touched_ms), share, _PATTERN)
    put(8, number, min(won, 8) << 8 | min(view.count, 8), share, _PATTERN)


def _put_recent(put: _Put, recent: Recent, skill: int, item: int, now_ms: int) -> None:
    """What the person answered last: items and skills with their outcomes, the run on this skill, streaks."""
    if not recent:
        put(9, 0, 0, 1.0, _PATTERN)
        return
    won = [2 * entry[4] > Y_ONE for entry in reversed(recent)]
    skills = [entry[2] for entry in reversed(recent)]
    put(9, _gap_bin(now_ms, recent[-1][0]), 1 + won[0], 1.0, _PATTERN)
    run = next((k for k, code in enumerate(skills) if code != skill), len(skills))
    put(10, skill, min(run, 7), 1.0, _PATTERN)
    streak = next((k for k, right in enumerate(won) if right != won[0]), len(won))
    put(11, streak, won[0], 1.0, _PATTERN)
    for lag, entry in enumerate(recent[:-3:-1]):
        put(12 + lag, entry[3] << 1 | won[lag], item, 1.0, _LAG_ITEM)
        put(14, entry[2] << 1 | won[lag], skill, 1.0, _LAG_SKILL)
