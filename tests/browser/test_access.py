"""Proves that the pages work by keyboard, in the dark, on a narrow screen and without motion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]

CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim().slice(0, 40);
    if (!text || !element.checkVisibility() || element.closest(".changed, script, template")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${element.className} ${text}`);
  }
  return weak;
}"""


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_the_matrix_is_walked_by_keyboard_alone(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/?sort=name")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    expect(page.locator(".skip").first).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page) == "Ada Lovelace":
            break
    assert focused(page) == "Ada Lovelace"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus can be seen"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('td').dataset.skill") == "listening"
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.closest('tr').querySelector('th a').textContent")
    assert second == "Ben Okri"
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/*?skill=listening")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben Okri")


def test_focus_stays_where_it_is_when_the_page_changes_live(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-004?skill=listening")
    page.get_by_role("navigation", name="Skills").get_by_role("link").first.focus()
    rows = page.locator("#evidence tbody tr").count()
    server.answers([(4, "listening", True, 0.0)] * 2)
    expect(page.locator("#evidence tbody tr")).to_have_count(rows + 2)
    assert page.evaluate("document.activeElement.closest('nav')?.getAttribute('aria-label')") == "Skills"


def test_tables_and_the_feed_have_their_roles(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/", viewport={"width": 360, "height": 780})
    expect(page.get_by_role("table")).to_have_count(1)
    expect(page.get_by_role("columnheader")).to_have_count(3)
    expect(page.get_by_role("rowheader")).to_have_count(10)
    expect(page.get_by_role("columnheader").first).to_have_attribute("aria-sort", "ascending")
    assert page.get_by_role("log").get_attribute("aria-live") == "polite"
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    unnamed = page.evaluate(
        "[...document.querySelectorAll('a, button, input, select')]"
        ".filter((e) => e.checkVisibility() && !e.textContent.trim() && !e.labels?.length).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("path", ["/", "/people/e-000?skill=listening", "/people/e-003"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(server: Any, open_page: OpenPage, path: str, scheme: str) -> None:
    page = open_page(server.url + path, color_scheme=scheme)
    page.wait_for_timeout(2_000)
    assert page.evaluate(CONTRAST) == []


def test_dark_follows_the_system_until_the_reader_chooses(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert light != dark
    toggle = page.get_by_role("button", name="Theme")
    expect(toggle).to_have_text("Theme: system")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_text("Theme: dark")
    assert page.evaluate(background) == dark
    page.reload()
    assert page.evaluate(background) == dark
    expect(page.get_by_role("button", name="Theme")).to_have_text("Theme: dark")


def test_the_chart_follows_the_theme(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-000?skill=listening", color_scheme="light")
    picture = "document.querySelector('#chart canvas').toDataURL()"
    light = page.evaluate(picture)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => document.querySelector('#chart canvas') && {picture} !== {light!r}")


@pytest.mark.parametrize("width", [320, 360, 720, 1024, 1600])
@pytest.mark.parametrize("path", ["/", "/people/e-001?skill=listening", "/people/e-003", "/signin"])
def test_the_page_never_scrolls_sideways(server: Any, open_page: OpenPage, path: str, width: int) -> None:
    page = open_page(server.url + "/", viewport={"width": width, "height": 800})
    page.goto(server.url + path)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
        .filter((e) => e.checkVisibility() && !e.closest('.scroll, .symbols, .unseen, .skip'))
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_nothing_moves_for_those_who_asked_for_that(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/", reduced_motion="reduce")
    cell = page.locator('tr:has-text("Gabriela Mistral") td[data-skill="listening"]')
    page.evaluate("document.querySelector('td[data-skill]').classList.add('changed')")
    assert page.evaluate("getComputedStyle(document.querySelector('.changed')).animationName") == "none"
    expect(cell).to_be_visible()
