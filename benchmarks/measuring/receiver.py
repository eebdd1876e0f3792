"""A receiver of webhooks in a process of its own: /take answers 204 and remembers the id, /hang never answers.

Counts are read at /counts: how many posts came, and how many of them under an id that had come before.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvicorn

HANG_S = 3600.0


class Receiver:
    """The smallest ASGI application that can tell a repeat."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._posts = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        message = await receive()
        while message.get("more_body"):
            message = await receive()
        if scope["path"] == "/hang":
            await asyncio.sleep(HANG_S)
        body = b""
        if scope["path"] == "/counts":
            body = json.dumps({"posts": self._posts, "ids": len(self._seen)}).encode()
        else:
            self._posts += 1
            self._seen.add(dict(scope["headers"])[b"webhook-id"])
        status = 200 if body else 204
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)


if __name__ == "__main__":
    del sys.argv[1:]
    config = uvicorn.Config(Receiver(), port=0, log_level="error", access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 1
    _Server(config).run()
