"""Live effects for subscribers in this process: the fold publishes, event loops listen.

A subscriber that falls behind is told so and reads the rest from the effect
table; it never makes the fold wait (promise 5).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import msgspec

SUBSCRIBER_QUEUE_MAX = 5_000
"""Effects waiting for one subscriber; beyond this it must catch up from the table."""


class Published(msgspec.Struct, frozen=True):
    """One effect as it was committed. body: JSON of `pipeline.effects`."""

    seq: int
    kind: str
    subject: str
    skill: str
    body: bytes


class Subscription:
    """A bounded queue of batches, fed across threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue: asyncio.Queue[list[Published]] = asyncio.Queue()
        self.waiting = 0
        self.overrun = False
        self.closed = False

    def feed(self, batch: list[Published]) -> None:
        """Put a batch in; runs on the subscriber's loop."""
        if self.waiting + len(batch) > SUBSCRIBER_QUEUE_MAX:
            self.overrun = True
            return
        self.waiting += len(batch)
        self.queue.put_nowait(batch)

    def close(self) -> None:
        """End the subscription and wake whoever waits; runs on the subscriber's loop."""
        self.closed = True
        self.queue.put_nowait([])

    async def get(self, timeout_s: float) -> list[Published]:
        """Return the next batch, or an empty list after the timeout."""
        try:
            batch = await asyncio.wait_for(self.queue.get(), timeout_s)
        except TimeoutError:
            return []
        self.waiting -= len(batch)
        return batch


class Hub:
    """The set of present subscribers."""

    def __init__(self) -> None:
        self._subscribers: set[Subscription] = set()
        self._lock = threading.Lock()

    def subscribe(self) -> Subscription:
        """Return a subscription on the running loop; end it with `unsubscribe`."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            self._subscribers.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription; safe to call twice."""
        with self._lock:
            self._subscribers.discard(subscription)

    def publish(self, batch: Iterable[Published]) -> None:
        """Hand a committed batch to everybody; called by the fold after its commit."""
        with self._lock:
            subscribers = tuple(self._subscribers)
        if not subscribers:
            return
        effects = list(batch)
        for subscription in subscribers:
            if not subscription.loop.is_closed():
                subscription.loop.call_soon_threadsafe(subscription.feed, effects)

    def close(self) -> None:
        """End every subscription; the server is stopping."""
        with self._lock:
            subscribers = tuple(self._subscribers)
        for subscription in subscribers:
            if not subscription.loop.is_closed():
                subscription.loop.call_soon_threadsafe(subscription.close)
