"""Log, committer and statement store over a folder, without fold, HTTP and dispatcher: what tests of queries run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.committer import Committer
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.statements.postings import CHUNK
from carrythrough.embedded.statements.store import StatementStore
from carrythrough.pipeline.records import Kind
from carrythrough.ports import Receipt
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.admission import Limits, admit
from carrythrough.xapi.query import VERSION_CODES, StatementQuery

START_MS = 1_795_000_000_000
"""Where the clock starts, ms since the epoch; tests move it by setting `time_ms`."""
AUTHORITY_HOME = "https://lrs.example"
CATCH_UP_S = 60.0
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
DID = "https://verbs.example/did"


def statement(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a statement of Ann's with an id of its own, about the activity with this number."""
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": DID},
        "object": {"id": f"https://activities.example/{number}"},
        **more,
    }


def about(target: str, verb: str = "https://verbs.example/said") -> dict[str, Any]:
    """Return a statement about another one."""
    return statement(verb={"id": verb}, object={"objectType": "StatementRef", "id": target})


def key(id_: str) -> bytes:
    """Return the 16 bytes of a statement id."""
    return uuid.UUID(id_).bytes


class StatementShell:
    """The inside of the server as far as storing and finding statements goes; `close`, then `open` again."""

    def __init__(self, folder: Path, *, indexing: bool = True) -> None:
        """indexing: False leaves the indexer's thread out."""
        self.folder = folder
        self.time_ms = START_MS
        self._indexing = indexing
        self.open()

    def open(self) -> None:
        """Open the files and wait until everything in the log is indexed."""
        self.telemetry = Telemetry()
        self.log = LogFile(self.folder / "log.sqlite")
        self.attachments = AttachmentFile(self.folder / "attachments.sqlite")
        self.committer = Committer(self.log, self, self.telemetry, lambda _: self.store.indexer.notify())
        self.store = StatementStore(
            self.folder / "index.sqlite",
            self.log,
            self.attachments,
            self.committer.settled_ms,
            self.telemetry,
            AUTHORITY_HOME,
        )
        self.committer.start()
        if self._indexing:
            self.store.start()
            self.store.indexer.wait_for(self.log.end, CATCH_UP_S)

    def close(self) -> None:
        """End the threads and close the files; safe to call twice."""
        self.committer.stop()
        self.store.stop()
        self.attachments.close()
        self.log.close()

    def now_ms(self) -> int:
        """Return the time of the clock."""
        return self.time_ms

    def put(
        self, statements: Sequence[dict[str, Any]], credential: str = "lms", version: str = "1.0.3"
    ) -> Receipt:
        """Store statements as one request; raises as `ports.Intake`."""
        admitted = admit(json.dumps(statements).encode(), Limits(), version)
        return self.committer.submit_now(Kind.STATEMENT, admitted, credential, VERSION_CODES[version])

    def ids(self, **query: Any) -> list[str]:
        """Return the ids on the first page of a query."""
        page = self.store.page(StatementQuery(**query))
        return [str(uuid.UUID(bytes=one.id)) for one in page.statements]

    def fill_chunk(self, left: int) -> None:
        """Put records of no interest into the log until `left` positions are left in its chunk; opens anew."""
        self.close()
        connection = apsw.Connection(str(self.folder / "log.sqlite"))
        end = connection.execute("SELECT coalesce(max(position), 0) FROM log").get
        connection.execute(
            "WITH RECURSIVE p(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM p WHERE n < ?) "
            "INSERT INTO log SELECT n, 3, ?, -1, 'x', x'', x'', 103 FROM p",
            (end + 1, (end // CHUNK + 1) * CHUNK - 1 - left, self.time_ms),
        )
        connection.close()
        self.open()

    def remove_index(self) -> None:
        """Lose the index, as a restored backup without it does; opens anew."""
        self.close()
        for path in self.folder.glob("index.sqlite*"):
            path.unlink()
        self.open()
