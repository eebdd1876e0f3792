"""Proves what the two versions demand of data types: extensions, language maps, IRIs and timestamps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carrythrough.xapi import formats

requirement = pytest.mark.requirement
Holds = Callable[..., None]

EXTENDED = ("/object/definition/extensions", "/result/extensions", "/context/extensions")
MAPS = ("/verb/display", "/object/definition/name", "/object/definition/description",
        "/object/definition/source/0/description", "/attachments/0/display", "/attachments/0/description")  # fmt: skip
TAGS = ("en", "de-DE", "cmn", "zh-Hant", "sr-Latn-RS", "zh-cmn-Hans-CN", "sl-rozaj-biske", "de-CH-1901", "i-enochian",
        "hy-Latn-IT-arevela", "az-Arab-x-AZE-derbend", "x-whatever", "es-419", "en-US-u-islamcal", "ase", "und",
        "EN-us", "zh-min-nan", "en-GB-oed", "en-a-aaa-x-a-a", "sl-rozaj-biske-1994")  # fmt: skip
NO_TAGS = ("something", "a12345678", "de-419-DE", "a-DE", "ar-a-aaa-b-bbb-a-ccc", "zh-z-aaa-z-bbb-c-ccc", "j-JP",
           "zh-something-ccc", "en_US", "", "en-", "-en", "e", "12", "en US", "en-x", "de-1901-1901")  # fmt: skip


@requirement("1.0.3", "Data 4.1.s3.b1")
@requirement("2.0.0", "9274.1.1 4.2.7 (extensions: keys)")
def test_the_keys_of_extensions_are_iris(holds: Holds):
    for place in EXTENDED:
        for good in ("http://example.com/ex", "urn:x:y", "https://example.org/ключ"):
            holds({place: {good: True}}, "accepted")
        for bad in ("should fail", "sessionId", "", "example.org/ex"):
            holds({place: {bad: True}}, f"iri-invalid at {place}/{bad.replace('/', '~1')}" if bad else
                  f"iri-invalid at {place}/", sub=bool(bad))  # fmt: skip


@requirement("1.0.3", "Data 4.1.s3.b2")
@requirement("2.0.0", "9274.1.1 4.2.7 (extensions: values)")
def test_the_values_of_extensions_are_free(holds: Holds):
    for place in EXTENDED:
        holds({place: {}}, "accepted")
        for value in (
            True,
            12345,
            {"key": "valid"},
            "valid",
            None,
            "",
            {},
            [],
            [None, {"a": [None]}],
            "\x00",
            -1.5e300,
        ):
            holds({place: {"http://example.com/ex": value}}, "accepted")


@requirement("1.0.3", "Data 2.2.s4.b2")
@requirement("1.0.3", "Data 4.2.s1")
@requirement("2.0.0", "9274.1.1 4.2.7 (language maps)")
def test_the_keys_of_language_maps_are_tags(holds: Holds):
    for place in MAPS:
        for good in TAGS:
            holds({place: {good: "words", "en-US": "words"}}, "accepted")
        holds({place: {}}, "accepted")
        for bad in NO_TAGS:
            holds({place: {bad: "words"}}, f"language-tag-invalid at {place}/{bad}", sub=bool(bad))
        holds({place: {"en": 7}}, f"type-wrong at {place}/en")


@requirement("1.0.3", "Data 4.3.s1")
@requirement("2.0.0", "9274.1.1 4.2.7 (IRI)")
def test_iris_are_absolute_and_may_leave_ascii(holds: Holds):
    for good in ("http://example.com/path/../a", "HTTP://EXAMPLE.COM", "http://example.com/فعل", "urn:isbn:1", "uuid://a",
                 "mailto:a@b.c", "x-app:a", "http://[::1]:8080/a?b#c", "http://example.com/a%20b"):  # fmt: skip
        holds({"/object/id": good}, "accepted")
    for bad in ("http://", "http:///a", "https:a", "http://exa mple.com", "http://a/<b>", 'http://a/"', "://a", ":a",
                "1http://a", "http://a/\\b", "http://a/\n"):  # fmt: skip
        holds({"/object/id": bad}, "iri-invalid at /object/id")


@requirement("1.0.3", "Data 2.4.s1.table1.row7")
@requirement("1.0.3", "Data 4.5.s1.b1")
@requirement("2.0.0", "9274.1.1 4.2.7 (timestamp)")
def test_a_timestamp_names_an_instant(holds: Holds):
    for good in ("2013-05-18T05:32:34.804Z", "2008-09-15T15:53:00.601+00:00", "2008-09-15 15:53:00.601+00:00",
                 "2015-11-18T12:17:00+05:30", "2026-03-01T09:30:00.123456789Z", "2016-12-31T23:59:60Z",
                 "2026-03-01t09:30:00z"):  # fmt: skip
        holds({"/timestamp": good}, "accepted")
    for bad in ("should fail", "01/011/2015", "", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01",
                "2026-03-01T25:00:00Z", "2026-03-01T09:60:00Z", "1772357400", "2026-03-01T09:30:00+24:00"):  # fmt: skip
        holds({"/timestamp": bad}, "timestamp-invalid at /timestamp")
    holds({"/timestamp": 1772357400}, "type-wrong at /timestamp")


@requirement("1.0.3", "Data 4.5.s1.b4")
@requirement("2.0.0", "9274.1.1 4.2.7 (timestamp: unknown offset)")
def test_an_offset_that_says_nothing_is_refused(holds: Holds):
    for offset in ("-00", "-0000", "-00:00"):
        holds({"/timestamp": f"2008-09-15T15:53:00.601{offset}"}, "timestamp-invalid at /timestamp")


@requirement("1.0.3", "Data 4.5.s1.b2")
def test_1_0_takes_the_other_forms_of_iso_8601(holds: Holds):
    for good in ("20260301T093000Z", "20260301T093000.5+0100", "2026-03-01T09:30Z", "2026-03-01T09:30:00",
                 "2026-03-01T09:30:00,5Z", "2026-03-01T24:00:00Z", "2026-03-01T09:30:00+01"):  # fmt: skip
        holds({"/timestamp": good}, "accepted")


@requirement("2.0.0", "9274.1.1 4.2.7 (timestamp: RFC 3339)")
def test_2_0_takes_rfc_3339_only(holds: Holds):
    for bad in ("20260301T093000Z", "2026-03-01T09:30Z", "2026-03-01T09:30:00", "2026-03-01T09:30:00+0100",
                "2026-03-01T09:30:00,5Z", "2026-03-01T24:00:00Z"):  # fmt: skip
        holds({"/timestamp": bad}, "timestamp-invalid at /timestamp")


@requirement("1.0.3", "Data 2.4.7.s3.b6")
@requirement("1.0.3", "Data 2.4.7.s3.b5")
@requirement("2.0.0", "9274.1.1 4.2.4.1 (future timestamps)")
def test_a_time_in_the_future_is_taken(holds: Holds):
    for good in ("2099-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"):
        holds({"/timestamp": good}, "accepted")


@requirement("1.0.3", "Data 4.5.s1.b3")
@requirement("2.0.0", "9274.1.1 4.2.7 (timestamp: precision)")
def test_a_timestamp_keeps_milliseconds(versions: tuple[str, ...]):
    for version in versions:
        v2 = version == "2.0.0"
        first = formats.timestamp_ms("2026-03-01T09:30:00.123Z", rfc3339=v2)
        assert first is not None
        for text, later_ms in (("2026-03-01T09:30:00.124Z", 1), ("2026-03-01T10:30:00.1239+01:00", 0)):
            assert formats.timestamp_ms(text, rfc3339=v2) == first + later_ms
