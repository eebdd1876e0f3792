"""Proves in a real browser that the one-time link opens the pages once, and that nothing opens without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect


@pytest.fixture(scope="module")
def fresh(start_server: Callable[..., Any]) -> Any:
    return start_server()


def test_the_link_works_once_and_sign_out_ends_it(
    fresh: Any, open_context: Callable[..., BrowserContext], complaints: Any
) -> None:
    complaints.expected += ["410 (Gone)", "401 (Unauthorized)"]
    page = open_context().new_page()
    stranger = page.goto(fresh.url + "/")
    assert stranger is not None
    assert page.url == fresh.url + "/signin"
    assert stranger.request.redirected_from is not None
    redirect = stranger.request.redirected_from.response()
    assert redirect is not None
    assert redirect.status == 303
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in with a link")

    page.goto(fresh.info["signin_url"])
    page.wait_for_url(fresh.url + "/")
    expect(page.get_by_role("heading", name="No people yet")).to_be_visible()
    expect(page.locator("#board")).to_contain_text(f"{fresh.url}/xapi/statements")

    other = open_context().new_page()
    refused = other.goto(fresh.info["signin_url"])
    assert refused is not None
    assert refused.status == 410
    expect(other.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    expect(other.get_by_role("heading", name="Where to get a new link")).to_be_visible()
    other.goto(fresh.url + "/people/e-000")
    assert other.url == fresh.url + "/signin"

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(fresh.url + "/signin")
    page.goto(fresh.url + "/")
    assert page.url == fresh.url + "/signin"
    answer = page.request.get(fresh.url + "/v1/summary")
    assert answer.status == 401


def test_the_session_cookie_is_out_of_reach_for_scripts(
    server: Any, open_page: Callable[..., Any], cookies: list[Any]
) -> None:
    assert [(c["httpOnly"], c["sameSite"], c["path"]) for c in cookies] == [(True, "Strict", "/")]
    page = open_page(server.url + "/")
    assert page.evaluate("document.cookie") == ""


def test_a_restarted_server_says_that_one_is_signed_out(
    start_server: Callable[..., Any],
    open_context: Callable[..., BrowserContext],
    complaints: Any,
    tmp_path: Any,
) -> None:
    complaints.expected += [
        "401 (Unauthorized)",
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED",
        "Failed to fetch",
    ]
    complaints.expected += ["ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"]
    first = start_server(tmp_path)
    page = open_context().new_page()
    page.goto(first.info["signin_url"])
    page.locator('#connection[data-state="live"]').wait_for()
    first.stop()
    page.locator('#connection[data-state="waiting"]').wait_for()
    second = start_server(tmp_path, first.port)
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible(timeout=20_000)
    assert second.info["credentials"] == []
    page.goto(second.info["signin_url"])
    page.locator('#connection[data-state="live"]').wait_for()
