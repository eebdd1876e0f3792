"""Who is behind a pseudonym, for the dispatcher: the roster in force as the port `Directory`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from carrythrough.identity.directory import RosterIndex
from carrythrough.ports import Recipient


class RosterDirectory:
    """Implements `ports.Directory`; asks for the roster in force at every call."""

    def __init__(
        self, index: Callable[[], RosterIndex], declined: Callable[[str], tuple[str, ...]] = lambda _: ()
    ) -> None:
        """declined: what somebody opted out of by answering, by pseudonym; see `pipeline.replying`."""
        self._index = index
        self._declined = declined

    def recipient(self, pseudonym: str) -> Recipient | None:
        """Return how to reach the person, or None when the roster does not know them."""
        person = self._index().person(pseudonym)
        if person is None:
            return None
        return Recipient(
            pseudonym=pseudonym,
            name=person.name,
            email=person.email,
            time_zone=person.time_zone,
            locale=person.locale,
            opted_out=(*person.opted_out, *self._declined(pseudonym)),
        )

    def recipients(self, pseudonyms: Iterable[str]) -> dict[str, Recipient]:
        """Return those that the roster knows."""
        found = ((p, self.recipient(p)) for p in pseudonyms)
        return {p: recipient for p, recipient in found if recipient is not None}
