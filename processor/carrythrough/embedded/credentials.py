"""Credentials of a data folder: made on the first start, and read again whenever the file changes.

So a credential that is taken away ends within seconds and no restart is needed, which nobody likes to
do because a key has leaked. A file that cannot be read changes nothing: what was in force stays.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import structlog

from carrythrough.embedded.data_folder import write_private
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.auth import Credentials, new_credential, new_secret
from carrythrough.gateway.oauth_own import OwnTokens, new_key
from carrythrough.gateway.scopes import LMS_SCOPES

FILE = "credentials.json"
LOOK_S = 1.0
"""How often the file is looked at; also about how long a credential that was taken away still works."""
FIRST_CREDENTIALS = (
    ("lms", LMS_SCOPES),
    ("business", ("events/write",)),
    ("reader", ("scores/read", "people/read")),
    ("steward", ("scores/read", "people/read", "scores/contest", "policy/order")),
    ("hr", ("roster/write", "scim")),
)
"""Made on the first start, one for each kind of caller, each with the scopes that it needs."""

_logger = structlog.get_logger("carrythrough")


def load_credentials(folder: Path) -> tuple[Credentials, list[dict[str, Any]]]:
    """Return the credentials of a data folder, made on the first start, and those made now with their secrets."""
    path = folder / FILE
    if path.exists():
        return Credentials.from_file(path.read_text(encoding="utf-8")), []
    made: list[dict[str, Any]] = []
    entries = []
    for name, scopes in FIRST_CREDENTIALS:
        credential, secret = new_credential(name, scopes, new_secret(24))
        entries.append(credential)
        made.append({"name": name, "key": credential.key, "secret": secret, "scopes": list(scopes)})
    credentials = Credentials(entries)
    write_private(path, credentials.to_file())
    return credentials, made


def load_tokens(folder: Path) -> OwnTokens:
    """Return what gives out tokens, with the key of a data folder, made on the first start."""
    path = folder / "oauth.key"
    if not path.exists():
        write_private(path, new_key())
    try:
        return OwnTokens(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise PermanentError(
            Problem(
                code="token-key-unreadable",
                status=500,
                title="The key that signs our access tokens cannot be read",
                detail=str(error),
                where=str(path),
                rule="a private key on P-256 as PEM text, as this program writes it",
                fix="restore the file, or move it away to have a new key made: tokens given out before end then",
            )
        ) from None


class CredentialsWatch:
    """Keeps credentials current with their file, in a thread between `start` and `stop`."""

    def __init__(self, folder: Path, credentials: Credentials, look_s: float = LOOK_S) -> None:
        self._path = folder / FILE
        self._credentials = credentials
        self._look_s = look_s
        self._seen = self._mark()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="credentials", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; safe to call twice and without a start."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(self._look_s + 1)

    def look(self) -> bool:
        """Read the file if it has changed since the last look; say whether other credentials are in force now."""
        mark = self._mark()
        if mark == self._seen:
            return False
        self._seen = mark
        try:
            fresh = Credentials.from_file(self._path.read_text(encoding="utf-8"), str(self._path))
        except (OSError, UnicodeDecodeError, PermanentError) as error:
            _logger.error("credentials_not_read", error=str(error)[:300])  # noqa: TRY400 - its words do
            return False
        self._credentials.replace(fresh)
        _logger.info("credentials_read", credentials=len(fresh))
        return True

    def _run(self) -> None:
        while not self._ended.wait(self._look_s):
            with contextlib.suppress(OSError):
                self.look()

    def _mark(self) -> tuple[int, int, int]:
        """Return what changes with the file: it is replaced as a whole, so its inode does."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)
