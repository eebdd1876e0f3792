"""A process that only dispatches: the outbox of a data folder to one webhook, until it is killed or done.

    sender.py FOLDER URL SECRET COUNT

Puts COUNT actions into a new outbox, says "ready", and says "done" when none is pending any more.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from carrythrough.dispatch import Dispatcher, SilentTelemetry, build_adapters, let_pass
from carrythrough.embedded.database import connect
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.outbox import SqliteOutbox
from carrythrough.embedded.schema import OUTBOX
from carrythrough.embedded.store import StateFile
from carrythrough.ports import Recipient
from carrythrough.testing.adapters import sample_action


class RealClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Nobody:
    def recipient(self, pseudonym: str) -> Recipient | None:
        return None

    def recipients(self, pseudonyms: object) -> dict[str, Recipient]:
        return {}


def main() -> None:
    """Dispatch until nothing is pending."""
    folder, url, secret, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    state = StateFile(folder / "state.sqlite", LogReader(connect(folder / "log.sqlite")))
    rows: list[object] = []
    for number in range(count):
        action = sample_action(f"action-{number:04}")
        rows += ["crm", action.id, action.subject, msgspec.json.encode(action), "pending", 0, 0, "", "", 0, 0]
    OUTBOX.run(state.connection, rows)
    table = {"adapter": "webhook", "url": url, "secrets": [secret]}
    outbox = SqliteOutbox(state)
    dispatcher = Dispatcher(
        outbox,
        build_adapters({"crm": table}),
        Nobody(),
        RealClock(),
        let_pass,
        SilentTelemetry(),
        poll_s=0.05,
    )
    dispatcher.start()
    print("ready", flush=True)
    while outbox.due(1 << 60, 1):
        time.sleep(0.01)
    dispatcher.stop()
    print("done", flush=True)


if __name__ == "__main__":
    main()
