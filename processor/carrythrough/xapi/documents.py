"""Documents: what a PUT, POST or DELETE makes of the one that is stored, and when it may not.

A store hands each function the document that it has under a key and keeps what comes back, with nothing
in between: read, check and write are one step. Sections named `Communication` are those of xAPI 1.0.3;
`9274.1.1` is IEEE 9274.1.1-2023 (xAPI 2.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha1
from typing import Literal, NoReturn

import msgspec

from carrythrough.errors import PermanentError, Problem

Kind = Literal["state", "agent-profile", "activity-profile"]
UNTYPED = "application/octet-stream"
"""What a document is taken for whose sender names no media type (RFC 9110, 8.3)."""
JSON = "application/json"

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_MERGE_RULE = "Communication 2.2.s7 and s8.b1; 9274.1.1 4.1.6.2 (POST)"


class DocumentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one document may be: a refusal gives the name of its limit.

    document_bytes_max: of its content, also after a merge. name_characters_max: of each part of its address
    (id, activity, agent), which an index holds.
    """

    document_bytes_max: int = 10 << 20
    name_characters_max: int = 4_096


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a document belongs to; with its id that is its address.

    activity: an IRI. agent: an `identity.actor_key` text. registration: lower-case UUID text. What a kind
    does not have is "": a state without a registration is another one than each state with one.
    """

    kind: Kind
    activity: str = ""
    agent: str = ""
    registration: str = ""


class Content(msgspec.Struct, frozen=True):
    """The bytes of a document exactly as sent, and their media type as sent."""

    media_type: str
    data: bytes

    def is_json(self) -> bool:
        """Say whether it claims to be JSON; parameters such as charset aside."""
        return self.media_type.partition(";")[0].strip().lower() == JSON


class Document(msgspec.Struct, frozen=True):
    """A stored document. updated_ms: when it was last written. etag: `etag_of` its bytes."""

    content: Content
    updated_ms: int
    etag: str


class DocumentIds(msgspec.Struct, frozen=True):
    """Ids of documents, sorted, each once. updated_ms: of the one written last, 0 when there is none."""

    ids: list[str]
    updated_ms: int


class Posted(msgspec.Struct, frozen=True):
    """A document that is POSTed. properties: name to the text of the value, None when it is not JSON."""

    content: Content
    properties: dict[str, msgspec.Raw] | None


class Preconditions(msgspec.Struct, frozen=True):
    """The headers If-Match and If-None-Match as sent, None when absent."""

    if_match: str | None = None
    if_none_match: str | None = None


Decide = Callable[[Document | None], Content | None]
"""From the stored document (None: there is none) to the one to store (None: none); raises PermanentError."""


def etag_of(data: bytes) -> str:
    """Return the entity tag of `data`: the SHA-1 in lower-case hexadecimal digits, in quotes.

    Communication 3.1.s4.b2 and b4; 2.0 leaves the choice free.
    """
    return f'"{sha1(data, usedforsecurity=False).hexdigest()}"'


def unchanged(etag: str, if_none_match: str | None) -> bool:
    """Say whether a GET is answered with 304: If-None-Match names what is there (RFC 9110, 13.1.2)."""
    return if_none_match is not None and _names(if_none_match, etag, weakly=True)


def put(stored: Document | None, sent: Content, given: Preconditions, kind: Kind, version: str) -> Content:
    """Return `sent` in place of what is stored.

    Raises PermanentError: 412 when a precondition fails. Without any, a document that exists is kept (409),
    but for a state in 1.0.3; in 1.0.3 a profile needs one in any case (400). Communication 3.1.s3 and s4;
    9274.1.1 4.1.4.
    """
    if given.if_match is None and given.if_none_match is None:
        guarded = version != "1.0.3" or kind != "state"
        if stored is not None and guarded:
            raise PermanentError(_conflict(stored))
        if stored is None and version == "1.0.3" and guarded:
            raise PermanentError(_PRECONDITION_MISSING)
    check(stored, given)
    return sent


def posted(sent: Content) -> Posted:
    """Return a document that is POSTed, read as far as merging needs; raises PermanentError 400.

    What claims to be JSON has to be a JSON object, whether or not there is something to merge it into.
    """
    return Posted(sent, _properties(sent, "posted") if sent.is_json() else None)


def post(stored: Document | None, sent: Posted, given: Preconditions, limits: DocumentLimits) -> Content:
    """Return `sent` merged into what is stored, or as it is when there is nothing (Communication 2.2.s7).

    Only top-level properties are merged; every value keeps its spelling. Raises PermanentError: 412 when a
    precondition fails; 400 when one of the two is not a JSON object; 413 when the outcome is too large.
    """
    check(stored, given)
    if stored is None:
        return sent.content
    if sent.properties is None:
        _refuse_type(sent.content, "posted")
    data = msgspec.json.encode(_properties(stored.content, "stored") | sent.properties)
    if len(data) > limits.document_bytes_max:
        raise PermanentError(too_large(f"merged with what is stored it has {len(data)} bytes", limits))
    return Content(stored.content.media_type, data)


def delete(stored: Document | None, given: Preconditions) -> None:
    """Take the document away; one that is not there is as good as deleted. Raises PermanentError 412."""
    check(stored, given)


def check(stored: Document | None, given: Preconditions) -> None:
    """Raise PermanentError 412 when a precondition fails (RFC 9110, 13.1.1 and 13.1.2).

    If-Match compares strongly and fails when there is no document; If-None-Match compares weakly.
    """
    if given.if_match is not None and (
        stored is None or not _names(given.if_match, stored.etag, weakly=False)
    ):
        raise PermanentError(_failed("If-Match", given.if_match, stored))
    if (
        given.if_none_match is not None
        and stored is not None
        and _names(given.if_none_match, stored.etag, weakly=True)
    ):
        raise PermanentError(_failed("If-None-Match", given.if_none_match, stored))


def too_large(detail: str, limits: DocumentLimits) -> Problem:
    """Return the problem (413) of a document above its limit."""
    return Problem(
        code="document-too-large",
        status=413,
        title="A document too large to store",
        detail=detail,
        rule=f"Limit document_bytes_max = {limits.document_bytes_max} (after inflating)",
        fix="keep several smaller documents under ids of their own",
    )


def _names(header: str, etag: str, *, weakly: bool) -> bool:
    if header.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _TAG.findall(header))


def _properties(content: Content, which: str) -> dict[str, msgspec.Raw]:
    """Return the top-level properties of a JSON object, each value as the text that it is written in."""
    if not content.is_json():
        _refuse_type(content, which)
    try:
        # The grammar is checked by a reader that looks into every value; the other one only cuts them out.
        json.loads(content.data, parse_int=str, parse_float=str, parse_constant=_not_json)
        return _cut(content.data)
    except RecursionError:
        _refuse_merge(f"the {which} document is nested too deeply to be read")
    except (ValueError, msgspec.MsgspecError) as error:
        _refuse_merge(f"the {which} document is not a JSON object: {error}")


_cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse_type(content: Content, which: str) -> NoReturn:
    _refuse_merge(f"the {which} document is {content.media_type[:80]}, not {JSON}")


def _refuse_merge(detail: str) -> NoReturn:
    raise PermanentError(
        Problem(
            code="document-not-mergeable",
            status=400,
            title="The documents cannot be merged",
            detail=detail,
            where="",
            rule=f"{_MERGE_RULE}: POST merges JSON objects whose Content-Type is {JSON}",
            fix="PUT the whole document in place of the stored one, with If-Match and its ETag",
        )
    )


def _failed(header: str, given: str, stored: Document | None) -> Problem:
    now = "there is no document" if stored is None else f"the document has the ETag {stored.etag}"
    return Problem(
        code="precondition-failed",
        status=412,
        title="The document is not as the request takes it to be",
        detail=f"{header} is {given[:80]}, and {now}",
        where=header,
        rule="Communication 3.1.s4.b5 to b12; 9274.1.1 4.1.4; RFC 9110, 13.1",
        fix="GET the document, make the change in what is there now, and send that with If-Match and its ETag",
    )


def _conflict(stored: Document) -> Problem:
    return Problem(
        code="document-conflict",
        status=409,
        title="There is a document already",
        detail=f"the request has neither If-Match nor If-None-Match, and {stored.etag} is the ETag of what is stored",
        where="If-Match",
        rule="Communication 3.1.s4.b13 to b15; 9274.1.1 4.1.4",
        fix="check the current state of the document with GET, then set If-Match to its ETag",
    )


_PRECONDITION_MISSING = Problem(
    code="precondition-missing",
    status=400,
    title="A profile is not replaced blindly",
    detail="the request has neither If-Match nor If-None-Match",
    where="If-None-Match",
    rule="Communication 3.1.s3.b1: PUT of a profile has If-Match or If-None-Match",
    fix="send If-None-Match: * for a new document, or If-Match and the ETag of the one to replace",
)
