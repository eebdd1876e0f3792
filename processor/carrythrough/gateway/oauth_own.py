"""Access tokens that this installation gives out: JWTs signed with a key of its data folder.

Signed rather than remembered, so that they outlive a restart and every gateway that shares the key
takes them. To whoever holds one it is an opaque text.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from carrythrough.gateway.auth import Credential

ISSUER = "carrythrough"
TOKEN_LIFE_S = 3_600
"""An hour: long enough that a sender asks seldom, short enough that a token which leaked dies soon."""
_ALGORITHM = "ES256"


def new_key() -> str:
    """Return a new private key (P-256) as PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class OwnTokens:
    """Gives out and reads our own tokens; `pem` is the text of `new_key`."""

    issuer = ISSUER

    def __init__(self, pem: str, now_s: Callable[[], float] = time.time) -> None:
        """Raises ValueError when the text holds no private key on P-256."""
        key = load_pem_private_key(pem.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("the key is not an elliptic one on P-256")  # noqa: TRY004 - it is content
        self._private = key
        self._public = key.public_key()
        self._now_s = now_s

    def give(self, credential: Credential, scopes: tuple[str, ...]) -> str:
        """Return a token for `scopes` of a credential, valid TOKEN_LIFE_S seconds."""
        now = int(self._now_s())
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": credential.key,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM)

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token of ours; raises jwt.PyJWTError."""
        return jwt.decode(
            token,
            self._public,
            algorithms=[_ALGORITHM],
            audience=ISSUER,
            issuer=ISSUER,
            options={"require": ["exp", "iss", "aud", "sub", "scope"]},
        )
