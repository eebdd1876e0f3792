"""What became of every record: the counts that an import ends with."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from carrythrough.cli.files.records import Kind, Piece, Refused
from carrythrough.cli.importing.delivery import Sent
from carrythrough.cli.importing.times import time_of
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
        self.span_ms: tuple[int, int] | None = None
        """Event times of the oldest and the newest record that was taken."""
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

    def delivered(self, sent: Sent, pieces: Sequence[Piece]) -> None:
        """See `delivery.Receiver`."""
        kind: Kind = "events" if self.kind == "events" else "statements"
        times = [t_ms for piece in pieces if (t_ms := time_of(kind, piece.raw)) is not None]
        with self._lock:
            self.accepted += sent.accepted
            self.known += sent.known
            if times:
                first, last = self.span_ms or (times[0], times[0])
                self.span_ms = min(first, *times), max(last, *times)

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

    def span_ms(self) -> tuple[int, int] | None:
        """Return the oldest and the newest event time that was taken, None without any."""
        spans = [file.span_ms for file in self.files if file.span_ms is not None]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def as_span(self) -> dict[str, str] | None:
        """Return the time that the records cover, "from" and "to" as RFC 3339 in UTC; None when none says."""
        return _span(self.span_ms())

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
            "span": self.as_span(),
            "folded": self.folded,
            "files": [
                {
                    "file": file.name,
                    "kind": file.kind,
                    "records": file.records,
                    "accepted": file.accepted,
                    "known": file.known,
                    "quarantined": file.reasons,
                    "span": _span(file.span_ms),
                    "failure": msgspec.structs.asdict(file.failure) if file.failure else None,
                }
                for file in self.files
            ],
        }


def _span(span_ms: tuple[int, int] | None) -> dict[str, str] | None:
    """Return a span of time as RFC 3339 in UTC."""
    if span_ms is None:
        return None
    first, last = (
        dt.datetime.fromtimestamp(t_ms // 1000, tz=dt.UTC).isoformat().replace("+00:00", "Z")
        for t_ms in span_ms
    )
    return {"from": first, "to": last}
