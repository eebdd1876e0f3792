"""One target's lane: a thread of its own that sends, waits, and outlives every fault.

Order for one batch: 1 read it from the feed; 2 send it; 3 after the target's answer, write the new
position together with what was refused. A crash between 2 and 3 sends the batch again with the same
ids, and the target, which knows them, counts each statement once. Nothing here is ever waited for by
intake, scoring or another target.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

import structlog

from carrythrough.forward.items import Batch, Feed, Item
from carrythrough.forward.progress import Awaited, DeadLetter, Progress, Refused, Standing
from carrythrough.forward.remote import RemoteLrs, Reply, Verdict
from carrythrough.forward.sending import NotNowError, Sending
from carrythrough.forward.target import ForwardTarget
from carrythrough.ports import Clock

POLL_S = 0.5
"""How often a lane that has nothing to send looks again."""
FAULT_PAUSE_S = 10.0
"""After a fault of our own (a full disk): what was sent cannot be noted, and would be sent at every look."""
BACKOFF_S_MAX = 600.0
"""A target that was away for a night is found again within ten minutes."""
PATIENCE_MS = 3 * 86_400_000
"""After three days of one batch failing with HTTP 500, the statement that breaks the target is looked for."""
REPLAYS_AT_ONCE = 50
AWAITED_AT_ONCE = 200
STOP_WAIT_S = 3.0
"""How long a stop waits for a request under way; what is cut off is sent again."""

_logger = structlog.get_logger("carrythrough.forward")


class Watcher(Protocol):
    """What lanes tell those who watch them."""

    def forwarded(self, target: str, result: str, count: int) -> None:
        """Count statements by result: stored, refused, or failed (to be sent again)."""
        ...

    def forward_standing(self, target: str, feed: str, position: int, lag: int, failing_s: float) -> None:
        """Show where a feed stands."""
        ...

    def forward_dead(self, target: str, count: int) -> None:
        """Show how many dead letters a target has."""
        ...


class Lane:
    """Sends the feeds of one target; `start`, then `stop`."""

    def __init__(
        self,
        name: str,
        target: ForwardTarget,
        remote: RemoteLrs,
        feeds: Sequence[Feed],
        progress: Progress,
        tell: Callable[[Awaited], Item | None],
        clock: Clock,
        watcher: Watcher,
    ) -> None:
        """tell: makes the statement of an action that was delivered, None when there is nothing to tell."""
        self.name = name
        self._target = target
        self._remote = remote
        self._feeds = {feed.name: feed for feed in feeds}
        self._progress = progress
        self._tell = tell
        self._clock = clock
        self._watcher = watcher
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end and do not wait; `join` waits."""
        self._ended.set()
        self._wake.set()

    def join(self, timeout_s: float = STOP_WAIT_S) -> None:
        """Wait for the end of the thread, then close the connections."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._remote.close()

    def notify(self) -> None:
        """Say that there may be something new; from any thread, never blocks."""
        self._wake.set()

    def turn(self) -> bool:
        """Send one batch of each feed, replays and awaited actions; say whether there may be more at once."""
        more = False
        for feed in self._feeds.values():
            more |= self._guarded(feed.name, lambda feed=feed: self._send_next(feed))  # type: ignore[misc]
        more |= self._guarded("replay", self._send_replays)
        if self._target.write_back:
            more |= self._guarded("awaited", self._send_awaited)
        self._watcher.forward_dead(self.name, self._progress.dead_count(self.name))
        return more

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                more = self.turn()
            except Exception:
                _logger.exception("forward_broke", target=self.name)
                more = False
                self._ended.wait(FAULT_PAUSE_S)
            if not more:
                self._wake.wait(POLL_S)
                self._wake.clear()

    def _guarded(self, feed: str, send: Callable[[], bool]) -> bool:
        """Do `send` when it is due; a failure makes it due later."""
        if self._ended.is_set():
            return False
        standing = self._progress.standing(self.name, feed) or Standing()
        if self._clock.now_ms() < standing.due_ms:
            return False
        try:
            more = send()
        except NotNowError as error:
            self._fail(feed, standing, error.reply)
            return False
        if standing.failures and feed not in self._feeds:
            self._progress.fail(self.name, feed, Standing())
        return more

    def _send_next(self, feed: Feed) -> bool:
        standing = self._begun(feed)
        end = feed.end()
        if end < standing.position:
            # What it counts was made anew (a rebuilt state, a restored log): known ids do no harm.
            standing = Standing()
        batch = feed.next(standing.position, self._target.batch)
        if batch.last > standing.position:
            refused = self._deliver(batch.items, standing) if batch.items else []
            self._progress.advance(self.name, feed.name, batch, refused, self._clock.now_ms())
        self._watcher.forward_standing(self.name, feed.name, batch.last, max(0, end - batch.last), 0.0)
        return batch.last < end

    def _begun(self, feed: Feed) -> Standing:
        standing = self._progress.standing(self.name, feed.name)
        if standing is None:
            standing = Standing(position=0 if self._target.history else feed.end())
            start = Batch(items=(), last=standing.position)
            self._progress.advance(self.name, feed.name, start, (), self._clock.now_ms())
        return standing

    def _deliver(self, items: Sequence[Item], standing: Standing) -> list[Refused]:
        now_ms = self._clock.now_ms()
        tired = standing.failures > 0 and now_ms - standing.failing_since_ms > PATIENCE_MS
        refused = Sending(self._remote, isolate=tired).deliver(items)
        self._watcher.forwarded(self.name, "stored", len(items) - len(refused))
        if refused:
            self._watcher.forwarded(self.name, "refused", len(refused))
            for one in refused:
                _logger.warning("forward_refused", target=self.name, statement=one.id, reason=one.reason)
        return refused

    def _send_replays(self) -> bool:
        letters = self._progress.replays(self.name, REPLAYS_AT_ONCE)
        for letter in letters:
            item = self._again(letter)
            refused = [] if item is None else Sending(self._remote).deliver([item])
            self._progress.settle_replay(letter.entry, refused[0] if refused else None, self._clock.now_ms())
            self._watcher.forwarded(self.name, "refused" if refused else "stored", 1)
        return len(letters) == REPLAYS_AT_ONCE

    def _again(self, letter: DeadLetter) -> Item | None:
        """Return the statement of a dead letter; None when its target no longer gets it, or it is gone."""
        one = letter.refused
        if one.text:
            return Item(key=one.key, id=one.id, text=one.text, version=one.version)
        feed = self._feeds.get(letter.feed)
        return None if feed is None else feed.item(one.key)

    def _send_awaited(self) -> bool:
        closed = self._progress.awaited(self.name, AWAITED_AT_ONCE)
        if not closed:
            return False
        told = [self._tell(one) for one in closed if one.outcome == "delivered"]
        items = [item for item in told if item is not None]
        standing = self._progress.standing(self.name, "awaited") or Standing()
        refused: list[Refused] = []
        for start in range(0, len(items), self._target.batch):
            refused += self._deliver(items[start : start + self._target.batch], standing)
        actions = [one.action for one in closed]
        self._progress.settle_awaited(self.name, actions, refused, self._clock.now_ms())
        return len(closed) == AWAITED_AT_ONCE

    def _fail(self, feed: str, before: Standing, reply: Reply) -> None:
        now_ms = self._clock.now_ms()
        failures = before.failures + 1
        since_ms = before.failing_since_ms if before.failures else now_ms
        due_ms = now_ms + int(1000 * wait_s(f"{self.name}/{feed}", failures, reply.retry_after_s))
        standing = Standing(
            position=before.position,
            sent=before.sent,
            failures=failures,
            failing_since_ms=since_ms,
            due_ms=due_ms,
            error=reply.reason,
        )
        self._progress.fail(self.name, feed, standing)
        self._watcher.forwarded(self.name, "failed", 1)
        source = self._feeds.get(feed)
        if source is not None:
            lag = max(0, source.end() - before.position)
            failing_s = max(0.001, (now_ms - since_ms) / 1000)
            self._watcher.forward_standing(self.name, feed, before.position, lag, failing_s)
        _logger.warning(
            "forward_failed",
            target=self.name,
            feed=feed,
            failures=failures,
            reason=reply.reason,
            mend=reply.verdict is Verdict.BLOCKED,
        )


def wait_s(key: str, failures: int, retry_after_s: float = 0.0) -> float:
    """Return how long to wait after failure number `failures` (from 1) in a row.

    1 s, doubled each time up to BACKOFF_S_MAX, spread by ±20 % by the key, and never shorter than the
    target asked for. There is no last try: the log keeps what is not sent yet.
    """
    plain = min(BACKOFF_S_MAX, 2.0 ** min(failures - 1, 20))
    digest = blake2b(f"{key}\x1f{failures}".encode(), digest_size=8).digest()
    return max(retry_after_s, plain * (0.8 + 0.4 * int.from_bytes(digest, "big") / 2.0**64))


class Lanes:
    """The lanes of an installation."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = list(lanes)
        self._started = False

    def start(self) -> None:
        """Start every lane."""
        self._started = True
        for lane in self._lanes:
            lane.start()

    def notify(self) -> None:
        """Wake every lane."""
        for lane in self._lanes:
            lane.notify()

    def stop(self) -> None:
        """Stop every lane; together they may take STOP_WAIT_S."""
        for lane in self._lanes:
            lane.stop()
        deadline = time.monotonic() + STOP_WAIT_S
        for lane in self._lanes:
            lane.join(max(0.0, deadline - time.monotonic()))
