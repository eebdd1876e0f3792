"""Admission for a lenient credential: each statement by itself, mended where it can be, else set aside.

Nothing of a statement is lost: what a repair changed is kept as it was sent, and what no repair makes a
statement goes into the log with the reason. Only a request that cannot be taken apart is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi import admission, fast_path, formats, repairs, signatures, strict_json
from carrythrough.xapi.admitted import Admitted, Limits
from carrythrough.xapi.query import AttachmentData

_encode = msgspec.json.Encoder().encode
_MARKED = bytes(range(128)) + b"?" * 128


class Repaired(Admitted, frozen=True, gc=False):
    """A statement that was mended, or that something is to be said about.

    original: its text as sent; b"" when nothing was changed. repairs: names of `repairs.REPAIRS`.
    """

    original: bytes
    repairs: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True):
    """A statement that breaks a rule and that no repair mends.

    id: always b"", since the log knows it by its content. raw: what the log keeps, an encoded `Kept`.
    t_ms: always 0. said: the 16 bytes of the id that it says, b"" when that is none.
    """

    raw: bytes
    problem: Problem
    said: bytes = b""
    id: bytes = b""
    t_ms: int = 0


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the log keeps of a refused statement: who sent it, why it is none, and its text.

    text_base64: in place of `text` where that is not UTF-8. version: of the rules, "1.0.3" or "2.0.0".
    """

    credential: str
    version: str
    problem: Problem
    text: str = ""
    text_base64: str = ""

    def raw(self) -> bytes:
        """Return the statement as it was sent."""
        return base64.b64decode(self.text_base64) if self.text_base64 else self.text.encode()


read_kept = msgspec.json.Decoder(Kept).decode

Lenient = Admitted | Repaired | Refused


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends leniently, and what is known of the request.

    version: "1.0.3" or "2.0.0", whose rules hold. now_ms: the server's clock. noted: repairs of the
    request itself, said of each of its statements. received: SHA-2 of what is attached to the request.
    """

    credential: str
    version: str
    now_ms: int
    noted: tuple[str, ...] = ()
    received: frozenset[str] = frozenset()


def admit(body: bytes, limits: Limits, sender: Sender) -> list[Lenient]:
    """Return what becomes of each statement of a request body, in order.

    Raises PermanentError when the body is not JSON, or beyond the limits of a request.
    """
    return [_one(text, limits, sender, escapes=b"\\" in body) for text in _split(body, limits)]


def set_aside(text: bytes, problem: Problem, sender: Sender) -> Refused:
    """Return a statement that is to be kept apart for `problem`, whose `where` points into the statement."""
    try:
        kept = Kept(sender.credential, sender.version, problem, text=text.decode())
    except UnicodeDecodeError:
        kept = Kept(sender.credential, sender.version, problem, text_base64=base64.b64encode(text).decode())
    return Refused(_encode(kept), problem, _said(text))


def signed(one: Lenient, sender: Sender, received: Mapping[str, AttachmentData], limits: Limits) -> Lenient:
    """Return the statement, or what is set aside in its place when a signature of it is malformed.

    received: the attachments that there are, by SHA-2 in lower case.
    """
    if isinstance(one, Refused) or not one.statement.attachments:
        return one
    try:
        signatures.check(one, "", received, limits, v2=sender.version.startswith("2."))
    except PermanentError as refused:
        return set_aside(sent_text(one), refused.problem, sender)
    return one


def sent_text(one: Admitted) -> bytes:
    """Return the text of a statement as it was sent, before any repair."""
    return one.original or one.raw if isinstance(one, Repaired) else one.raw


def _split(body: bytes, limits: Limits) -> list[Raw]:
    """Return the texts of a body's statements, those that are not UTF-8 among them.

    What separates statements is ASCII, so they stand where they stand with any other byte as a mark.
    """
    try:
        return admission.split(body, limits)[0]
    except PermanentError as refused:
        if refused.problem.code != "json-not-unicode":
            raise
    marked = body.translate(_MARKED)
    end, found = 0, []
    for text in map(bytes, admission.split(marked, limits)[0]):
        begin = marked.index(text, end)
        end = begin + len(text)
        found.append(Raw(body[begin:end]))
    return found


def _one(text: Raw, limits: Limits, sender: Sender, *, escapes: bool) -> Lenient:
    v2 = sender.version.startswith("2.")
    raw = bytes(text)
    if not raw.isascii():
        try:
            strict_json.text_of(raw)
        except PermanentError as refused:
            return set_aside(raw, refused.problem, sender)
    fast = len(raw) <= limits.statement_bytes_max and limits.depth_max >= admission.FAST_DEPTH
    try:
        try:
            if not fast:
                raise fast_path.DoubtError
            one = fast_path.read(text, v2=v2, escapes=escapes)
        except fast_path.HESITATIONS:
            one = admission.careful(raw, "", limits, sender.received, v2=v2)
    except PermanentError as refused:
        return _mended(raw, refused.problem, limits, sender)
    return _noted(one, b"", (), sender)


def _mended(raw: bytes, problem: Problem, limits: Limits, sender: Sender) -> Lenient:
    v2 = sender.version.startswith("2.")
    try:
        value: Any = (
            strict_json.read(raw, "", limits.depth_max) if len(raw) <= limits.statement_bytes_max else None
        )
    except PermanentError:
        value = None
    names = repairs.repair(value, v2=v2) if isinstance(value, dict) else ()
    if not names:
        return set_aside(raw, problem, sender)
    try:
        one = admission.careful(_encode(value), "", limits, sender.received, v2=v2)
    except PermanentError as still:
        return set_aside(raw, still.problem, sender)
    return _noted(one, raw, names, sender)


def _noted(one: Admitted, original: bytes, names: tuple[str, ...], sender: Sender) -> Lenient:
    """Return the statement with everything that there is to say about it."""
    v2 = sender.version.startswith("2.")
    if 0 <= one.t_ms < repairs.XAPI_BEGINS_MS:
        value = msgspec.json.decode(one.raw)
        names = tuple(sorted({*names, *repairs.repair(value, v2=v2)}))
        raw, original = _encode(value), original or one.raw
        one = Admitted(one.id, raw, admission.decode_statement(raw), -1)
    if one.t_ms > sender.now_ms + repairs.SKEW_MS_MAX:
        names = (*names, repairs.CLOCK_AHEAD)
    names = (*names, *sender.noted)
    if not names:
        return one
    return Repaired(one.id, one.raw, one.statement, one.t_ms, original, names)


class _Id(msgspec.Struct):
    id: str = ""


def _said(text: bytes) -> bytes:
    """Return the id that a text which is no statement says, b"" when it says none."""
    try:
        said = msgspec.json.decode(text, type=_Id).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    return formats.uuid_bytes(said) or b""
