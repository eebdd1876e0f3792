"""What somebody answers to an action: done, not now, not relevant, applied, disagree, or no more of these.

An answer says what a person wants and what they say of themselves. It is never an outcome: that somebody
says they applied a skill is their word (voice), and what came of it is for the job to show.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns

AnswerName = Literal["done", "not-now", "not-relevant", "applied", "disagree", "unsubscribe"]
DAYS_MAX = 365
"""Longest time for which an answer holds actions back by days; "not relevant" without days holds for good."""
TEXT_CHARACTERS_MAX = 1_000

_Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=patterns.PLAIN)]
_Optional = Annotated[str, Meta(max_length=200, pattern=patterns.PLAIN)]


class ActionReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The answer to one action.

    action: id of the action, which is also its idempotency key. answer: what was chosen. rule: id of the
    reinforcement rule that sent it; needed for "not-relevant". topic: for "unsubscribe", what is wanted no more:
    the name of an adapter, a kind of action, or "all". days: for "not-now" how long to wait, at least 1; for
    "not-relevant" how long it holds, 0 for good. about: roster id of whom the action was about, where that is
    somebody else than who answers. text: what the person added in words.
    """

    action: _Name
    answer: AnswerName
    rule: Annotated[str, Meta(max_length=64, pattern=patterns.ID_OR_EMPTY)] = ""
    topic: _Optional = ""
    days: Annotated[int, Meta(ge=0, le=DAYS_MAX)] = 0
    about: _Optional = ""
    text: Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)] = ""


def fault_of(reply: ActionReply, *, has_score: bool, has_outcome: bool) -> tuple[str, str, str, str] | None:
    """Return (pointer in the event, what is wrong, rule, fix) of an answer that says too little, None for a good one.

    has_score: the event has an outcome by score. has_outcome: it has an outcome of any kind.
    """
    if has_outcome and not (has_score and reply.answer == "applied"):
        rule = 'only "applied" may say how it went, by a score of 0 to 1'
        return "/outcome", f'"{reply.answer}" with an outcome', rule, "leave the outcome out"
    if reply.answer == "not-relevant" and not reply.rule:
        rule = '"not-relevant" is about the rule that sent the action'
        return "/reply/rule", "it names no rule", rule, 'add "rule": the id that the action carries'
    if reply.answer == "unsubscribe" and not reply.topic:
        rule = '"unsubscribe" says of what: an adapter, a kind of action, or "all"'
        return "/reply/topic", "it names no topic", rule, 'add "topic", for example "email" or "all"'
    if reply.answer == "not-now" and not reply.days:
        rule = f'"not-now" says for how long, 1 to {DAYS_MAX} days'
        return "/reply/days", "it names no number of days", rule, 'add "days", for example 7'
    if reply.days and reply.answer not in ("not-now", "not-relevant"):
        rule = 'days belong to "not-now" and "not-relevant"'
        return "/reply/days", f'"{reply.answer}" with days', rule, "leave the days out"
    return None
