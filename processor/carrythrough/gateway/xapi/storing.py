"""From the body of a POST or PUT to statements that are admitted, with the attachments that came along.

`taken` is the one place where a body is admitted for a credential, whatever its content type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.xapi import parameters, versions
from carrythrough.gateway.xapi.exchange import Call
from carrythrough.xapi import attachments, formats, lenient, signatures
from carrythrough.xapi.admission import admit
from carrythrough.xapi.admitted import Limits
from carrythrough.xapi.attachments import AttachmentLimits
from carrythrough.xapi.lenient import Lenient, Refused, Sender
from carrythrough.xapi.query import AttachmentData
from carrythrough.xapi.repairs import REQUEST_VERSION

JSON = b"application/json"
MULTIPART = b"multipart/mixed"
NOTHING_RECEIVED: Mapping[str, AttachmentData] = {}


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A request body as it came. media_type: of `content_type`, in lower case. version: whose rules hold.

    sender: of a lenient credential, each of whose statements is taken by itself; None for a strict one.
    """

    content: bytes
    content_type: str
    media_type: bytes
    version: str
    sender: Sender | None = None


class Taken(msgspec.Struct, frozen=True):
    """What a body holds. text: the JSON of the statements. items: admitted, and of a lenient sender refused ones."""

    text: bytes
    items: Sequence[Lenient]
    attachments: tuple[AttachmentData, ...] = ()


def sender_of(call: Call, credential: Credential, now_ms: int) -> Sender | None:
    """Return who sends when that is a lenient credential, else None."""
    if not credential.is_lenient:
        return None
    given = call.header(versions.HEADER)
    noted = (REQUEST_VERSION,) if versions.mended(given) != given else ()
    return Sender(credential=credential.name, version=call.version, now_ms=now_ms, noted=noted)


def bytes_max(media_type: bytes, limits: Limits, attachment_limits: AttachmentLimits) -> int:
    """Return how long a body of a media type may be; raises PermanentError 400 for one that is not read here."""
    if media_type == JSON:
        return limits.body_bytes_max
    if media_type == MULTIPART:
        return attachment_limits.multipart_bytes_max
    raise PermanentError(_media_type(media_type))


def taken(body: Body, limits: Limits, attachment_limits: AttachmentLimits) -> Taken:
    """Return the statements and attachments of a body.

    Of a strict sender all or none: raises PermanentError for the first fault. Of a lenient one each statement
    by itself; only a body that cannot be taken apart is refused.
    """
    if body.media_type == JSON:
        text, received = body.content, NOTHING_RECEIVED
    else:
        text, received = attachments.split(body.content, body.content_type, attachment_limits)
    if body.sender is not None:
        mended = lenient.admit(
            text, limits, msgspec.structs.replace(body.sender, received=frozenset(received))
        )
        checked = [lenient.signed(one, body.sender, received, limits) for one in mended]
        return Taken(text, checked, tuple(received.values()))
    admitted = admit(text, limits, body.version, received)
    v2 = body.version == "2.0.0"
    for number, one in enumerate(admitted):
        if one.statement.attachments:
            where = f"/{number}" if _is_array(text) else ""
            signatures.check(one, where, received, limits, v2=v2)
    if received:
        attachments.refuse_unnamed(received, admitted)
    return Taken(text, admitted, tuple(received.values()))


def _is_array(text: bytes) -> bool:
    return text.lstrip()[:1] == b"["


def with_id(body: Taken, id_: bytes) -> Taken:
    """Return the one statement of a PUT with the id of its address; raises PermanentError 400 (Communication 2.1.1)."""
    if len(body.items) != 1 or _is_array(body.text):
        parameters.refuse(
            "type-wrong",
            "",
            "PUT stores one statement, and the body is an array",
            rule="Communication 2.1.1",
            fix="send the statement itself, or POST the array",
        )
    one = body.items[0]
    if isinstance(one, Refused):
        raise PermanentError(one.problem)
    if one.id and one.id != id_:
        parameters.refuse(
            "statement-id-mismatch",
            "/id",
            f"the statement says {one.statement.id}, and the address {formats.uuid_text(id_)}",
            rule="Communication 2.1.1.s3.b3",
            fix="make them the same, or leave the id out of the statement",
        )
    return Taken(body.text, [msgspec.structs.replace(one, id=id_)], body.attachments)


def _media_type(given: bytes) -> Problem:
    return Problem(
        code="media-type-unsupported",
        status=400,
        title="The body is of a kind that is not read here",
        detail=f"Content-Type is {given.decode('latin-1')[:80]}" if given else "Content-Type is missing",
        where="Content-Type",
        rule="Communication 1.5: statements are application/json, or multipart/mixed with attachments",
        fix="send Content-Type: application/json and JSON",
    )
