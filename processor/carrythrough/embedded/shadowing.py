"""The consumer that feeds the two shadow learners: it follows the ledger at places of its own, on a thread of its own.

For the shadow head it reads outcomes of the job in the order of the log, derives what was known just
before each from the rows of that person, and hands both over; for the answer learner, answers and practice
(`embedded.answer_feed`). It only reads: files of its own hold what was learnt. It works a small share of the
time in short turns, so that intake and fold never wait for it; what it has not read yet stays in the ledger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import structlog

from carrythrough.embedded.answer_feed import ANSWERS_NAME, AnswerFeed, People, load_answers, save_answers
from carrythrough.embedded.data_folder import write_durably
from carrythrough.embedded.database import connect, select
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.pipeline.assist import is_assisted
from carrythrough.pipeline.records import Kind, LedgerRow
from carrythrough.scoring.answering import AnswerShadow
from carrythrough.scoring.head import Model, features
from carrythrough.scoring.score import job_sums
from carrythrough.scoring.shadow import SNAPSHOT_VERSION, Outcome, Shadow, Snapshot, take_all
from carrythrough.scoring.state import LearnerState, PairState, apply

SNAPSHOT_NAME = "shadow.json"
POSITION_MAX = (1 << 63) - 1
CHUNK_ROWS = 20
"""Outcomes read at a time; what is learnt does not depend on it. Each may need a few milliseconds of its person."""
TURN_S = 0.025
"""Neither learner begins a further chunk of a turn after this."""
REST_S = 1.0
RESTS_PER_WORK = 19.0
"""Rest after each turn: the shadow takes a twentieth of one core at most while it catches up."""
IDLE_S = 10.0
"""Rest when there was nothing new."""
SAVE_S = 300.0
"""The answer learner (up to 34 MB) is written this often at most, and at the end; a crash costs reading again."""
OUTCOMES_LEAST = 3
"""Outcomes that a pair must have before one of its outcomes teaches: as in the training of the shipped head."""
_OUTCOMES = (
    "SELECT l.position, e.subject, l.employee FROM ledger l JOIN employee e ON e.id = l.employee "
    f"WHERE l.channel IN ({int(Channel.JOB)}, {int(Channel.OBSERVED)}) AND l.w > 0 AND l.position > ? "
    "ORDER BY l.position LIMIT ?"
)

_logger = structlog.get_logger("carrythrough.shadow")


def load_shadow(path: Path, in_force: Model, since: int = 0) -> Shadow:
    """Return the shadow of a snapshot file, a fresh one of `in_force` where there is none that fits.

    since: position of the record that brought `in_force` into force. A fresh shadow begins behind it: what
    the version itself may have learnt from is no fair trial of it.
    """
    try:
        snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Shadow(in_force, since)
    if snapshot.version == SNAPSHOT_VERSION and snapshot.rival == in_force and snapshot.position >= since:
        return Shadow.of(snapshot)
    return Shadow(in_force, since)


def activated_at(log: LogReader) -> int:
    """Return the position of the last record that activated a version of the head, 0 when there is none."""
    row = log.last(Kind.MODEL, POSITION_MAX)
    return 0 if row is None else row.position


def save_shadow(path: Path, shadow: Shadow) -> None:
    """Write the snapshot in place of the last one, whole or not at all, durable when it returns; raises OSError."""
    write_durably(path, msgspec.json.encode(shadow.snapshot()))


class ShadowFeed:
    """Reads the ledger of a state file for one shadow; used by one thread. Raises apsw.Error."""

    def __init__(self, state: Path) -> None:
        self._connection = connect(state, readonly=True)
        self._terms = Terms(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def advance(self, shadow: Shadow, chunk_rows: int = CHUNK_ROWS) -> bool:
        """Take the next chunk of outcomes; say whether there may be more."""
        found = list(select(self._connection, _OUTCOMES, (shadow.position, chunk_rows + 1)))
        more = len(found) > chunk_rows
        if more:
            # Rows of one position stay together: a position is learnt whole, or not yet.
            last = found[-1][0]
            cut = [row for row in found if row[0] < last]
            while not cut:
                chunk_rows *= 2
                found = list(select(self._connection, _OUTCOMES, (shadow.position, chunk_rows + 1)))
                cut = [row for row in found if row[0] < found[-1][0]] if len(found) > chunk_rows else found
            found = cut
        if not found:
            return False
        end = found[-1][0]
        people = {subject: number for _, subject, number in found}
        outcomes = [
            pair
            for subject, number in people.items()
            for pair in self._outcomes_of(subject, number, shadow.position, end, shadow.rival)
        ]
        outcomes.sort(key=lambda pair: pair[0])
        take_all(shadow, [outcome for _, outcome in outcomes], end)
        return more

    def _outcomes_of(
        self, subject: str, number: int, after: int, end: int, model: Model
    ) -> Iterable[tuple[tuple[int, str, str, int], Outcome]]:
        rows = read_ledger(self._connection, self._terms, subject, number, " AND position <= ?", (end,))
        return replayed([row for row in rows if not row.voided], after, model)


def replayed(
    rows: list[LedgerRow], after: int, model: Model
) -> Iterable[tuple[tuple[int, str, str, int], Outcome]]:
    """Yield the outcomes of the job of one person behind position `after`, with what was known before each.

    An outcome that arrived after later evidence of its pair teaches nothing: the state would be read before
    its own evidence. Each comes with a key that orders the outcomes of everybody.
    """
    learner = LearnerState()
    support: dict[str, list[Evidence]] = {}
    for row in sorted(rows, key=_place):
        e = row.evidence
        pair = learner.pairs.get(e.skill)
        if pair is None:
            pair = learner.pairs[e.skill] = PairState()
        if row.position > after and e.channel in (Channel.JOB, Channel.OBSERVED) and e.w:
            outcome = _before(learner, pair, e, model)
            if outcome is not None:
                yield _place(row), outcome
        if e.channel == Channel.SUPPORT:
            support.setdefault(e.skill, []).append(e)
        apply(learner, pair, e, assisted=is_assisted(e, support.get(e.skill, ())))


def _place(row: LedgerRow) -> tuple[int, str, str, int]:
    return (row.position, row.subject, row.evidence.skill, row.evidence.channel)


def _before(learner: LearnerState, pair: PairState, e: Evidence, model: Model) -> Outcome | None:
    newest_ms = max((c.last_ms for c in pair.channels if c is not None), default=0)
    others_ms = learner.recent[-1][0] if learner.recent else 0
    if pair.outcomes() < OUTCOMES_LEAST or max(newest_ms, others_ms) > e.t_ms:
        return None
    trials, successes, _ = job_sums(pair, e.t_ms, volatile=False)
    row = tuple(features(learner, pair, e.t_ms, model))
    return Outcome(row, trials, successes, e.y / Y_ONE, e.w / W_ONE)


class AnswerTurns:
    """The answer learner of a data folder over many turns: loaded once, saved now and then. Used by one thread."""

    def __init__(self, folder: Path, state: Path) -> None:
        self._path = folder / ANSWERS_NAME
        self._state = state
        self._people = People()
        self._shadow: AnswerShadow | None = None
        self._saved = 0
        self._saved_s = time.monotonic()

    def turn(self, in_force: Model, since: int, ended: Callable[[], bool]) -> bool:
        """Learn for TURN_S; say whether more is waiting. Raises apsw.Error and OSError.

        since: position of the record that brought `in_force` into force.
        """
        with closing(AnswerFeed(self._state, self._people)) as feed:
            shadow = self._shadow
            if shadow is None:
                if not feed.has_any():  # 17 MB that a server without answers does not need
                    return False
                shadow = self._shadow = load_answers(self._path, in_force, since, feed.end())
                self._saved = shadow.position
            shadow.hold_against(in_force, since)
            deadline = time.monotonic() + TURN_S
            more = True
            while more and time.monotonic() < deadline and not ended():
                more = feed.advance(shadow)
        if time.monotonic() - self._saved_s >= SAVE_S:
            self.save()
        return more

    def save(self) -> None:
        """Keep what was learnt since the last time; raises OSError."""
        self._saved_s = time.monotonic()
        if self._shadow is not None and self._shadow.position != self._saved:
            save_answers(self._path, self._shadow)
            self._saved = self._shadow.position


class ShadowThread:
    """Keeps the shadow learners of a data folder learning until it is stopped."""

    def __init__(self, folder: Path, state: Path, in_force: Callable[[], Model]) -> None:
        self._path = folder / SNAPSHOT_NAME
        self._state = state
        self._log = folder / "log.sqlite"
        self._in_force = in_force
        self._answers = AnswerTurns(folder, state)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Start learning."""
        self._thread.start()

    def stop(self) -> None:
        """Stop at the end of the present chunk and keep what was learnt."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        rest_s = REST_S
        while not self._ended.wait(rest_s):
            began = time.monotonic()
            try:
                more = self._turn()
                rest_s = max(REST_S if more else IDLE_S, RESTS_PER_WORK * (time.monotonic() - began))
            except (apsw.Error, OSError) as error:  # the disk may be full or busy; the next turn tries again
                _logger.warning("shadow_waits", error=f"{type(error).__name__}: {error}")
                rest_s = IDLE_S
        try:
            self._answers.save()
        except OSError as error:  # it is learnt again from the ledger
            _logger.warning("shadow_not_saved", error=f"{type(error).__name__}: {error}")

    def _turn(self) -> bool:
        """Let each learner learn for TURN_S; say whether more is waiting."""
        in_force = self._in_force()
        with closing(LogReader(connect(self._log, readonly=True))) as log:
            since = activated_at(log)
        return self._head_turn(in_force, since) | self._answers.turn(in_force, since, self._ended.is_set)

    def _head_turn(self, in_force: Model, since: int) -> bool:
        shadow = load_shadow(self._path, in_force, since)
        before = shadow.position
        with closing(ShadowFeed(self._state)) as feed:
            deadline = time.monotonic() + TURN_S
            more = True
            while more and time.monotonic() < deadline and not self._ended.is_set():
                more = feed.advance(shadow)
        if shadow.position != before:
            save_shadow(self._path, shadow)
        return more
