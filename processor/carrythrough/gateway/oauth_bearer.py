"""Bearer tokens (RFC 6750): ours, and those of the issuer that the settings name.

Which of the two a token is from is read from its `iss` before anything is believed; from then on only
the keys of that one count, and each key only with its own algorithm. So `none`, a symmetric algorithm
with a public key as its secret, and a key that the token brings along are all refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import msgspec

from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.oauth_keys import KeySet
from carrythrough.gateway.oauth_own import OwnTokens
from carrythrough.gateway.oauth_settings import OAuthIssuer
from carrythrough.gateway.scopes import narrowed, read_scopes

TOKEN_CHARACTERS_MAX = 8_192
ALGORITHMS = ("RS256", "ES256")
"""Those that a configured issuer may sign with."""

Find = Callable[[str], Credential | None]


class Bearers:
    """Says for which credential a token stands, and until when."""

    def __init__(self, own: OwnTokens, issuer: OAuthIssuer | None = None, keys: KeySet | None = None) -> None:
        self._own = own
        self._issuer = issuer
        self._keys = keys or (KeySet(issuer) if issuer is not None else None)

    def check(self, token: str, find: Find) -> tuple[Credential, float]:
        """Return the credential, narrowed to what the token grants, and the end of the token (Unix seconds).

        find: credential by name or key. Raises PermanentError (401), or TransientError (503) while
        keys are being read.
        """
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise _refused(f"it is longer than {TOKEN_CHARACTERS_MAX} characters")
        try:
            said = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _refused("it is no token of ours and no JWT") from None
        header, unproved = said["header"], said["payload"]
        if unproved.get("iss") == self._own.issuer:
            return self._of_own(token, find)
        if self._issuer is None or unproved.get("iss") != self._issuer.issuer:
            raise _refused("its issuer is not one whose tokens are taken here")
        return self._of_issuer(token, header, self._issuer, find)

    def _of_own(self, token: str, find: Find) -> tuple[Credential, float]:
        try:
            claims = self._own.read(token)
        except jwt.PyJWTError as error:
            raise _refused(_why(error)) from None
        return self._credential(find(str(claims["sub"])), claims.get("scope"), claims)

    def _of_issuer(
        self, token: str, header: dict[str, Any], issuer: OAuthIssuer, find: Find
    ) -> tuple[Credential, float]:
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or "crit" in header:
            raise _refused(f"it is not signed with {' or '.join(ALGORITHMS)}")
        key = self._key(kid if isinstance(kid, str) else None, algorithm)
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=issuer.leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise _refused(_why(error)) from None
        client = claims.get(issuer.client_claim)
        if not isinstance(client, str) or not client:
            raise _refused(f"its claim {issuer.client_claim} names no client")
        # Where clients are listed, another client of the issuer gets nothing by bearing a credential's name.
        name = issuer.clients.get(client) if issuer.clients else client
        credential = find(name) if name is not None else None
        if credential is None:
            raise _refused("no credential here belongs to its client")
        scope = claims.get(issuer.scope_claim, "") if issuer.scope_claim else None
        return self._credential(credential, scope, claims, issuer.leeway_s)

    def _key(self, kid: str | None, algorithm: str) -> Any:
        assert self._keys is not None  # noqa: S101 - there is a key set wherever there is an issuer
        key = self._keys.find(kid, algorithm)
        if key is not None:
            return key
        if self._keys.ask():
            raise TransientError(_KEYS_AWAITED, 1.0)
        raise _refused("the issuer publishes no such key")

    def _credential(
        self, credential: Credential | None, scope: Any, claims: dict[str, Any], leeway_s: float = 0.0
    ) -> tuple[Credential, float]:
        if credential is None:
            raise _refused("the credential that it was given to is gone")
        scopes = credential.scopes if scope is None else narrowed(credential.scopes, read_scopes(scope))
        return msgspec.structs.replace(credential, scopes=scopes), float(claims["exp"]) + leeway_s

    def start(self) -> None:
        """Begin to read the issuer's keys, where there is an issuer."""
        if self._keys is not None:
            self._keys.start()

    def stop(self) -> None:
        """End what `start` began; safe to call twice."""
        if self._keys is not None:
            self._keys.stop()


def still_valid(until_s: float) -> bool:
    """Say whether a moment in Unix seconds is still to come."""
    return time.time() < until_s


_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "its audience is not this server"),
    (jwt.InvalidIssuerError, "its issuer is another"),
    (jwt.InvalidSignatureError, "its signature is wrong"),
    (jwt.MissingRequiredClaimError, "it lacks one of exp, iss and aud"),
)


def _why(error: jwt.PyJWTError) -> str:
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "it cannot be verified")


def _refused(detail: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="token-invalid",
            status=401,
            title="The bearer token is not taken",
            detail=detail,
            where="Authorization",
            rule="RFC 6750 3.1: invalid_token",
            fix="ask for a new token (POST /oauth/token, or the issuer that the settings name)",
        )
    )


_KEYS_AWAITED = Problem(
    code="token-keys-awaited",
    status=503,
    title="The bearer token cannot be checked yet",
    detail="the keys of its issuer are being read",
    where="Authorization",
    rule="a token is checked with keys that its issuer publishes, which change now and then",
    fix="send the request again after the pause that Retry-After names",
)
