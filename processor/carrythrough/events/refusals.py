"""The refusals of performance events: their codes, and the one way in which they are raised."""

from __future__ import annotations

from typing import NoReturn

from carrythrough.errors import PermanentError, Problem

ERROR_CODES: dict[str, str] = {
    "event-invalid": "Not a performance event",
    "event-time-invalid": "A time that cannot be placed",
    "event-id-repeated": "The same id twice with different content",
    "event-source-reserved": "A source that no sender may name",
    "event-too-large": "A performance event too large to store",
    "too-many-events": "Too many performance events in one request",
    "cloudevent-invalid": "Not a CloudEvents 1.0 envelope",
    "content-type-unsupported": "A content type that is not read here",
    "body-too-large": "A request body that is too large",
}
"""Code to title; the codes of broken JSON are those of `xapi.refusals`."""

_STATUS = {
    "event-source-reserved": 403,
    "event-too-large": 413,
    "too-many-events": 413,
    "body-too-large": 413,
    "content-type-unsupported": 415,
}


def refuse(code: str, where: str, detail: str, *, rule: str, fix: str) -> NoReturn:
    """Raise the PermanentError of a refusal; `where` is a JSON pointer into the request body."""
    raise PermanentError(
        Problem(
            code=code,
            status=_STATUS.get(code, 400),
            title=ERROR_CODES[code],
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )


def refuse_limit(code: str, where: str, detail: str, name: str, limit: int) -> NoReturn:
    """Raise the refusal of what goes beyond a named limit."""
    rule = f"Limit {name} = {limit}"
    refuse(code, where, f"{detail}, more than {limit}", rule=rule, fix="send smaller requests")
