"""A Retry-After header that is no number of seconds is passed over: a store that is asked must not end the asking."""

from __future__ import annotations

import httpx
import pytest

from carrythrough.cli.server_reader import error_of
from carrythrough.errors import TransientError
from carrythrough.forward.remote import _retry_after_s
from carrythrough.pull.problems import _pause_s


@pytest.mark.parametrize("text", ["²", "soon", "-1", ""])
def test_what_is_no_number_is_passed_over(text: str) -> None:
    assert _pause_s(text) == 1.0
    assert _retry_after_s(text) == 0.0
    request = httpx.Request("GET", "http://store.example/")
    answer = httpx.Response(503, headers={"retry-after": text.encode("latin-1")}, request=request)
    error = error_of(answer)
    assert isinstance(error, TransientError)
    assert error.retry_after_s == 1.0
