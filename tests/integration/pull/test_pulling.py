"""Proves that a source is read whole and once, as its text stands, and goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrythrough.embedded.runtime import Embedded
from carrythrough.errors import CarrythroughError
from carrythrough.pull.source import PullSource
from carrythrough.settings import Settings

Make = Callable[..., Embedded]


@pytest.fixture
def make(tmp_path: Path, program: Path, store: Any) -> Iterator[Make]:
    """Open a server without HTTP that has the store as its source "campus" and does not read by itself."""
    opened: list[Embedded] = []

    def open_(**source: Any) -> Embedded:
        if opened:
            opened.pop().stop()
        wanted = PullSource(endpoint=store.endpoint, **{"page": 10, "timeout_s": 5.0, **source})
        runtime = Embedded(
            Settings(data_dir=str(tmp_path / "data"), program=str(program), pull={"campus": wanted})
        )
        opened.append(runtime)
        runtime.start(deliver=False)
        return runtime

    yield open_
    for runtime in opened:
        runtime.stop()


def look(runtime: Embedded) -> Any:
    return runtime.pull.pullers[0].look()


def test_everything_is_read_once_in_order_and_scored(make: Make, store: Any, stored_ids: Any) -> None:
    ids = store.add(47)
    runtime = make()
    cursor = look(runtime)
    assert stored_ids(runtime) == ids
    assert (cursor.read, cursor.accepted, cursor.known, cursor.refused) == (47, 47, 0, 0)
    assert runtime.caught_up()
    assert runtime.queries.summary()["evidence"] == 47
    assert store.requests[0] == {"ascending": "true", "limit": "10"}


def test_a_later_look_asks_for_what_is_new_and_counts_the_overlap_once(
    make: Make, store: Any, stored_ids: Any
) -> None:
    ids = store.add(12)
    runtime = make()
    look(runtime)
    ids += store.add(5)
    store.requests.clear()
    cursor = look(runtime)
    assert stored_ids(runtime) == ids
    assert cursor.accepted == 17
    assert cursor.known <= 2, "only the last second is read again"
    assert "2026-03-01T00:00:10" in store.requests[0]["since"]


def test_statements_stored_at_one_time_are_all_read_though_a_page_ends_between_them(
    make: Make, store: Any, stored_ids: Any
) -> None:
    ids = store.add(15, stored="2026-03-01T00:00:00.000Z")
    runtime = make()
    page = runtime.pull.pullers[0]
    page.look(lambda _: False)  # stopped after the first page
    assert len(stored_ids(runtime)) == 10
    look(make())  # another process
    assert sorted(stored_ids(make())) == sorted(ids)


def test_the_text_is_kept_as_it_came(make: Make, store: Any) -> None:
    store.statements = [
        {
            "id": "0a0a0a0a-0000-4000-8000-000000000001",
            "actor": {"mbox": "mailto:a@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": "https://lms.example/quiz/1"},
            "result": {"score": {"raw": 7, "min": 0, "max": 10, "scaled": 0.70000000001}},
            "context": {"extensions": {"https://x.example/n": [1, 2.50, 1e3]}},
            "timestamp": "2026-03-01T00:00:00.123456789Z",
            "stored": "2026-03-01T00:00:00.123456789Z",
            "authority": {"mbox": "mailto:lrs@example.org"},
            "version": "1.0.0",
        }
    ]
    runtime = make()
    look(runtime)
    reader = runtime.log.reader()
    row = next(row for row in reader.all() if row.kind == 1)
    reader.close()
    assert bytes(row.raw) == json.dumps(store.statements[0]).encode()
    assert row.credential == "pull:campus"


def test_the_position_stays_before_what_the_store_calls_consistent(
    make: Make, store: Any, stored_ids: Any
) -> None:
    store.add(30)
    hidden = store.statements.pop(20)  # stored, but not yet shown
    store.through = "2026-03-01T00:00:18.000Z"
    runtime = make()
    look(runtime)
    store.statements.insert(20, hidden)
    store.through = ""
    look(runtime)
    assert len(stored_ids(runtime)) == 30


@pytest.mark.parametrize("size", [1, 10])
def test_a_store_that_gives_the_newest_first_loses_nothing_to_an_interruption(
    make: Make, store: Any, stored_ids: Any, size: int
) -> None:
    store.newest_first = True
    store.add(35)
    make(page=size).pull.pullers[0].look(lambda _: False)
    look(make(page=size))
    runtime = make()
    assert len(set(stored_ids(runtime))) == len(stored_ids(runtime)) == 35


def test_one_bad_statement_is_kept_with_its_reason_and_holds_up_no_other(
    make: Make, store: Any, stored_ids: Any, tmp_path: Path
) -> None:
    ids = store.add(12)
    store.statements[3]["verb"] = {"id": "no iri"}
    store.statements[5]["surprise"] = 1
    runtime = make()
    cursor = look(runtime)
    assert stored_ids(runtime) == [id_ for number, id_ in enumerate(ids) if number not in (3, 5)]
    assert cursor.refused == 2
    lines = (tmp_path / "data/pull/campus.quarantine.jsonl").read_text("utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    assert [json.loads(entry["record"])["id"] for entry in kept] == [ids[3], ids[5]]
    assert kept[0]["problem"]["where"] == "/verb/id"


def test_an_id_that_stands_for_other_content_here_is_kept_aside(
    make: Make, store: Any, tmp_path: Path
) -> None:
    ids = store.add(6)
    runtime = make()
    look(runtime)
    store.statements[5] = store.statements[5] | {"result": {"score": {"scaled": 0.9}}}
    store.add(3)
    cursor = look(runtime)
    assert (cursor.accepted, cursor.refused) == (9, 1)
    kept = json.loads((tmp_path / "data/pull/campus.quarantine.jsonl").read_text("utf-8"))
    assert kept["problem"]["code"] == "statement-conflict"
    assert json.loads(kept["record"])["id"] == ids[5]


def test_filters_go_to_the_store_and_the_profile_is_checked_here_too(
    make: Make, store: Any, stored_ids: Any
) -> None:
    profile = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
    wanted = store.add(2, context={"contextActivities": {"category": [{"id": profile}]}})
    wanted += store.add(1, context={"contextActivities": {"category": {"id": profile}}})
    store.add(4, context={"contextActivities": {"grouping": [{"id": profile}]}})
    store.add(3)
    runtime = make(
        profile=profile,
        verb="http://adlnet.gov/expapi/verbs/answered",
        agent={"mbox": "mailto:p1@example.org"},
        since="2026-02-01T00:00:00Z",
    )
    look(runtime)
    assert stored_ids(runtime) == wanted
    asked = store.requests[0]
    assert asked["activity"] == profile
    assert asked["related_activities"] == "true"
    assert asked["verb"].endswith("/answered")
    assert json.loads(asked["agent"])["mbox"] == "mailto:p1@example.org"
    assert asked["since"] == "2026-02-01T00:00:00Z"


def test_another_query_begins_anew_and_counts_nothing_twice(make: Make, store: Any, stored_ids: Any) -> None:
    store.add(4)
    store.add(4, verb={"id": "http://adlnet.gov/expapi/verbs/experienced"})
    look(make(verb="http://adlnet.gov/expapi/verbs/answered"))
    runtime = make()
    look(runtime)
    assert len(stored_ids(runtime)) == 8


@pytest.mark.parametrize(("version", "extra"), [("1.0.3", {}), ("2.0.0", {})])
def test_credentials_and_version_are_sent(
    make: Make, store: Any, basic: Any, monkeypatch: pytest.MonkeyPatch, version: str, extra: dict[str, Any]
) -> None:
    monkeypatch.setenv("CAMPUS_SECRET", "gehéim")
    look(make(key="reader", secret_env="CAMPUS_SECRET", version=version, **extra))
    assert store.headers[0]["Authorization"] == basic("reader", "gehéim")
    assert store.headers[0]["X-Experience-API-Version"] == version


def test_a_secret_that_is_not_set_is_said_before_anything_is_opened(make: Make, tmp_path: Path) -> None:
    with pytest.raises(CarrythroughError) as refused:
        make(secret_env="NO_SUCH_VARIABLE_HERE")
    assert refused.value.problem.where == "pull.campus.secret_env"
    assert not (tmp_path / "data").exists()
