"""Proves what sign-in and sign-out answer over HTTP: cookies, headers, look-aheads, foreign requests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.pages.routes import routes
from carrythrough.gateway.pages.sessions import Sessions

BASE = "http://127.0.0.1:8080"


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


class Browser:
    """Keeps cookies between requests; the application runs in this process, without a port."""

    def __init__(self, sessions: Sessions, base: str = BASE, invite: Any = None) -> None:
        nothing: Any = object()  # no page with data is opened here
        self.app = Starlette(routes=routes(nothing, sessions, lambda: 0, invite))
        self.base = base
        self.cookies = httpx.Cookies()

    def request(self, method: str, url: str, **named: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self.base, cookies=self.cookies
            ) as client:
                answer = await client.request(method, url, **named)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def get(self, url: str, **named: Any) -> httpx.Response:
        return self.request("GET", url, **named)

    def post(self, url: str, **named: Any) -> httpx.Response:
        return self.request("POST", url, **named)


@pytest.fixture
def browser(sessions: Sessions) -> Browser:
    return Browser(sessions)


def enter(browser: Browser, sessions: Sessions) -> None:
    assert browser.get("/signin", params={"token": sessions.new_link_token()}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/people/e-001", "/people/names?subject=a"])
def test_without_a_session_everything_with_names_leads_to_sign_in(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert answer.headers["cache-control"] == "no-store"


def test_the_link_sets_a_cookie_that_scripts_and_other_sites_cannot_use(
    browser: Browser, sessions: Sessions
) -> None:
    token = sessions.new_link_token()
    answer = browser.get("/signin", params={"token": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("carrythrough_session_8080=")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert token not in cookie
    assert 'content="0; url=/"' in answer.text
    browser.cookies.clear()
    again = browser.get("/signin", params={"token": token})
    assert again.status_code == 410
    assert "no longer works" in again.text
    assert "new link" in again.text
    assert "set-cookie" not in again.headers


def test_over_https_the_cookie_is_secure(sessions: Sessions) -> None:
    browser = Browser(sessions, "https://scores.example")
    cookie = browser.get("/signin", params={"token": sessions.new_link_token()}).headers["set-cookie"]
    assert "Secure" in cookie
    assert cookie.startswith("carrythrough_session=")


@pytest.mark.parametrize(
    "look", [{"method": "HEAD"}, {"method": "GET", "headers": {"sec-purpose": "prefetch;prerender"}}]
)
def test_a_look_ahead_does_not_use_the_link_up(
    browser: Browser, sessions: Sessions, look: dict[str, Any]
) -> None:
    token = sessions.new_link_token()
    assert browser.request(url="/signin", params={"token": token}, **look).status_code == 503
    assert browser.get("/signin", params={"token": token}).status_code == 200


def test_a_signed_in_browser_keeps_its_session_on_any_link(browser: Browser, sessions: Sessions) -> None:
    enter(browser, sessions)
    unused = sessions.new_link_token()
    answer = browser.get("/signin", params={"token": unused})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert sessions.redeem(unused) is not None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": BASE}, 303),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({}, 403),
    ],
)
def test_only_our_own_pages_sign_out(
    browser: Browser, sessions: Sessions, headers: dict[str, str], status: int
) -> None:
    enter(browser, sessions)
    secret = browser.cookies["carrythrough_session_8080"]
    answer = browser.post("/signout", headers=headers)
    assert answer.status_code == status
    assert (sessions.viewer(secret) is None) == (status == 303)


def test_sign_out_by_get_does_not_exist(browser: Browser, sessions: Sessions) -> None:
    enter(browser, sessions)
    assert browser.get("/signout").status_code == 405


@pytest.mark.parametrize("path", ["/signin", "/static/app.css", "/static/vendor/uplot/uPlot.iife.min.js"])
def test_answers_carry_the_security_headers(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_static_files_stay_inside_their_folder(browser: Browser) -> None:
    for path in ("/static/../sessions.py", "/static/%2e%2e/sessions.py", "/static/..%2fsessions.py"):
        assert browser.get(path).status_code == 404


def test_the_vendored_chart_library_keeps_its_licence(browser: Browser) -> None:
    assert "Leon Sorokin" in browser.get("/static/vendor/uplot/LICENSE").text
    version = browser.get("/static/vendor/uplot/VERSION").text.split()[1].strip(",")
    assert f"(v{version})" in browser.get("/static/vendor/uplot/uPlot.iife.min.js").text[:200]


async def with_the_right_key(request: Request) -> None:
    if request.headers.get("authorization") != "Basic right":
        raise PermanentError(Problem(code="credentials-missing-or-wrong", status=401, title="No", detail=""))


def test_who_may_gets_a_new_link_that_works_once(sessions: Sessions) -> None:
    browser = Browser(sessions, invite=with_the_right_key)
    assert browser.post("/signin/links").status_code == 401
    answer = browser.post("/signin/links", headers={"authorization": "Basic right"})
    assert answer.status_code == 201
    link = answer.json()["url"]
    assert link.startswith(f"{BASE}/signin?token=")
    assert browser.get(link).status_code == 200
    browser.cookies.clear()
    refused = browser.get(link)
    assert refused.status_code == 410
    assert f"{BASE}/signin/links" in refused.text


def test_where_nobody_may_there_are_no_links(browser: Browser) -> None:
    assert browser.post("/signin/links", headers={"authorization": "Basic right"}).status_code == 404
    assert "start it again" in browser.get("/signin").text
