"""Proves that credentials are kept as hashes, checked whole, and read from their file or refused with the reason."""

from __future__ import annotations

import base64
import json

import pytest

from carrythrough.errors import PermanentError
from carrythrough.gateway import auth
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.scopes import LMS_SCOPES


def header(key: str, secret: str, scheme: str = "Basic") -> bytes:
    return f"{scheme} ".encode() + base64.b64encode(f"{key}:{secret}".encode())


def test_no_secret_looks_like_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-Qdng" + "x" * 30, "Qdng-" + "x" * 30])
    monkeypatch.setattr("carrythrough.gateway.auth.secrets.token_urlsafe", lambda _: next(drawn))
    assert new_credential("lms", ("statements/write",))[1].startswith("Qdng-")


def test_no_secret_is_on_disk():
    credential, secret = new_credential("lms", ("statements/write",))
    text = Credentials([credential]).to_file()
    assert secret not in text
    assert base64.b64encode(secret.encode()).decode() not in text
    assert json.loads(text)["credentials"][0]["hash"].startswith("sha256:")
    assert len(secret) >= 40
    assert new_credential("lms", ())[1] != secret


def test_what_is_read_back_checks_the_same():
    credential, secret = new_credential("lms", ("statements/write",), mode="lenient")
    again = Credentials.from_file(Credentials([credential]).to_file())
    assert len(again) == 1
    assert again.verify(header(credential.key, secret)) == credential
    assert again.verify(header(credential.key, secret, "bAsIc")) == credential


def test_a_right_header_is_remembered_and_a_wrong_one_never():
    credential, secret = new_credential("lms", ("statements/write",))
    credentials = Credentials([credential])
    for _ in range(3):
        assert credentials.verify(header(credential.key, secret)) == credential
        assert credentials.verify(header(credential.key, secret + "x")) is None
        assert credentials.verify(header(credential.key, "")) is None
        assert credentials.verify(header("nobody", secret)) is None
    assert len(credentials._known) == 1
    assert all(secret.encode() not in key for key in credentials._known)


def test_the_memory_of_headers_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(auth, "KNOWN_HEADERS_MAX", 4)
    made = [new_credential(f"s{number}", ("all",)) for number in range(12)]
    credentials = Credentials([credential for credential, _ in made])
    for credential, secret in made:
        assert credentials.verify(header(credential.key, secret)) == credential
        assert len(credentials._known) <= 4


@pytest.mark.parametrize(
    "value", [b"", b"Basic", b"Basic ", b"Basic \xff", b"Basic a===", b"Bearer abc", b"x" * 10_000]
)
def test_headers_that_are_none(value: bytes):
    credential, _ = new_credential("lms", ("all",))
    assert Credentials([credential]).verify(value) is None


def test_scopes():
    credential, secret = new_credential("lms", ("statements/write",))
    everything, its_secret = new_credential("root", ("all",))
    credentials = Credentials([credential, everything])
    assert credentials.require(header(credential.key, secret), "statements/write") == credential
    assert credentials.require(header(everything.key, its_secret), "events/write") == everything
    with pytest.raises(PermanentError) as forbidden:
        credentials.require(header(credential.key, secret), "events/write")
    assert forbidden.value.problem.status == 403
    assert "events/write" in forbidden.value.problem.detail
    for missing in (None, b"", b"Basic x"):
        with pytest.raises(PermanentError) as unknown:
            credentials.require(missing, "events/write")
        assert unknown.value.problem.status == 401


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "truncated"),
        ("[]", "object"),
        ('{"version":1}', "credentials"),
        ('{"version":9,"credentials":[]}', "version is 9"),
        (
            '{"version":1,"credentials":[{"name":"a","key":"k","hash":"sha256:","scopes":["write"]}]}',
            "'write'",
        ),
        ('{"version":1,"credentials":[{"name":"a","key":"k","hash":"md5:","scopes":[]}]}', "sha256"),
        ('{"version":1,"credentials":[{"name":"a","key":"k:1","hash":"sha256:","scopes":[]}]}', "colon"),
        (
            '{"version":1,"credentials":[{"name":"a","key":"k","hash":"sha256:","scopes":[],"mode":"x"}]}',
            "mode",
        ),
        (
            '{"version":1,"credentials":[{"name":"a","key":"k","hash":"sha256:","scopes":[],"secret":"x"}]}',
            "secret",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_fault(text: str, detail: str):
    with pytest.raises(PermanentError) as error:
        Credentials.from_file(text, "data/credentials.json")
    assert error.value.problem.where == "data/credentials.json"
    assert detail in error.value.problem.detail
    assert error.value.problem.fix


def test_weak_or_senseless_credentials_are_not_made():
    for arguments in (("a", ("all",), "short"), ("a", ("write",), None), ("a:b", ("all",), None)):
        with pytest.raises(ValueError, match=r"secret|scope|colon"):
            new_credential(*arguments)


@pytest.mark.parametrize(
    ("scope", "allowed", "refused"),
    [
        ("all", ("statements/write", "state", "profile", "define", "events/write", "people/read"), ()),
        (
            "all/read",
            ("statements/read", "statements/read/mine", "all/read"),
            ("statements/write", "state", "profile", "define", "scores/read", "people/read"),
        ),
        ("statements/read", ("statements/read/mine",), ("statements/write", "all/read", "state")),
        ("statements/read/mine", ("statements/read/mine",), ("statements/read",)),
        ("state", ("state",), ("profile", "statements/read/mine")),
        ("profile", ("profile",), ("state",)),
        ("statements/write", ("statements/write",), ("statements/read/mine", "define")),
    ],
)
def test_what_a_scope_includes(scope: str, allowed: tuple[str, ...], refused: tuple[str, ...]):
    """Communication 4.2, the table of scopes."""
    credential, _ = new_credential("lms", (scope,))
    assert all(credential.allows(one) for one in allowed)
    assert not any(credential.allows(one) for one in refused)


def test_any_one_of_the_scopes_named_is_enough_and_a_refusal_names_them_all():
    credential, secret = new_credential("reader", ("all/read",))
    credentials = Credentials([credential])
    assert credentials.require(header(credential.key, secret), "state", "all/read") == credential
    with pytest.raises(PermanentError) as forbidden:
        credentials.require(header(credential.key, secret), "state", "profile")
    assert "state or profile" in forbidden.value.problem.detail


@pytest.mark.parametrize(
    ("scopes", "mine", "defines"),
    [
        (("statements/write", "statements/read/mine"), True, False),
        (("statements/read", "define"), False, True),
        (("all/read",), False, False),
        (("all",), False, True),
        (LMS_SCOPES, True, True),
    ],
)
def test_what_it_reads_and_whether_it_defines(scopes: tuple[str, ...], mine: bool, defines: bool):
    credential, _ = new_credential("lms", scopes)
    assert credential.reads_only_mine() is mine
    assert credential.defines() is defines
    assert Credentials([credential]).defines("lms") is defines
    assert Credentials([credential]).defines("a-source-of-our-own") is True
