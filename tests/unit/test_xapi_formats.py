"""Proves which texts are IRIs, UUIDs, timestamps, durations, language tags and identifiers, and which not."""

from __future__ import annotations

import pytest

from carrythrough.xapi import formats


@pytest.mark.parametrize(
    ("text", "v1", "v2"),
    [
        ("2021-11-29T23:09:00.867219+00:00", 1638227340867, 1638227340867),
        ("2021-11-29T23:09:00Z", 1638227340000, 1638227340000),
        ("2021-11-29 23:09:00Z", 1638227340000, 1638227340000),
        ("2021-11-29t23:09:00z", 1638227340000, 1638227340000),
        ("2021-11-29T23:09:00.1Z", 1638227340100, 1638227340100),
        ("2021-11-29T23:09:00.123456789012Z", 1638227340123, 1638227340123),
        ("2021-11-29T23:09:00.86+05:30", 1638207540860, 1638207540860),
        ("2021-11-29T23:09:00-08:00", 1638256140000, 1638256140000),
        ("2021-11-29T23:09:60Z", 1638227400000, 1638227400000),
        ("1969-12-31T23:59:59.999Z", -1, -1),
        ("0001-01-01T00:00:00+23:59", -62135683140000, -62135683140000),
        ("9999-12-31T23:59:59-23:59", 253402387139000, 253402387139000),
        ("2021-11-29T23:09:00", 1638227340000, None),
        ("2021-11-29T23:09Z", 1638227340000, None),
        ("2021-11-29T23Z", 1638226800000, None),
        ("2021-11-29T23:09:00+0000", 1638227340000, None),
        ("2021-11-29T23:09:00+00", 1638227340000, None),
        ("2021-11-29T23:09:00,5Z", 1638227340500, None),
        ("20211129T230900Z", 1638227340000, None),
        ("2021-11-29T24:00:00Z", 1638230400000, None),
        ("2021-11-29T24:00:01Z", None, None),
        ("2021-11-29T23:09:00-00:00", None, None),
        ("2021-11-29T23:09:00-0000", None, None),
        ("2021-11-29T23:09:00-00", None, None),
        ("2021-11-29T23:09:00+00:99", None, None),
        ("2021-11-29T23:09:00+24:00", None, None),
        ("2021-11-29T23:09:00+00:00:30", None, None),
        ("2021-11-29T23:09:00.Z", None, None),
        ("2021-11-29T23:09:00Z+00:00", None, None),
        ("20211129T23:09:00Z", None, None),
        ("2021-11-29T2309Z", None, None),
        ("2021-11-29", None, None),
        ("2021-W48-1T10:00:00Z", None, None),
        ("2021-333T10:00:00Z", None, None),
        ("2021-13-01T00:00:00Z", None, None),
        ("2021-02-29T00:00:00Z", None, None),
        ("2021-11-29T25:00:00Z", None, None),
        ("0000-01-01T00:00:00Z", None, None),
        ("٢٠٢١-11-29T23:09:00Z", None, None),
        ("01/011/2015", None, None),
        ("now", None, None),
        ("", None, None),
        ("2021-11-29T23:09:00Z\n", None, None),
    ],
)
def test_timestamps(text: str, v1: int | None, v2: int | None):
    assert formats.timestamp_ms(text, rfc3339=False) == v1
    assert formats.timestamp_ms(text, rfc3339=True) == v2


@pytest.mark.parametrize(
    "text",
    [
        "PT4H35M59.14S",
        "P16559.14S",
        "PT16559.14S",
        "P3Y1M29DT4H35M59.14S",
        "P3Y",
        "P4W",
        "P0D",
        "PT0S",
        "PT1,5H",
        "PT0.000001S",
        "P1Y2D",
        "PT1H0M0.1S",
    ],
)
def test_durations(text: str):
    assert formats.is_duration(text)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P0", "P4W1D", "P1DT", "PT1.5H3M", "-PT1S", "PT1S\n", "PA1H0M0S", "1H", "PT٣S", "PT1S2M",
     "P0003-06-04T12:30:05", "should fail"],
)  # fmt: skip
def test_no_durations(text: str):
    assert not formats.is_duration(text)


@pytest.mark.parametrize(
    "text",
    ["en", "en-US", "EN-us", "zh-Hans-CN", "cmn-Hans-CN", "de-1996", "sl-rozaj-biske", "fr-FR-x-private",
     "x-foo", "en-US-u-ca-gregory", "i-klingon", "en-GB-oed", "und", "es-419"],
)  # fmt: skip
def test_language_tags(text: str):
    assert formats.is_language_tag(text)


@pytest.mark.parametrize(
    "text", ["", "e", "12", "en_US", "en-", "-en", "abcdefghi", "en--US", "en US", "en\n", "ёё"]
)
def test_no_language_tags(text: str):
    assert not formats.is_language_tag(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://a",
        "uuid://1",
        "course-v1:FUN+1",
        "urn:uuid:1",
        "http://é.fr/ç",
        "tag:x,2013:a",
        "https://a/b#c?d=%20",
    ],
)
def test_iris(text: str):
    assert formats.is_iri(text)


@pytest.mark.parametrize(
    "text",
    ["", "sessionId", "://x", "http:", "http://a b", "1http://x", "a:b\n", "a:\x00", "a:{b}", 'a:"', "/p"],
)
def test_no_iris(text: str):
    assert not formats.is_iri(text)


def test_mailboxes_and_hashes():
    assert formats.is_mailbox("mailto:ana@example.org")
    assert formats.is_mailbox("mailto:o'neil+x@sub.example.org")
    for text in ("ana@example.org", "mailto:ana", "mailto:@x", "mailto:a@", "MAILTO:a@b", "mailto:a b@c", ""):
        assert not formats.is_mailbox(text)
    assert formats.is_sha1("EBD31e95054c018b10727ccffd2ef2ec3a016ee9")
    assert not formats.is_sha1("ebd31e95054c018b10727ccffd2ef2ec3a016ee")
    assert formats.is_media_type("text/plain; charset=ascii")
    assert not formats.is_media_type("text")


def test_uuids():
    text = "54f42ca3-a826-4af9-935d-7e7b853a6c49"
    value = formats.uuid_bytes(text)
    assert value is not None
    assert len(value) == 16
    assert formats.uuid_text(value) == text
    assert formats.uuid_bytes(text.upper()) == value
    for bad in (
        "",
        text.replace("-", ""),
        text[:-1],
        text[:-1] + "g",
        text[:-1] + " ",
        "54f42ca3-a826-4af9-935d-7e7b853a6c-9",
        "54f42ca3-a826-4af9-935d-7e7b 53a6c49",
        "{" + text[1:-1] + "}",
        "５4f42ca3-a826-4af9-935d-7e7b853a6c49",
    ):
        assert formats.uuid_bytes(bad) is None, bad
