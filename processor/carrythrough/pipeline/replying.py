"""Answers to actions: what people want of the actions that reach them, from the set of what they answered.

Of the answers about one thing (a skill put off, a rule, a topic) the newest by (event time, id) counts; so
what holds is a function of the set of answers, whatever order and however often they came. An answer that
was retracted or corrected counts no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from carrythrough.events.replies import AnswerName
from carrythrough.reinforcement.wishes import NO_WISHES, Wishes

DAY_MS = 86_400_000
FOR_GOOD = 1 << 62
"""End of what holds without an end, ms since the epoch."""


class Reply(msgspec.Struct, frozen=True):
    """One answer.

    source: 16 bytes, the event. subject: who answered. about: whom the action was about. action: its id.
    went: how applying it went, 0..1, -1 when it was not said. days: see `events.replies.ActionReply`.
    t_ms: event time. stored_ms: log append time. text: what was added in words, kept for "disagree" alone,
    where a person reads it.
    """

    source: bytes
    subject: str
    about: str
    skill: str
    action: str
    answer: AnswerName
    rule: str
    topic: str
    days: int
    went: float
    t_ms: int
    position: int
    stored_ms: int
    text: str = ""

    def until_ms(self) -> int:
        """Return until when it holds something back; FOR_GOOD for no end."""
        return self.t_ms + self.days * DAY_MS if self.days else FOR_GOOD


def wishes_of(replies: Iterable[Reply]) -> Wishes:
    """Return what somebody's answers, those that count, come to; the same for any order and any repeats."""
    newest: dict[tuple[str, str], Reply] = {}
    for reply in replies:
        key = _subject_matter(reply)
        if key is None:
            continue
        before = newest.get(key)
        if before is None or (reply.t_ms, reply.source) > (before.t_ms, before.source):
            newest[key] = reply
    if not newest:
        return NO_WISHES
    found = sorted(newest.items())
    return Wishes(
        {name: reply.until_ms() for (kind, name), reply in found if kind == "not-now"},
        {name: reply.until_ms() for (kind, name), reply in found if kind == "not-relevant"},
        tuple(name for (kind, name), _ in found if kind == "unsubscribe"),
    )


def _subject_matter(reply: Reply) -> tuple[str, str] | None:
    """Return what an answer holds back, None for answers that hold nothing back."""
    if reply.answer == "not-now":
        return "not-now", reply.skill
    if reply.answer == "not-relevant":
        return "not-relevant", reply.rule
    return ("unsubscribe", reply.topic) if reply.answer == "unsubscribe" else None


class RepliesView(Protocol):
    """What is asked of the state."""

    def replies(self, subject: str) -> Sequence[Reply]:
        """Return the answers that somebody gave, in any order, voided ones left out."""
        ...

    def replied(self, source: bytes) -> bool:
        """Say whether an answer was folded before."""
        ...

    def voided(self, source: bytes) -> bool:
        """Say whether a source was taken back."""
        ...


class Replies:
    """The answers of a state and of the batch that is being folded over it."""

    def __init__(self, view: RepliesView, added: list[Reply], voids: dict[bytes, int]) -> None:
        """added, voids: those of this batch so far; they grow while it is folded."""
        self._view = view
        self._added = added
        self._voids = voids

    def take(self, reply: Reply) -> bool:
        """Keep an answer; say whether it is new and counts."""
        if self._view.replied(reply.source) or any(r.source == reply.source for r in self._added):
            return False
        self._added.append(reply)
        return not self._is_void(reply.source)

    def wishes(self, subject: str) -> Wishes:
        """Return what somebody wants; NO_WISHES for nearly everybody."""
        found = [r for r in self._view.replies(subject) if r.source not in self._voids]
        found += [r for r in self._added if r.subject == subject and not self._is_void(r.source)]
        return wishes_of(found) if found else NO_WISHES

    def _is_void(self, source: bytes) -> bool:
        return source in self._voids or self._view.voided(source)
