"""Admission: from the bytes of a request to statements that keep every rule, or one clear refusal.

Two ways lead in. `fast_path` takes what nearly everybody sends. Whenever it is not certain (an
unusual part, an escape that could hide something, a key that may stand twice) it says so, and the
careful way here reads the statement strictly and asks `rules`, which either names the broken rule
or has no objection. So the fast way needs no messages, and there is one place for each rule.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Raw

from carrythrough.errors import PermanentError
from carrythrough.xapi import fast_path, formats, strict_json, wire
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.comparison import content_key, same_statement
from carrythrough.xapi.refusals import in_2_0, refuse, step
from carrythrough.xapi.rules import statement as statement_rules
from carrythrough.xapi.statement import Statement

__all__ = [
    "Admitted",
    "Limits",
    "admit",
    "content_key",
    "decode_statement",
    "same_statement",
]

FAST_DEPTH = fast_path.PART_DEPTH_MAX + 3
"""Deepest that the fast way can let pass; with a lower limit the careful way does everything."""


def admit(
    body: bytes, limits: Limits, version: str, received: Collection[str] = frozenset()
) -> list[Admitted]:
    """Return the statements of a request body (one object or an array of them), in order.

    version: "1.0.x" or "2.0.x", whose rules hold. received: SHA-2 (lower case) of the attachments that
    came with the request; one without a fileUrl has to be among them. All or nothing: raises PermanentError
    with a Problem whose `where` is the JSON pointer of the first fault ("/3/verb/id"; without the number
    when the body is a single statement). The same id twice in a batch is refused.
    """
    texts, single = split(body, limits)
    v2 = version.startswith("2.")
    escapes = b"\\" in body
    admitted: list[Admitted] = []
    fast_bytes_max = limits.statement_bytes_max if limits.depth_max >= FAST_DEPTH else 0
    for number, text in enumerate(texts):
        if len(text) <= fast_bytes_max:
            try:
                admitted.append(fast_path.read(text, v2=v2, escapes=escapes))
                continue
            except fast_path.HESITATIONS:
                pass
        admitted.append(careful(bytes(text), "" if single else f"/{number}", limits, received, v2=v2))
    _refuse_repeated_ids(admitted)
    return admitted


def decode_statement(raw: bytes) -> Statement:
    """Return the statement in a text that was admitted before (our own log); checks no rule."""
    return wire.statement(raw)


def split(body: bytes, limits: Limits) -> tuple[list[Raw], bool]:
    """Return the texts of the statements, and whether the body is one statement without an array.

    Raises PermanentError for a body that is not JSON, or beyond the limits of a request.
    """
    if len(body) > limits.body_bytes_max:
        refuse(
            "statement-too-large",
            "",
            f"the body has {len(body)} bytes",
            rule=f"Limit body_bytes_max = {limits.body_bytes_max}",
            fix="send the statements in several requests",
        )
    if not body.isascii():
        strict_json.text_of(body)
    try:
        if body[:1] == b"[":
            texts = wire.split(body)
        elif body[:1] == b"{":
            return [wire.whole(body)], True
        else:
            text = bytes(wire.whole(body))
            if text[:1] == b"[":
                texts = wire.split(text)
            else:
                return [Raw(text)], True
    except (msgspec.DecodeError, RecursionError) as error:
        strict_json.refuse_undecodable(body, error, "", limits.depth_max)
    if len(texts) > limits.statements_per_request_max:
        refuse(
            "too-many-statements",
            "",
            f"the request holds {len(texts)} statements",
            rule=f"Limit statements_per_request_max = {limits.statements_per_request_max}",
            fix="send them in several requests",
        )
    return texts, False


def _refuse_repeated_ids(admitted: list[Admitted]) -> None:
    ids = [one.id for one in admitted if one.id]
    if len(set(ids)) == len(ids):
        return
    first: dict[bytes, int] = {}
    for number, one in enumerate(admitted):
        if one.id and one.id in first:
            refuse(
                "statement-id-repeated",
                f"/{number}/id",
                f"{one.statement.id} is also the id of statement {first[one.id]} of this request",
                rule="Communication 2.1.2.s2.b6",
                fix="give each statement an id of its own, or send a repeated one once",
            )
        first[one.id] = number


def careful(
    text: bytes, where: str, limits: Limits, received: Collection[str] = frozenset(), *, v2: bool
) -> Admitted:
    """Read one statement strictly; raises PermanentError for the first rule that is broken.

    received: SHA-2 of the attachments that came with the request, as for `admit`.
    """
    if len(text) > limits.statement_bytes_max:
        refuse(
            "statement-too-large",
            where,
            f"the statement has {len(text)} bytes",
            rule=f"Limit statement_bytes_max = {limits.statement_bytes_max}",
            fix="send large content as an attachment or a link",
        )
    value = strict_json.read(text, where, limits.depth_max)
    try:
        statement_rules.statement(value, where, v2=v2)
        _refuse_attachments_without_data(value, where, received)
        if value["object"].get("objectType") == "SubStatement":
            _refuse_attachments_without_data(value["object"], step(where, "object"), received)
    except PermanentError as refused:
        raise PermanentError(in_2_0(refused.problem)) if v2 else refused from None
    statement = wire.statement(text)
    id_ = formats.uuid_bytes(statement.id) if statement.id is not None else None
    t_ms = formats.timestamp_ms(statement.timestamp, rfc3339=v2) if statement.timestamp is not None else None
    return Admitted(id_ or b"", text, statement, -1 if t_ms is None else max(t_ms, 0))


def _refuse_attachments_without_data(value: dict[str, Any], where: str, received: Collection[str]) -> None:
    for number, attachment in enumerate(value.get("attachments", ())):
        if "fileUrl" not in attachment and attachment["sha2"].lower() not in received:
            refuse(
                "attachment-without-data",
                f"{where}/attachments/{number}",
                "this attachment has no fileUrl, and its data did not come with the request",
                rule="Communication 1.5.2.s2.b1 and s3.b5",
                fix="send multipart/mixed with the data as a part, or add the fileUrl of the data",
            )
