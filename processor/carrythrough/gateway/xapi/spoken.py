"""Which version each sender spoke last at a mount: in that one a request that names none is answered.

A request without a version is refused (Communication 3.3.s4.b1), and the refusal has to name a version.
A client that just spoke 2.0 and forgot the header once is best told of the rules of 2.0.
"""

from __future__ import annotations

SENDERS_MAX = 1_000
"""Senders remembered: tokens of an issuer bring any number of names; who was silent longest is forgotten."""


class SpokenVersions:
    """The version that each sender named last. Forgotten when the server stops."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def remember(self, sender: str, version: str) -> None:
        """Keep that `sender` (name of a credential) spoke `version` ("1.0.3" or "2.0.0")."""
        if self._last.get(sender) == version:
            return
        self._last.pop(sender, None)
        if len(self._last) >= SENDERS_MAX:
            del self._last[next(iter(self._last))]
        self._last[sender] = version

    def last(self, sender: str) -> str | None:
        """Return the version that `sender` named last, None when none is known."""
        return self._last.get(sender)
