"""Proves what an invitation is on the wire, whom it names, and that its time is a working slot of the person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from carrythrough.dispatch import build_adapters
from carrythrough.errors import PermanentError, TransientError
from carrythrough.testing.adapters import HOSTILE_BODY, HOSTILE_TITLE, sample_action, sample_recipient
from carrythrough_adapters import calendar as under_test
from carrythrough_adapters.calendar_config import CalendarConfig
from carrythrough_adapters.working_slot import next_slot

FRIDAY_NOON = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
"""Two days before the clocks of Europe go forward."""


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the adapter's clock; give the function that sets it."""

    def put(moment: datetime) -> None:
        monkeypatch.setattr(under_test, "now", lambda: moment)

    put(FRIDAY_NOON)
    return put


def send(table: dict[str, Any], zone: str = "Europe/Berlin", name: str = "Dana Ösper", **changes: Any) -> str:
    adapter = build_adapters({"diary": {**table, "adapter": "calendar"}})["diary"]
    times = {"as_of_ms": int(FRIDAY_NOON.timestamp() * 1000)}
    action = sample_action(**{**times, **changes})
    return adapter.send(action, sample_recipient(time_zone=zone, name=name), action.id)


def entry_of(message: EmailMessage) -> tuple[EmailMessage, Any, str]:
    """Return the calendar part of a message, its one event, and its text."""
    [part] = [one for one in message.walk() if one.get_content_type() == "text/calendar"]
    text = part.get_content()
    [event] = Calendar.from_ical(text).events
    return part, event, text


def test_the_invitation_is_a_request_as_the_standards_have_it(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    receipt = send(postbox.table())
    [message] = postbox.messages()
    part, event, text = entry_of(message)
    action = sample_action()
    # RFC 6047, 2.4: method and charset as parameters of the content type, and METHOD in the object the same.
    assert part.get_param("method") == "REQUEST"
    assert part.get_param("charset") == "utf-8"
    assert "METHOD:REQUEST\r\n" in text
    assert [one.get_content_type() for one in message.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    # RFC 5546, 3.2.2: what a REQUEST must have.
    assert str(event["UID"]) == f"{action.id}@example.com"
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == FRIDAY_NOON
    assert str(event["ORGANIZER"]) == "mailto:learning@example.com"
    assert str(event["ATTENDEE"]) == "mailto:dana@example.org"
    assert event["ATTENDEE"].params["PARTSTAT"] == "NEEDS-ACTION"
    assert event["ATTENDEE"].params["CN"] == "Dana Ösper"
    assert str(event["SUMMARY"]) == action.title
    assert action.body in str(event["DESCRIPTION"])
    # RFC 5545, 3.1 and 3.6.5: folded lines; a zone that is named is defined.
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin" in text
    begin = datetime(2026, 3, 30, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert event["DTSTART"].dt == begin
    assert event["DTSTART"].dt.utcoffset() == timedelta(hours=2), "summer time by then"
    assert event["DTEND"].dt == begin + timedelta(minutes=30)
    assert "2026-03-30T09:00+02:00 Europe/Berlin" in receipt


def test_the_entry_is_private_and_does_not_say_why(open_postbox: Callable[..., Any]) -> None:
    """Deputies and colleagues see calendars; RFC 5545, 3.8.1.3."""
    postbox = open_postbox()
    send(postbox.table())
    [message] = postbox.messages()
    _, event, text = entry_of(message)
    assert event["CLASS"] == "PRIVATE"
    unfolded = text.replace("\r\n ", "")
    for secret in (sample_action().why, "unapplied", "0.42", sample_action().subject):
        assert secret not in unfolded
    plain = message.get_body(("plain",))
    assert plain is not None
    assert sample_action().why in plain.get_content()


def test_a_repeat_is_the_same_entry_at_the_same_time_until_that_is_over(
    open_postbox: Callable[..., Any], noon: Callable[[datetime], None]
) -> None:
    postbox = open_postbox()
    for hours in (0, 20, 72):  # the first slot is Monday, 09:00 in Berlin: 67 hours on
        noon(FRIDAY_NOON + timedelta(hours=hours))
        send(postbox.table())
    events = [entry_of(message)[1] for message in postbox.messages()]
    assert len({str(event["UID"]) for event in events}) == 1
    assert [event["SEQUENCE"] for event in events] == [0, 0, 6 * 60]
    assert events[0]["DTSTART"].dt == events[1]["DTSTART"].dt
    assert events[2]["DTSTART"].dt == datetime(2026, 3, 30, 15, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def test_hostile_text_forges_no_property(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    title = HOSTILE_TITLE + "\r\nATTENDEE:mailto:everybody@example.org"
    body = HOSTILE_BODY.replace("one", "one\r\nEND:VEVENT\r\nBEGIN:VEVENT")
    send(postbox.table(), name=f'A";X=1:{title}', title=title, body=body, link="javascript:1")
    _, event, text = entry_of(postbox.messages()[0])
    assert str(event["ATTENDEE"]) == "mailto:dana@example.org"
    assert "URL" not in event
    assert text.count("BEGIN:VEVENT\r\n") == 1
    assert not any(line.startswith(("X-Forged", "Bcc")) for line in text.split("\r\n"))


def test_what_expires_before_a_slot_is_refused(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    sunday = int((FRIDAY_NOON + timedelta(days=2)).timestamp() * 1000)
    with pytest.raises(PermanentError, match="no working slot"):
        send(postbox.table(), expires_ms=sunday)
    with pytest.raises(PermanentError, match="no working slot"):
        send(postbox.table(days=["mon"], closed=["2026-03-30"]), expires_ms=sunday + 3 * 86_400_000)
    assert postbox.messages() == []


@pytest.mark.parametrize("zone", ["", "Nowhere/City", "../../etc/passwd"])
def test_a_zone_that_is_none_is_utc(open_postbox: Callable[..., Any], zone: str) -> None:
    postbox = open_postbox()
    send(postbox.table(), zone=zone)
    _, event, _ = entry_of(postbox.messages()[0])
    assert event["DTSTART"].dt == datetime(2026, 3, 30, 9, 0, tzinfo=UTC)


def test_the_server_refuses_as_for_any_mail(open_postbox: Callable[..., Any]) -> None:
    adapter = build_adapters({"diary": {**open_postbox().table(), "adapter": "calendar"}})["diary"]
    for email, kind in (("unknown@example.org", PermanentError), ("busy@example.org", TransientError)):
        with pytest.raises(kind):
            adapter.send(sample_action(), sample_recipient(email=email), "key")


def config(**more: Any) -> CalendarConfig:
    return CalendarConfig(host="127.0.0.1", sender="learning@example.com", **more)


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 366 * 24 * 60),
    st.sampled_from(
        [(30, "09:00-17:00", ("12:00-13:00",)), (45, "00:30-04:10", ()), (20, "22:00-23:59", ())]
    ),
)
@settings(max_examples=60, deadline=None)
def test_a_slot_is_the_first_that_an_oracle_of_single_minutes_finds(
    name: str, offset_min: int, hours: tuple[int, str, tuple[str, ...]]
) -> None:
    minutes, working, busy = hours
    off = (date(2026, 12, 25), date(2026, 3, 30))
    table = config(minutes=minutes, hours=working, busy=busy, closed=off)
    zone = ZoneInfo(name)
    earliest = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset_min)
    found = next_slot(table, zone, earliest)
    assert found is not None

    def begins(moment: datetime) -> bool:
        local = moment.astimezone(zone)
        end = (local.replace(tzinfo=None) + timedelta(minutes=minutes)).replace(tzinfo=zone)
        for gap_start, gap_end in table.gaps:
            since = (local.hour - gap_start.hour) * 60 + local.minute - gap_start.minute
            left = (gap_end.hour - local.hour) * 60 + gap_end.minute - local.minute - minutes
            if since >= 0 and since % minutes == 0 and left >= 0:
                once = all(
                    one.replace(fold=0).utcoffset() == one.replace(fold=1).utcoffset() for one in (local, end)
                )
                return once and local.weekday() < 5 and local.date() not in off
        return False

    moment = earliest
    while not begins(moment):
        moment += timedelta(minutes=1)
    assert found.astimezone(UTC) == moment


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"hours": "17:00-09:00"}, "hours"),
        ({"hours": "9-17"}, "hours"),
        ({"hours": "09:00-09:20"}, "minutes"),
        ({"busy": ["09:00-17:00"]}, "minutes"),
        ({"busy": ["13:00-12:00"]}, "busy"),
        ({"days": []}, "days"),
        ({"days": ["monday"]}, "days"),
        ({"closed": ["25 December"]}, "closed"),
        ({"minutes": 0}, "minutes"),
    ],
)
def test_a_mistake_in_the_settings_names_its_key(table: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError) as caught:
        build_adapters({"calendar": {"host": "smtp.example.com", "sender": "a@example.com", **table}})
    assert words in str(caught.value)


def test_overlapping_busy_hours_leave_what_is_between_them() -> None:
    gaps = config(busy=("08:00-09:30", "12:00-13:00", "12:30-14:00", "16:45-18:00")).gaps
    assert [f"{a:%H:%M}-{b:%H:%M}" for a, b in gaps] == ["09:30-12:00", "14:00-16:45"]
