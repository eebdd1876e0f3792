"""Proves that a change of the credentials' file takes effect without a restart, and a broken one changes nothing."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from carrythrough.embedded.credentials import CredentialsWatch, load_credentials, load_tokens
from carrythrough.embedded.data_folder import write_private
from carrythrough.errors import PermanentError
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.oauth_bearer import Bearers


def basic(key: str, secret: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{key}:{secret}".encode())


def test_one_that_is_taken_away_ends_with_its_tokens_and_one_that_is_added_works(tmp_path: Path):
    credentials, made = load_credentials(tmp_path)
    tokens = load_tokens(tmp_path)
    credentials.accept_bearers(Bearers(tokens).check)
    watch = CredentialsWatch(tmp_path, credentials)
    lms = basic(made[0]["key"], made[0]["secret"])
    held = credentials.verify(lms)
    assert held is not None
    bearer = b"Bearer " + tokens.give(held, held.scopes).encode()
    assert credentials.verify(bearer) is not None
    assert not watch.look(), "nothing has changed"
    added, secret = new_credential("vr", ("all",))
    write_private(tmp_path / "credentials.json", Credentials([added]).to_file())
    assert watch.look()
    assert credentials.verify(basic(added.key, secret)) == added
    assert credentials.verify(lms) is None
    with pytest.raises(PermanentError, match="gone"):
        credentials.verify(bearer)


def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path):
    credentials, made = load_credentials(tmp_path)
    watch = CredentialsWatch(tmp_path, credentials)
    path = tmp_path / "credentials.json"
    for break_it in (lambda: path.write_text("{"), lambda: path.write_bytes(b"\xff"), path.unlink):
        break_it()
        assert not watch.look()
        assert credentials.verify(basic(made[0]["key"], made[0]["secret"])) is not None


def test_it_looks_by_itself_until_it_is_stopped(tmp_path: Path):
    credentials, _ = load_credentials(tmp_path)
    watch = CredentialsWatch(tmp_path, credentials, look_s=0.02)
    watch.start()
    added, _ = new_credential("vr", ("all",))
    write_private(tmp_path / "credentials.json", Credentials([added]).to_file())
    deadline = time.monotonic() + 5
    while len(credentials) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    watch.stop()
    watch.stop()
