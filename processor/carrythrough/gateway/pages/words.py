"""Every word that the pages show for a code: stages, channels, statuses, times, counts.

One place, so that the pages and the live script (which receives the same tables as
data) never name a thing in two ways.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from carrythrough.program.actions import ACTIONS as CATALOGUE


class Stage(msgspec.Struct, frozen=True):
    """How a stage is shown: its words, and what it means for a reader who never saw it before."""

    word: str
    meaning: str


STAGES: dict[str, Stage] = {
    "carried-through": Stage("Carried through", "Done on the job to the standard, without help."),
    "applied-with-support": Stage(
        "Applied with support", "Done on the job, so far only with a job aid or help at hand."
    ),
    "unapplied": Stage("Not applied yet", "Learnt and practised, but not yet seen on the job."),
    "unpractised": Stage("Not practised yet", "Known, but practice is still weak or missing."),
    "fading": Stage("Fading", "Was learnt and is being forgotten; a review is due."),
    "not-yet-learnt": Stage("Not yet learnt", "Answers and assessments do not show it yet."),
    "underperforming": Stage("Below target", "Used on the job lately, and the score is below the target."),
    "settling-in": Stage(
        "Settling in", "Results are below the target in the early window in which the program expects that."
    ),
    "not-enough-evidence": Stage(
        "Not enough evidence", "Too few outcomes for a fair score, so none is shown."
    ),
}

CHANNELS = {
    "learn": "Learning",
    "practice": "Practice",
    "job": "On the job",
    "observed": "Observed at work",
    "exposure": "Watched or read",
    "support": "Job aid used",
    "voice": "Said about oneself",
}

ACTIONS = {name: action.word for name, action in CATALOGUE.items()}

LEVELS: dict[str | None, str] = {"high": "High", "medium": "Medium", "low": "Low", None: "–"}
"""How pressing a need is; None where too little is known."""

STATUSES = {
    "pending": "Waiting to be sent",
    "delivered": "Delivered",
    "dead": "Could not be delivered",
    "skipped": "Not sent",
}

RECIPIENTS = {
    "employee": "the employee",
    "manager": "the manager",
    "report": "somebody whom they lead",
    "peer": "a team-mate",
}

TRENDS = {-1: "falling", 0: "steady", 1: "rising"}

_AGO = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"))


def stage(code: str) -> Stage:
    """Return how to show a stage; a code that a newer server sends is shown as it is."""
    return STAGES.get(code) or Stage(_plain(code), "")


def channel(code: str) -> str:
    """Return the words for a channel."""
    return CHANNELS.get(code, _plain(code))


def action(code: str) -> str:
    """Return the words for a reinforcement action."""
    return ACTIONS.get(code, _plain(code))


def status(code: str) -> str:
    """Return the words for the delivery status of an action."""
    return STATUSES.get(code, _plain(code))


def recipient(code: str) -> str:
    """Return the words for who an action goes to."""
    return RECIPIENTS.get(code, _plain(code))


def points(share: float | None) -> str:
    """Return a share 0..1 as whole points 0-100, or a dash when there is none."""
    return "–" if share is None else str(round(share * 100))


def signed_points(moved: float | None, digits: int = 1) -> str:
    """Return score points with a sign and a true minus ("+3.2", "−0.4", "0")."""
    if moved is None:
        return "–"
    rounded = round(moved, digits)
    if rounded == 0:
        return "0"
    return f"{'+' if rounded > 0 else '−'}{abs(rounded):.{digits}f}"


def count(number: float | None) -> str:
    """Return a count with narrow no-break spaces between the thousands."""
    return "–" if number is None else f"{number:,.0f}".replace(",", "\u202f")


def number(value: float) -> str:
    """Return a figure as somebody would write it ("78", "0.05", not "78.0")."""
    return f"{value:g}"


def rate(per_s: float | None) -> str:
    """Return a rate: one decimal under ten, whole above."""
    if per_s is None:
        return "–"
    return f"{per_s:.1f}" if per_s < 10 else count(per_s)


def delay(ms: float | None) -> str:
    """Return a delay in ms or s with its unit."""
    if ms is None:
        return "–"
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"


def when(rfc3339: str | None) -> str:
    """Return a time as "21 Nov 2026, 20:00" (UTC; the pages say so once)."""
    moment = _moment(rfc3339)
    return "–" if moment is None else f"{moment.day} {moment:%b %Y, %H:%M}"


def ago(rfc3339: str | None, now_ms: int) -> str:
    """Return how long ago a time was on the server's clock ("9 days ago", "just now")."""
    moment = _moment(rfc3339)
    if moment is None:
        return ""
    gap_ms = now_ms - int(moment.timestamp() * 1000)
    for unit_ms, name in _AGO:
        if gap_ms >= unit_ms:
            number = gap_ms // unit_ms
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "just now" if gap_ms > -60_000 else ""


def plural(number: int, one: str, many: str = "") -> str:
    """Return "1 outcome", "3 outcomes"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def too_little(outcomes: int, minimum: int) -> str:
    """Say why there is no score: too few outcomes, or enough of them but too old."""
    if outcomes < minimum:
        return f"Not enough evidence ({outcomes} of {minimum} outcomes)"
    return f"Not enough recent evidence ({plural(outcomes, 'older outcome')})"


def _plain(code: str) -> str:
    return code.replace("-", " ").capitalize()


def _moment(rfc3339: str | None) -> datetime | None:
    return datetime.fromisoformat(rfc3339).astimezone(UTC) if rfc3339 else None


FILTERS: dict[str, Any] = {
    "stage": stage,
    "channel": channel,
    "action": action,
    "status": status,
    "recipient": recipient,
    "points": points,
    "signed_points": signed_points,
    "count": count,
    "number": number,
    "rate": rate,
    "delay": delay,
    "when": when,
    "ago": ago,
    "plural": plural,
}
