"""Proves that a log line never comes back as an error: a closed or broken standard error loses it."""

from __future__ import annotations

import io

import pytest

from carrythrough.telemetry.lines import to_standard_error


def test_a_line_goes_to_standard_error_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = to_standard_error()
    found = io.StringIO()
    monkeypatch.setattr("sys.stderr", found)
    logger.warning("one")
    logger.msg("two")
    assert found.getvalue() == "one\ntwo\n"


def test_a_closed_stream_and_a_broken_pipe_lose_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    for stream in (closed, Broken()):
        monkeypatch.setattr("sys.stderr", stream)
        to_standard_error().error("lost")
