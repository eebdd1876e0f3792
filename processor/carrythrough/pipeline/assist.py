"""Which job successes had a job aid at hand: a relation between two events, exact in any arrival order."""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.evidence.types import FLAG_ASSISTED, Channel, Evidence


def relevant(e: Evidence) -> bool:
    """Say whether the relation concerns this evidence at all (a job success)."""
    return e.channel == Channel.JOB and e.y > 0 and e.w > 0


def is_assisted(e: Evidence, support: Iterable[Evidence]) -> bool:
    """Say whether a job success counts as assisted: the sender said so, or a job aid was used shortly before."""
    if not relevant(e):
        return False
    return bool(e.flags & FLAG_ASSISTED) or any(covers(s, e) for s in support)


def covers(s: Evidence, e: Evidence) -> bool:
    """Say whether the job success `e` lies within the window after the job-aid use `s`."""
    return 0 <= e.t_ms - s.t_ms <= s.window_s * 1000


def newly_assisted(s: Evidence, jobs: Iterable[Evidence], earlier: Iterable[Evidence]) -> list[Evidence]:
    """Return the job successes that become assisted through `s`, given the job-aid uses known before it."""
    known = list(earlier)
    return [e for e in jobs if relevant(e) and covers(s, e) and not is_assisted(e, known)]
