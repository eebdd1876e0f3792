"""Delivery to a running server over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from carrythrough.cli.files.records import Kind
from carrythrough.cli.importing.delivery import Sent, body_of
from carrythrough.cli.importing.outcome import came_to
from carrythrough.cli.server_reader import answer_of, client, reaching
from carrythrough.cli.target import Server
from carrythrough.errors import CarrythroughError, PermanentError

STATEMENTS_PATH = "/xapi/statements"
EVENTS_PATH = "/v1/performance-events"
CONNECTIONS = 4
FOLD_WAIT_S_MAX = 120.0
POLL_S = 0.1


class ServerDelivery:
    """Implements `delivery.Delivery`; safe to use from several threads."""

    connections = CONNECTIONS
    tells_known = False

    def __init__(self, server: Server) -> None:
        self._url = server.url
        self._client = client(server, CONNECTIONS)
        self._before = self._summary()

    def send(self, kind: Kind, version: str, raws: Sequence[bytes]) -> Sent:
        """See `delivery.Delivery`."""
        headers = {"Content-Type": "application/json"}
        path = EVENTS_PATH
        if kind == "statements":
            path = STATEMENTS_PATH
            headers["X-Experience-API-Version"] = version
        with reaching(self._url):
            response = self._client.post(path, content=body_of(raws), headers=headers)
        answer = answer_of(response)
        if isinstance(answer, dict):
            return Sent(int(answer["accepted"]), int(answer["known"]))
        return Sent(len(answer), 0)

    def folded(self, waiting: Callable[[int], None]) -> dict[str, Any] | None:
        """See `delivery.Delivery`; None when the credential may not read."""
        deadline = time.monotonic() + FOLD_WAIT_S_MAX
        now = self._summary()
        if now is None or self._before is None:
            return None
        end = now["position"]
        while now is not None and now["folded_position"] < end and time.monotonic() < deadline:
            waiting(end - now["folded_position"])
            time.sleep(POLL_S)
            now = self._summary()
        if now is None:
            return None
        return came_to(self._before, now, actions_waiting=0)

    def close(self) -> None:
        """See `delivery.Delivery`."""
        self._client.close()

    def _summary(self) -> dict[str, Any] | None:
        """Return the server's numbers, None when this credential may not ask for them."""
        try:
            with reaching(self._url):
                answer: dict[str, Any] = answer_of(self._client.get("/v1/summary"))
        except PermanentError as error:
            if error.problem.status == 403:
                return None
            raise
        except CarrythroughError:
            raise
        return answer
