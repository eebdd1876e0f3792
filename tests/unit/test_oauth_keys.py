"""Proves what needs no server of the bearer side: which keys may sign, how tokens end, how a key set is read again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from carrythrough.embedded.credentials import load_tokens
from carrythrough.errors import PermanentError, TransientError
from carrythrough.gateway.auth import Credential, Credentials, challenge, new_credential
from carrythrough.gateway.oauth_bearer import Bearers
from carrythrough.gateway.oauth_keys import KeySet, read_keys
from carrythrough.gateway.oauth_own import OwnTokens, new_key
from carrythrough.gateway.oauth_settings import OAuthIssuer

NAME = "https://login.example/"
AUDIENCE = "https://lrs.example"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str, **members: str) -> dict[str, Any]:
    """Return the entry of a key in a key set."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **members}


@pytest.fixture
def own() -> tuple[Credentials, Credential, list[float], Callable[..., bytes]]:
    """Give credentials that take tokens of ours, and a function that makes a header."""
    credential, _ = new_credential("lms", ("all",))
    credentials = Credentials([credential])
    now = [time.time()]
    tokens = OwnTokens(new_key(), lambda: now[0])
    credentials.accept_bearers(Bearers(tokens).check)

    def header() -> bytes:
        return b"Bearer " + tokens.give(credential, ("statements/write",)).encode()

    return credentials, credential, now, header


def test_a_remembered_token_ends_when_it_says(own: Any, monkeypatch: pytest.MonkeyPatch):
    credentials, _, _, header = own
    given = header()
    assert credentials.require(given, "statements/write").scopes == ("statements/write",)
    with pytest.raises(PermanentError) as narrow:
        credentials.require(given, "events/write")
    assert narrow.value.problem.status == 403
    later = time.time() + 3_601
    monkeypatch.setattr("carrythrough.gateway.auth.time.time", lambda: later)
    credentials._check_bearer = None
    assert credentials.verify(given) is None


def test_an_expired_token_of_ours_and_one_of_a_credential_that_is_gone(own: Any):
    credentials, credential, now, header = own
    now[0] -= 7_200
    with pytest.raises(PermanentError, match="expired"):
        credentials.verify(header())
    now[0] += 7_200
    given = header()
    del credentials._by_key[credential.key]
    with pytest.raises(PermanentError, match="gone"):
        credentials.verify(given)


def test_a_repeated_token_is_recognised_without_its_signature_being_checked_again(own: Any):
    credentials, _, _, header = own
    given = header()
    credentials.verify(given)
    credentials._check_bearer = None  # would be needed for a second check
    begun = time.perf_counter()
    for _ in range(1_000):
        assert credentials.verify(given) is not None
    assert time.perf_counter() - begun < 0.1


def test_until_keys_are_read_a_sender_is_asked_to_come_back():
    table = OAuthIssuer(issuer=NAME, audience=AUDIENCE, jwks_file="/nowhere/keys.json")
    bearers = Bearers(OwnTokens(new_key()), table)
    with pytest.raises(TransientError) as wait:
        bearers.check(jwt.encode({"iss": NAME}, RSA_KEY, "RS256"), lambda _: None)
    assert wait.value.problem.status == 503


def test_a_key_set_in_a_file_is_read_again(tmp_path: Path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public(RSA_KEY, "r1")]}))
    changes: list[int] = []
    keys = KeySet(
        OAuthIssuer(issuer=NAME, audience=AUDIENCE, jwks_file=str(path), refresh_s=1),
        lambda: changes.append(1),
    )
    keys.start()
    try:
        wait_for(lambda: keys.find("r1", "RS256") is not None)
        assert keys.find("r1", "ES256") is None
        path.write_text(json.dumps({"keys": [public(EC_KEY, "e1")]}))
        wait_for(lambda: keys.find("e1", "ES256") is not None)
        path.write_text("{")
        time.sleep(1.2)
        assert keys.find("e1", "ES256") is not None, "keys stay while the set cannot be read"
        assert len(changes) == 2
    finally:
        keys.stop()


def test_keys_that_may_not_sign_are_left_out():
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    curve = ec.generate_private_key(ec.SECP384R1())
    entries = [
        public(RSA_KEY, "good"),
        public(weak, "weak"),
        public(curve, "curve"),
        public(RSA_KEY, "enc", use="enc"),
        public(RSA_KEY, "other", alg="RS512"),
        {"kty": "oct", "k": "AAAA", "kid": "shared"},
        {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"},
        jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True),
        "text",
    ]
    assert [key.kid for key in read_keys(json.dumps({"keys": entries}).encode())] == ["good"]
    for text in (b"", b"[]", b'{"keys": {}}', b'{"keys": []}', json.dumps({"keys": entries[1:]}).encode()):
        with pytest.raises(ValueError):  # noqa: PT011 - several words, one meaning
            read_keys(text)


@pytest.mark.parametrize(
    "change",
    [
        {"jwks_url": ""},
        {"jwks_file": "x"},
        {"jwks_url": "http://login.example/keys"},
        {"jwks_url": "file:///etc/keys"},
    ],
)
def test_settings_that_cannot_work(change: dict[str, str]):
    with pytest.raises(ValueError, match="jwks"):
        OAuthIssuer(
            **{"issuer": NAME, "audience": AUDIENCE, "jwks_url": "https://login.example/keys", **change}
        )


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tokens_outlive_a_restart_and_end_with_their_key(tmp_path: Path):
    credential, _ = new_credential("lms", ("all",))
    token = load_tokens(tmp_path).give(credential, ("all",))
    assert load_tokens(tmp_path).read(token)["sub"] == credential.key
    path = tmp_path / "oauth.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    with pytest.raises(jwt.InvalidSignatureError):
        load_tokens(tmp_path).read(token)
    path.write_text("no key")
    with pytest.raises(PermanentError) as unreadable:
        load_tokens(tmp_path)
    assert unreadable.value.problem.where == str(path)


def test_the_challenge_says_what_was_wrong_with_a_token():
    """RFC 6750 3."""
    credentials = Credentials([])
    credentials.accept_bearers(Bearers(OwnTokens(new_key())).check)
    for header, error in ((b"Bearer x", True), (b"Basic x", False), (None, False)):
        with pytest.raises(PermanentError) as refused:
            credentials.require(header, "state")
        value = challenge(refused.value.problem)[1]
        assert (b'error="invalid_token"' in value) == error
        assert value.startswith(b"Basic ")
        assert b"Bearer " in value
