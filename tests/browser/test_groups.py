"""Proves that small groups stay hidden on the page, that its form divides anew, and that the past can be looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]


def test_small_groups_are_hidden_and_the_form_divides_by_role(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    page.get_by_role("link", name="Teams, roles and sites").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Teams")
    expect(page.locator("#groups tbody tr").first).to_contain_text("The whole program")
    page.get_by_label("Divide by").select_option("role")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Roles")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_readings_of_teams_stand_beside_them(
    start_server: Callable[..., Any], open_context: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    fresh = start_server()
    event = {"source": "bi", "kind": "kpi-reading", "kpi": "csat", "grain": "team", "team": "East"}
    for number, value in ((1, 70.0), (2, 81.5)):
        times = {"id": str(number), "time": f"2026-01-0{number}T00:00:00Z", "outcome": {"value": value}}
        fresh._send("/v1/performance-events", "business", event | times)
    wait_until(lambda: b"81.5" in fresh._call("/v1/team-readings?team=East", "reader"), what="the reading")
    page = open_context().new_page()
    page.goto(fresh.info["signin_url"])
    page.wait_for_url(fresh.url + "/")
    page.goto(fresh.url + "/groups")
    expect(page.locator("#readings tbody tr")).to_have_count(1)
    expect(page.locator("#readings tbody")).to_contain_text("81.5")
    page.goto(fresh.url + "/groups?by=role")
    expect(page.locator("#readings")).to_have_count(0)


def test_the_past_of_a_person_is_shown_beside_the_present(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-001?skill=listening")
    expect(page.locator("#then")).to_have_count(0)
    page.locator("summary", has_text="How to recompute it").click()
    expect(page.locator("#calculation li").last).to_contain_text("80 % interval")
    expect(page.locator("#raises li").first).to_contain_text("One ")
    expect(page.locator("#curve")).to_contain_text("Recall")
    page.get_by_label("Look back to (UTC)").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Look back").click()
    expect(page.locator("#then")).to_contain_text("Looking back to 1 Jan 2020, 10:00 UTC")
    expect(page.locator("#then")).to_contain_text("Not enough evidence")
    page.get_by_role("link", name="Back to the present").click()
    expect(page.locator("#then")).to_have_count(0)
