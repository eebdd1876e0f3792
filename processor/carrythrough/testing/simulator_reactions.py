"""What the simulated people hear of: the actions on the server's event stream."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec

RECONNECT_S = 0.5
READ_TIMEOUT_S = 60.0
"""Longer than the heartbeat of the stream, so that silence means a broken connection."""


class ActionReader:
    """Reads every action from the first on and hands it over; a broken stream is resumed where it broke.

    login: (key, secret) with the scope scores/read. heard: called with each action.
    """

    def __init__(self, url: str, login: tuple[str, str], heard: Callable[[dict[str, Any]], None]) -> None:
        self._url = url
        self._login = login
        self._heard = heard
        self._last_id = "0"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="actions", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; the thread is a daemon and may end a moment later."""
        self._ended.set()

    def _run(self) -> None:
        with httpx.Client(auth=self._login, timeout=httpx.Timeout(5.0, read=READ_TIMEOUT_S)) as client:
            while not self._ended.is_set():
                # A restart or a slow moment of the server: resume after the last id.
                with contextlib.suppress(httpx.HTTPError):
                    self._read(client)
                self._ended.wait(RECONNECT_S)

    def _read(self, client: httpx.Client) -> None:
        parameters = {"types": "action", "last-event-id": self._last_id}
        with client.stream("GET", f"{self._url}/v1/stream", params=parameters) as response:
            response.raise_for_status()
            for identity, data in _events(response.iter_lines()):
                if self._ended.is_set():
                    return
                self._last_id = identity or self._last_id
                self._heard(msgspec.json.decode(data))


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield (id, data) of each event; comments and other fields are passed over (WHATWG HTML, 9.2)."""
    identity = ""
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield identity, "\n".join(data)
            identity, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            identity = value
        elif field == "data":
            data.append(value)
