"""`serve`: one process that listens, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
import uvloop
from prometheus_client import start_http_server

from carrythrough.embedded.credentials import CredentialsWatch, load_credentials, load_tokens
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.app import build_app
from carrythrough.gateway.auth import Credentials
from carrythrough.gateway.limits import GatewayLimits
from carrythrough.gateway.oauth_bearer import Bearers
from carrythrough.gateway.oauth_keys import KeySet
from carrythrough.gateway.oauth_own import OwnTokens
from carrythrough.gateway.pages.sessions import Sessions
from carrythrough.gateway.protocol import bounded_protocol
from carrythrough.ports import Clock
from carrythrough.settings import Settings
from carrythrough.telemetry.lines import to_standard_error

SWITCH_INTERVAL_S = 0.001
"""How long one thread may hold the interpreter while another waits: the commit and the fold take turns."""
GRACE_S = 5
KEEP_ALIVE_S = 75
"""An idle connection is kept this long: senders pool theirs, and many keep them for a minute."""
BACKLOG = 2048


def serve(
    settings: Settings,
    clock: Clock | None = None,
    on_ready: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Run until SIGINT or SIGTERM; raises PermanentError when it cannot start.

    on_ready: called once with {"url", "metrics_url", "signin_url", "credentials"}; secrets of
    credentials are in it only when they were made by this start.
    """
    _configure_logging(settings.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with contextlib.ExitStack() as stopped:
        runtime = Embedded(settings, clock)
        stopped.callback(runtime.stop)
        credentials, made = load_credentials(runtime.folder_lock.path)
        tokens = load_tokens(runtime.folder_lock.path)
        bearers = _bearers(runtime, credentials, tokens)
        runtime.statements.indexer.may_define = credentials.may_define
        listener = _listen(settings.host, settings.port)
        runtime.start()
        _tune_collector()
        bearers.start()
        stopped.callback(bearers.stop)
        watch = CredentialsWatch(runtime.folder_lock.path, credentials)
        watch.start()
        stopped.callback(watch.stop)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(runtime, credentials, tokens, made, listener, on_ready))


async def _run(
    runtime: Embedded,
    credentials: Credentials,
    tokens: OwnTokens,
    made: list[dict[str, Any]],
    listener: socket.socket,
    on_ready: Callable[[dict[str, Any]], None] | None,
) -> None:
    settings = runtime.settings
    sessions = Sessions()
    limits = GatewayLimits()
    app = build_app(runtime, credentials, sessions, limits, tokens)
    metrics, _ = _metrics_server(settings, runtime)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        proxy_headers=False,
        http=bounded_protocol(limits),
    )
    server = _Server(config, runtime)
    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}"
    info = {
        "url": url,
        "metrics_url": f"http://{settings.host}:{metrics.server_port}/metrics",
        "signin_url": f"{url}/signin?token={sessions.new_link_token()}",
        "credentials": made,
    }
    server.on_started = lambda: on_ready(info) if on_ready is not None else None
    try:
        await server.serve_on(listener)
    finally:
        metrics.shutdown()
        metrics.server_close()


class _Server(uvicorn.Server):
    """uvicorn that says when it listens and ends the streams before it waits for connections."""

    def __init__(self, config: uvicorn.Config, runtime: Embedded) -> None:
        super().__init__(config)
        self._runtime = runtime
        self.on_started: Callable[[], None] = lambda: None

    async def serve_on(self, listener: socket.socket) -> None:
        """Serve until SIGINT or SIGTERM; a second signal does not wait for requests under way.

        In place of `serve`, which raises the signal again when it is done and so would end the
        process before the runtime is stopped.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        await self._serve(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self.on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then let the other requests finish."""
        self._runtime.hub.close()
        await super().shutdown(sockets=sockets)


def _bearers(runtime: Embedded, credentials: Credentials, tokens: OwnTokens) -> Bearers:
    issuer = runtime.settings.oauth
    keys = None if issuer is None else KeySet(issuer, credentials.forget_known)
    if keys is not None:
        runtime.telemetry.oauth.keys_read.set_function(lambda: keys.read_at_s)
    bearers = Bearers(tokens, issuer, keys)
    credentials.accept_bearers(bearers.check)
    return bearers


def _tune_collector() -> None:
    """Keep the cyclic collector off the long-lived state, which has no cycles to find.

    Walking it costs a fifth of the fold's time with the default thresholds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _port_taken("port", host, port, error) from error
    listener.listen(BACKLOG)
    return listener


def _metrics_server(settings: Settings, runtime: Embedded) -> tuple[Any, Any]:
    try:
        return start_http_server(settings.metrics_port, settings.host, runtime.telemetry.registry)
    except OSError as error:
        raise _port_taken("metrics_port", settings.host, settings.metrics_port, error) from error


def _port_taken(key: str, host: str, port: int, error: OSError) -> PermanentError:
    return PermanentError(
        Problem(
            code="port-in-use",
            status=500,
            title="The address cannot be listened on",
            detail=f"{host}:{port}: {error.strerror or error}",
            where=key,
            rule="one program at a time listens on a port, and ports under 1024 need a privilege",
            fix=f"stop the other program, or set {key} to another port (0 picks a free one)",
        )
    )


def _configure_logging(level: str) -> None:
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=to_standard_error,
        cache_logger_on_first_use=False,
    )
    with contextlib.suppress(ValueError):
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
