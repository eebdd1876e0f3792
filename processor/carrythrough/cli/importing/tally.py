"""What became of every record: the counts that an import ends with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from carrythrough.cli.files.records import Piece, Refused
from carrythrough.cli.importing.delivery import Sent
from carrythrough.cli.moments import span
from carrythrough.errors import Problem
from carrythrough.quarantine_file import QuarantineFile

EXAMPLES_MAX = 3
"""Refused records shown for each reason; the quarantine file has all."""


class FileTally:
    """Counts of one file. Implements `delivery.Receiver`; safe to use from several threads."""

    def __init__(
        self,
        name: str,
        kind: str,
        quarantine: QuarantineFile,
        stop: threading.Event,
        tell: Callable[[str], None],
    ) -> None:
        self.name = name
        self.kind = kind
        self.accepted = 0
        self.known = 0
        self.reasons: dict[str, int] = {}
        self.examples: dict[str, list[tuple[int, Problem]]] = {}
        self.failure: Problem | None = None
        self._quarantine = quarantine
        self._stop = stop
        self._tell = tell
        self._lock = threading.Lock()

    @property
    def quarantined(self) -> int:
        """Records that were refused."""
        return sum(self.reasons.values())

    @property
    def records(self) -> int:
        """Records that something has become of."""
        return self.accepted + self.known + self.quarantined

    def delivered(self, sent: Sent) -> None:
        """See `delivery.Receiver`."""
        with self._lock:
            self.accepted += sent.accepted
            self.known += sent.known

    def refused(self, piece: Piece | Refused, problem: Problem) -> None:
        """See `delivery.Receiver`; keeps the record in the quarantine file."""
        with self._lock:
            self._quarantine.add(self.name, piece.line, self.kind, piece.raw, problem)
            self.reasons[problem.code] = self.reasons.get(problem.code, 0) + 1
            examples = self.examples.setdefault(problem.code, [])
            if len(examples) < EXAMPLES_MAX:
                examples.append((piece.line, problem))

    def waits(self, problem: Problem, seconds: float) -> bool:
        """See `delivery.Receiver`."""
        self._tell(f"{problem.title}: {problem.detail}; next try in {span(seconds)}")
        return not self._stop.wait(seconds)


class Tally:
    """Counts of a whole run."""

    def __init__(self) -> None:
        self.files: list[FileTally] = []
        self.folded: dict[str, Any] | None = None
        self.interrupted = False
        self.stopped: Problem | None = None
        self.stop = threading.Event()
        """Set when nothing is to be tried again."""
        self.tells_known = True
        self._known_later = 0
        self._began_s = time.monotonic()
        self._sent_s: float | None = None

    def sent(self) -> None:
        """Note that everything is stored, so that scoring does not count as sending."""
        self._sent_s = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds from the start until everything was stored."""
        return (self._sent_s or time.monotonic()) - self._began_s

    def settle(self, folded: dict[str, Any] | None, *, tells_known: bool) -> None:
        """Take what was folded; where statements were accepted without saying which were known, count those now.

        Other senders may have been at work meanwhile, so fewer may be found known than were.
        """
        self.folded = folded
        self.tells_known = tells_known or folded is not None
        if folded is not None and not tells_known:
            sent = sum(file.accepted for file in self.files if file.kind == "statements")
            self._known_later = max(0, sent - folded["statements"])

    def total(self, name: str) -> int:
        """Return the sum of one count over all files."""
        later = {"accepted": -self._known_later, "known": self._known_later}.get(name, 0)
        return later + sum(int(getattr(file, name)) for file in self.files)

    def reasons(self) -> dict[str, int]:
        """Return the number of refused records by problem code, most first."""
        summed: dict[str, int] = {}
        for file in self.files:
            for code, number in file.reasons.items():
                summed[code] = summed.get(code, 0) + number
        return dict(sorted(summed.items(), key=lambda entry: (-entry[1], entry[0])))

    def clean(self) -> bool:
        """Say whether every record of every file was taken."""
        failed = self.interrupted or self.stopped is not None
        return not (failed or self.total("quarantined") or any(file.failure for file in self.files))

    def as_dict(self, quarantine: QuarantineFile) -> dict[str, Any]:
        """Return everything for --json."""
        records = self.total("records")
        return {
            "records": records,
            "accepted": self.total("accepted"),
            "known": self.total("known") if self.tells_known else None,
            "quarantined": self.reasons(),
            "quarantine_file": str(quarantine.path) if self.total("quarantined") else None,
            "interrupted": self.interrupted,
            "stopped": msgspec.structs.asdict(self.stopped) if self.stopped else None,
            "seconds": round(self.seconds, 3),
            "records_per_s": round(records / max(self.seconds, 1e-6)),
            "folded": self.folded,
            "files": [
                {
                    "file": file.name,
                    "kind": file.kind,
                    "records": file.records,
                    "accepted": file.accepted,
                    "known": file.known,
                    "quarantined": file.reasons,
                    "failure": msgspec.structs.asdict(file.failure) if file.failure else None,
                }
                for file in self.files
            ],
        }
