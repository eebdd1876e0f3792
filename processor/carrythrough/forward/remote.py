"""One request to another store, and what its answer means.

2xx: stored there. 409: one of the ids is stored there already. 400, 404 on a body, 413, 415, 422: it
refuses what was sent, for good. 401, 403 and every other 4xx speak of the address or the credential,
which a person mends: it is tried again. 408, 425, 429 and 5xx: not now. No answer: it is away.
"""

from __future__ import annotations

import enum
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from carrythrough import __version__
from carrythrough.forward.items import Item
from carrythrough.forward.target import ForwardTarget
from carrythrough.plugin import one_line
from carrythrough.xapi.attachments import join

REPLY_BYTES_MAX = 64 << 10
"""Bytes of an answer that are read; the reason of a refusal stands at its beginning."""
STATEMENT_BYTES_MAX = 4 << 20
"""Bytes of one statement that is read back to be compared."""
RETRY_AFTER_S_MAX = 3_600.0
"""A store may ask for a pause, but not silence us for a day with a mistaken header."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONTENT = frozenset({400, 413, 415, 422})


class Verdict(enum.Enum):
    """What an answer says of the statements of a request."""

    STORED = "stored"
    CONFLICT = "conflict"
    REFUSED = "refused"
    AGAIN = "again"
    BLOCKED = "blocked"
    AWAY = "away"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with its HTTP status (0: no answer), the reason in one line, and a pause that was asked for."""

    verdict: Verdict
    status: int
    reason: str = ""
    retry_after_s: float = 0.0


class RemoteLrs:
    """Sends to one target; the client and its connections are made at the first request."""

    def __init__(self, target: ForwardTarget, secret: str) -> None:
        self._target = target
        self._secret = secret
        self._client: httpx.Client | None = None
        self._address = target.endpoint.rstrip("/") + "/statements"

    def post(self, items: Sequence[Item]) -> Reply:
        """Send statements of one version in one request; never raises for what the other side does."""
        body = b"[" + b",".join(item.text for item in items) + b"]"
        kind = "application/json"
        attached = {one.sha2: one for item in items for one in item.attachments}
        if attached:
            body, kind = join(body, attached.values())
        headers = {"Content-Type": kind, "X-Experience-API-Version": items[0].version}
        try:
            with self._connected().stream("POST", self._address, content=body, headers=headers) as reply:
                said = self._beginning(reply, REPLY_BYTES_MAX)
                return _judged(reply, self._clean(said.decode(errors="replace")))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Reply(
                verdict=Verdict.AWAY,
                status=0,
                reason=self._clean(f"{type(error).__name__}: {error}"),
            )

    def statement(self, id_: str, version: str) -> bytes | None:
        """Return the statement that the target has under an id; None when it does not give it out."""
        headers = {"X-Experience-API-Version": version}
        try:
            with self._connected().stream(
                "GET", self._address, params={"statementId": id_}, headers=headers
            ) as reply:
                if reply.status_code != 200:
                    return None
                return self._beginning(reply, STATEMENT_BYTES_MAX)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return None

    def close(self) -> None:
        """Close the connections; a request under way in another thread ends with an error."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> httpx.Client:
        if self._client is None:
            target = self._target
            self._client = httpx.Client(
                auth=(target.key, self._secret) if target.key else None,
                timeout=httpx.Timeout(target.timeout_s, connect=min(10.0, target.timeout_s)),
                headers={"User-Agent": f"carrythrough/{__version__}", "Accept-Encoding": "identity"},
                verify=ssl.create_default_context(),
                # A proxy from the environment cannot reach this machine's loopback.
                trust_env=httpx.URL(target.endpoint).host not in _LOOPBACK,
                # A redirect would carry statements to an address that nobody configured.
                follow_redirects=False,
            )
        return self._client

    def _beginning(self, reply: httpx.Response, bytes_max: int) -> bytes:
        """Return at most `bytes_max` of a body that comes within the time limit as a whole."""
        begun, text = time.monotonic(), b""
        for chunk in reply.iter_bytes():
            text += chunk
            if len(text) > bytes_max:
                return text[:bytes_max]
            if time.monotonic() - begun > self._target.timeout_s:
                raise httpx.ReadTimeout("the answer did not end in time")
        return text

    def _clean(self, text: str) -> str:
        shown = text.replace(self._secret, "********") if self._secret else text
        return one_line(shown, 500)


def _judged(reply: httpx.Response, said: str) -> Reply:
    status = reply.status_code
    reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if 200 <= status < 300:
        return Reply(verdict=Verdict.STORED, status=status)
    if status == 409:
        return Reply(verdict=Verdict.CONFLICT, status=status, reason=reason)
    if status in _CONTENT:
        return Reply(verdict=Verdict.REFUSED, status=status, reason=reason)
    if status in {408, 425, 429} or status >= 500:
        pause = _retry_after_s(reply.headers.get("retry-after", ""))
        return Reply(verdict=Verdict.AGAIN, status=status, reason=reason, retry_after_s=pause)
    return Reply(verdict=Verdict.BLOCKED, status=status, reason=reason)


def _retry_after_s(value: str) -> float:
    """Return the seconds of a Retry-After header (RFC 9110 10.2.3), at least 0, bounded."""
    text = value.strip()
    if text.isdecimal():
        return min(float(text[:9]), RETRY_AFTER_S_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), RETRY_AFTER_S_MAX)
