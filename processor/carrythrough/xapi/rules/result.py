"""Results and scores: the measured outcome (Data 2.4.5)."""

from __future__ import annotations

from typing import Any

from carrythrough.xapi.refusals import refuse, step
from carrythrough.xapi.rules import values

_RESULT = ("score", "success", "completion", "response", "duration", "extensions")
_SCORE = ("scaled", "raw", "min", "max")


def result(value: Any, where: str) -> None:
    """Check a result; all its properties are optional."""
    found = values.members(value, where, allowed=_RESULT, rule="Data 2.4.5")
    if "score" in found:
        _score(found["score"], step(where, "score"))
    for name in ("success", "completion"):
        if name in found:
            values.boolean(found[name], step(where, name))
    if "response" in found:
        values.text(found["response"], step(where, "response"))
    if "duration" in found:
        values.duration(found["duration"], step(where, "duration"))
    if "extensions" in found:
        values.extensions(found["extensions"], step(where, "extensions"))


def _score(value: Any, where: str) -> None:
    found = values.members(value, where, allowed=_SCORE, rule="Data 2.4.5.1")
    given = {name: values.number(found[name], step(where, name)) for name in _SCORE if name in found}
    scaled, raw, least, most = (given.get(name) for name in _SCORE)
    if scaled is not None and not -1 <= scaled <= 1:
        percent = f", and {scaled:g} as raw with min and max" if 1 < scaled <= 100 else ""
        share = f"send {scaled / 100:g} if this is a percentage{percent}" if percent else ""
        _refuse_score(step(where, "scaled"), f"scaled is {scaled:g}", "scaled is from -1 to 1", share)
    if least is not None and most is not None and not least < most:
        _refuse_score(step(where, "min"), f"min is {least:g} and max {most:g}", "min is less than max")
    if raw is not None and least is not None and raw < least:
        _refuse_score(step(where, "raw"), f"raw is {raw:g} and min {least:g}", "raw is not less than min")
    if raw is not None and most is not None and raw > most:
        _refuse_score(step(where, "raw"), f"raw is {raw:g} and max {most:g}", "raw is not more than max")


def _refuse_score(where: str, detail: str, rule: str, fix: str = "") -> None:
    refuse(
        "score-out-of-range",
        where,
        detail,
        rule=f"Data 2.4.5.1.s2: {rule}",
        fix=fix or "send the score in the bounds that you give with it, or correct the bounds",
    )
