"""What several commands about maps show alike: proposed activities, the share of evidence, refused records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carrythrough.cli.table import table
from carrythrough.cli.terminal import hanging, note, plural, say, say_wrapped
from carrythrough.program.observed import SCORE_BEARING

REFUSALS_SHOWN = 3


def show_activities(activities: Sequence[Any]) -> None:
    """Print proposed activities, a row each."""
    rows = []
    for part in activities:
        entry = part.activity.evidence[0]
        read = entry.channel if entry.outcome == "none" else f"{entry.channel}, {entry.outcome}"
        rows.append([part.activity.id, f"{part.statements:,}", read, part.reason])
    table([("activity", "ids"), ("statements", "right"), ("evidence", "ids"), ("because", "left", 1)], rows)


def show_bearing(statements: int, bearing: int, covered: int) -> None:
    """Print the share of score-bearing statements that give evidence, with what that means."""
    if not bearing:
        say_wrapped(f"No statement is score-bearing. ({_meaning()})", "")
        return
    say(
        f"{covered:,} of {bearing:,} score-bearing statements give evidence ({share(covered, bearing)}).",
        "bold",
    )
    rest = (
        f" The other {statements - bearing:,} say only that something happened."
        if bearing < statements
        else ""
    )
    say_wrapped(f"{_meaning()}{rest}", "")


def share(part: int, whole: int) -> str:
    """Return a share in percent, never rounded up to 100."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if part == whole or percent < 99 else f"{int(percent * 10) / 10:.1f} %"


def _meaning() -> str:
    return f"Score-bearing: {SCORE_BEARING}."


def show_refusals(refusals: Any) -> None:
    """Print on stderr what of the files was no record, and what was mended."""
    for problem in refusals.damaged:
        note(f"{problem.detail}: what came before the damage is counted.", "yellow")
    if refusals.repaired:
        count = plural(refusals.repaired, "statement")
        note(f"{count} would be taken only from a lenient sender (docs/how-to/lenient-senders.md).", "yellow")
    if not refusals.total:
        return
    note(f"{plural(refusals.total, 'record')} could not be read and are not counted:", "yellow")
    for code, number in refusals.codes.most_common(REFUSALS_SHOWN):
        for line in hanging(f"{number:,}", f"{code}: {refusals.first[code]}"):
            note(line)
    note("Each with its rule and fix: carrythrough validate FILE")
