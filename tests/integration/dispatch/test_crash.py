"""Proves that a killed dispatcher loses no action and repeats one only under its own key: real process, real disk."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI="
SENDER = Path(__file__).parent / "places" / "sender.py"
ACTIONS = 200
ROUNDS = 6
CONCURRENCY = 4
"""The default of an adapter: how many sends a crash can catch without their result."""


def start(folder: Path, url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(SENDER), str(folder), url, SECRET, str(ACTIONS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_kill_nine_loses_nothing_and_keeps_every_key(
    receiver: Any, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    # A slow receiver, so that a kill finds sends whose answer is still under way.
    receiver.answer("slow", seconds=0.08)
    chance = random.Random(7)
    kills = 0
    for _ in range(ROUNDS):
        before = len(receiver.ids())
        process = start(tmp_path, receiver.url)
        wait_until(lambda before=before: len(receiver.ids()) > before, what="the first send of the round")
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        kills += process.wait() != 0
        process.communicate()
    process = start(tmp_path, receiver.url)
    said, _ = process.communicate(timeout=60)
    assert said == "done\n"
    counts = Counter(receiver.ids())
    repeats = sum(counts.values()) - len(counts)
    print(f"{kills} kills, {ACTIONS} actions, {repeats} repeats")
    assert kills == ROUNDS, "the work was done before the last kill: the test proved nothing"
    assert set(counts) == {f"action-{number:04}" for number in range(ACTIONS)}
    assert all(post["verified_by"] for post in receiver.seen())
    assert repeats > 0, "no kill caught a send: the test proved nothing"
    # Beside those being sent, a crash can catch results that wait for their commit.
    assert repeats <= ROUNDS * 3 * CONCURRENCY
