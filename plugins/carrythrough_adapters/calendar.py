"""Adapter `calendar`: an invitation by e-mail that puts the action into the person's calendar.

The message is that of the adapter `email` with one more part: a calendar object (RFC 5545) with METHOD:REQUEST
(RFC 5546, 3.2.2), carried as RFC 6047, 2.4 has it. UID is made from the idempotency key, so that a repeat is
the same entry. The time is the next free working slot by the settings, on the person's own clock and reckoned
from the action: each try names the same time, unless that is over by then. Only then the entry moves, and SEQUENCE,
the minutes that it moved, says so (RFC 5545, 3.8.7.4).

Calendars are shared more widely than mail: the entry is CLASS:PRIVATE, names nobody but the person and the sender,
and does not say why the person gets it; the mail does.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    delivery_problem,
    one_line,
)
from carrythrough_adapters.calendar_config import CalendarConfig
from carrythrough_adapters.email import EmailAdapter, address_of
from carrythrough_adapters.working_slot import next_slot

PRODID = "-//Carrythrough//Actions//EN"
LATE_NOTICE = timedelta(hours=1)
"""Notice of an entry whose first time is over when it is sent at last."""
TEXT_MAX = 2_000
"""Characters of the body in the entry; the mail has all of it."""


class CalendarAdapter(EmailAdapter):
    """Sends each action as an invitation."""

    _config: CalendarConfig

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Send the invitation; raises PermanentError without an address, or without a slot before the expiry."""
        to = address_of(recipient)
        zone = _zone(recipient.time_zone if recipient is not None else "UTC")
        begin, moved_min = self._slot(action, zone)
        message = self._message(action, to, idempotency_key)
        entry = invitation(action, message, (begin, self._config.minutes, moved_min), idempotency_key)
        message.add_alternative(entry, subtype="calendar", params={"method": "REQUEST"}, cte="base64")
        return one_line(f"{self._post(message)} for {begin.isoformat(timespec='minutes')} {zone.key}")

    def _slot(self, action: ActionRequested, zone: ZoneInfo) -> tuple[datetime, int]:
        """Return the begin and by how many minutes it comes after the one of the first try."""
        wanted = datetime.fromtimestamp(action.as_of_ms / 1000, UTC) + timedelta(hours=self._config.notice_h)
        first = begin = next_slot(self._config, zone, wanted)
        if first is not None and first.astimezone(UTC) < now():
            begin = next_slot(self._config, zone, now() + LATE_NOTICE)
        expires = datetime.fromtimestamp(action.expires_ms / 1000, UTC)
        if begin is None or first is None or begin.astimezone(UTC) >= expires:
            detail = "no working slot before the action expires"
            fix = "lower `notice_h`, add `days` or `hours`, or let the action expire later"
            raise PermanentError(delivery_problem("delivery-refused", detail, fix=fix))
        return begin, int((begin.astimezone(UTC) - first.astimezone(UTC)).total_seconds()) // 60


def now() -> datetime:
    """Return the time in whole seconds, as a calendar object has it."""
    return datetime.fromtimestamp(int(time.time()), UTC)


def invitation(
    action: ActionRequested, message: EmailMessage, slot: tuple[datetime, int, int], key: str
) -> str:
    """Return the calendar object for `message`. slot: begin on the person's clock, minutes, SEQUENCE."""
    import icalendar  # noqa: PLC0415 - a server without this adapter needs none of it

    begin, minutes, sequence = slot
    sender, person = message["From"].addresses[0], message["To"].addresses[0]
    event = icalendar.Event()
    event.add("uid", f"{key}@{sender.domain}")
    event.add("sequence", sequence)
    event.add("dtstamp", now())
    event.add("dtstart", begin)
    event.add("dtend", begin + timedelta(minutes=minutes))
    event.add("summary", one_line(action.title) or "A hint for your work")
    event.add("description", _description(action))
    if action.link.startswith(("https://", "http://")):
        event.add("url", one_line(action.link, len(action.link)))
    event.add("class", "PRIVATE")
    event.add("status", "CONFIRMED")
    event.add("organizer", _who(sender.addr_spec, sender.display_name))
    asked = {"role": "REQ-PARTICIPANT", "partstat": "NEEDS-ACTION", "rsvp": "TRUE"}
    event.add("attendee", _who(person.addr_spec, person.display_name, **asked))
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return str(calendar.to_ical(), "utf-8")


def _who(address: str, name: str, **parameters: str) -> object:
    from icalendar import vCalAddress  # noqa: PLC0415 - as above

    # DQUOTE cannot stand in a parameter (RFC 5545, 3.1).
    named = {"cn": one_line(name).replace('"', "'")} if name else {}
    return vCalAddress(f"mailto:{address}", params={**named, **parameters})


def _description(action: ActionRequested) -> str:
    link = action.link if action.link.startswith(("https://", "http://")) else ""
    answer = f"Your answer: {action.answer_link}" if action.answer_link else ""
    body = "".join(c for c in action.body[:TEXT_MAX] if c == "\n" or c.isprintable()).strip()
    return "\n\n".join(part for part in (body, link, answer) if part)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


SPEC = AdapterSpec(
    name="calendar",
    kind="email",
    summary="Invites the person by e-mail to a time in their calendar.",
    stability="beta",
    config=CalendarConfig,
    example={
        "host": "smtp.example.com",
        "sender": "Learning team <learning@example.com>",
        "security": "starttls",
        "minutes": 20,
    },
    factory=CalendarAdapter,
)
