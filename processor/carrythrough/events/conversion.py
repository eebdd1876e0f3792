"""What a mapping says about values: words, units, decimal commas, and times without a zone.

Shared by mappings of tables (`cli.files.tables`) and of JSON bodies (`events.body_mapping`).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Meta

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.events.fields import BOOLEANS, NUMBERS, FieldError, boolean, number

Scalar = bool | float | str
ANYTHING_ELSE = "*"
"""The key of `values` for words that are not listed."""
UNIX_MS_FROM = 100_000_000_000
"""A number of seconds beyond this is in the year 5138: who writes such a number means milliseconds."""

_COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}([. '\u00a0\u202f’]\d{3})+|\d+)(,\d+)?")
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class TimeFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How times are written where they are not RFC 3339 with a zone."""

    format: Annotated[
        str,
        Meta(
            description='A pattern as of Python\'s strptime ("%d.%m.%Y %H:%M"), "iso" (also a date alone), '
            '"unix" (seconds) or "unix-ms".'
        ),
    ] = "iso"
    zone: Annotated[
        str, Meta(description='Time zone of times that have none: an IANA name ("Europe/Berlin").')
    ] = ""
    clock: Annotated[
        str,
        Meta(
            description='Time of day for dates without one ("17:00").',
            pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$",
        ),
    ] = ""


class Conversion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to values on their way into an event."""

    values: Annotated[
        dict[str, dict[str, Scalar]],
        Meta(
            description='By field: their word to our value ({met: {won: true, lost: false}}); "*" for any other.'
        ),
    ] = {}
    scale: Annotated[
        dict[str, float],
        Meta(description="By field: what numbers are multiplied by ({score: 0.01} for per cent)."),
    ] = {}
    decimal: Annotated[Literal[".", ","], Meta(description="The decimal separator of numbers.")] = "."
    time: Annotated[TimeFormat, Meta(description="How times are written.")] = TimeFormat()


def faults_of(conversion: Conversion, mapped: set[str]) -> list[tuple[tuple[str, ...], str, str, str]]:
    """Return (path, message, rule, fix) of what cannot work in a conversion; mapped: the fields that have a value."""
    found: list[tuple[tuple[str, ...], str, str, str]] = []
    for part, names in (("values", conversion.values), ("scale", conversion.scale)):
        for name in names:
            if name not in mapped:
                fix = did_you_mean(name, mapped) or f"map {name} too, or remove it"
                message = f'"{name}" is not mapped'
                found.append(((part, name), message, f"mapped here: {listing(sorted(mapped), 20)}", fix))
            elif part == "scale" and name not in NUMBERS:
                message = f'"{name}" is no number'
                found.append(((part, name), message, f"numbers are: {listing(sorted(NUMBERS))}", "remove it"))
    zone, form = conversion.time.zone, conversion.time.format
    if zone and zone not in available_timezones():
        fix = did_you_mean(zone, available_timezones()) or 'write for example "Europe/Berlin"'
        found.append((("time", "zone"), f'"{zone[:60]}" is no time zone', "the IANA time zone database", fix))
    if form not in ("iso", "unix", "unix-ms") and not _is_pattern(form):
        message = f'"{form[:60]}" is no format of a time'
        rule = 'iso, unix, unix-ms, or a pattern with at least "%Y" or "%y", a month and a day'
        found.append((("time", "format"), message, rule, 'write for example "%d.%m.%Y %H:%M"'))
    return found


def _is_pattern(form: str) -> bool:
    if "%" not in form:
        return False
    try:
        moment = dt.datetime(2031, 10, 29, 13, 47, 59, tzinfo=dt.UTC)
        read = dt.datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - only whether the day survives
    except (ValueError, re.error):
        return False
    return read.date() == moment.date()


def converted(field: str, raw: Any, rules: Conversion) -> Any:
    """Return the value of a field, None for nothing; raises FieldError saying what is wrong and how it is mended.

    raw: a text, number or truth value as the source has it.
    """
    if raw is None or raw == "":
        return None
    if isinstance(raw, (list, dict)):
        what = "a list" if isinstance(raw, list) else "an object"
        raise FieldError(
            field, f"{what} where one value is wanted", "a field has one value", "point further into it"
        )
    table = rules.values.get(field)
    if table is not None:
        raw = _looked_up(field, raw, table)
        if raw == "":
            return None
    if field == "time":
        return moment_of(raw, rules.time)
    if field in NUMBERS:
        return _number(field, raw, rules)
    if field in BOOLEANS:
        return raw if isinstance(raw, bool) else boolean(field, _text(raw))
    if isinstance(raw, bool):
        raise FieldError(
            field, "true or false where text is wanted", f"{field} is text", "give it a table in values"
        )
    return _text(raw)


def _looked_up(field: str, raw: Any, table: dict[str, Scalar]) -> Scalar:
    word = ("true" if raw else "false") if isinstance(raw, bool) else _text(raw)
    found = table.get(word)
    if found is None:
        folded = {key.strip().lower(): value for key, value in table.items()}
        found = folded.get(word.strip().lower(), table.get(ANYTHING_ELSE))
    if found is None:
        fix = did_you_mean(word, table) or f'add "{word[:40]}" to values.{field}, or "*" for any other word'
        raise FieldError(field, f'"{word[:60]}" is not in its table', f"known: {listing(table)}", fix)
    return found


def _text(raw: Any) -> str:
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        raw = int(raw)
    return str(raw).strip()


def _number(field: str, raw: Any, rules: Conversion) -> float | int:
    if isinstance(raw, bool):
        raise FieldError(
            field, "true or false where a number is wanted", f"{field} is a number", "point at the number"
        )
    if isinstance(raw, str):
        text = raw.strip()
        if rules.decimal == ",":
            if not _COMMA_NUMBER.fullmatch(text):
                fix = "write digits and a decimal comma, for example 0,8"
                rule = "numbers are digits with a decimal comma (decimal: ',')"
                raise FieldError(field, f'"{text[:40]}" is not a number', rule, fix)
            text = re.sub(r"[. '\u00a0\u202f’]", "", text).replace(",", ".")
        raw = number(field, text)
    value = float(raw)
    if not math.isfinite(value):
        raise FieldError(
            field, f"{raw} is not finite", f"{field} is a number", "leave it out where there is none"
        )
    # Twelve digits: 81 · 0.01 is 0.81 and not 0.8100000000000001.
    value = float(f"{value * rules.scale.get(field, 1.0):.12g}")
    return int(value) if field == "revision" and value.is_integer() else value


def moment_of(raw: Any, rules: TimeFormat) -> str:
    """Return a time as RFC 3339 with its zone; raises FieldError for one that cannot be placed."""
    if rules.format in ("unix", "unix-ms"):
        return _unix(raw, milliseconds=rules.format == "unix-ms")
    text = _text(raw)
    form = rules.format
    if form == "iso" and (_RFC3339.fullmatch(text) or not (rules.zone or rules.clock)):
        return text  # as written: admission judges it
    try:
        if form == "iso":
            if _DATE.fullmatch(text):
                text = _with_clock(text, rules)
            moment = dt.datetime.fromisoformat(text)
        else:
            moment = dt.datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below
            if not any(mark in form for mark in ("%H", "%I", "%c", "%X", "%T")):
                moment = dt.datetime.fromisoformat(_with_clock(moment.date().isoformat(), rules))
    except ValueError:
        known = "ISO 8601" if form == "iso" else f'"{form}"'
        fix = f"correct it, or time.format, which expects {known}"
        raise FieldError(
            "time", f'"{text[:60]}" is no time of the format {known}', "one format a mapping", fix
        ) from None
    if moment.tzinfo is None:
        if not rules.zone:
            rule, fix = "a zone is required, or the moment is a guess", "add time: {zone: …} to the mapping"
            raise FieldError("time", f'"{text[:60]}" has no time zone', rule, fix)
        moment = moment.replace(tzinfo=ZoneInfo(rules.zone))
    return moment.isoformat()


def _with_clock(date: str, rules: TimeFormat) -> str:
    if not rules.clock:
        rule, fix = "an event has a time of day", 'add time: {clock: "17:00"} to the mapping'
        raise FieldError("time", f'"{date}" is a date without a time of day', rule, fix)
    return f"{date}T{rules.clock}"


def _unix(raw: Any, *, milliseconds: bool) -> str:
    try:
        count = float(raw)
        if not milliseconds and abs(count) >= UNIX_MS_FROM:
            fix = "write time: {format: unix-ms}"
            raise FieldError("time", f"{raw} seconds are beyond the year 5000", "unix counts seconds", fix)
        seconds = count / 1000 if milliseconds else count
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=round(seconds * 1000))
    except (TypeError, ValueError, OverflowError):
        fix = "correct it, or time.format"
        raise FieldError(
            "time", f'"{str(raw)[:60]}" is no count since 1970', "unix time is a number", fix
        ) from None
    return moment.isoformat(timespec="milliseconds")
