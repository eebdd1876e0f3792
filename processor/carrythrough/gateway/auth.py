"""Who sends: credentials with scopes, kept as hashes in one file; proved by Basic or by a bearer token.

A secret is made here and never chosen by a person, so it has far more entropy than can be
searched, and one round of SHA-256 keeps it as safe as a slow hash would keep a password, at a cost
that a flood of wrong credentials cannot turn into a load.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b, sha256

import msgspec

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.scopes import DEFINE, SCOPES, STATEMENTS_READ, granted

FILE_VERSION = 1
SECRET_CHARACTERS_MIN = 24
"""Shortest secret taken: 24 characters of base64 are 144 bits."""
KNOWN_HEADERS_MAX = 1_024
"""Right headers remembered; beyond it the memory starts anew."""
_CHALLENGE = b'Basic realm="carrythrough", charset="UTF-8", Bearer realm="carrythrough"'
_NEVER = float("inf")


class Credential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sender. `key` is its user name, `hash` "sha256:" and the hex digest of its secret.

    scopes: what it may do (of SCOPES). mode: "strict", or "lenient" where repairs are allowed.
    """

    name: str
    key: str
    hash: str
    scopes: tuple[str, ...]
    mode: str = "strict"

    @property
    def is_lenient(self) -> bool:
        """Say whether named repairs are allowed, and a statement beyond repair is set aside alone."""
        return self.mode == "lenient"

    def allows(self, *scopes: str) -> bool:
        """Say whether the credential has any of `scopes`, or a scope that includes one."""
        return not granted(self.scopes).isdisjoint(scopes)

    def reads_only_mine(self) -> bool:
        """Say whether GET of statements shows it none but those whose authority it is."""
        return not self.allows(STATEMENTS_READ)

    def defines(self) -> bool:
        """Say whether its statements may change what is known of activities (Communication 4.2)."""
        return self.allows(DEFINE)


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    version: int
    credentials: list[Credential]


def new_secret(size: int) -> str:
    """Return random text of `size` bytes for URLs and command lines: never taken for a flag."""
    while (text := secrets.token_urlsafe(size)).startswith("-"):
        pass
    return text


def new_credential(
    name: str, scopes: Iterable[str], secret: str | None = None, mode: str = "strict"
) -> tuple[Credential, str]:
    """Return a new credential and its secret, which is shown once and kept nowhere.

    secret: random text of at least SECRET_CHARACTERS_MIN characters, made here when None. Raises
    ValueError for a short secret or an unknown scope or mode.
    """
    secret = new_secret(32) if secret is None else secret
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise ValueError(f"a secret has at least {SECRET_CHARACTERS_MIN} random characters")
    credential = Credential(
        name=name,
        key=f"{name}-{secrets.token_hex(4)}",
        hash=_hash(secret.encode()),
        scopes=tuple(scopes),
        mode=mode,
    )
    fault = _fault(credential)
    if fault:
        raise ValueError(fault)
    return credential, secret


BearerCheck = Callable[[str, Callable[[str], Credential | None]], tuple[Credential, float]]
"""Reads a bearer token; given how to find a credential by name or key. See `oauth_bearer.Bearers.check`."""


class Credentials:
    """The credentials of an installation; checks Authorization headers."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._by_key = {credential.key: credential for credential in credentials}
        self._known: dict[bytes, tuple[Credential, float]] = {}
        self._check_bearer: BearerCheck | None = None

    def __len__(self) -> int:
        """Return how many credentials there are."""
        return len(self._by_key)

    @classmethod
    def from_file(cls, text: str, filename: str = "credentials.json") -> Credentials:
        """Return the credentials in the text of a file; raises PermanentError naming the fault."""
        try:
            file = msgspec.json.decode(text, type=_File)
        except msgspec.DecodeError as error:
            raise PermanentError(_unreadable(filename, str(error))) from None
        if file.version != FILE_VERSION:
            raise PermanentError(_unreadable(filename, f"its version is {file.version}"))
        for number, credential in enumerate(file.credentials):
            fault = _fault(credential)
            if fault:
                raise PermanentError(_unreadable(filename, f"credential {number}: {fault}"))
        return cls(file.credentials)

    def to_file(self) -> str:
        """Return the text of the file; it holds hashes, no secret."""
        file = _File(version=FILE_VERSION, credentials=list(self._by_key.values()))
        return msgspec.json.format(msgspec.json.encode(file), indent=2).decode() + "\n"

    def accept_bearers(self, check: BearerCheck) -> None:
        """Take bearer tokens too, as `check` reads them."""
        self._check_bearer = check

    def replace(self, fresh: Credentials) -> None:
        """Put other credentials in force; what was proved before has to be proved again."""
        self._by_key = fresh._by_key
        self._known = {}

    def forget_known(self) -> None:
        """Check every header anew, because keys of an issuer have changed."""
        self._known = {}

    def find(self, name: str) -> Credential | None:
        """Return the credential with this key, else the one with this name."""
        found = self._by_key.get(name)
        if found is not None:
            return found
        return next((one for one in self._by_key.values() if one.name == name), None)

    def may_define(self, name: str) -> bool:
        """Say whether what was stored under this name tells of activities; a source of our own is believed."""
        found = self.find(name)
        return found is None or found.defines()

    def verify(self, header: bytes) -> Credential | None:
        """Return the credential that an Authorization header proves, else None.

        A header that was right before is recognised by its digest, a bearer token until it ends. Key, full
        stop and secret are a bearer token too: identity providers have one field for a token, and no other.
        Raises as `BearerCheck` for a token that is wrong.
        """
        digest = blake2b(header, digest_size=32).digest()
        known = self._known.get(digest)
        if known is not None:
            if known[1] is _NEVER or time.time() < known[1]:
                return known[0]
            self._known.pop(digest, None)
        if header[:7].lower() == b"bearer ":
            token = header[7:].strip().decode("latin-1")
            if token.count(".") == 1:  # a JWT has two
                credential = self.verify_secret(*token.split("."))
                return None if credential is None else self._remember(digest, credential, _NEVER)
            if self._check_bearer is None:
                return None
            return self._remember(digest, *self._check_bearer(token, self.find))
        credential = self._check(header)
        return None if credential is None else self._remember(digest, credential, _NEVER)

    def verify_secret(self, key: str, secret: str) -> Credential | None:
        """Return the credential that a key and its secret prove, else None; both always take the same steps.

        Digests are compared in constant time.
        """
        credential = self._by_key.get(key)
        wanted = credential.hash if credential is not None else _NOBODY
        right = hmac.compare_digest(_hash(secret.encode("utf-8", "surrogateescape")), wanted)
        return credential if right else None

    def _remember(self, digest: bytes, credential: Credential, until_s: float) -> Credential:
        if len(self._known) >= KNOWN_HEADERS_MAX:
            self._known.clear()
        self._known[digest] = (credential, until_s)
        return credential

    def require(self, header: bytes | None, *scopes: str) -> Credential:
        """Return the credential behind a header, which has any one of `scopes`.

        Raises PermanentError: 401 when nobody is proved, 403 naming the scopes that would do.
        """
        if not header:
            raise PermanentError(_unknown("the request has no Authorization header", scopes))
        credential = self.verify(header)
        if credential is None:
            raise PermanentError(_unknown("the key or the secret is wrong", scopes))
        if not credential.allows(*scopes):
            raise PermanentError(_forbidden(credential.name, scopes))
        return credential

    def defines(self, name: str) -> bool:
        """Say whether statements of the credential `name` may change what is known of activities.

        A name that is not (or no longer) here does: what a source of this installation's own brings
        in was asked for by its owner.
        """
        known = [credential for credential in self._by_key.values() if credential.name == name]
        return not known or any(credential.defines() for credential in known)

    def _check(self, header: bytes) -> Credential | None:
        scheme, _, encoded = header.strip().partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            key, colon, secret = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        except binascii.Error:
            return None
        credential = self.verify_secret(key.decode(errors="replace"), secret.decode(errors="surrogateescape"))
        return credential if colon else None


def challenge(problem: Problem) -> tuple[bytes, bytes]:
    """Return the WWW-Authenticate header of a 401: both schemes, and what was wrong with a token (RFC 6750 3)."""
    said = b', error="invalid_token"' if problem.code == "token-invalid" else b""
    return (b"www-authenticate", _CHALLENGE + said)


def _hash(secret: bytes) -> str:
    return f"sha256:{sha256(secret).hexdigest()}"


_NOBODY = _hash(secrets.token_bytes(32))


def _fault(credential: Credential) -> str:
    unknown = [scope for scope in credential.scopes if scope not in SCOPES]
    if unknown:
        return f"the scope {unknown[0]!r} is not one of {', '.join(SCOPES)}"
    if credential.mode not in {"strict", "lenient"}:
        return f"the mode {credential.mode!r} is neither strict nor lenient"
    if not credential.hash.startswith("sha256:"):
        return "its hash does not begin with sha256:"
    if not credential.key or ":" in credential.key:
        return "its key is empty or holds a colon"
    return ""


def _unknown(detail: str, scopes: tuple[str, ...]) -> Problem:
    return Problem(
        code="credentials-missing-or-wrong",
        status=401,
        title="Who is asking is not known",
        detail=detail,
        where="Authorization",
        rule="RFC 7617: Authorization: Basic base64(key:secret); or RFC 6750: Bearer and a token",
        fix=f"send the key and the secret of a credential with the scope {' or '.join(scopes)}",
    )


def _forbidden(name: str, scopes: tuple[str, ...]) -> Problem:
    return Problem(
        code="scope-missing",
        status=403,
        title="This credential may not do that",
        detail=f"{name} does not have the scope {' or '.join(scopes)}",
        where="Authorization",
        rule="each credential has the scopes that its sender needs and no more",
        fix=f"use a credential with the scope {' or '.join(scopes)}",
    )


def _unreadable(filename: str, detail: str) -> Problem:
    return Problem(
        code="credentials-unreadable",
        status=500,
        title="The credentials cannot be read",
        detail=detail,
        where=filename,
        rule="a JSON object with version 1 and credentials, as this program writes it",
        fix="restore the file, or move it away to have new credentials made at the next start",
    )
