"""Proves the forms in a real browser: by link and signed in, on any screen, once, and for nobody else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

SIZES = {"phone": {"width": 360, "height": 640}, "wide": {"width": 1280, "height": 800}}
FORMS = {
    "manager-observation": "It went well",
    "peer-observation": "It did not go well yet",
    "self-report": "Rather sure",
    "job-aid-use": "I used it just now",
}


@pytest.fixture(scope="module")
def fresh(start_server: Callable[..., Any]) -> Any:
    return start_server()


def link(server: Any, form: str, employee: str = "e-002", **more: Any) -> str:
    """Ask the server for a link as a business system does."""
    asked = {"form": form, "employee": employee, "skill": "listening"} | more
    if form.endswith("-observation"):
        asked.setdefault("by", "e-003")
    answer: dict[str, Any] = json.loads(
        server._call("/v1/form-links", "business", json.dumps(asked).encode())
    )
    url: str = answer["url"]
    return url


def post(url: str, answer: str, **headers: str) -> int:
    request = urllib.request.Request(url, urllib.parse.urlencode({"answer": answer}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code


def contrast(page: Page, selector: str) -> float:
    """Return the contrast of a text with what is behind it, by WCAG 2.2 (1.4.3)."""
    found: float = page.eval_on_selector(
        selector,
        """element => {
          const channel = text => text.match(/[0-9.]+/g).slice(0, 3).map(Number)
            .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          const light = text => { const [r, g, b] = channel(text); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          let behind = element;
          while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
          const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
          return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }""",
    )
    return found


@pytest.mark.parametrize(("size", "theme"), [("phone", "dark"), ("wide", "light")])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_answered_on_any_screen(
    fresh: Any, open_context: Callable[..., BrowserContext], form: str, size: str, theme: str
) -> None:
    page = open_context(viewport=SIZES[size], color_scheme=theme).new_page()
    page.goto(link(fresh, form))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    button = page.get_by_role("button", name="I used it just now" if form == "job-aid-use" else "Send")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    for selector in (".main-button", ".answer h1", ".answer .hint"):
        assert contrast(page, selector) >= 4.5, selector
    if form != "job-aid-use":
        expect(page.get_by_role("group")).to_be_visible()
        for target in page.locator(".option").all():
            height = target.bounding_box()
            assert height is not None
            assert height["height"] >= 44
        page.get_by_label(FORMS[form]).check()
    button.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def test_a_link_counts_one_answer(fresh: Any, open_context: Callable[..., BrowserContext]) -> None:
    url = link(fresh, "manager-observation")
    page = open_context().new_page()
    for wanted, answer in (
        ("Thank you", "It went well"),
        ("This was answered before", "It did not go well yet"),
    ):
        page.goto(url)
        page.get_by_label(answer).check()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(wanted)


def test_an_answer_must_be_chosen(fresh: Any, open_context: Callable[..., BrowserContext]) -> None:
    page = open_context().new_page()
    page.goto(link(fresh, "self-report"))
    page.get_by_role("button", name="Send").click()
    assert page.evaluate("document.querySelector('input:invalid') !== null")
    expect(page.get_by_role("heading", level=1)).to_have_text("How sure are you?")


def test_only_the_form_itself_answers(fresh: Any) -> None:
    url = link(fresh, "self-report")
    assert post(url, "3", Origin="https://evil.example") == 403
    assert post(url, "3") == 403
    assert post(url, "9", Origin=fresh.url) == 422
    assert post(url[:-3] + "abc", "3", Origin=fresh.url) == 404
    assert post(url, "x" * 9_000, Origin=fresh.url) == 413
    assert post(url, "3", Origin=fresh.url) == 200


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"form": "self-report", "by": "e-004"}, "by"),
        ({"form": "manager-observation", "by": "e-002"}, "by"),
        ({"form": "peer-observation", "by": ""}, "by"),
        ({"form": "self-report", "employee": "nobody"}, "employee"),
        ({"form": "self-report", "skill": "flying"}, "skill"),
        ({"form": "gossip"}, "body"),
        ({"form": "self-report", "expires_h": 1e6}, "body"),
    ],
)
def test_no_link_is_made_for_somebody_else(fresh: Any, asked: dict[str, Any], where: str) -> None:
    body = json.dumps({"employee": "e-002", "skill": "listening"} | asked).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        fresh._call("/v1/form-links", "business", body)
    problem = json.loads(caught.value.read())
    assert (caught.value.code, problem["code"], problem["where"]) == (400, "form-link-refused", where)
    assert problem["fix"]


def test_who_may_not_write_events_gets_no_link(fresh: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        fresh._call("/v1/form-links", "reader", b"{}")
    assert caught.value.code == 403


def test_a_signed_in_manager_says_what_they_saw(
    server: Any, open_page: Callable[..., Page], open_context: Callable[..., BrowserContext], complaints: Any
) -> None:
    page = open_page(server.url + "/people/" + _subject(server, "e-004"))
    page.get_by_role("link", name="Say what you saw").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How did it go?")
    expect(page.locator("form.answer")).to_contain_text("Dag Solstad")
    action = page.locator("form.answer").get_attribute("action")
    # The same form in another browser, which has not signed in, is nobody's.
    complaints.expected += ["403 (Forbidden)"]
    stranger = open_context().new_page()
    refused = stranger.goto(server.url + str(action))
    assert refused is not None
    assert refused.status == 403
    page.get_by_label("It went well").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def _subject(server: Any, employee: str) -> str:
    subject: str = json.loads(server._call(f"/v1/employees/{employee}/scores", "reader"))["subject"]
    return subject


def test_the_answer_is_evidence_of_the_person(fresh: Any, wait_until: Callable[..., None]) -> None:
    before = _observed(fresh)
    assert post(link(fresh, "manager-observation", "e-005"), "met", Origin=fresh.url) == 200
    assert post(link(fresh, "peer-observation", "e-005"), "not-met", Origin=fresh.url) == 200
    wait_until(lambda: _observed(fresh) == before + 2, what="two observations")


def _observed(server: Any) -> int:
    skills = json.loads(server._call("/v1/employees/e-005/scores", "reader"))["skills"]
    return sum(each["outcomes"] for each in skills)


def test_no_header_of_an_answer_is_basic(fresh: Any) -> None:
    """A form needs no credential, and shows none."""
    with urllib.request.urlopen(link(fresh, "self-report"), timeout=10) as answer:
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert base64.b64encode(b"secret") not in answer.read()


def test_the_command_line_makes_a_link(fresh: Any) -> None:
    key, _, secret = fresh._keys["business"].partition(":")
    done = subprocess.run(
        [sys.executable, "-m", "carrythrough.cli.main", "form-link", "self-report", "e-002", "listening",
         "--url", fresh.url, "--json"],
        capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"CARRYTHROUGH_KEY": key, "CARRYTHROUGH_SECRET": secret},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert post(json.loads(done.stdout)["url"], "3", Origin=fresh.url) == 200
