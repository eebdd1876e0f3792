"""Child process: the null pipeline, the least that a durable intake of the same bytes can cost.

The same uvicorn on uvloop and httptools, the same bare ASGI shape, the same file, table, insert and
group commit with synchronous=FULL, and the answer only after the commit. Left out: credentials, all
validation, the index of known ids, mapping, scoring, effects and everything after them. A body is only
split into its statements, so that each becomes a row.
"""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop

from carrythrough.embedded.committer import GROUP_STATEMENTS_MAX
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.serve import BACKLOG, SWITCH_INTERVAL_S

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
Waiting = tuple[list[Any], "asyncio.Future[None]"]


class NullCommitter:
    """The thread that writes: many requests, one commit, then the answers."""

    def __init__(self, log: LogFile) -> None:
        self._log = log
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, daemon=True).start()

    def submit(self, statements: list[Any]) -> asyncio.Future[None]:
        """Return a future that is done when the statements are durable."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((statements, future))
        return future

    def _run(self) -> None:
        while True:
            group = [self._queue.get()]
            count = len(group[0][0])
            while count < GROUP_STATEMENTS_MAX and not self._queue.empty():
                group.append(self._queue.get())
                count += len(group[-1][0])
            end, stored_ms = self._log.end, int(time.time() * 1000)
            rows: list[object] = []
            for statements, _ in group:
                for raw in statements:
                    end += 1
                    rows += (end, 1, stored_ms, -1, "", b"", raw, 103)
            self._log.begin()
            self._log.append(rows, [], end)
            self._log.commit()
            for _, future in group:
                self._loop.call_soon_threadsafe(future.set_result, None)


class NullApp:
    """The endpoint: read, split, wait for the commit, answer."""

    def __init__(self, log: LogFile) -> None:
        self._committer = NullCommitter(log)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        parts = []
        more = True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        await self._committer.submit(_split(body) if body[:1] == b"[" else [body])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"[]"})


async def _main(data_dir: Path) -> None:
    log = LogFile(data_dir / "log.sqlite")
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    config = uvicorn.Config(
        NullApp(log),
        log_config=None,
        access_log=False,
        lifespan="off",
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=False,
        http="httptools",
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"url": url, "credentials": []}), flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])
    log.close()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(Path(sys.argv[1])))
