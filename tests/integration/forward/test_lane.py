"""Proves how a lane behaves towards a store that refuses, breaks, pauses, is away or knows a statement already."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from typing import Any

import pytest

from carrythrough.forward.lane import PATIENCE_MS
from carrythrough.xapi.query import AttachmentData

DAY_MS = 86_400_000


def test_batches_of_fifty_in_order_each_once(rig: Any, store: Any):
    ids = rig.shelf.add(120)
    rig.drain()
    assert [len(batch) for batch in store.batches] == [50, 50, 20]
    assert [id_ for batch in store.batches for id_ in batch] == ids
    assert rig.file.standing("b", "log").sent == 120
    assert rig.seen.counts == {"stored": 120}
    assert rig.seen.standings["log"] == (120, 0, 0.0)
    rig.drain()
    assert len(store.batches) == 3, "what is acknowledged is not sent again"
    assert store.headers[0]["x-experience-api-version"] == "1.0.3"


def test_the_position_outlives_a_restart_and_a_lost_answer_doubles_nothing(rig: Any, store: Any):
    first = rig.shelf.add(50)
    store.judge = lambda batch: (store.kept.update({one["id"]: one for one in batch}), (500, {}, b""))[1]
    rig.lane.turn()
    assert set(store.kept) == set(first), "it was stored, and we were not told"
    store.judge = lambda _: None
    rig.close()
    rig.clock.ms += 10_000
    rig.open()
    later = rig.shelf.add(10)
    rig.drain()
    assert set(store.kept) == {*first, *later}
    assert rig.file.standing("b", "log").position == 60
    assert rig.file.dead_letters() == []


def test_one_that_is_refused_goes_to_the_dead_letters_alone(rig: Any, store: Any):
    ids = rig.shelf.add(100)
    bad = {ids[17], ids[18], ids[99]}
    store.judge = lambda batch: (400, {}, b"no such verb") if bad & {one["id"] for one in batch} else None
    rig.drain()
    assert set(store.kept) == set(ids) - bad
    letters = rig.file.dead_letters()
    assert {letter.refused.id for letter in letters} == bad
    assert {letter.refused.reason for letter in letters} == {"HTTP 400: no such verb"}
    assert {letter.refused.text for letter in letters} == {b""}, "the text stays in the log"
    assert len(store.batches) <= 2 + 3 * 2 * 7, "found by halving, not one by one"
    assert rig.seen.dead == 3
    rig.close()
    rig.open()
    rig.drain()
    assert len(rig.file.dead_letters()) == 3, "a restart neither loses nor doubles one"


def test_a_dead_letter_is_replayed(rig: Any, store: Any):
    (bad,) = rig.shelf.add(1)
    store.judge = lambda _: (400, {}, b"no")
    rig.drain()
    (letter,) = rig.file.dead_letters()
    assert rig.file.request_replay([letter.entry, 999]) == 1
    rig.drain()
    assert [one.state for one in rig.file.dead_letters()] == ["dead"], "refused again, it stays"
    store.judge = lambda _: None
    rig.file.request_replay([letter.entry])
    rig.drain()
    assert rig.file.dead_letters() == []
    assert list(store.kept) == [bad]


def test_a_replay_to_a_store_that_is_away_is_tried_again(rig: Any, store: Any):
    rig.shelf.add(1)
    store.judge = lambda _: (400, {}, b"no")
    rig.drain()
    (letter,) = rig.file.dead_letters()
    store.judge = lambda _: (503, {}, b"")
    rig.file.request_replay([letter.entry])
    rig.drain()
    assert [one.state for one in rig.file.dead_letters()] == ["replay"]
    store.judge = lambda _: None
    rig.clock.ms += 5_000
    rig.drain()
    assert rig.file.dead_letters() == []


@pytest.mark.parametrize("gives_out", [True, False])
def test_409_for_what_is_there_already_counts_as_stored(rig: Any, store: Any, gives_out: bool):
    ids = rig.shelf.add(20)
    for item in rig.shelf.items[:10]:
        assert store.post([json.loads(item.text)])[0] == 200
    store.batches.clear()
    store.judge = lambda batch: (409, {}, b"known") if any(one["id"] in store.kept for one in batch) else None
    store.gives_out = gives_out
    rig.drain()
    assert set(store.kept) == set(ids)
    assert rig.file.dead_letters() == []
    assert rig.file.standing("b", "log").sent == 20


def test_409_for_other_content_names_the_difference(rig: Any, store: Any):
    (id_,) = rig.shelf.add(1)
    other = {**json.loads(rig.shelf.items[0].text), "result": {"success": True}}
    store.kept[id_] = other
    rig.drain()
    (letter,) = rig.file.dead_letters()
    assert "/result" in letter.refused.reason
    assert letter.refused.status == 409


def test_a_pause_that_the_store_asks_for_is_kept(rig: Any, store: Any):
    rig.shelf.add(1)
    store.judge = lambda _: (429, {"retry-after": "120"}, b"slowly")
    rig.drain()
    asked = len(store.batches)
    rig.clock.ms += 119_000
    rig.drain()
    assert len(store.batches) == asked
    store.judge = lambda _: None
    rig.clock.ms += 2_000
    rig.drain()
    assert len(store.kept) == 1
    assert rig.file.standing("b", "log").failures == 0


def test_a_store_that_is_away_for_a_week_gets_everything_in_the_end(rig: Any, store: Any):
    ids = rig.shelf.add(70)
    store.judge = lambda _: (503, {}, b"")
    tries = 0
    for _ in range(7 * 24 * 6):
        before = len(store.batches)
        rig.drain()
        tries += len(store.batches) - before
        rig.clock.ms += 600_000
    assert 7 * 24 * 4 < tries < 7 * 24 * 6 + 20, "about every ten minutes, and never given up"
    standing = rig.file.standing("b", "log")
    assert standing.position == 0
    assert "503" in standing.error
    assert rig.seen.standings["log"][2] > 6 * 86_400
    store.judge = lambda _: None
    rig.clock.ms += 3_600_000
    rig.drain()
    assert set(store.kept) == set(ids)
    assert rig.file.dead_letters() == []


def test_after_three_days_a_statement_that_breaks_the_store_is_set_aside(rig: Any, store: Any):
    ids = rig.shelf.add(60)
    store.judge = lambda batch: (500, {}, b"boom") if ids[7] in {one["id"] for one in batch} else None
    for _ in range(PATIENCE_MS // 3_600_000 - 1):
        rig.drain()
        rig.clock.ms += 3_600_000
    assert store.kept == {}
    rig.clock.ms += 2 * 3_600_000
    rig.drain()
    assert set(store.kept) == set(ids) - {ids[7]}
    (letter,) = rig.file.dead_letters()
    assert (letter.refused.id, letter.refused.status) == (ids[7], 500)


def test_a_store_that_breaks_on_everything_loses_nothing(rig: Any, store: Any):
    ids = rig.shelf.add(8)
    store.judge = lambda _: (500, {}, b"boom")
    for _ in range(10):
        rig.drain()
        rig.clock.ms += DAY_MS
    assert rig.file.dead_letters() == []
    store.judge = lambda _: None
    rig.drain()
    assert set(store.kept) == set(ids)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405])
def test_what_a_person_must_mend_is_tried_again_and_buries_nothing(rig: Any, store: Any, status: int):
    ids = rig.shelf.add(5)
    store.judge = lambda _: (status, {"location": "http://127.0.0.1:1/"}, b"")
    rig.drain()
    assert str(status) in rig.file.standing("b", "log").error
    store.judge = lambda _: None
    rig.clock.ms += 5_000
    rig.drain()
    assert set(store.kept) == set(ids)
    assert rig.file.dead_letters() == []


def test_nobody_listens_or_says_nothing_or_too_much_too_slowly(rig: Any, store: Any):
    ids = rig.shelf.add(3)
    good = rig.url
    rig.close()
    with socket.socket() as mute, socket.socket() as drip:
        for one in (mute, drip):
            one.bind(("127.0.0.1", 0))
            one.listen()

        def trickle() -> None:
            link, _ = drip.accept()
            with link:
                link.recv(65_536)
                link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                for _ in range(40):
                    try:
                        link.sendall(b"x")
                    except OSError:
                        return
                    time.sleep(0.1)

        threading.Thread(target=trickle, daemon=True).start()
        rig.settings["timeout_s"] = 0.5
        for address in (
            "http://127.0.0.1:1",
            *(f"http://127.0.0.1:{s.getsockname()[1]}" for s in (mute, drip)),
        ):
            rig.url = address
            rig.open()
            begun = time.monotonic()
            rig.drain()
            assert time.monotonic() - begun < 3
            assert rig.file.standing("b", "log").error
            assert rig.file.standing("b", "log").position == 0
            rig.clock.ms += 3_600_000
            rig.close()
    rig.url = good
    rig.open()
    rig.drain()
    assert set(store.kept) == set(ids)


def test_attachments_go_along_as_parts(rig: Any, store: Any):
    data = b"\r\n--x\r\n\x00\xff"
    attached = AttachmentData(
        sha2=hashlib.sha256(data).hexdigest(), content_type="application/pdf", data=data
    )
    ids = rig.shelf.add(2, (attached,))
    rig.drain()
    assert list(store.kept) == ids
    assert store.parts == [data], "once a request, however many statements name it"
    assert store.headers[0]["content-type"].startswith("multipart/mixed")


def test_history_off_begins_with_what_comes_from_now_on(rig: Any, store: Any):
    rig.close()
    rig.settings["history"] = False
    rig.open()
    rig.shelf.add(30)
    rig.drain()
    new = rig.shelf.add(5)
    rig.drain()
    assert list(store.kept) == new


def test_a_log_that_was_made_anew_is_sent_from_its_beginning(rig: Any, store: Any):
    rig.shelf.add(10)
    rig.drain()
    del rig.shelf.items[5:]
    rig.drain()
    assert rig.file.standing("b", "log").position == 5
    assert len(store.kept) == 10


def test_no_secret_in_what_a_person_reads(rig: Any, store: Any):
    rig.shelf.add(1)
    store.judge = lambda _: (401, {}, b"wrong: a-secret-that-shows-nowhere\n\x1b[31m")
    rig.drain()
    error = rig.file.standing("b", "log").error
    assert "a-secret" not in error
    assert "\x1b" not in error


def test_threads_start_and_stop_and_a_dead_store_delays_nobody(rig: Any, store: Any):
    ids = rig.shelf.add(200)
    begun = time.monotonic()
    rig.lane.start()
    while len(store.kept) < 200:
        assert time.monotonic() - begun < 10
        time.sleep(0.01)

    def slow(_: Any) -> tuple[int, dict[str, str], bytes]:
        time.sleep(1.5)
        return 200, {}, b""

    store.judge = slow
    rig.shelf.add(1)
    rig.lane.notify()
    time.sleep(0.2)
    rig.lane.stop()
    begun = time.monotonic()
    rig.lane.join()
    assert time.monotonic() - begun < 3.5
    assert set(ids) <= set(store.kept)
