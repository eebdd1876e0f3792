"""Adapter `webhook`: signed HTTP posts by the Standard Webhooks scheme (standardwebhooks.com).

The body is the same at every try of an action and `webhook-id` is its idempotency key, so that a
receiver which ignores an id it has seen takes each action once. Several secrets may be in force
during a rotation: the request carries one signature for each, and any of them verifies.

What a status means: 2xx delivered · 3xx a failure, never followed (301 and 308 say that the address
is wrong for good) · 410 the receiver is gone, the adapter is disabled · 408, 425, 429 and 5xx try again,
with Retry-After where it is given · every other 4xx refuses this action for good.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec
from standardwebhooks import Webhook

from carrythrough import __version__
from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    GoneError,
    PermanentError,
    Problem,
    Recipient,
    ThrottledError,
    TransientError,
    action_members,
    delivery_problem,
    one_line,
    rfc3339,
)
from carrythrough_adapters.webhook_config import WebhookConfig, is_this_machine

REPLY_BYTES_MAX = 4096
"""Bytes of an answer that are read; what a receiver says beyond that changes nothing."""
REPLY_SHOWN_MAX = 200
"""Characters of a refusing answer that go into the error."""
RETRY_AFTER_DIGITS_MAX = 9
"""A longer number of seconds is a mistake (and might overflow); it counts as 10^9 seconds."""
THROTTLE_S_DEFAULT = 5.0
"""The pause after a 429 that names none."""
EVENT_TYPE = "action.requested"
"""The `type` of the payload, as Standard Webhooks asks for."""

_WRONG_ADDRESS = frozenset({301, 308})
_TRY_AGAIN = frozenset({408, 425, 429})
_THROTTLES = frozenset({429, 502, 503, 504})


class WebhookAdapter:
    """Posts to one address; the client and its connections are made at the first send."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._signers = [Webhook(secret.reveal()) for secret in config.secrets]
        self._origin = _origin(httpx.URL(config.url))
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def check(self) -> str:
        """Say whether the host answers on its port; posts nothing. Raises TransientError when it does not."""
        url = httpx.URL(self._config.url)
        if not is_this_machine(url.host) and url.scheme in getproxies() and not proxy_bypass(url.host):
            return f"posts to {self._origin} through a proxy (not tried)"
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            self._authorities()
            with socket.create_connection((url.host, port), timeout=self._config.timeout_s):
                return f"{self._origin} answers on port {port}"
        except OSError as error:
            raise TransientError(self._problem(f"{self._origin} cannot be used: {error}")) from error

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Post the action; raises by the status as the module says."""
        body = self._body(action, recipient)
        headers = self._headers(idempotency_key, body)
        try:
            with self._connected().stream("POST", self._config.url, content=body, headers=headers) as reply:
                if reply.is_success:
                    with contextlib.suppress(httpx.HTTPError):
                        _beginning(reply, self._config.timeout_s)
                    return f"HTTP {reply.status_code} from {self._origin}"
                said = one_line(_beginning(reply, self._config.timeout_s), REPLY_SHOWN_MAX)
                self._refuse(reply.status_code, reply.headers, said)
        except httpx.TimeoutException as error:
            detail = f"{self._origin} did not answer within {self._config.timeout_s:g} s"
            raise TransientError(self._problem(detail)) from error
        except (httpx.HTTPError, OSError) as error:
            detail = f"{self._origin}: {type(error).__name__}: {one_line(str(error))}"
            raise TransientError(self._problem(detail)) from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                _quieten_client_logs()
                self._client = httpx.Client(
                    timeout=self._config.timeout_s,
                    verify=self._authorities(),
                    # A redirect would carry the signed body to an address that nobody configured.
                    follow_redirects=False,
                    # A proxy from the environment cannot reach this machine's loopback.
                    trust_env=not is_this_machine(httpx.URL(self._config.url).host),
                )
            return self._client

    def _authorities(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.ca_file or None)

    def _body(self, action: ActionRequested, recipient: Recipient | None) -> bytes:
        data = action_members(action)
        if self._config.include_contact and recipient is not None:
            data["contact"] = {
                "name": recipient.name,
                "email": recipient.email,
                "time_zone": recipient.time_zone,
                "locale": recipient.locale,
            }
        payload = {"type": EVENT_TYPE, "timestamp": rfc3339(action.as_of_ms), "data": data}
        return msgspec.json.encode(payload)

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        seconds = int(time.time())
        moment = datetime.fromtimestamp(seconds, UTC)
        signatures = [signer.sign(key, moment, body.decode()) for signer in self._signers]
        own = {name: value.reveal() for name, value in self._config.headers.items()}
        return {
            **own,
            "content-type": "application/json",
            # A compressed answer could be a bomb, and nothing that we read is worth compressing.
            "accept-encoding": "identity",
            "user-agent": f"carrythrough/{__version__}",
            "webhook-id": key,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(signatures),
        }

    def _refuse(self, status: int, headers: Mapping[str, str], said: str) -> NoReturn:
        """Raise what a status other than 2xx means."""
        detail = f"{self._origin} answered HTTP {status}" + (f": {said}" if said else "")
        if status == httpx.codes.GONE:
            fix = "remove the adapter from the settings, or restart after the receiver is back"
            raise GoneError(delivery_problem("receiver-gone", detail, fix=fix))
        if status in _WRONG_ADDRESS:
            target = _origin_of(headers.get("location", ""))
            fix = f"set `url` to the new address{target and f' at {target}'}; redirects are never followed"
            raise PermanentError(delivery_problem("delivery-refused", detail, fix=fix))
        wait_s = retry_after_s(headers.get("retry-after", ""), time.time())
        if status in _THROTTLES and (wait_s is not None or status == httpx.codes.TOO_MANY_REQUESTS):
            pause_s = THROTTLE_S_DEFAULT if wait_s is None else wait_s
            raise ThrottledError(delivery_problem("delivery-throttled", detail), pause_s)
        if httpx.codes.is_client_error(status) and status not in _TRY_AGAIN:
            raise PermanentError(delivery_problem("delivery-refused", detail))
        raise TransientError(self._problem(detail), wait_s or 0.0)

    def _problem(self, detail: str) -> Problem:
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


def _origin(url: httpx.URL) -> str:
    """Return scheme, host and port: what an error may show of an address whose path may be a secret."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _origin_of(location: str) -> str:
    with contextlib.suppress(httpx.InvalidURL):
        url = httpx.URL(location)
        if url.host and not url.userinfo:
            return one_line(_origin(url))
    return ""


SPEC = AdapterSpec(
    name="webhook",
    kind="http",
    summary="Posts each action to a URL, signed by the Standard Webhooks scheme.",
    stability="stable",
    config=WebhookConfig,
    example={
        "url": "https://hooks.example.com/carrythrough",
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    },
    factory=WebhookAdapter,
)
