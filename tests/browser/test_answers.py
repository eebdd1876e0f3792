"""Proves the pages behind the links of a message in a real browser: answers, opting out, and the review player.

On a phone and a wide screen, light and dark, by keyboard alone, without a script, and whatever names say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

SIZES = {"phone": {"width": 360, "height": 640}, "wide": {"width": 1280, "height": 800}}


class Sent:
    """What a server of ours sent, by what was asked for."""

    def __init__(self, server: Any, folder: Path, wait_until: Callable[..., None]) -> None:
        self.url = server.url
        for person in range(6):
            # Wrong answers, so that a review of the one skill is asked for, and of the other likewise.
            skill = "summing-up" if person % 2 else "listening"
            server.answers([(person, skill, False, 1.0 - n / 100) for n in range(8)])
        self.file = folder / "actions.jsonl"
        wait_until(lambda: len(self.all()) >= 6, timeout_s=30.0, what="six actions")

    def all(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def links(self, name: str, skill: str) -> list[str]:
        found = [action[name] for action in self.all() if action["skill"] == skill]
        return [link.replace("http://localhost:8080", self.url) for link in found]


@pytest.fixture(scope="module")
def sent(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, wait_until: Any) -> Sent:
    folder = tmp_path_factory.mktemp("answers")
    return Sent(start_server(folder), folder, wait_until)


def open_at(
    open_context: Callable[..., BrowserContext], url: str, size: str, theme: str, **options: Any
) -> Page:
    page = open_context(viewport=SIZES[size], color_scheme=theme, **options).new_page()
    page.goto(url)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "owned" not in page.title()
    return page


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


@pytest.mark.parametrize(("size", "theme"), [("phone", "dark"), ("wide", "light")])
def test_one_link_chooses_and_one_button_sends(
    sent: Sent, open_context: Callable[..., BrowserContext], size: str, theme: str
) -> None:
    link = sent.links("answer_link", "listening")[0 if size == "phone" else 1]
    page = open_at(open_context, f"{link}?a=applied", size, theme)
    expect(page.get_by_label("I applied it")).to_be_checked()
    expect(page.get_by_text("How did it go?")).to_be_visible()
    expect(page.get_by_text("For how long?")).to_be_hidden()
    for target in page.locator(".option:visible, .main-button").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    page.get_by_label("Very well").check()
    page.get_by_label("Anything to add?").fill("It helped.")
    page.get_by_role("button", name="Send").press("Enter")
    heading(page, "Thank you")
    page.goto(f"{link}?a=done")
    page.get_by_role("button", name="Send").click()
    heading(page, "This was answered before")


def test_an_answer_is_sent_by_keyboard_without_scripts(
    sent: Sent, open_context: Callable[..., BrowserContext]
) -> None:
    link = sent.links("answer_link", "summing-up")[0]
    page = open_at(open_context, f"{link}?a=done", "phone", "light", java_script_enabled=False)
    page.get_by_label("Done").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Not now")).to_be_checked()
    expect(page.get_by_label("For how long?")).to_be_visible()
    page.get_by_label("For how long?").select_option("14")
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")
    heading(page, "Thank you")


def test_opting_out_asks_once_more(sent: Sent, open_context: Callable[..., BrowserContext]) -> None:
    page = open_at(open_context, sent.links("unsubscribe_link", "listening")[2], "phone", "dark")
    heading(page, "No more of these?")
    page.get_by_role("button", name="No more of these").click()
    heading(page, "Done: no more of these")


@pytest.mark.parametrize(("size", "theme"), [("phone", "dark"), ("wide", "light")])
def test_a_review_is_played_by_keyboard(
    sent: Sent, open_context: Callable[..., BrowserContext], size: str, theme: str
) -> None:
    link = sent.links("link", "summing-up")[0 if size == "phone" else 1]
    page = open_at(open_context, link, size, theme)
    expect(page.get_by_text("Question 1 of 2")).to_be_visible()
    page.keyboard.press("Space")  # the first choice has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("That is right.")
    expect(page.get_by_role("status")).to_contain_text("The caller then knows it.")
    page.keyboard.press("Enter")  # so has the button that goes on
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    page.reload()  # left and opened again: it goes on here
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    page.get_by_label("What do you ask for at the end?").fill("money")
    page.get_by_role("button", name="Check").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("agreement")
    page.get_by_role("button", name="Finish").press("Enter")
    heading(page, "That was all for now")
    expect(page.get_by_role("status")).to_contain_text("1 were right")
