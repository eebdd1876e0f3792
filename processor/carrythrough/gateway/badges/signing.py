"""The key that signs badges, and the signature: a compact JWS over the credential, as Open Badges 3.0 has it.

RS256, since it is the one algorithm that every verifier of Open Badges must know. The key is made on the first start
and is the identity of the issuer: a badge stays checkable for as long as its public half is published.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

ALGORITHM = "RS256"
KEY_BITS = 3072
"""About 128 bits of strength (NIST SP 800-57 1, table 2): badges are kept for a working life."""
KEY_BITS_MIN = 2048
"""RFC 7518 3.3."""
KEYS_PATH = "/v1/badges/keys"


def new_key() -> str:
    """Return a new private key as PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class BadgeKey:
    """Signs credentials; `pem` is the text of `new_key`."""

    def __init__(self, pem: str) -> None:
        """Raises ValueError when the text holds no private RSA key of at least KEY_BITS_MIN bits."""
        key = load_pem_private_key(pem.encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS_MIN:
            raise ValueError(f"the key is not an RSA key of at least {KEY_BITS_MIN} bits")
        self._private = key
        public = key.public_key().public_numbers()
        members = {"e": _number(public.e), "kty": "RSA", "n": _number(public.n)}
        # RFC 7638: the thumbprint is the hash of exactly these members in this order.
        canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
        self.id = _text(sha256(canonical).digest())
        self.public: dict[str, str] = members | {"kid": self.id, "alg": ALGORITHM, "use": "sig"}
        """The public half as a JWK (RFC 7517)."""

    def sign(self, credential: Mapping[str, Any], base: str, valid_from_s: int) -> str:
        """Return a credential signed as a compact JWS. base: public address of the issuer."""
        claims = {
            **credential,
            "iss": credential["issuer"]["id"],
            "jti": credential["id"],
            "nbf": valid_from_s,
            "sub": credential["credentialSubject"]["id"],
        }
        headers = {"kid": f"{base}{KEYS_PATH}/{self.id}"}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers=headers)


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
