"""Proves in a real browser that content from another origin can use the xAPI resources, preflight and all."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

COURSE = b"<!doctype html><title>A course</title><link rel=icon href='data:,'>"
SCRIPT = """
async ([base, authorization]) => {
  const headers = {"Authorization": authorization, "X-Experience-API-Version": "1.0.3"};
  const agent = encodeURIComponent(JSON.stringify({mbox: "mailto:course@example.org"}));
  const state = `${base}/activities/state?activityId=https://x.example/course&stateId=bookmark&agent=${agent}`;
  const json = {...headers, "Content-Type": "application/json"};
  const put = await fetch(state, {method: "PUT", headers: {...json, "If-None-Match": "*"}, body: '{"page": 7}'});
  const got = await fetch(state, {headers});
  const again = await fetch(state, {method: "PUT", headers: {...json, "If-Match": '"other"'}, body: "{}"});
  const gone = await fetch(state, {method: "DELETE", headers});
  const found = await fetch(`${base}/statements?limit=1`, {headers});
  const wrong = await fetch(`${base}/statements?Limit=1`, {headers});
  const stranger = await fetch(`${base}/statements`);
  return {
    statuses: [put, got, again, gone, found, wrong, stranger].map(answer => answer.status),
    page: (await got.json()).page,
    etag: got.headers.get("ETag"),
    version: found.headers.get("X-Experience-API-Version"),
    through: found.headers.get("X-Experience-API-Consistent-Through"),
    why: (await wrong.json()).code,
  };
}
"""


class _Course(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(COURSE)))
        self.end_headers()
        self.wfile.write(COURSE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it so
        """Say nothing."""


@pytest.fixture
def course() -> Iterator[str]:
    """Give the address of a page on an origin of its own."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Course)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}/"
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.mark.parametrize("mount", ["/xapi", "/xapi/2.0"])
def test_content_of_another_origin(
    server: Any, course: str, open_context: Callable[..., BrowserContext], complaints: Any, mount: str
) -> None:
    complaints.expected += ["412 (Precondition Failed)", "400 (Bad Request)", "401 (Unauthorized)"]
    page = open_context().new_page()
    page.goto(course)
    authorization = "Basic " + b64encode(server._keys["lms"].encode()).decode()
    found = page.evaluate(SCRIPT, [server.url + mount, authorization])
    assert found["statuses"] == [204, 200, 412, 204, 200, 400, 401]
    assert found["page"] == 7
    assert found["etag"].startswith('"')
    assert found["version"] == "1.0.3"
    assert found["through"].endswith("Z")
    assert found["why"] == "parameter-unknown"
