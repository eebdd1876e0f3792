"""Proves that what pushes do is shown as intervals with a verdict in words, on any screen, dark or light, and empty."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from carrythrough.testing.decided import decided, keep

SHOTS = os.environ.get("CARRYTHROUGH_SCREENSHOTS", "")
"""A folder to leave pictures in, for whoever wants to look."""
PEOPLE = 240


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def moment(t_ms: int) -> str:
    return dt.datetime.fromtimestamp(t_ms / 1000, tz=dt.UTC).isoformat()


@pytest.fixture(scope="module")
def decided_server(
    start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, evil: str
) -> Any:
    """Give a server in which chance decided about pushes for two hundred people; every fourth is held out."""
    folder = tmp_path_factory.mktemp("decided")
    server = start_server(folder)
    people = [
        {
            "id": f"d-{n}",
            "email": f"d{n}@example.org",
            "team": evil if n < 3 else f"Team {n % 3}",
            "role": "agent",
        }
        for n in range(PEOPLE)
    ]
    changes = {"changes": [{"change": "put", "person": person} for person in people]}
    server._send("/v1/roster/changes", "hr", changes)
    records = decided(PEOPLE, "listening", int(time.time() * 1000), effect=0.3)
    statements = [
        {
            "id": str(uuid.uuid4()),
            "actor": {"mbox": f"mailto:d{person}@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": f"https://lms.example/listening/{number % 7}"},
            "result": {"success": True},
            "timestamp": moment(t_ms),
        }
        for number, (person, t_ms) in enumerate(records.practice)
    ]
    for at in range(0, len(statements), 200):
        server._send("/xapi/statements", "lms", statements[at : at + 200])
    events = [
        {
            "id": f"j-{number}",
            "source": "qa",
            "kind": "qa-result",
            "employee": f"d-{person}",
            "time": moment(t_ms),
            "outcome": {"met": met},
        }
        for number, (person, t_ms, met) in enumerate(records.job)
    ]
    for at in range(0, len(events), 200):
        server._send("/v1/performance-events", "business", events[at : at + 200])
    subjects = [
        json.loads(server._call(f"/v1/employees/d-{n}/scores", "reader"))["subject"] for n in range(PEOPLE)
    ]
    while json.loads(server._call("/v1/summary", "reader"))["lag_records"]:
        time.sleep(0.05)
    keep(folder / "data" / "state.sqlite", records.decisions, subjects.__getitem__)
    return server


@pytest.fixture
def open_uplift(
    decided_server: Any, open_context: Callable[..., BrowserContext], signed: list[Any]
) -> Callable[[], Page]:
    def start() -> Page:
        context = open_context()
        context.add_cookies(signed)
        page = context.new_page()
        page.goto(decided_server.url + "/uplift")
        return page

    return start


@pytest.fixture(scope="module")
def signed(decided_server: Any, browser: Any) -> list[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(decided_server.info["signin_url"])
    page.wait_for_url(decided_server.url + "/")
    found = context.cookies()
    context.close()
    return list(found)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_effects_are_drawn_and_told(open_uplift: Callable[[], Page], width: int, scheme: str) -> None:
    page = open_uplift()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    near = page.locator("#near")
    expect(near.get_by_role("row", name="nudge")).to_contain_text("Helps")
    expect(near.get_by_role("row", name="spaced-review")).to_contain_text("No detectable effect yet")
    expect(near.get_by_role("row", name="spaced-review")).to_contain_text("more decisions for")
    expect(page.locator("main")).to_contain_text("A: chance decided")
    expect(page.locator("main")).to_contain_text("Held out against the others")
    whole = near.locator("svg.interval").first
    boxes = [whole.locator(f"rect.{name}").bounding_box() for name in ("any", "look", "zero")]
    thin, thick, zero = (box for box in boxes if box is not None)
    assert thin["x"] < thick["x"]
    assert thin["x"] + thin["width"] > thick["x"] + thick["width"]
    assert thin["x"] > zero["x"]  # all of it lies beyond no effect
    assert fits(page)
    shot(page, f"uplift-{scheme}-{width}")


def test_small_groups_stay_hidden_and_names_are_text(open_uplift: Callable[[], Page], evil: str) -> None:
    page = open_uplift()
    row = page.locator("#exposure tr", has_text=evil)
    expect(row).to_contain_text("Fewer than 8 people")
    expect(page).to_have_title("What pushes do · Carrythrough")


def test_the_page_is_found_from_the_start_and_says_when_there_is_nothing(
    server: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(server.url + "/")
    page.get_by_role("link", name="What pushes do").click()
    expect(page.locator("main")).to_contain_text("Nothing was left to chance yet")
    expect(page.locator("main")).to_contain_text("D: no decision was left to chance")
    expect(page.locator("#exposure")).to_contain_text("The whole program")
    shot(page, "uplift-empty")
