"""The public keys of an issuer, read beside the requests and never while one waits.

A token signed by a key that is not known may be the first after a rotation: the set is read again at
once, though not more often than every UNKNOWN_KEY_PAUSE_S, and the sender is asked to come back in a
second (503), so that neither a rotation refuses anybody for good nor a flood of invented key ids
becomes a flood of requests to the issuer.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from carrythrough.gateway.oauth_settings import LOOPBACK, OAuthIssuer

KEY_SET_BYTES_MAX = 1 << 20
KEYS_MAX = 100
RSA_BITS_MIN = 2048
"""RFC 7518 3.3."""
UNKNOWN_KEY_PAUSE_S = 10.0
KEEP_S_MAX = 86_400.0
"""Keys that could not be read again for a day are given up: the issuer may have withdrawn them."""
RETRY_S = 5.0
"""How soon a set that could not be read is tried again."""

_logger = structlog.get_logger("carrythrough")


class SigningKey:
    """One public key and the only algorithm that it is used with, whatever a token says."""

    def __init__(self, kid: str, algorithm: str, key: RSAPublicKey | EllipticCurvePublicKey) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.key = key


class KeySet:
    """The keys of one issuer, kept current by a thread of its own between `start` and `stop`."""

    def __init__(self, issuer: OAuthIssuer, on_change: Callable[[], None] = lambda: None) -> None:
        self._issuer = issuer
        self._on_change = on_change
        self._keys: tuple[SigningKey, ...] = ()
        self._text = b""
        self._read_s = float("-inf")
        self.read_at_s = 0.0
        """When the set was last read, as Unix time; 0 before the first time."""
        self._asked_s = float("-inf")
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Read the set now and then again and again, in a thread."""
        self._thread = threading.Thread(target=self._run, name="oauth-keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; safe to call twice and without a start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(self._issuer.timeout_s + 1)

    @property
    def known(self) -> bool:
        """Say whether a set was read, and not too long ago."""
        return time.monotonic() - self._read_s < KEEP_S_MAX

    def find(self, kid: str | None, algorithm: str) -> SigningKey | None:
        """Return the key of a token's header; without a key id, the only one for the algorithm."""
        keys = self._keys if self.known else ()
        if kid is not None:
            return next((key for key in keys if key.kid == kid and key.algorithm == algorithm), None)
        fitting = [key for key in keys if key.algorithm == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def ask(self) -> bool:
        """Have the set read again at once; False when that was asked for only a moment ago."""
        now = time.monotonic()
        if now - self._asked_s < UNKNOWN_KEY_PAUSE_S:
            return not self.known
        self._asked_s = now
        self._wake.set()
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            read = self._refresh()
            self._wake.wait(self._issuer.refresh_s if read else min(RETRY_S, self._issuer.refresh_s))
            self._wake.clear()

    def _refresh(self) -> bool:
        try:
            text = fetch(self._issuer)
            keys = read_keys(text)
        except (OSError, ValueError, httpx.HTTPError) as error:
            _logger.warning(
                "oauth_keys_unreadable", source=self._source, error=f"{type(error).__name__}: {error}"[:300]
            )
            return False
        changed = text != self._text
        self._keys, self._text, self._read_s = keys, text, time.monotonic()
        self.read_at_s = time.time()
        if changed:
            _logger.info("oauth_keys_read", source=self._source, keys=len(keys))
            self._on_change()
        return True

    @property
    def _source(self) -> str:
        return self._issuer.jwks_url or self._issuer.jwks_file


def fetch(issuer: OAuthIssuer) -> bytes:
    """Return the text of an issuer's key set; raises OSError, ValueError or httpx.HTTPError."""
    if issuer.jwks_file:
        with Path(issuer.jwks_file).open("rb") as file:
            return _bounded(file.read(KEY_SET_BYTES_MAX + 1))
    begun, text = time.monotonic(), b""
    # A redirect could lead to somebody else's keys; a proxy from the environment cannot reach this machine.
    trust_env = httpx.URL(issuer.jwks_url).host not in LOOPBACK
    with httpx.stream("GET", issuer.jwks_url, timeout=issuer.timeout_s, trust_env=trust_env) as reply:
        if reply.status_code != 200:
            raise ValueError(f"HTTP {reply.status_code}")
        for chunk in reply.iter_bytes():
            text = _bounded(text + chunk)
            if time.monotonic() - begun > issuer.timeout_s:
                raise ValueError(f"not read within {issuer.timeout_s:g} s")
    return text


def read_keys(text: bytes) -> tuple[SigningKey, ...]:
    """Return the keys of a key set (RFC 7517) that may sign; raises ValueError when it is none.

    Kept: RSA of at least RSA_BITS_MIN bits for RS256, P-256 for ES256. Left out: symmetric keys, keys
    for encryption or for another algorithm, and what cannot be read.
    """
    document = json.loads(text)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("a key set is an object with a list `keys` (RFC 7517 5)")  # noqa: TRY004 - it is content
    keys = [key for entry in entries[:KEYS_MAX] if (key := _key(entry)) is not None]
    if not keys:
        raise ValueError("no key in it can be used: RS256 with 2048 bits or more, or ES256")
    return tuple(keys)


def _key(entry: Any) -> SigningKey | None:
    if not isinstance(entry, Mapping) or entry.get("use", "sig") != "sig":
        return None
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(entry.get("kty")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(dict(entry), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    good = (
        key.key_size >= RSA_BITS_MIN
        if isinstance(key, RSAPublicKey)
        else isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    )
    return SigningKey(str(entry.get("kid", "")), algorithm, key) if good else None


def _bounded(text: bytes) -> bytes:
    if len(text) > KEY_SET_BYTES_MAX:
        raise ValueError(f"a key set of more than {KEY_SET_BYTES_MAX} bytes")
    return text
