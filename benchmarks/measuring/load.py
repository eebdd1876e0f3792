"""The load generator: plain sockets and one epoll loop, because it shares two cores with the server.

Closed loop: every connection sends its next request when the last one is answered. Open loop: request
i is due at i/rate whether or not earlier ones are answered, and its delay counts from when it was due,
so that a server that stalls cannot hide what it made others wait (coordinated omission).
"""

from __future__ import annotations

import select
import socket
import time
from array import array
from collections import deque

import msgspec

RECEIVE_BYTES = 262_144
ANSWER_WAIT_S = 30.0
_POLL_MIN_S = 0.0005


class Run(msgspec.Struct):
    """What one run saw; times are time.perf_counter() seconds.

    due: when each request was sent, or in the open loop when it should have been. sent: when it was.
    acked: when its answer was complete. cpu_s: CPU of this process.
    """

    started: float
    ended: float
    due: array[float]
    sent: array[float]
    acked: array[float]
    cpu_s: float
    stream: list[tuple[float, bytes]]

    def delays_ms(self, skip_s: float = 0.0) -> list[float]:
        """Return the acknowledgement delays of requests due after the first `skip_s` seconds, in ms."""
        since = self.started + skip_s
        return [1000 * (a - d) for d, a in zip(self.due, self.acked, strict=True) if d >= since]

    def lateness_ms(self) -> list[float]:
        """Return how much later than due each request left: the generator's own error and full connections."""
        return [1000 * (s - d) for d, s in zip(self.due, self.sent, strict=True)]


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.number = -1
        self._left = memoryview(b"")
        self._answer = b""
        self._length = -1

    def start(self, number: int, request: bytes) -> bool:
        """Begin to send a request; say whether all of it has left."""
        self.number, self._answer, self._length = number, b"", -1
        self._left = memoryview(request)
        return self.push()

    def push(self) -> bool:
        """Send what is left; say whether all of it has left."""
        try:
            while self._left:
                self._left = self._left[self.socket.send(self._left) :]
        except BlockingIOError:
            return False
        return True

    def take(self) -> bool:
        """Read what has come; say whether the answer is complete. Raises RuntimeError unless it is a 200."""
        data = self.socket.recv(RECEIVE_BYTES)
        self._answer = self._answer + data if self._answer else data
        if self._length < 0:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0 and data:
                return False
            if self._answer[9:12] != b"200":
                raise RuntimeError(f"request {self.number} was answered: {self._answer[:2000]!r}")
            head = self._answer[:end].lower()
            self._length = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        return len(self._answer) >= self._length


class Load:
    """Sends requests over some connections; with `listen`, a stream's bytes are kept with their times."""

    def __init__(self, host: str, port: int, connections: int, listen: socket.socket | None = None) -> None:
        self._idle = deque(Connection(host, port) for _ in range(connections))
        self._by_fd = {c.socket.fileno(): c for c in self._idle}
        self._poll = select.epoll()
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)
        self._listen = listen
        if listen is not None:
            self._poll.register(listen.fileno(), select.EPOLLIN)
        self._stream: list[tuple[float, bytes]] = []

    def run(self, requests: list[bytes], rate_per_s: float = 0.0) -> Run:
        """Send all requests and return when the last is answered; rate in requests/s, 0: closed loop."""
        total, clock = len(requests), time.perf_counter
        due, sent, acked = (array("d", bytes(8 * total)) for _ in range(3))
        cpu, next_number, left = time.process_time(), 0, total
        started = clock()
        while left:
            now = clock()
            wait = ANSWER_WAIT_S
            while self._idle and next_number < total:
                at = started + next_number / rate_per_s if rate_per_s else clock()
                if at > now and rate_per_s:
                    wait = max(at - now, _POLL_MIN_S)
                    break
                due[next_number] = at
                self._send(self._idle.popleft(), next_number, requests[next_number])
                sent[next_number] = clock()
                next_number += 1
            events = self._poll.poll(wait)
            if not events and wait == ANSWER_WAIT_S:
                raise RuntimeError(f"no answer within {ANSWER_WAIT_S:.0f} s, {left} requests left")
            for fd, event in events:
                connection = self._by_fd.get(fd)
                if connection is None:
                    self.hear()
                elif event & select.EPOLLOUT:
                    if connection.push():
                        self._poll.modify(fd, select.EPOLLIN)
                elif connection.take():
                    acked[connection.number] = clock()
                    self._idle.append(connection)
                    left -= 1
        return Run(started, clock(), due, sent, acked, time.process_time() - cpu, self._stream)

    def _send(self, connection: Connection, number: int, request: bytes) -> None:
        if not connection.start(number, request):
            self._poll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def hear(self) -> None:
        """Keep what the stream has sent, unread: parsing waits until the run is over."""
        if self._listen is not None:
            self._stream.append((time.perf_counter(), self._listen.recv(RECEIVE_BYTES)))

    def hear_until_quiet(self, quiet_s: float) -> None:
        """Go on listening until nothing has come for `quiet_s`."""
        while self._poll.poll(quiet_s):
            self.hear()

    def close(self) -> None:
        """Close the connections; the stream's socket belongs to the caller."""
        for connection in self._by_fd.values():
            connection.socket.close()
        self._poll.close()
