"""Proves what the page of one person shows: chart and table, reasons, evidence, actions, live."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]

INKED = """() => {
  const canvas = document.querySelector("#chart canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) inked += 1;
  return inked;
}"""


def test_a_click_leads_to_the_chart_the_table_the_reasons_the_evidence_and_the_actions(
    server: Any, open_page: OpenPage
) -> None:
    page = open_page(server.url + "/")
    page.get_by_role("rowheader", name="Ada Lovelace").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    told = server.scores(0)["skills"][0]
    expect(page.locator(".big-score")).to_have_text(str(round(told["score"] * 100)))

    expect(page.locator("#chart canvas")).to_be_visible()
    assert page.evaluate(INKED) > 2_000, "axes, band and line leave ink"
    points = page.locator("#trajectory tbody tr")
    assert points.count() >= 2
    expect(points.first.locator("td").nth(1)).to_have_text(re.compile(r"^(\d+|–)$"))
    expect(page.locator("#chart-point")).to_contain_text(re.compile(r"score \d+"))

    reasons = page.locator(".reasons li")
    assert [text.split()[-1] != "" for text in reasons.all_inner_texts()]
    expect(reasons.first).to_contain_text(told["reasons"][0]["text"])
    evidence = page.locator("#evidence tbody tr")
    expect(evidence).to_have_count(8)
    expect(evidence.first).to_contain_text("Learning")
    expect(evidence.first.locator("[data-label='Moved it by']")).to_have_text(re.compile(r"^([+−]\d|0)"))
    expect(evidence.first.locator("code")).to_have_text(re.compile(r"^[0-9a-f-]{32,36}$"))
    action = page.locator("#actions tbody tr").first
    expect(action).to_contain_text("Listening")
    expect(action.locator(".status")).to_have_text("Delivered")


def test_the_chart_reads_out_the_point_under_the_pointer(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-000?skill=listening")
    newest = page.locator("#chart-point").inner_text()
    page.locator("#chart .u-over").hover(position={"x": 4, "y": 20})
    expect(page.locator("#chart-point")).not_to_have_text(newest)


def test_what_the_skill_means_on_the_job_stands_beside_the_score(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-000?skill=listening")
    meaning = page.locator("#meaning")
    meaning.locator("summary").click()
    expect(meaning).to_contain_text("Lets callers finish")
    expect(meaning).to_contain_text(re.compile(r"(Shown on the job \d+ times?|Not shown on the job yet)\."))
    expect(meaning).to_contain_text(re.compile("Takes part in Spring.* from 2026-01-12; Maya answers for it"))
    expect(meaning).to_contain_text("javascript:alert(1)")  # told, and no link
    assert meaning.locator("a").evaluate_all("all => all.map(a => a.href)") == ["https://f.example/1"]


def test_another_skill_can_be_chosen(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-001?skill=listening")
    expect(page.locator("#now-title")).to_have_text("Listening now")
    page.get_by_role("navigation", name="Skills").get_by_role("link").last.click()
    expect(page.locator("#now-title")).to_contain_text("Summing up")
    page.set_viewport_size({"width": 600, "height": 800})
    page.get_by_label("Skill", exact=True).select_option("listening")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#now-title")).to_have_text("Listening now")


def test_evidence_changes_the_page_without_a_reload(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-007?skill=listening")
    page.evaluate("window.notReloaded = true")
    rows = page.locator("#evidence tbody tr").count()
    score = int(page.locator(".big-score").inner_text())
    server.answers([(7, "listening", score < 60, 0.0)] * 3)
    expect(page.locator("#evidence tbody tr")).to_have_count(rows + 3)
    expect(page.locator(".big-score")).not_to_have_text(str(score))
    expect(page.locator("#chart canvas")).to_be_visible()
    assert page.evaluate("window.notReloaded") is True


def test_without_enough_evidence_the_page_says_what_is_missing(server: Any, open_page: OpenPage) -> None:
    page = open_page(server.url + "/people/e-003")
    expect(page.locator(".now-none")).to_contain_text("Not enough evidence (0 of 5 outcomes)")
    expect(page.get_by_role("heading", name="What would help most")).to_be_visible()
    expect(page.locator("#chart canvas")).to_have_count(0)
    expect(page.get_by_text("nothing to draw")).to_be_visible()
    expect(page.get_by_text("Nothing has been sent")).to_be_visible()
    expect(page.locator("#evidence tbody tr").first).to_contain_text("Watched or read")


def test_an_unknown_person_is_a_plain_answer(server: Any, open_page: OpenPage, complaints: Any) -> None:
    complaints.expected += ["404 (Not Found)"]
    page = open_page(server.url + "/")
    answer = page.goto(server.url + "/people/nobody%3Cb%3E")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("No such person")
