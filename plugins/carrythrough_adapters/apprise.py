"""Adapter `apprise`: the long tail of notification services, by the library of that name (appriseit.com).

A service is an address as Apprise writes it (`ntfy://…`, `discord://…`, `mailtos://…?to={email}`). Most
services know no idempotency key, so the message ends with the action's id: a person sees that two
messages are one. Apprise says only whether a service took a message, so a refusal is always tried again,
until it lands in the dead letters with the library's last words.
"""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    SettingError,
    TransientError,
    delivery_problem,
    one_line,
)

if TYPE_CHECKING:
    from apprise import Apprise

TITLE_MAX = 200
PLACES = ("{email}", "{name}", "{pseudonym}")
"""What an address may leave open; filled in for each action, percent-encoded."""


class AppriseConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `apprise`."""

    url: Annotated[
        Secret,
        Meta(
            description="address of the service as Apprise writes it; {email}, {name}, {pseudonym}: the recipient"
        ),
    ]

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        if find_spec("apprise") is None:
            raise SettingError("url", "needs the package apprise", "pip install 'carrythrough[apprise]'")
        if "://" not in self.url.reveal():
            raise SettingError("url", "must be an address of Apprise", "see appriseit.com/services")


class AppriseAdapter:
    """Notifies one service."""

    def __init__(self, config: AppriseConfig) -> None:
        self._config = config
        # The words of a refusal come through the library's log: one send at a time, so that they are this one's.
        self._lock = threading.Lock()

    def check(self) -> str:
        """Say what kind of service the address is; sends nothing. Raises PermanentError for one that is none."""
        sample = Recipient(pseudonym="a" * 26, name="Somebody", email="somebody@example.com")
        [service] = self._service(sample)
        return one_line(f"{service.service_name}: the address reads well (not tried)")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Notify; raises PermanentError where the address asks for what the roster does not know."""
        import apprise  # noqa: PLC0415 - a server without this adapter needs none of it

        service = self._service(recipient)
        title = one_line(action.title, TITLE_MAX) or "A hint for your work"
        # The library types the rest of itself, and this class not.
        captured = apprise.LogCapture(level=apprise.logging.WARNING)  # type: ignore[no-untyped-call]
        with self._lock, captured as said:
            taken = service.notify(
                title=title, body=text(action, idempotency_key), body_format=apprise.NotifyFormat.TEXT
            )
            words = one_line(" ".join(line.partition(" - ")[2] for line in said.getvalue().splitlines()))
        if not taken:
            detail = f"{service[0].service_name} did not take it: {words or 'the library says no more'}"
            raise TransientError(delivery_problem("delivery-failed", one_line(detail)))
        return one_line(f"taken by {service[0].service_name}")

    def close(self) -> None:
        """Do nothing: no connection outlives its message."""

    def _service(self, recipient: Recipient | None) -> Apprise:
        import apprise  # noqa: PLC0415 - as above

        address = self._config.url.reveal()
        for place in PLACES:
            if place not in address:
                continue
            value = getattr(recipient, place[1:-1]) if recipient is not None else ""
            if not value:
                detail = f"the address of the service asks for {place}, which the roster does not know"
                raise PermanentError(delivery_problem("recipient-unreachable", detail))
            address = address.replace(place, quote(value, safe=""))
        asset = apprise.AppriseAsset(
            app_id="Carrythrough", app_desc="Carrythrough", app_url="", async_mode=False, secure_logging=True
        )
        made = apprise.Apprise(asset=asset)
        with apprise.LogCapture(level=apprise.logging.CRITICAL):  # type: ignore[no-untyped-call]
            known = made.add(address)
        if not known:
            detail = "Apprise knows no such service, or its address lacks something"
            fix = "compare it with appriseit.com/services"
            raise PermanentError(delivery_problem("delivery-refused", detail, where="url", fix=fix))
        return made


def text(action: ActionRequested, key: str) -> str:
    """Return the message: body, link, reason and the id."""
    link = action.link if action.link.startswith(("https://", "http://")) else ""
    why = f"Why: {one_line(action.why)}" if action.why else ""
    return "\n\n".join(part for part in (action.body.strip(), link, why, f"({key})") if part)


SPEC = AdapterSpec(
    name="apprise",
    kind="chat",
    summary="Notifies any service that the library Apprise knows.",
    stability="beta",
    config=AppriseConfig,
    example={"url": "ntfys://ntfy.example.com/learning"},
    factory=AppriseAdapter,
)
