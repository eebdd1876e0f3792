"""Proves the simulated senders against a real HTTP server: batches, re-sends, credentials, honest counts."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from carrythrough.testing.simulator import Delivery
from carrythrough.testing.simulator_senders import BATCH_MAX, Sender, SenderStoppedError

LOGINS = {"statement": ("lms", "one"), "event": ("business", "two")}


class Receiver:
    """A server that keeps every post and answers with what the test put in its line of answers."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], list[dict]]] = []
        self.answers: list[tuple[int, dict[str, str], dict]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.posts.append((self.path, dict(self.headers), body))
                status, headers, answer = (
                    receiver.answers.pop(0) if receiver.answers else (200, {}, {"known": 1})
                )
                content = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def make_sender(receiver: Receiver) -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(stopping: Callable[[], bool] = lambda: False) -> Sender:
        made.append(Sender(receiver.url, LOGINS, stopping))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def statements(count: int) -> list[Delivery]:
    return [Delivery(number, "statement", {"id": f"id-{number}", "n": number}) for number in range(count)]


def event(number: int, source: str = "crm") -> Delivery:
    return Delivery(number, "event", {"id": f"e-{number}", "source": source})


def test_statements_go_in_full_batches_with_the_version_and_the_login_of_their_kind(
    receiver, make_sender
) -> None:
    sender = make_sender()
    sender.send([*statements(BATCH_MAX + 3), event(1)])
    assert [(path, len(body)) for path, _, body in receiver.posts] == [
        ("/xapi/statements", BATCH_MAX),
        ("/xapi/statements", 3),
        ("/v1/performance-events", 1),
    ]
    _, headers, _ = receiver.posts[0]
    assert headers["X-Experience-API-Version"] == "1.0.3"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"lms:one"
    _, headers, _ = receiver.posts[2]
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"business:two"
    assert (sender.sent.statements, sender.sent.events, sender.sent.known) == (BATCH_MAX + 3, 1, 1)


def test_nothing_is_sent_twice_in_one_post(receiver, make_sender) -> None:
    same = statements(1)[0]
    anonymous = Delivery(5, "statement", {"n": 5})
    make_sender().send([same, anonymous, same, anonymous, event(1), event(1), event(1, "qa")])
    for path, _, body in receiver.posts:
        contents = [json.dumps(entry) for entry in body]
        assert len(contents) == len(set(contents)), path
    assert sum(len(body) for _, _, body in receiver.posts) == 7


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_gets_the_same_post_again_after_its_wait(receiver, make_sender, status: int) -> None:
    receiver.answers = [(status, {"Retry-After": "0"}, {}), (status, {}, {})]
    sender = make_sender()
    sender.send(statements(2))
    assert len(receiver.posts) == 3
    assert receiver.posts[0][2] == receiver.posts[2][2]
    assert (sender.sent.statements, sender.sent.retried, sender.sent.refused) == (2, 2, 0)


def test_a_refusal_is_counted_and_kept_with_its_reason(receiver, make_sender) -> None:
    problem = {"title": "Bad statement", "detail": "no verb", "where": "/0/verb", "fix": "add a verb"}
    receiver.answers = [(400, {}, problem)]
    sender = make_sender()
    sender.send(statements(3))
    assert (sender.sent.statements, sender.sent.refused) == (0, 3)
    assert sender.sent.first_refusal == "HTTP 400: Bad statement · no verb · /0/verb · add a verb"


def test_a_server_that_comes_up_late_gets_everything() -> None:
    late = Receiver()
    port = late.server.server_port
    late.server.shutdown()
    late.server.server_close()
    sender = Sender(f"http://127.0.0.1:{port}", LOGINS, lambda: False)
    done = threading.Thread(target=sender.send, args=(statements(2),))
    done.start()
    threading.Event().wait(0.3)
    server = ThreadingHTTPServer(("127.0.0.1", port), late.server.RequestHandlerClass)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done.join(10)
    server.shutdown()
    server.server_close()
    sender.close()
    assert sender.sent.statements == 2
    assert sender.sent.retried >= 1


def test_a_stop_ends_the_waiting_at_once(receiver, make_sender) -> None:
    receiver.answers = [(503, {"Retry-After": "60"}, {})] * 30
    stop = threading.Event()
    sender = make_sender(stop.is_set)
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(SenderStoppedError):
        sender.send(statements(1))
    assert len(receiver.posts) <= 2
