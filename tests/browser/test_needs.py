"""Proves that needs are shown as expected against actual, of a person and of groups, on any screen and in the dark."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

OpenPage = Callable[..., Page]
SHOTS = os.environ.get("CARRYTHROUGH_SCREENSHOTS", "")
"""A folder to leave pictures in, for whoever wants to look."""


@pytest.fixture(scope="module")
def surveyed(server: Any) -> Any:
    """Give the shared server after a survey of everybody but the last person, with two managers' views."""
    for person in range(9):
        survey(server, person, "learner", {"listening": (4, 2 + person % 3, 5), "summing-up": (2, 3, 3)})
    survey(server, 0, "manager", {"listening": (5, 4, 5)})
    survey(server, 1, "manager", {"summing-up": (5, 1, 5)})
    return server


def survey(server: Any, person: int, respondent: str, answers: dict[str, tuple[int, int, int]]) -> None:
    skills = [
        {"skill": skill, "importance": i, "confidence": c, "expectation": e}
        for skill, (i, c, e) in answers.items()
    ]
    event = {
        "id": f"needs-{respondent}-{person}",
        "source": "survey",
        "kind": "needs-survey",
        "employee": f"e-{person:03}",
        "time": "2026-11-01T10:00:00Z",
        "needs": {"respondent": respondent, "scale": "1-5", "skills": skills},
    }
    server._send("/v1/performance-events", "business", event)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_with_both_views(surveyed: Any, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(surveyed.url + "/people/e-000")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    table = page.locator("#needs")
    expect(table.locator("tbody tr")).to_have_count(2)
    first = table.locator("tbody tr").first
    expect(first).to_contain_text("Listening")
    expect(first).to_contain_text("transfer score")
    expect(first).to_contain_text("importance +25")
    expect(table).to_contain_text("for the learner alone")
    expect(table).not_to_contain_text("confidence")
    assert fits(page)
    table.scroll_into_view_if_needed()
    shot(page, f"needs-person-{scheme}-{width}")


def test_a_person_without_answers_is_told_what_a_survey_is(surveyed: Any, open_page: OpenPage) -> None:
    page = open_page(surveyed.url + "/people/e-009")
    expect(page.locator("section.needs")).to_contain_text("No needs survey has answers about this person")
    shot(page, "needs-person-empty")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_groups_and_what_stays_hidden(surveyed: Any, open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(surveyed.url + "/")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("link", name="Needs").click()
    rows = page.locator("#needs tbody tr")
    expect(rows.first).to_contain_text("The whole program")
    expect(rows.first).to_contain_text("Listening")
    expect(rows.first).to_contain_text("9 learners")
    expect(page.locator("#needs")).to_contain_text("Fewer than 8 answers")
    assert fits(page)
    shot(page, f"needs-groups-{scheme}-{width}")


def test_before_any_survey_the_page_says_so(
    start_server: Callable[..., Any], open_context: Callable[..., BrowserContext]
) -> None:
    server = start_server()
    page = open_context().new_page()
    page.goto(server.info["signin_url"])
    page.goto(server.url + "/needs")
    expect(page.locator("main")).to_contain_text("No answers yet")
    shot(page, "needs-groups-empty")


def test_the_json_of_the_page_is_the_api(surveyed: Any) -> None:
    found = json.loads(surveyed._call("/v1/needs?by=team", "reader"))
    assert found["program"]["skills"][0]["people"]["learner"] == 9
    assert all(entry["hidden"] for group in found["groups"] for entry in group["skills"])
