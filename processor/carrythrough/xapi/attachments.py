"""Statements with attachments: multipart/mixed apart and together, and each part to the statement that names it.

Communication 1.5.2: the first part is the statements as JSON; every other part is the raw data of an
attachment, which statements name by its SHA-2. A part that no statement names is refused, and so is an
attachment that has neither a part nor a fileUrl, and a part whose bytes are not those that its hash says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import formats
from carrythrough.xapi.admitted import Admitted
from carrythrough.xapi.query import AttachmentData
from carrythrough.xapi.statement import Attachment, SubStatement

RULE = "Communication 1.5.2.s2.b2 (RFC 2046)"
MEDIA_TYPE = "multipart/mixed"
UNKNOWN_TYPE = "application/octet-stream"
"""Given out with data that came without a media type, or with one that is none."""
_ALGORITHMS = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""By the length of the hexadecimal digest: the SHA-2 family."""
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE)
# RFC 2046 5.1.1: 1 to 70 of these, not ending in a blank.
_BOUNDARY_TEXT = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_CRLF = b"\r\n"


class AttachmentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one multipart request may hold; a refusal gives the name of its limit.

    multipart_bytes_max: bytes of the whole body. parts_max: parts after the first. part_head_bytes_max:
    bytes of the headers of a part. answer_bytes_max: bytes of attachments in one answer.
    """

    multipart_bytes_max: int = 64 << 20
    parts_max: int = 1_000
    part_head_bytes_max: int = 8 << 10
    answer_bytes_max: int = 256 << 20


class Part(msgspec.Struct, frozen=True):
    """One part: headers by their names in lower case, and its bytes."""

    headers: dict[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """Return the media type without parameters, in lower case; "" when not given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def split(
    body: bytes, content_type: str, limits: AttachmentLimits
) -> tuple[bytes, dict[str, AttachmentData]]:
    """Return the JSON text of a multipart/mixed body, and its attachments by their SHA-2 in lower case.

    content_type: the header of the request. Raises PermanentError 400 (413 for a limit): no or a wrong
    boundary, a first part that is not JSON, a part without hash, in another transfer encoding than
    binary, or whose bytes are not those that its hash says.
    """
    parts = list(_parts(body, _boundary(content_type), limits))
    first, rest = parts[0], parts[1:]
    if first.media_type != "application/json":
        _refuse(
            "multipart-statements-missing",
            f"the first part is {first.media_type or 'of no media type'}",
            rule="Communication 1.5.2.s2.b2.b1 and b6",
            fix="make the statements the first part, with Content-Type: application/json",
        )
    if len(rest) > limits.parts_max:
        _refuse(
            "multipart-too-many-parts",
            f"{len(rest)} parts follow the statements",
            rule=f"Limit parts_max = {limits.parts_max}",
            fix="send the statements in several requests",
            status=413,
        )
    received: dict[str, AttachmentData] = {}
    for number, part in enumerate(rest, 1):
        data = _attachment(part, number)
        received[data.sha2] = data
    return first.content, received


def refuse_unnamed(received: Iterable[str], admitted: Iterable[Admitted]) -> None:
    """Refuse a part that no statement names; raises PermanentError 400.

    received: SHA-2 of the parts. That an attachment of a statement lacks its part is for admission to say.
    """
    named = {a.sha2.lower() for one in admitted for a in attachments_of(one)}
    for number, sha2 in enumerate(received, 1):
        if sha2 not in named:
            _refuse(
                "attachment-unnamed",
                f"no statement has an attachment with the sha2 {sha2}",
                where=f"part {number}",
                rule="Communication 1.5.2.s2.b2.b2: each part belongs to an attachment of a statement",
                fix="describe the data in a statement's attachments, or leave the part out",
            )


def attachments_of(one: Admitted) -> Iterator[Attachment]:
    """Yield the attachments of a statement and of the SubStatement in it."""
    yield from one.statement.attachments
    if isinstance(one.statement.object, SubStatement):
        yield from one.statement.object.attachments


def join(statements: bytes, attachments: Iterable[AttachmentData]) -> tuple[bytes, str]:
    """Return a multipart/mixed body and its Content-Type.

    The boundary is made from the content, so the same answer has the same bytes; it cannot stand in it
    by chance: it would have to hold its own digest.
    """
    kept = list(attachments)
    digest = hashlib.sha256(statements)
    for attachment in kept:
        digest.update(attachment.sha2.encode())
    boundary = f"carrythrough-{digest.hexdigest()[:32]}"
    line = f"--{boundary}".encode()
    pieces = [line, _CRLF, b"Content-Type: application/json", _CRLF, _CRLF, statements, _CRLF]
    for attachment in kept:
        pieces += [
            line,
            f"\r\nContent-Type: {attachment.content_type}\r\n"
            f"Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {attachment.sha2}\r\n\r\n".encode(),
            attachment.data,
            _CRLF,
        ]
    pieces += [line, b"--", _CRLF]
    return b"".join(pieces), f"{MEDIA_TYPE}; boundary={boundary}"


def _boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    text = (found[1] or found[2] or "") if found else ""
    if _BOUNDARY_TEXT.fullmatch(text) is None:
        _refuse(
            "multipart-boundary-missing",
            f"the boundary is {text[:80]!r}" if text else "Content-Type gives no boundary",
            where="Content-Type",
            rule=RULE,
            fix="send Content-Type: multipart/mixed; boundary=… with the boundary that is between the parts",
        )
    return text.encode()


def _parts(body: bytes, boundary: bytes, limits: AttachmentLimits) -> Iterator[Part]:
    """Yield the parts between the boundary lines; what is before the first and after the last is passed over."""
    eol = _line_end(body, boundary)
    line = re.compile(rb"(?:\A|%s)--%s(--)?[ \t]*(?=%s|\Z)" % (eol, re.escape(boundary), eol))
    start = -1
    number = 0
    for found in line.finditer(body):
        if start >= 0:
            yield _part(body[start : found.start()], number, limits, eol)
            number += 1
        # The line break after the boundary stays, since it begins the next boundary of an empty part.
        start = found.end()
        if found[1]:
            if number == 0:
                break
            return
    _refuse(
        "multipart-malformed",
        "the boundary of the header does not stand before the first part"
        if start < 0
        else "the body does not end with the boundary and two hyphens",
        rule=RULE,
        fix="put CRLF, two hyphens and the boundary before each part, and two hyphens more after the last one",
    )


def _line_end(body: bytes, boundary: bytes) -> bytes:
    """Return how the lines of a body end: as the first boundary does. Some senders write LF; hashes vouch for data."""
    at = body.find(b"--" + boundary)
    rest = body[at + len(boundary) + 2 :][:2].lstrip(b" \t") if at >= 0 else b""
    return b"\n" if rest[:1] == b"\n" else _CRLF


def _part(text: bytes, number: int, limits: AttachmentLimits, eol: bytes) -> Part:
    if text.startswith(eol + eol):
        return Part({}, text[2 * len(eol) :])
    head, found, content = text.removeprefix(eol).partition(eol + eol)
    if not found or len(head) > limits.part_head_bytes_max:
        _refuse(
            "multipart-malformed",
            f"the headers of part {number} do not end",
            where=f"part {number}",
            rule=f"{RULE}; Limit part_head_bytes_max = {limits.part_head_bytes_max}",
            fix="put an empty line between the headers of a part and its data",
        )
    headers: dict[str, str] = {}
    for row in head.decode("latin-1").split(eol.decode()):
        name, colon, value = row.partition(":")
        if not colon:
            _refuse(
                "multipart-malformed",
                f"{row[:80]!r} is no header",
                where=f"part {number}",
                rule=RULE,
                fix="write headers as Name: value, a line each",
            )
        headers[name.strip().lower()] = value.strip()
    return Part(headers, content)


def _attachment(part: Part, number: int) -> AttachmentData:
    where = f"part {number}"
    encoding = part.headers.get("content-transfer-encoding", "binary")
    if encoding.lower() != "binary":
        _refuse(
            "attachment-encoding",
            f"Content-Transfer-Encoding is {encoding[:80]}",
            where=where,
            rule="Communication 1.5.2.s2.b2.b4",
            fix="send the bytes as they are, with Content-Transfer-Encoding: binary",
        )
    sha2 = part.headers.get("x-experience-api-hash", "").lower()
    algorithm = _ALGORITHMS.get(len(sha2))
    if algorithm is None:
        _refuse(
            "attachment-hash-missing",
            f"X-Experience-API-Hash is {sha2[:80]!r}" if sha2 else "X-Experience-API-Hash is missing",
            where=where,
            rule="Communication 1.5.2.s2.b2.b3",
            fix="give the hexadecimal SHA-256, SHA-384 or SHA-512 of the data",
        )
    if hashlib.new(algorithm, part.content).hexdigest() != sha2:
        _refuse(
            "attachment-hash-wrong",
            f"the data does not have the hash {sha2}",
            where=where,
            rule="Communication 1.5.2.s1.b4: data is matched by the SHA-2 of the raw data",
            fix="hash exactly the bytes between the empty line and the CRLF before the next boundary",
        )
    content_type = part.headers.get("content-type", "")
    if not formats.is_media_type(content_type) or not content_type.isprintable():
        content_type = UNKNOWN_TYPE
    return AttachmentData(sha2=sha2, content_type=content_type, data=part.content)


def _refuse(code: str, detail: str, *, rule: str, fix: str, where: str = "", status: int = 400) -> NoReturn:
    raise PermanentError(
        Problem(
            code=code,
            status=status,
            title="The attachments cannot be taken",
            detail=detail,
            where=where,
            rule=rule,
            fix=fix,
        )
    )
