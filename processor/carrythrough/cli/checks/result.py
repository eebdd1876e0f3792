"""The result of one check."""

from __future__ import annotations

from typing import Literal

import msgspec

from carrythrough.errors import Problem

Status = Literal["ok", "warning", "failed"]


class Result(msgspec.Struct, frozen=True):
    """What one check says. fix: what to do, for everything but "ok"."""

    name: str
    status: Status
    detail: str
    fix: str = ""


def failed(name: str, problem: Problem) -> Result:
    """Return the result that a problem is."""
    where = f" (at {problem.where})" if problem.where else ""
    return Result(name, "failed", f"{problem.title}: {problem.detail.splitlines()[0]}{where}", problem.fix)
