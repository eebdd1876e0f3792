"""What must still hold at the moment of sending; checked before every try, whatever was decided before.

Hours or days may lie between the decision and the last try. In that time an action expires, people
opt out and operators pull a kill switch.
"""

from __future__ import annotations

from collections.abc import Callable

from carrythrough.pipeline.effects import ActionRequested
from carrythrough.plugin import rfc3339
from carrythrough.ports import Directory, Recipient

Guard = Callable[[ActionRequested, str], str | None]
"""(action, adapter name) → None to let it pass, or the reason to close it for good.

Called in worker threads: it must be thread-safe and quick. When it raises, nothing is sent and the
entry is tried again later (closed on error, never open)."""

OPT_OUT_OF_ALL = frozenset({"all", "*"})
"""Values of `Recipient.opted_out` that mean every action over every adapter."""


def let_pass(_action: ActionRequested, _adapter: str) -> str | None:
    """Let every action pass: the guard of tools and tests that have no kill switches."""
    return None


def reason_to_close(
    action: ActionRequested, adapter: str, *, now_ms: int, directory: Directory, guard: Guard
) -> tuple[str | None, Recipient | None]:
    """Return (reason to close the entry or None, the recipient as the roster knows them now).

    Order: expiry (costs nothing), opt-out of the recipient and of the subject, the kill switches.
    Raises what `directory` or `guard` raise; the caller then sends nothing.
    """
    if now_ms >= action.expires_ms:
        return f"expired at {rfc3339(action.expires_ms)}", None
    recipient = directory.recipient(action.recipient)
    if recipient is not None and (word := opted_out_word(recipient, action, adapter)):
        return f"the recipient opted out of {word}", recipient
    if action.subject != action.recipient:
        subject = directory.recipient(action.subject)
        if subject is not None and OPT_OUT_OF_ALL.intersection(subject.opted_out):
            return "the person it is about opted out of all", recipient
    return guard(action, adapter), recipient


def opted_out_word(recipient: Recipient, action: ActionRequested, adapter: str) -> str | None:
    """Return the entry of `opted_out` that covers this delivery: "all", the action, or the adapter."""
    for word in recipient.opted_out:
        if word in OPT_OUT_OF_ALL or word in (action.action, adapter):
            return word
    return None
