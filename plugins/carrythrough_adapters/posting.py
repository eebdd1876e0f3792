"""HTTP posts of adapters: one client, what a status means, and nothing of an address or an answer said aloud.

What a status means: 2xx delivered · 3xx a failure, never followed (301 and 308 say that the address
is wrong for good) · 410 the receiver is gone, the adapter is disabled · 408, 425, 429 and 5xx try again,
with Retry-After where it is given · every other 4xx refuses this action for good. An adapter for a
vendor that documents something else says so itself before it asks here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec

from carrythrough import __version__
from carrythrough.plugin import (
    GoneError,
    PermanentError,
    Problem,
    SettingError,
    ThrottledError,
    TransientError,
    delivery_problem,
    one_line,
)

REPLY_BYTES_MAX = 65_536
"""Bytes of an answer that are read; what a receiver says beyond that changes nothing."""
REPLY_SHOWN_MAX = 200
"""Characters of a refusing answer that go into the error."""
RETRY_AFTER_DIGITS_MAX = 9
"""A longer number of seconds is a mistake (and might overflow); it counts as 10^9 seconds."""
THROTTLE_S_DEFAULT = 5.0
"""The pause after a 429 that names none."""

_WRONG_ADDRESS = frozenset({301, 308})
_TRY_AGAIN = frozenset({408, 425, 429})
_THROTTLES = frozenset({429, 502, 503, 504})


class Answer(msgspec.Struct, frozen=True):
    """What a receiver said. headers: names in lower case. text: at most REPLY_BYTES_MAX of it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def ok(self) -> bool:
        """Say whether the status is a success (2xx)."""
        return httpx.codes.is_success(self.status)

    def shown(self, secret: str = "") -> str:
        """Return the beginning of the text as one line, for an error, with `secret` masked."""
        # Before it is cut: half a secret is not found any more.
        text = self.text.replace(secret, "********") if secret else self.text
        return one_line(text, REPLY_SHOWN_MAX)

    def json(self) -> Any:
        """Return the text as JSON; raises TransientError when it is none, or longer than what is read."""
        try:
            return msgspec.json.decode(self.text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise TransientError(failed(f"an answer that is no JSON: {self.shown()}")) from error


class Poster:
    """Sends requests to one origin; the client and its connections are made at the first of them."""

    def __init__(self, url: str, timeout_s: float, ca_file: str = "") -> None:
        self._url = httpx.URL(url)
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self.origin = origin_of(self._url)
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Post and return the answer, whatever its status; raises TransientError when there is none."""
        return self.ask("POST", url, headers, content)

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Get and return the answer, whatever its status; raises TransientError when there is none."""
        return self.ask("GET", url, headers, None)

    def reach(self) -> str:
        """Say in a line whether the host answers on its port; sends nothing. Raises TransientError."""
        url = self._url
        if not is_this_machine(url.host) and url.scheme in getproxies() and not proxy_bypass(url.host):
            return f"posts to {self.origin} through a proxy (not tried)"
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            self._authorities()
            with socket.create_connection((url.host, port), timeout=self._timeout_s):
                return f"{self.origin} answers on port {port}"
        except OSError as error:
            raise TransientError(failed(f"{self.origin} cannot be used: {error}")) from error

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def refuse(self, answer: Answer, said: str | None = None) -> NoReturn:
        """Raise what a status other than 2xx means. said: in place of the beginning of the text."""
        said = answer.shown() if said is None else said
        status = answer.status
        detail = f"{self.origin} answered HTTP {status}" + (f": {said}" if said else "")
        if status == httpx.codes.GONE:
            fix = "remove the adapter from the settings, or restart after the receiver is back"
            raise GoneError(delivery_problem("receiver-gone", detail, fix=fix))
        if status in _WRONG_ADDRESS:
            target = _origin_named(answer.headers.get("location", ""))
            fix = f"set `url` to the new address{target and f' at {target}'}; redirects are never followed"
            raise PermanentError(delivery_problem("delivery-refused", detail, fix=fix))
        wait_s = retry_after_s(answer.headers.get("retry-after", ""), time.time())
        if status in _THROTTLES and (wait_s is not None or status == httpx.codes.TOO_MANY_REQUESTS):
            pause_s = THROTTLE_S_DEFAULT if wait_s is None else wait_s
            raise ThrottledError(delivery_problem("delivery-throttled", detail), pause_s)
        if httpx.codes.is_client_error(status) and status not in _TRY_AGAIN:
            raise PermanentError(delivery_problem("delivery-refused", detail))
        raise TransientError(failed(detail), wait_s or 0.0)

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Send a request by any method and return the answer as `post` does."""
        wanted = {
            **headers,
            # A compressed answer could be a bomb, and nothing that we read is worth compressing.
            "accept-encoding": "identity",
            "user-agent": f"carrythrough/{__version__}",
        }
        try:
            with self._connected().stream(method, url, content=content, headers=wanted) as reply:
                text = ""
                # A status has arrived: what happens to the rest of the answer no longer matters.
                with contextlib.suppress(httpx.HTTPError):
                    text = _beginning(reply, self._timeout_s)
                return Answer(reply.status_code, dict(reply.headers), text)
        except httpx.TimeoutException as error:
            detail = f"{self.origin} did not answer within {self._timeout_s:g} s"
            raise TransientError(failed(detail)) from error
        except (httpx.HTTPError, OSError) as error:
            detail = f"{self.origin}: {type(error).__name__}: {one_line(str(error))}"
            raise TransientError(failed(detail)) from error

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                _quieten_client_logs()
                self._client = httpx.Client(
                    timeout=self._timeout_s,
                    verify=self._authorities(),
                    # A redirect would carry the body to an address that nobody configured.
                    follow_redirects=False,
                    # A proxy from the environment cannot reach this machine's loopback.
                    trust_env=not is_this_machine(self._url.host),
                )
            return self._client

    def _authorities(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file or None)


def failed(detail: str) -> Problem:
    """Return the problem of a delivery that is tried again."""
    return delivery_problem("delivery-failed", detail)


def retry_after_s(value: str, now_s: float) -> float | None:
    """Return the wait that a Retry-After header asks for (RFC 9110, 10.2.3), None when it says nothing.

    value: seconds, or an HTTP date; now_s: seconds since the epoch. Never negative.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= RETRY_AFTER_DIGITS_MAX else 10.0**RETRY_AFTER_DIGITS_MAX
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_s)


def _beginning(reply: httpx.Response, time_s_max: float) -> str:
    """Return the first REPLY_BYTES_MAX bytes of an answer as text, and wait no longer than `time_s_max`."""
    deadline_s = time.monotonic() + time_s_max
    read = bytearray()
    for chunk in reply.iter_raw():
        read += chunk[: REPLY_BYTES_MAX - len(read)]
        if len(read) >= REPLY_BYTES_MAX or time.monotonic() > deadline_s:
            break
    return read.decode("utf-8", "replace")


def _quieten_client_logs() -> None:
    """Keep the client's own log lines out: they carry whole URLs and the receiver's headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def origin_of(url: httpx.URL) -> str:
    """Return scheme, host and port: what an error may show of an address whose path may be a secret."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _origin_named(location: str) -> str:
    with contextlib.suppress(httpx.InvalidURL):
        url = httpx.URL(location)
        if url.host and not url.userinfo:
            return one_line(origin_of(url))
    return ""


def check_url(key: str, text: str, *, plain: bool) -> None:
    """Raise SettingError unless `text` is an address that a body may be posted to; the key is blamed."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise SettingError(key, f"is not a URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingError(key, "must begin with https:// and name a host")
    if url.userinfo:
        raise SettingError(key, "must not carry a password", "put it into `headers` as `authorization`")
    if url.scheme == "http" and not plain and not is_this_machine(url.host):
        raise SettingError(key, "must use https", "use https, or set allow_plain_http = true")


def is_this_machine(host: str) -> bool:
    """Say whether a host is the loopback of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
