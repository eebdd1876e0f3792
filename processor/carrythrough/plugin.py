"""The door for action adapters: everything that a plugin imports stands on this one page.

An adapter is a distribution with an entry point in the group `carrythrough.adapters` whose value
is an `AdapterSpec`. The built-in adapters import this module and nothing else of ours, so whatever
they can do, a third party can do. `docs/how-to/adapters.md` walks through writing one, and
`carrythrough.testing.adapters.AdapterContract` is the suite that it must pass.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.ports import Adapter, AdapterSpec, Recipient

__all__ = [
    "ANSWERS",
    "ENTRY_POINT_GROUP",
    "ERROR_CODES",
    "RECEIPT_LENGTH_MAX",
    "ActionRequested",
    "Adapter",
    "AdapterSpec",
    "CarrythroughError",
    "GoneError",
    "PermanentError",
    "Problem",
    "Recipient",
    "Secret",
    "SettingError",
    "ThrottledError",
    "TransientError",
    "action_members",
    "answer_choices",
    "delivery_problem",
    "for_a_group",
    "one_line",
    "rfc3339",
]

ENTRY_POINT_GROUP = "carrythrough.adapters"
"""Entry point group in which a distribution offers its `AdapterSpec` values."""

RECEIPT_LENGTH_MAX = 200
"""Characters of a receipt that are kept; it is for people who look for one delivery, not for data."""

ANSWERS = (
    ("done", "Done"),
    ("not-now", "Not now"),
    ("not-relevant", "Not relevant"),
    ("applied", "I applied it"),
    ("disagree", "I disagree with this score"),
)
"""The answers that messages offer, by the names that the answer page takes."""

ERROR_CODES: dict[str, str] = {
    "adapter-unknown": "the settings name an adapter that no installed plugin offers",
    "adapter-broken": "an installed plugin cannot be loaded, or its AdapterSpec breaks the contract",
    "adapter-setting": "the configuration of an adapter does not fit what the adapter reads",
    "delivery-failed": "the receiver was not reached or cannot take the action now; it is tried again",
    "delivery-throttled": "the receiver asked for a pause; the adapter pauses and then tries again",
    "delivery-refused": "the receiver refuses this action; it goes to the dead letters",
    "receiver-gone": "the receiver said that it is gone; the adapter is disabled until a restart",
    "recipient-unreachable": "the roster has no address of the kind that this adapter needs",
}
"""Codes of the problems that settings of adapters and deliveries raise, with their meaning."""


class GoneError(PermanentError):
    """The receiver asked never to be called again (HTTP 410): the dispatcher disables the adapter."""


class ThrottledError(TransientError):
    """The receiver named a pause (`retry_after_s`): the whole adapter pauses, not only this action."""


class SettingError(ValueError):
    """A rule over the configuration is broken; raise it in `__post_init__` of a configuration Struct.

    key: the configuration key to blame, "" when several keys together are wrong.
    """

    def __init__(self, key: str, rule: str, fix: str = "") -> None:
        super().__init__(f"`{key}` {rule}" if key else rule)
        self.key = key
        self.rule = rule
        self.fix = fix


class Secret:
    """A text that no repr, str, format, log line or pickle shows; `reveal` is the only way in.

    In settings it is written as the text itself, as {env = "NAME"} or as {file = "/path"}.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; call it only where the text leaves for the receiver."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(********)"

    def __str__(self) -> str:
        return "********"

    def __format__(self, spec: str) -> str:
        return format("********", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied out of the process")


def delivery_problem(code: str, detail: str, *, where: str = "", rule: str = "", fix: str = "") -> Problem:
    """Return the problem of a delivery, for `raise PermanentError(delivery_problem(...))`.

    `code` is one of `ERROR_CODES`. `detail` never carries a secret or more than one line of what
    the receiver said (see `one_line`).
    """
    meaning = ERROR_CODES[code]
    title = meaning[0].upper() + meaning[1:]
    return Problem(code=code, status=502, title=title, detail=detail, where=where, rule=rule, fix=fix)


def one_line(text: str, length_max: int = RECEIPT_LENGTH_MAX) -> str:
    """Return `text` as one printable line of at most `length_max` characters.

    Control characters, line breaks and lone surrogates become spaces, runs of spaces one space: what
    comes from a program map, a roster or a receiver can neither forge a header nor drive a terminal.
    """
    seen = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return seen if len(seen) <= length_max else seen[: length_max - 1] + "…"


def rfc3339(t_ms: int) -> str:
    """Return a time in ms since the epoch as RFC 3339 text in UTC with milliseconds."""
    seconds, milliseconds = divmod(t_ms, 1000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=milliseconds * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def action_members(action: ActionRequested) -> dict[str, Any]:
    """Return the members of an action as adapters publish them: JSON values, times as RFC 3339 text.

    It names people by pseudonym only; what identifies a person is in `Recipient`, and an adapter
    passes that on only when its configuration says so.
    """
    return {
        "id": action.id,
        "action": action.action,
        "subject": action.subject,
        "recipient": action.recipient,
        "to": action.to,
        "skill": action.skill,
        "skill_name": action.skill_name,
        "rule": action.rule,
        "stage": action.stage,
        "score": action.score,
        "title": action.title,
        "body": action.body,
        "link": action.link,
        "why": action.why,
        "as_of": rfc3339(action.as_of_ms),
        "expires": rfc3339(action.expires_ms),
        **{name: link for name, link in _own_links(action) if link},
    }


def for_a_group(action: ActionRequested) -> ActionRequested:
    """Return an action as it may be shown where others than its recipient read, as in a channel.

    Whoever holds a link of a person can answer as that person, so the links to answer, to opt out and to the
    review of theirs are left out; a link of the program map stays.
    """
    reviews = action.answer_link.partition("/answer/")[0] + "/review/"
    link = "" if action.answer_link and action.link.startswith(reviews) else action.link
    return msgspec.structs.replace(action, answer_link="", unsubscribe_link="", link=link)


def _own_links(action: ActionRequested) -> tuple[tuple[str, str], ...]:
    return ("answer_link", action.answer_link), ("unsubscribe_link", action.unsubscribe_link)


def answer_choices(action: ActionRequested) -> tuple[tuple[str, str], ...]:
    """Return (words, link) of each answer that an action offers, none where it has no answer link.

    A link opens a page on which that answer is chosen already; nothing is stored until the person sends it,
    so that a program that looks at links answers nothing.
    """
    link = action.answer_link
    return tuple((words, f"{link}?a={name}") for name, words in ANSWERS) if link else ()
