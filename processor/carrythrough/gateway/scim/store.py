"""What the SCIM endpoint needs of a shell: the roster, its door, and what HR systems have sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from carrythrough.identity.changes import RosterChange
from carrythrough.identity.directory import RosterIndex
from carrythrough.ports import RosterReceipt


class Entry(msgspec.Struct, frozen=True):
    """What is known of one user beside the person. resource: as sent, {} when it never came by SCIM.

    Times are those of the log records that first and last named the person.
    """

    created_ms: int
    modified_ms: int
    resource: dict[str, Any] = {}


class ResourceBook(Protocol):
    """Resources as they were sent; sees every change that was acknowledged. Its calls block."""

    def entries(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Return what is known of these roster ids; people of a roster file alone are not in it."""
        ...

    def with_user_name(self, name: str) -> list[str]:
        """Return the ids of users with a userName, whatever its case."""
        ...

    def with_external_id(self, external: str) -> list[str]:
        """Return the ids of users with exactly this externalId."""
        ...

    def names(self) -> dict[str, tuple[str, str]]:
        """Return (userName, externalId) by id, of all that came by SCIM."""
        ...

    def file_ms(self) -> int:
        """Return when the roster file in force came into the log, 0 for none."""
        ...


class RosterDoor(Protocol):
    """The roster with everything acknowledged, and the way to change it. Its calls block."""

    def roster(self) -> RosterIndex:
        """Return the roster with every change that was acknowledged."""
        ...

    def submit(self, changes: Sequence[RosterChange], credential: str) -> RosterReceipt:
        """Make changes durable, all or none; raises as `ports.Intake.submit_roster_changes`."""
        ...
