"""Links that carry their own right: signed, for one purpose, for a time, and each with an id of its own.

Whoever holds such a link may do the one thing that it names, for the one person that it names, and needs
no account for it. Nothing is kept here: the link says everything, and the key proves that we said it. The
id lets whoever takes an answer know a second one from the first.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from carrythrough.errors import PermanentError, Problem

ID_BYTES = 12
"""96 random bits: two links never share an id."""
LIFE_S_MAX = 90 * 24 * 3600
"""Longest life of a link: a quarter, after which nobody remembers what it was about."""
TOKEN_CHARACTERS_MAX = 2_000
"""Longest token read; addresses beyond it are cut by mail programs."""


class Link(msgspec.Struct, frozen=True):
    """What a link says. claims: what it was made with. expires_s: real seconds since the epoch."""

    id: str
    claims: dict[str, str]
    expires_s: int


class SignedLinks:
    """Makes and reads links under one key; a link for one purpose is none for another."""

    def __init__(self, key: bytes, now_s: Callable[[], float] = time.time) -> None:
        """key: secret bytes that only this installation has. now_s: the real clock."""
        self._key = key
        self._now_s = now_s

    def make(self, purpose: str, claims: Mapping[str, str], life_s: float) -> str:
        """Return a token: letters, digits, hyphens, underscores and one dot.

        claims are readable by whoever holds the link, so they hold pseudonyms and no names. Raises ValueError for a
        life beyond LIFE_S_MAX.
        """
        if not 0 < life_s <= LIFE_S_MAX:
            raise ValueError(f"a link lives up to LIFE_S_MAX = {LIFE_S_MAX} s")
        identity = secrets.token_urlsafe(ID_BYTES)
        return self.sign(purpose, Link(identity, dict(claims), int(self._now_s() + life_s)))

    def sign(self, purpose: str, link: Link) -> str:
        """Return the token of a link that says when it ends: the same link gives the same token each time."""
        body = [link.id, link.expires_s, link.claims]
        payload = _text(msgspec.json.encode(body))
        return f"{payload}.{_text(self._signature(purpose, payload))}"

    def read(self, purpose: str, token: str) -> Link:
        """Return what a token says; raises PermanentError "link-invalid" (404) or "link-expired" (410)."""
        payload, dot, signature = token[:TOKEN_CHARACTERS_MAX].partition(".")
        wanted = self._signature(purpose, payload)
        if not dot or not hmac.compare_digest(wanted, _bytes(signature)):
            raise PermanentError(_INVALID)
        identity, expires_s, claims = msgspec.json.decode(
            _bytes(payload), type=tuple[str, int, dict[str, str]]
        )
        if self._now_s() >= expires_s:
            raise PermanentError(_EXPIRED)
        return Link(identity, claims, expires_s)

    def _signature(self, purpose: str, payload: str) -> bytes:
        key = hmac.new(self._key, b"carrythrough signed link\x1f" + purpose.encode(), sha256).digest()
        return hmac.new(key, payload.encode(), sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


_INVALID = Problem(
    code="link-invalid",
    status=404,
    title="This link does not work",
    detail="it was not made here for this, or a part of it is missing",
    where="link",
    rule="a link works as it was sent, whole, and for one purpose",
    fix="open it again from the message that it came in, or ask for a new one",
)
_EXPIRED = Problem(
    code="link-expired",
    status=410,
    title="This link has expired",
    detail="the time in which it could be answered is over",
    where="link",
    rule="a link works for the time that it was made for",
    fix="ask whoever sent it for a new one",
)
