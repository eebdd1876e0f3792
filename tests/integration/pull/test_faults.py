"""Proves that no fault of a store stops reading for good, loses a statement or sends the secret elsewhere."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.pulling import positions
from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError
from carrythrough.pull.background import BACKOFF_S_MAX, backoff_s
from carrythrough.pull.remote import RemoteStore
from carrythrough.pull.source import PullSource
from carrythrough.settings import Settings


def first_page(store: Any, **source: Any) -> Any:
    wanted = PullSource(endpoint=source.pop("endpoint", store.endpoint), **{"timeout_s": 1.0, **source})
    return RemoteStore(wanted, "secret").first("")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "pull-credentials-refused", PermanentError),
        (403, "pull-credentials-refused", PermanentError),
        (404, "pull-endpoint-wrong", PermanentError),
        (400, "pull-request-refused", PermanentError),
        (302, "pull-endpoint-wrong", PermanentError),
        (429, "pull-store-unavailable", TransientError),
        (503, "pull-store-unavailable", TransientError),
    ],
)
def test_an_answer_that_is_no_success_says_whether_waiting_helps(
    store: Any, answer: Any, status: int, code: str, kind: type[CarrythroughError]
) -> None:
    store.quirk = lambda handler, _: answer(handler, status, b"not today", Retry_After="7") or True
    with pytest.raises(kind) as failed:
        first_page(store)
    assert failed.value.problem.code == code
    assert "not today" in failed.value.problem.detail
    assert "secret" not in failed.value.problem.sentence().replace("a secret", "")
    if isinstance(failed.value, TransientError):
        assert failed.value.retry_after_s == 7.0


def silent_for(seconds: float) -> Callable[..., bool]:
    def wait(*_: Any) -> bool:
        time.sleep(seconds)
        return True

    return wait


def hang_up(handler: Any, _: Any) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"statements": [')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    return True


def test_an_answer_that_breaks_off_is_tried_again(store: Any) -> None:
    store.quirk = hang_up
    with pytest.raises(TransientError, match="broke off"):
        first_page(store)


def test_a_store_that_says_nothing_is_given_up_in_time(store: Any) -> None:
    store.quirk = silent_for(3.0)
    began = time.monotonic()
    with pytest.raises(TransientError):
        first_page(store, timeout_s=0.3)
    assert time.monotonic() - began < 2.0


def test_a_store_that_dribbles_is_given_up_in_time_too(store: Any, dribble: Any) -> None:
    store.quirk = lambda handler, _: dribble(handler) or True
    began = time.monotonic()
    with pytest.raises(TransientError):
        first_page(store, timeout_s=0.3)
    assert time.monotonic() - began < 2.0


def test_a_store_that_is_not_there_is_tried_again(store: Any, free_port: Callable[[], int]) -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        first_page(store, endpoint=f"http://127.0.0.1:{free_port()}/xapi")


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"statements": 5}', b"\xff\xfe", b'{"statements":' + b"[" * 5000]
)
def test_an_answer_that_is_no_list_of_statements_is_said(store: Any, answer: Any, body: bytes) -> None:
    store.quirk = lambda handler, _: answer(handler, 200, body) or True
    with pytest.raises(PermanentError) as failed:
        first_page(store)
    assert failed.value.problem.code == "pull-answer-unreadable"


@pytest.mark.parametrize(
    "more",
    ["http://elsewhere.example/xapi/statements?x=1", "//elsewhere.example/more", "https://127.0.0.1/more"],
)
def test_the_credentials_never_go_to_another_server(store: Any, answer: Any, more: str) -> None:
    body = json.dumps({"statements": [], "more": more}).encode()
    store.quirk = lambda handler, _: answer(handler, 200, body) or True
    reading = RemoteStore(PullSource(endpoint=store.endpoint), "secret")
    with pytest.raises(PermanentError) as failed:
        reading.following(reading.first(""))
    assert failed.value.problem.code == "pull-more-elsewhere"
    assert len(store.requests) == 1


@pytest.mark.parametrize("style", ["absolute", "path", "relative"])
def test_more_is_followed_however_it_is_written(store: Any, answer: Any, style: str) -> None:
    base = {"absolute": store.endpoint + "/", "path": "/xapi/", "relative": ""}[style]

    def quirk(handler: Any, parameters: dict[str, str]) -> bool:
        more = "" if "token" in parameters else f"{base}statements/more?token=a%2Fb"
        answer(handler, 200, json.dumps({"statements": [], "more": more}).encode())
        return True

    store.quirk = quirk
    reading = RemoteStore(PullSource(endpoint=store.endpoint), "")
    assert reading.following(reading.first("")).more == ""
    assert store.requests[1] == {"token": "a/b"}


@pytest.fixture
def running(tmp_path: Path, program: Path, store: Any) -> Iterator[Callable[..., Embedded]]:
    opened: list[Embedded] = []

    def open_(**source: Any) -> Embedded:
        wanted = PullSource(
            endpoint=store.endpoint, **{"page": 10, "timeout_s": 2.0, "every_s": 1.0, **source}
        )
        settings = Settings(
            data_dir=str(tmp_path / "data"), program=str(program), pull={"campus": wanted},
            adapters={"file": {"adapter": "file", "path": str(tmp_path / "actions.jsonl")}},
        )  # fmt: skip
        opened.append(Embedded(settings))
        opened[-1].start()
        return opened[-1]

    yield open_
    for runtime in opened:
        runtime.stop()


def sample(runtime: Embedded, name: str, **labels: str) -> float:
    return runtime.telemetry.registry.get_sample_value(name, {"source": "campus", **labels}) or 0.0


def test_a_server_reads_by_itself_through_faults_and_says_so(
    running: Callable[..., Embedded],
    store: Any,
    answer: Any,
    stored_ids: Any,
    wait_until: Any,
    tmp_path: Path,
) -> None:
    ids = store.add(35)
    failing = [3, 4]

    def sometimes(handler: Any, _: dict[str, str]) -> bool:
        if len(store.requests) in failing:
            answer(handler, 503, b"busy")
            return True
        return False

    store.quirk = sometimes
    runtime = running()
    wait_until(lambda: len(stored_ids(runtime)) == 35, 15.0, "reading everything")
    assert stored_ids(runtime) == ids
    wait_until(lambda: not positions(tmp_path / "data")["campus"].error_code, 5.0, "the fault being over")
    assert sample(runtime, "carrythrough_pull_failures_total", code="pull-store-unavailable") == 2
    wait_until(
        lambda: sample(runtime, "carrythrough_pull_statements_total", result="accepted") == 35,
        5.0,
        "the count",
    )
    assert sample(runtime, "carrythrough_pull_position_seconds") > 1.7e9
    assert sample(runtime, "carrythrough_pull_last_success_seconds") > 1.7e9
    ids += store.add(3)
    wait_until(lambda: len(stored_ids(runtime)) == 38, 10.0, "what is new")


def test_a_fault_that_a_person_must_mend_stands_in_the_position(
    running: Callable[..., Embedded], store: Any, answer: Any, wait_until: Any, tmp_path: Path
) -> None:
    store.quirk = lambda handler, _: answer(handler, 401, b"") or True
    running()
    wait_until(lambda: "campus" in positions(tmp_path / "data"), 5.0, "the position being written")
    assert positions(tmp_path / "data")["campus"].error_code == "pull-credentials-refused"


def test_a_stop_does_not_wait_for_a_store_that_says_nothing(
    running: Callable[..., Embedded], store: Any, wait_until: Any
) -> None:
    store.quirk = silent_for(5.0)
    runtime = running(timeout_s=60.0)
    wait_until(lambda: store.requests, 5.0, "the request")
    began = time.monotonic()
    runtime.pull.stop()
    assert time.monotonic() - began < 2.0


def test_pages_that_never_end_are_noticed(
    store: Any, answer: Any, running: Any, wait_until: Any, tmp_path: Path
) -> None:
    body = json.dumps({"statements": [], "more": "/xapi/statements?at=1"}).encode()
    store.quirk = lambda handler, _: answer(handler, 200, body) or True
    running()
    wait_until(
        lambda: (
            positions(tmp_path / "data")["campus"].error_code == "pull-more-endless"
            if "campus" in positions(tmp_path / "data")
            else False
        ),
        5.0,
        "the circle being noticed",
    )
    assert len(store.requests) < 5


def test_waiting_grows_and_heeds_the_store() -> None:
    problem = Problem(code="x", status=503, title="x", detail="x")
    waits = [backoff_s("campus", n, TransientError(problem)) for n in range(1, 12)]
    assert 0.8 <= waits[0] <= 1.2
    assert waits[4] > 10
    assert max(waits) <= BACKOFF_S_MAX * 1.2
    assert backoff_s("campus", 1, TransientError(problem, 90.0)) == 90.0
    assert backoff_s("campus", 1, PermanentError(problem)) == BACKOFF_S_MAX
