"""Who is looking at the pages: one-time sign-in links and the sessions that they open.

Everything lives in memory and is lost with the process, on purpose: a copied data
folder contains no way in. Only digests of the secrets are kept. The times here are
real seconds from a monotonic clock, never the server's (possibly scaled) clock, so a
demo that runs a month in a minute does not sign its viewer out.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from hashlib import sha256

import msgspec
from starlette.requests import HTTPConnection

SECRET_BYTES = 32
"""256 bits from the operating system: guessing is not a threat that needs a limit on tries."""

LINK_LIFE_S = 15 * 60.0
"""A sign-in link that nobody opened within this time no longer works."""

SESSION_IDLE_S_MAX = 8 * 3600.0
"""A session without a request for one working day ends."""

SESSION_LIFE_S_MAX = 24 * 3600.0
"""Every session ends after a day, however busy it was."""

LINKS_MAX = 100
"""Outstanding links; the oldest is dropped to make room."""

SESSIONS_MAX = 1_000
"""Open sessions; the one that was idle longest is dropped to make room."""

COOKIE = "carrythrough_session"


class Session(msgspec.Struct):
    """One signed-in browser: who (`viewer`), and when it was opened and last seen (seconds)."""

    viewer: str
    opened_s: float
    seen_s: float


class Sessions:
    """Sign-in links and sessions of one server process; safe to call from any thread."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._links: dict[bytes, tuple[str, float]] = {}
        self._sessions: dict[bytes, Session] = {}

    def new_link_token(self, viewer: str = "viewer", life_s: float = LINK_LIFE_S) -> str:
        """Return a token for `/signin?token=`, good for one sign-in within `life_s` seconds."""
        token = secrets.token_urlsafe(SECRET_BYTES)
        with self._lock:
            self._drop_stale_links()
            while len(self._links) >= LINKS_MAX:
                self._links.pop(next(iter(self._links)))
            self._links[_digest(token)] = (viewer, self._now_s() + life_s)
        return token

    def redeem(self, token: str) -> str | None:
        """Use a link up and return the secret of a new session, or None when it is used or expired."""
        with self._lock:
            viewer, until_s = self._links.pop(_digest(token), ("", 0.0))
            now_s = self._now_s()
            if not viewer or now_s >= until_s:
                return None
            self._drop_stale_sessions()
            while len(self._sessions) >= SESSIONS_MAX:
                self._sessions.pop(min(self._sessions, key=lambda key: self._sessions[key].seen_s))
            secret = secrets.token_urlsafe(SECRET_BYTES)
            self._sessions[_digest(secret)] = Session(viewer, now_s, now_s)
        return secret

    def viewer(self, secret: str) -> str | None:
        """Return who holds this session and count the call as activity; None when it has ended."""
        with self._lock:
            session = self._sessions.get(_digest(secret))
            if session is None:
                return None
            if self._ended(session):
                del self._sessions[_digest(secret)]
                return None
            session.seen_s = self._now_s()
            return session.viewer

    def end(self, secret: str) -> None:
        """Close a session; unknown ones are none of our business."""
        with self._lock:
            self._sessions.pop(_digest(secret), None)

    def session_of(self, request: HTTPConnection) -> str | None:
        """Return the viewer whose session cookie this request carries, or None."""
        secret = request.cookies.get(cookie_name(request))
        return self.viewer(secret) if secret else None

    def _ended(self, session: Session) -> bool:
        now_s = self._now_s()
        return now_s - session.seen_s >= SESSION_IDLE_S_MAX or now_s - session.opened_s >= SESSION_LIFE_S_MAX

    def _drop_stale_links(self) -> None:
        now_s = self._now_s()
        for key in [key for key, (_, until_s) in self._links.items() if now_s >= until_s]:
            del self._links[key]

    def _drop_stale_sessions(self) -> None:
        for key in [key for key, session in self._sessions.items() if self._ended(session)]:
            del self._sessions[key]


def cookie_name(request: HTTPConnection) -> str:
    """Return the name of the session cookie for the port that the browser sees.

    Browsers share cookies between the ports of a host, so without the port in the name a demo
    and a server on one machine would sign each other out.
    """
    port = request.url.port
    return f"{COOKIE}_{port}" if port else COOKIE


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
