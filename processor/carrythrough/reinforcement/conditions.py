"""What a rule waits for: thresholds of the score, counts of recent evidence, absence, and what a forecast says.

Everything is read from the state of one pair at a time: the newest outcomes of each channel, the last time of the
others, and the oldest evidence of all. These are functions of the set of evidence, so a condition holds or not
whatever the order in which evidence came. Absence begins at a time that is known beforehand: it is a timer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from carrythrough.evidence.types import Channel
from carrythrough.program.types import ChannelName, Reinforcement, Seen, Skill, Unseen
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.score import Score, below
from carrythrough.scoring.state import SUCCESS_Y, PairState

FallsWithin = Callable[[int], bool]
"""Whether the score will be below its target after so many days if nothing happens (`pipeline.forecast`)."""


class Facts(msgspec.Struct, frozen=True):
    """What conditions are about: one pair as of now, and its forecast, which is asked last since it costs a read."""

    now_ms: int
    score: Score
    skill: Skill
    pair: PairState
    falls_within: FallsWithin = lambda _: False


def holds(rule: Reinforcement, facts: Facts) -> bool:
    """Say whether everything that a rule asks of scores, counts, absence and forecast is so."""
    when, score = rule.when, facts.score
    return (
        (when.score_from is None or score.value >= when.score_from)
        and (when.score_below is None or below(score, when.score_below) >= when.certainty)
        and all(is_unseen(facts.pair, unseen, facts.now_ms) for unseen in when.unseen)
        and all(is_seen(facts.pair, seen, facts.now_ms) for seen in when.seen)
        and (
            not when.falls_within_days
            or (score.value >= facts.skill.target and facts.falls_within(when.falls_within_days))
        )
    )


def is_unseen(pair: PairState, unseen: Unseen, now_ms: int) -> bool:
    """Say whether a channel has been empty for so many days; one that always was, since the first evidence of all."""
    since = quiet_since(pair, unseen.channel)
    return since > 0 and now_ms - since >= unseen.days * DAY_MS


def is_seen(pair: PairState, seen: Seen, now_ms: int) -> bool:
    """Say whether the recent evidence of a channel is as many as asked, of those that the state keeps."""
    count = counted(pair, seen, now_ms)
    return count >= seen.at_least and (seen.at_most is None or count <= seen.at_most)


def counted(pair: PairState, seen: Seen, now_ms: int) -> int:
    """Return how many pieces of evidence of the last days a condition counts."""
    return sum(now_ms - t_ms < seen.days * DAY_MS for t_ms in _times(pair, seen))


def quiet_since(pair: PairState, channel: ChannelName) -> int:
    """Return since when (ms) there was nothing in a channel: its newest evidence, else the first of the pair.

    In the channels that carry outcomes only outcomes count, not chances without one. 0: nothing is known at all.
    """
    number = _NUMBERS[channel]
    if number >= _EXPOSURE:
        newest = pair.counts[number - _EXPOSURE][1]
    else:
        state = pair.channels[number]
        newest = state.newest[-1][0] if state is not None and state.newest else 0
    return newest or pair.first_ms


_NUMBERS = {channel.name.lower(): int(channel) for channel in Channel}
_EXPOSURE = int(Channel.EXPOSURE)
_COUNTED = {"any": (True, False), "success": (True,), "failure": (False,)}


def _times(pair: PairState, seen: Seen) -> list[int]:
    """Return the event times that a count is made of, newest first."""
    number = _NUMBERS[seen.channel]
    if number >= _EXPOSURE:
        count, last_ms = pair.counts[number - _EXPOSURE]
        return [last_ms] if count and seen.result == "any" else []
    state = pair.channels[number]
    if state is None:
        return []
    wanted = _COUNTED[seen.result]
    return [t_ms for t_ms, _, y in reversed(state.newest) if (y >= SUCCESS_Y) in wanted]


def beginnings(rule: Reinforcement, pair: PairState) -> Iterator[int]:
    """Yield the times (ms) at which a part of a rule's condition begins to hold if nothing happens until then."""
    for unseen in rule.when.unseen:
        since = quiet_since(pair, unseen.channel)
        if since:
            yield since + unseen.days * DAY_MS
    for seen in rule.when.seen:
        if seen.at_most is not None:
            times = _times(pair, seen)
            if len(times) > seen.at_most:
                yield times[seen.at_most] + seen.days * DAY_MS


_ABSENT = {
    "learn": "no answered question or test",
    "practice": "no practice",
    "job": "no job outcome",
    "observed": "no observation at work",
    "exposure": "nothing watched, read or attended",
    "support": "no use of a job aid",
    "voice": "no word on confidence",
}
_PRESENT = {
    "learn": ("answered question or test", "answered questions or tests"),
    "practice": ("practice", "practices"),
    "job": ("job outcome", "job outcomes"),
    "observed": ("observation at work", "observations at work"),
    "exposure": ("thing watched, read or attended", "things watched, read or attended"),
    "support": ("use of a job aid", "uses of a job aid"),
    "voice": ("word on confidence", "words on confidence"),
}
_RESULT = {"any": "", "success": " that went well", "failure": " that fell short"}


def told(rule: Reinforcement, facts: Facts) -> list[str]:
    """Return what was true, a plain sentence a condition, as the person who gets the push reads it."""
    when, score, now_ms = rule.when, facts.score, facts.now_ms
    shown = round(100 * score.value)
    found: list[str] = []
    if when.score_below is not None:
        sure = f"at least {round(100 * when.certainty)} % sure"
        found.append(f"Your score of {shown} is below {round(100 * when.score_below)}, {sure}.")
    if when.score_from is not None:
        found.append(f"Your score of {shown} is {round(100 * when.score_from)} or more.")
    for unseen in when.unseen:
        days = (now_ms - quiet_since(facts.pair, unseen.channel)) // DAY_MS
        found.append(f"There has been {_ABSENT[unseen.channel]} for {_days(days)}.")
    found += [_of_count(seen, counted(facts.pair, seen, now_ms)) for seen in when.seen]
    if when.falls_within_days:
        target = round(100 * facts.skill.target)
        found.append(
            f"Your score of {shown} is on the target of {target}, and without "
            f"any use it would be below it within {_days(when.falls_within_days)}."
        )
    return found


def _of_count(seen: Seen, count: int) -> str:
    if not count:
        return f"There has been {_ABSENT[seen.channel]}{_RESULT[seen.result]} in the last {_days(seen.days)}."
    only = "" if seen.at_most is None else "only "
    what = _PRESENT[seen.channel][count != 1] + _RESULT[seen.result]
    return f"There {'was' if count == 1 else 'were'} {only}{count} {what} in the last {_days(seen.days)}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
