"""The token in a `more` link: everything that the next page needs, so that a link never expires.

Data 2.5.s2.table1.row2 wants a `more` link valid for a day at least; one that needs no memory of ours is valid
for as long as the installation has its key. It holds no right: whose statements may be seen is decided
anew for whoever follows it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.xapi.query import StatementQuery
from carrythrough.xapi.rendering import Format

MAC_BYTES = 16
"""128 bits: nobody guesses one."""
KEY_PURPOSE = b"carrythrough xapi more 1"


class Following(msgspec.Struct, frozen=True, array_like=True):
    """What the next page shows: a query with its cursor, a format, and whether attachments go with it."""

    query: StatementQuery
    format: Format
    attachments: bool


_decode = msgspec.msgpack.Decoder(Following).decode


class MoreTokens:
    """Makes tokens and reads them."""

    def __init__(self, key: bytes) -> None:
        """key: a secret of this installation, kept between starts."""
        self._key = hmac.new(key, KEY_PURPOSE, sha256).digest()

    def token(self, following: Following) -> str:
        """Return a token that fits into a path."""
        body = msgspec.msgpack.encode(following)
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def following(self, token: str) -> Following:
        """Return what a token says; raises PermanentError 400 for one that was not made here."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise PermanentError(_FOREIGN) from None
        mac, body = data[:MAC_BYTES], data[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise PermanentError(_FOREIGN)
        return _decode(body)

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, sha256).digest()[:MAC_BYTES]


_FOREIGN = Problem(
    code="more-invalid",
    status=400,
    title="This link leads nowhere",
    detail="the last segment of the path is not one that this installation made",
    where="more",
    rule="Data 2.5: a more link is followed as it was given",
    fix="ask GET statements again, and follow its more link unchanged",
)
