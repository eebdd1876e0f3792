"""Our own token endpoint: client credentials for a bearer token (RFC 6749 4.4), and its metadata (RFC 8414).

For senders that can do nothing else. The client is a credential, its id the key and its secret the
secret; a token may do what the credential may, or less where the request asks for less.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.oauth_own import TOKEN_LIFE_S, OwnTokens
from carrythrough.gateway.scopes import ALIASES, SCOPES, granted, narrowed, read_scopes

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
METADATA_PATH = "/.well-known/oauth-authorization-server"
BODY_BYTES_MAX = 16 << 10
"""A request names a grant, a client and some scopes."""
_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749 5.1: no answer with a token may stay in a cache."""
_encode = msgspec.json.encode


class _RefusedError(Exception):
    """An error of RFC 6749 5.2: its code, its description (printable ASCII), its status."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


class TokenEndpoint:
    """`POST /oauth/token` and `GET /.well-known/oauth-authorization-server`."""

    def __init__(
        self, credentials: Credentials, tokens: OwnTokens, answered: Callable[[str], None] = lambda _: None
    ) -> None:
        """answered: told of each answer, "given" or the error code."""
        self._credentials = credentials
        self._tokens = tokens
        self._answered = answered

    def routes(self) -> list[Route]:
        """Return the two routes."""
        return [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route(METADATA_PATH, self.metadata, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """Answer with a token, or with an error in the form of RFC 6749 5.2."""
        try:
            form = await _form(request)
            credential = self._client(request.headers.get("authorization", ""), form)
            if form.get("grant_type") is None:
                _refuse("invalid_request", "grant_type is missing")
            if form["grant_type"] != "client_credentials":
                _refuse("unsupported_grant_type", "the only grant type here is client_credentials")
            scopes = _scopes(credential, form.get("scope", ""))
        except _RefusedError as refused:
            self._answered(refused.code)
            return _error(refused)
        self._answered("given")
        body = {
            "access_token": self._tokens.give(credential, scopes),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S,
            "scope": " ".join(scopes),
        }
        return Response(_encode(body), 200, _NO_STORE, "application/json")

    async def metadata(self, request: Request) -> Response:
        """Answer with what a client has to know (RFC 8414 2); addresses are those of the request."""
        base = str(request.base_url).rstrip("/")
        body = {
            "issuer": base,
            "token_endpoint": base + TOKEN_PATH,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [*SCOPES, *ALIASES],
        }
        return Response(_encode(body), 200, {"Cache-Control": "no-store"}, "application/json")

    def _client(self, header: str, form: dict[str, str]) -> Credential:
        """Return the client of a request (RFC 6749 2.3.1): by header or by body, not by both."""
        if header and "client_secret" in form:
            _refuse("invalid_request", "the client is named in the header and in the body: use one of them")
        named = (form.get("client_id", ""), form.get("client_secret", ""))
        proved = [self._credentials.verify_secret(*pair) for pair in (_basic(header) if header else [named])]
        credential = next((one for one in proved if one is not None), None)
        if credential is None:
            raise _RefusedError(
                "invalid_client", "the client id (key) or its secret is missing or wrong", 401
            )
        if form.get("client_id", credential.key) != credential.key:
            _refuse("invalid_request", "client_id in the body is another than in the header")
        return credential


async def _form(request: Request) -> dict[str, str]:
    """Return the parameters; a parameter without a value counts as left out (RFC 6749 3.2)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        _refuse("invalid_request", f"the body is not {_FORM}")
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                _refuse("invalid_request", f"the body is longer than {BODY_BYTES_MAX} bytes", 413)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=False, strict_parsing=False)
    except (UnicodeDecodeError, ClientDisconnect):
        _refuse("invalid_request", "the body is not UTF-8")
    if len({name for name, _ in pairs}) != len(pairs):
        _refuse("invalid_request", "a parameter is given more than once")
    return dict(pairs)


def _basic(header: str) -> list[tuple[str, str]]:
    """Return key and secret of a Basic header: form-decoded as RFC 6749 2.3.1 has it, and as most send it."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        _refuse("invalid_client", "a client proves itself by Basic or in the body", 401)
    try:
        key, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        _refuse("invalid_client", "the Basic header cannot be read", 401)
    if not colon:
        _refuse("invalid_client", "the Basic header cannot be read", 401)
    plain, decoded = (key, secret), (unquote_plus(key), unquote_plus(secret))
    return [plain] if plain == decoded else [plain, decoded]


def _scopes(credential: Credential, asked: str) -> tuple[str, ...]:
    """Return the scopes of the token; none asked for: those of the credential (RFC 6749 3.3)."""
    if not asked:
        return credential.scopes
    own = granted(credential.scopes)
    for name in asked.split():
        if name not in SCOPES and name not in ALIASES:
            _refuse("invalid_scope", f"unknown scope; known are {' '.join([*SCOPES, *ALIASES])}")
        if own.isdisjoint(ALIASES.get(name, (name,))):
            _refuse("invalid_scope", f"this client does not have the scope {name}")
    scopes = narrowed(credential.scopes, read_scopes(asked))
    if not scopes:
        _refuse("invalid_scope", "no scope is named")
    return scopes


def _refuse(code: str, description: str, status: int = 400) -> NoReturn:
    raise _RefusedError(code, description, status)


def _error(refused: _RefusedError) -> Response:
    headers = dict(_NO_STORE)
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="carrythrough", charset="UTF-8"'
    body = {"error": refused.code, "error_description": refused.description}
    return Response(_encode(body), refused.status, headers, "application/json")
