"""Proves which entry of a language map is given out for an Accept-Language header."""

from __future__ import annotations

import pytest

from carrythrough.xapi.languages import choose, one_language, ranges


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("en-GB", ("en-gb",)),
        ("de, en;q=0.8, fr;q=0.9", ("de", "fr", "en")),
        ("en;q=0, de", ("de",)),
        ("*, de", ("de",)),
        ("de;q=x, fr;q=nan, es;q=inf, it; q=0.5", ("it",)),
        (",,;;, ;q=1", ()),
        ("", ()),
        (",".join(f"x-{n}" for n in range(1_000)), tuple(f"x-{n}" for n in range(50))),
    ],
)
def test_ranges(header: str, wanted: tuple[str, ...]):
    assert ranges(header) == wanted


@pytest.mark.parametrize(
    ("tags", "wanted", "chosen"),
    [
        (["en-US", "en-GB"], ("en-gb",), "en-GB"),
        (["en-US", "en"], ("en-gb",), "en"),
        (["fr", "zh-Hans"], ("zh-hans-cn",), "zh-Hans"),
        (["fr", "en-US", "en-GB"], ("en",), "en-US"),
        (["fr", "eng"], ("en",), "fr"),
        (["fr", "de"], ("es", "de"), "de"),
        (["fr", "de"], (), "fr"),
        ([], ("de",), None),
    ],
)
def test_choose(tags: list[str], wanted: tuple[str, ...], chosen: str | None):
    assert choose(tags, wanted) == chosen
    assert one_language(dict.fromkeys(tags, "text"), wanted) == ({} if chosen is None else {chosen: "text"})
