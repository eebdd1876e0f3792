"""Proves that a secret shows nowhere: not printed, not formatted, not logged, not copied, not in an error."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import msgspec
import pytest

from carrythrough.dispatch.redaction import AdapterFaultError, Redaction, secrets_in
from carrythrough.errors import BugError, PermanentError, Problem, TransientError
from carrythrough.plugin import GoneError, Secret, ThrottledError

TEXT = "pa ss/w+rd-ü\n"


class Config(msgspec.Struct, frozen=True):
    token: Secret
    more: tuple[Secret, ...] = ()
    headers: dict[str, Secret] = {}
    plain: str = "x"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__, "%r".__mod__])
def test_a_secret_does_not_show(show: Any) -> None:
    assert "pa ss" not in show(Secret(TEXT))
    assert "pa ss" not in show([Secret(TEXT)])
    assert "pa ss" not in show(Config(Secret(TEXT), (Secret(TEXT),), {"a": Secret(TEXT)}))


def test_a_secret_does_not_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("config %s %r", Secret(TEXT), Config(Secret(TEXT)))
    assert "pa ss" not in caplog.text
    assert "********" in caplog.text


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode])
def test_a_secret_is_not_written_or_copied(take: Any) -> None:
    with pytest.raises(TypeError):
        take(Secret(TEXT))


def test_secrets_compare_by_value_and_only_with_each_other() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a")
    assert not Secret("")
    assert Secret(TEXT).reveal() == TEXT


def test_every_secret_of_a_configuration_is_found() -> None:
    config = Config(Secret("one1"), (Secret("two2"),), {"a": Secret("three3")})
    assert [secret.reveal() for secret in secrets_in(config)] == ["one1", "two2", "three3"]


@pytest.mark.parametrize(
    "leak",
    [
        "pa ss/w+rd-ü\n",
        "https://x/?token=pa%20ss%2Fw%2Brd-%C3%BC%0A",
        "https://x/?token=pa+ss%2Fw%2Brd-%C3%BC%0A",
        "invalid value 'pa ss/w+rd-ü\\n'",
        "Authorization: Basic cGEgc3Mvdytyzc3MgcGEgc3Mvdytyzc/ cGEgc3MvdytyZC3DvAo=",
    ],
)
def test_a_leak_is_masked_in_every_form(leak: str) -> None:
    cleaned = Redaction([TEXT]).clean(leak)
    assert "********" in cleaned
    for form in ("pa ss", "pa%20ss", "pa+ss", "cGEgc3MvdytyZC3DvAo"):
        assert form not in cleaned


def test_short_and_empty_secrets_do_not_eat_the_message() -> None:
    assert Redaction(["", "a", "abc"]).clean("a banana abc") == "a banana abc"


def problem(text: str) -> Problem:
    return Problem(code="x", status=502, title=text, detail=text, where=text, rule=text, fix=text)


@pytest.mark.parametrize("kind", [PermanentError, GoneError, TransientError, ThrottledError])
def test_an_error_keeps_its_meaning_and_loses_its_secrets(kind: Any) -> None:
    timed = issubclass(kind, TransientError)
    error = kind(problem("token hunter22"), 7.0) if timed else kind(problem("token hunter22"))
    cleaned = Redaction(["hunter22"]).clean_error(error)
    assert type(cleaned) is kind
    assert "hunter22" not in str(cleaned)
    assert isinstance(cleaned, PermanentError | TransientError)
    assert cleaned.problem == problem("token ********")
    if isinstance(cleaned, TransientError):
        assert cleaned.retry_after_s == 7.0


class OwnError(TransientError):
    """An error class of a plugin with a signature of its own."""

    def __init__(self) -> None:
        super().__init__(problem("token hunter22"), 3.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("hunter22"), AdapterFaultError),
        (BugError(problem("hunter22")), AdapterFaultError),
        (OwnError(), TransientError),
    ],
)
def test_any_other_error_is_named_without_its_secrets(error: Exception, kind: type[Exception]) -> None:
    cleaned = Redaction(["hunter22"]).clean_error(error)
    assert type(cleaned) is kind
    assert "hunter22" not in str(cleaned)
    assert "********" in str(cleaned)
