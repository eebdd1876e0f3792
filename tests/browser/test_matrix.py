"""Proves what the start page shows: scores, filters, live cells, the feed, resuming, no foreign markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

OpenPage = Callable[..., Page]


def row(page: Page, name: str) -> Any:
    return page.locator("#rows tr", has=page.get_by_role("rowheader", name=name))


def cell(page: Page, name: str, skill: str = "listening") -> Any:
    return row(page, name).locator(f'td[data-skill="{skill}"]')


def test_people_scores_and_stages(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    expect(page.locator("#rows tr")).to_have_count(10)
    for number, name in ((0, "Ada Lovelace"), (4, "Dag Solstad")):
        told = {entry["skill"]: entry for entry in server.scores(number)["skills"]}["listening"]
        shown = cell(page, name)
        expect(shown.locator(".score")).to_have_text(str(round(told["score"] * 100)))
        range_words = f"likely {round(told['low'] * 100)} to {round(told['high'] * 100)}"
        expect(shown.locator("[data-part=interval-words]")).to_have_text(range_words)
        expect(shown.locator(f".stage-{told['stage']}")).to_be_visible()
        assert shown.locator(".stage use").get_attribute("href") == f"#stage-{told['stage']}", (
            "a shape, not colour alone"
        )
    expect(cell(page, "Ben Okri")).to_contain_text("Not enough evidence (3 of 5 outcomes)")
    expect(cell(page, "Chimamanda Adichie")).to_contain_text("Not enough evidence (0 of 5 outcomes)")
    expect(cell(page, "Ben Okri", "summing-up")).to_contain_text("No evidence yet")


def test_the_header_tells_what_comes_in_and_what_it_is_for(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    figures = page.locator("#figures")
    expect(figures.locator("[data-figure=employees]")).to_have_text("10")
    expect(figures.locator("[data-figure=ack_p50_ms]")).to_have_text(re.compile(r"\d m?s$"))
    expect(figures.locator("[data-figure=now]")).to_have_text(re.compile(r"^\d+ \w{3} \d{4}, \d\d:\d\d$"))
    goal = page.locator(".goals li").first
    expect(goal).to_contain_text("Customer satisfaction")
    expect(goal).to_contain_text("target at least 78 %")
    expect(goal).to_contain_text("mean score of 8 people")


def test_filters_and_sorting(server: Any, open_page: OpenPage, cookies: list[Any]) -> None:
    page = open_page(server.url + "/")
    page.get_by_label("Team").select_option("North")
    page.get_by_label("Sort by").select_option(label="Score: Listening")
    page.get_by_label("Order").select_option(label="High to low")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#matched")).to_contain_text("5 people of 10")
    shown = [int(text) for text in page.locator('td[data-skill="listening"] .score').all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#rows tr")).to_have_count(10)

    page.get_by_label("Search").fill("chima")
    page.get_by_label("Search").press("Enter")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.goto(server.url + "/?text=nobody-at-all")
    expect(page.get_by_role("heading", name="Nobody matches these filters")).to_be_visible()
    page.goto(server.url + "/?page=abc&sort=%00&stage=nonsense&dir=up")
    expect(page.get_by_role("heading", name="Nobody matches these filters")).to_be_visible()


def test_people_filters_and_links_need_no_script(
    server: Any, open_context: Callable[..., BrowserContext], cookies: list[Any]
) -> None:
    context = open_context(java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(server.url + "/")
    expect(page.locator("#rows tr")).to_have_count(10)
    page.get_by_label("Search").fill("okri")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("link", name="Ben Okri").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben Okri")
    expect(page.locator("#evidence tbody tr")).to_have_count(3)


def test_evidence_changes_a_cell_and_the_feed_without_a_reload(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    page.evaluate("window.notReloaded = true")
    shown = cell(page, "Han Kang")
    before = int(shown.locator(".score").inner_text())
    server.answers([(8, "listening", before < 60, 0.0)] * 4)
    expect(shown.locator(".score")).not_to_have_text(str(before))
    after = round(server.scores(8)["skills"][0]["score"] * 100)
    expect(shown.locator(".score")).to_have_text(str(after))
    item = page.locator("#feed li", has_text="Han Kang").filter(has_text=re.compile(r"Listening: \d+ → \d+"))
    expect(item.first).to_be_visible()
    server.event(8, good=False)
    expect(shown.locator(".score")).not_to_have_text(str(after))
    assert page.evaluate("window.notReloaded") is True


def test_a_first_score_replaces_the_words_of_its_absence(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    shown = cell(page, "Isabel Allende", "summing-up")
    expect(shown).to_contain_text("No evidence yet")
    server.answers([(9, "summing-up", True, 0.0)] * 3)
    expect(shown).to_contain_text("Not enough evidence (3 of 5 outcomes)")
    server.answers([(9, "summing-up", True, 0.0)] * 3)
    expect(shown.locator(".score")).to_have_text(re.compile(r"^\d+$"))
    expect(page.locator("#feed")).to_contain_text("first score")


def test_the_feed_can_be_paused(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#connection")).to_have_text("Paused")
    shown = cell(page, "Elif Shafak")
    before = shown.locator(".score").inner_text()
    server.answers([(5, "listening", int(before) < 60, 0.0)] * 4)
    page.wait_for_timeout(2_500)
    expect(shown.locator(".score")).to_have_text(before)
    page.get_by_role("button", name="Resume").click()
    expect(shown.locator(".score")).not_to_have_text(before)


def test_a_cut_connection_resumes_where_it_was(
    server: Any, proxy: Any, open_page: OpenPage, complaints: Any
) -> None:
    complaints.expected += ["net::ERR_"]
    page = open_page(f"http://127.0.0.1:{server.port}/")
    renamed: Any = [{**c, "name": f"carrythrough_session_{proxy.port}"} for c in page.context.cookies()]
    page.context.add_cookies(renamed)
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    page.locator('#connection[data-state="live"]').wait_for()
    page.evaluate("window.notReloaded = true")
    shown = cell(page, "Fernando Pessoa")
    before = shown.locator(".score").inner_text()
    proxy.cut()
    page.locator('#connection[data-state="waiting"]').wait_for()
    server.answers([(6, "listening", int(before) < 60, 0.0)] * 4)
    page.wait_for_timeout(500)
    expect(shown.locator(".score")).to_have_text(before)
    proxy.mend()
    page.locator('#connection[data-state="live"]').wait_for(timeout=20_000)
    expect(shown.locator(".score")).not_to_have_text(before)
    expect(page.locator("#feed li", has_text="Fernando Pessoa").first).to_be_visible()
    assert page.evaluate("window.notReloaded") is True


def test_names_and_titles_from_outside_are_text(server: Any, open_page: OpenPage, evil: str) -> None:
    page = open_page(server.url + "/")
    expect(page.get_by_role("rowheader", name=evil)).to_be_visible()
    expect(page.get_by_role("columnheader", name=evil)).to_be_visible()
    server.answers([(1, "summing-up", False, 0.0)] * 3)
    expect(page.locator("#feed li", has_text=evil).first).to_be_visible()
    page.get_by_role("rowheader", name=evil).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    for address in ("/", "/people/e-001?skill=summing-up", f"/?text={evil}&team={evil}&stage={evil}"):
        page.goto(server.url + address)
        assert page.locator("img").count() == 0
        assert "owned" not in page.title().replace(evil, "")
        assert page.title() != "1"
        scripts = page.evaluate(
            "[...document.scripts].filter((s) => !s.src && s.type !== 'application/json').length"
        )
        assert scripts == 0
