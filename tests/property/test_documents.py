"""Properties of documents: a merge is that of the parsed objects, and no change is lost whoever writes meanwhile.

The store is compared with a dictionary over any sequence of requests, and threads that count up with
If-Match, merge fields and create with If-None-Match must leave what one after the other would have left.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrythrough.embedded.documents import DocumentFile
from carrythrough.embedded.documents_about import erase_about, kept_about
from carrythrough.errors import PermanentError
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi import documents
from carrythrough.xapi.documents import Content, Context, Document, DocumentLimits, Preconditions

LIMITS = DocumentLimits()
JSON = "application/json"
NOTHING = Preconditions()
texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=5)


def stored(data: bytes, media_type: str = JSON) -> Document:
    return Document(Content(media_type, data), 0, documents.etag_of(data))


@given(objects, objects, st.booleans(), st.sampled_from([None, 2]))
def test_a_merge_is_that_of_the_parsed_objects(
    old: dict[str, Any], new: dict[str, Any], ascii_only: bool, indent: int | None
):
    before = json.dumps(old, ensure_ascii=ascii_only, indent=indent).encode()
    sent = documents.posted(Content(JSON, json.dumps(new, ensure_ascii=ascii_only).encode()))
    merged = documents.post(stored(before), sent, NOTHING, LIMITS)
    assert json.loads(merged.data) == {**old, **new}
    again = documents.post(stored(merged.data), sent, NOTHING, LIMITS)
    assert json.loads(again.data) == {**old, **new}


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_a_merge_keeps_the_spelling_of_numbers(number: str):
    sent = documents.posted(Content(JSON, b'{"new": %s}' % number.encode()))
    merged = documents.post(stored(b'{"old" : %s }' % number.encode()), sent, NOTHING, LIMITS)
    assert merged.data == b'{"old":%s,"new":%s}' % (number.encode(), number.encode())


@given(st.binary(max_size=40) | values.map(lambda value: json.dumps(value).encode()))
def test_what_is_merged_is_a_json_object_and_nothing_else(data: bytes):
    try:
        value = json.loads(data)
        expected = isinstance(value, dict)
    except ValueError:
        expected = False
    try:
        documents.posted(Content(JSON, data))
        found = True
    except PermanentError as error:
        found = error.problem.code != "document-not-mergeable"
    if not any(word in data for word in (b"NaN", b"Infinity", b"\\u")) and not data.startswith(
        (b"\xef", b"\xfe", b"\xff", b"\x00")
    ):
        assert found == expected, data


class Ticking:
    """A clock that stands still, so that what depends on it shows."""

    def now_ms(self) -> int:
        return 1_000


@contextmanager
def opened(folder: Path) -> Iterator[DocumentFile]:
    file = DocumentFile(folder / "documents.sqlite", Ticking(), Telemetry())
    file.start()
    try:
        yield file
    finally:
        file.stop()


CONTEXTS = [
    Context(kind="state", activity="https://x/a", agent="openid:1"),
    Context(kind="state", activity="https://x/a", agent="openid:1", registration="r"),
    Context(kind="state", activity="https://x/a", agent="openid:2"),
    Context(kind="agent-profile", agent="openid:1"),
    Context(kind="activity-profile", activity="https://x/a"),
]
addresses = st.tuples(st.sampled_from(CONTEXTS), st.sampled_from(["", "i", "I", "ü"]))
changes = st.one_of(
    st.tuples(st.just("put"), addresses, st.binary(max_size=4)),
    st.tuples(st.just("delete"), addresses, st.just(b"")),
    st.tuples(st.just("delete-all"), addresses, st.just(b"")),
    st.tuples(st.just("forget"), addresses, st.just(b"")),
)


def within(context: Context, other: Context) -> bool:
    alike = (other.kind, other.activity, other.agent) == (context.kind, context.activity, context.agent)
    return alike and context.registration in {"", other.registration}


@settings(max_examples=25)
@given(st.lists(changes, max_size=25))
def test_the_file_is_a_dictionary_that_outlives_a_restart(steps: list[Any]):
    model: dict[tuple[Context, str], bytes] = {}
    with TemporaryDirectory() as folder:
        with opened(Path(folder)) as file:
            for name, (context, id_), data in steps:
                if name == "put":
                    file.change(context, id_, lambda _, data=data: Content("a/b", data))  # type: ignore[misc]
                    model[context, id_] = data
                elif name == "delete":
                    file.change(context, id_, partial(documents.delete, given=NOTHING))
                    model.pop((context, id_), None)
                else:
                    gone = [
                        key
                        for key in model
                        if (
                            within(context, key[0]) if name == "delete-all" else key[0].agent == context.agent
                        )
                    ]
                    if name == "forget":
                        if not context.agent:
                            continue  # a document about nobody cannot be asked for by an agent
                        kept = kept_about(Path(folder), [context.agent])
                        assert sorted(entry.id for entry in kept) == sorted(id_ for _, id_ in gone)
                    count = (
                        file.delete_all(context)
                        if name == "delete-all"
                        else erase_about(Path(folder), [context.agent])
                    )
                    assert count == len(gone)
                    for key in gone:
                        del model[key]
        with opened(Path(folder)) as file:
            for context in CONTEXTS:
                expected = {id_ for other, id_ in model if within(context, other)}
                assert file.ids(context).ids == sorted(expected)
                assert file.ids(context, 1_000).ids == sorted(expected)
                assert file.ids(context, 1_001).ids == []
                for id_ in ("", "i", "I", "ü"):
                    found = file.document(context, id_)
                    data = model.get((context, id_))
                    assert (found.content if found else None) == (
                        None if data is None else Content("a/b", data)
                    )
                    assert found is None or found.etag == documents.etag_of(found.content.data)


def test_what_is_erased_is_in_no_file_any_more(tmp_path: Path):
    """The server runs on: nothing of the person is left in the file, its WAL, or a page set free in either."""
    secret = b"a secret about ana " * 400
    with opened(tmp_path) as file:
        for number in range(8):
            file.change(CONTEXTS[0], f"ana-{number}", lambda _: Content("a/b", secret))
            file.change(CONTEXTS[2], f"ben-{number}", lambda _: Content("a/b", b"ben"))
        assert erase_about(tmp_path, [CONTEXTS[0].agent]) == 8
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"secret about ana" not in left
        assert b"ana-" not in left
        assert file.ids(CONTEXTS[0]).ids == []
        assert len(file.ids(CONTEXTS[2]).ids) == 8
        file.change(CONTEXTS[0], "again", lambda _: Content("a/b", b""))
        assert kept_about(tmp_path, [CONTEXTS[0].agent])[0].id == "again"


THREADS, TIMES = 8, 40


def test_no_increment_with_if_match_is_lost(tmp_path: Path):
    context = CONTEXTS[3]
    with opened(tmp_path) as file:
        file.change(context, "count", lambda _: Content(JSON, b"0"))
        changed = file._telemetry.documents._value.get()
        start = threading.Barrier(THREADS)
        refused: list[int] = []

        def count_up(_: int) -> None:
            start.wait(10)
            for _ in range(TIMES):
                while True:
                    seen = file.document(context, "count")
                    assert seen is not None
                    sent = Content(JSON, b"%d" % (int(seen.content.data) + 1))
                    try:
                        file.change(
                            context,
                            "count",
                            partial(
                                documents.put,
                                sent=sent,
                                given=Preconditions(if_match=seen.etag),
                                kind="agent-profile",
                                version="2.0.0",
                            ),
                        )
                        break
                    except PermanentError as error:
                        refused.append(error.problem.status)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(count_up, range(THREADS)))
        found = file.document(context, "count")
    assert found is not None
    assert int(found.content.data) == THREADS * TIMES
    assert file._telemetry.documents._value.get() - changed == THREADS * TIMES
    assert set(refused) == {412}  # otherwise nobody met anybody, and nothing was proved


def test_merges_without_preconditions_add_up(tmp_path: Path):
    context = CONTEXTS[0]
    with opened(tmp_path) as file:

        def post(number: int) -> None:
            sent = documents.posted(Content(JSON, json.dumps({str(number): number}).encode()))
            file.change(context, "s", partial(documents.post, sent=sent, given=NOTHING, limits=LIMITS))

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(post, range(THREADS * TIMES)))
        found = file.document(context, "s")
    assert found is not None
    assert json.loads(found.content.data) == {str(n): n for n in range(THREADS * TIMES)}


def test_one_refusal_or_fault_leaves_its_neighbours_in_the_group_alone(tmp_path: Path):
    """The first change of a group holds the writer up, so that the others stand in one group behind it."""
    context, gate = CONTEXTS[2], threading.Event()

    def held_up(_: Document | None) -> Content:
        assert gate.wait(10)
        return Content("a/b", b"first")

    with opened(tmp_path) as file, ThreadPoolExecutor(THREADS) as pool:
        first = pool.submit(file.change, context, "first", held_up)
        fine = [
            pool.submit(file.change, context, f"n{n}", lambda _: Content("a/b", b"fine")) for n in range(3)
        ]
        wrong = pool.submit(
            file.change,
            context,
            "n0",
            partial(
                documents.put,
                sent=Content("a/b", b"x"),
                given=Preconditions('"x"'),
                kind="state",
                version="2.0.0",
            ),
        )
        gate.set()
        with pytest.raises(PermanentError):
            wrong.result(10)
        for outcome in (first, *fine):
            outcome.result(10)
        assert file.ids(context).ids == ["first", "n0", "n1", "n2"]
        assert all(file.document(context, f"n{n}").content.data == b"fine" for n in range(3))  # type: ignore[union-attr]
