"""The offline twin of the embedded fold: the log folded again in memory, to hold the stored state against.

The server folds in batches, over SQLite, through crashes and retries. `offline_fold` reads the same
log and runs the pure `pipeline.step` over plain values. Design promise 2 and 3 say that the two end
with the same bytes; `compare` says where they do not. Everything here only reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from carrythrough.embedded.activation import Activator
from carrythrough.embedded.database import connect
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.marks import read_placed
from carrythrough.embedded.referring import stored_loads
from carrythrough.embedded.replies import stored_replies
from carrythrough.embedded.strangers import read_stranger
from carrythrough.embedded.surveys import stored_surveys
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import contested_pieces, read_ledger
from carrythrough.pipeline.amending import Amendment
from carrythrough.pipeline.effects import Effect, SetAside, effect_id
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import ACTIVATIONS, LedgerRow, Record
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.pipeline.step import State, batches, step
from carrythrough.pipeline.strangers import Stranger
from carrythrough.scoring.codec import decode_header, decode_pair, encode_learner, encode_learner_evidence
from carrythrough.scoring.state import LearnerState

READ_ROWS = 2_000
"""Log rows decoded at a time; the result does not depend on it."""
DETAIL_CHARACTERS_MAX = 2_000
DIFFERENCES_SHOWN = 10
"""Differences named in each part; the rest is counted."""


class PlacedState(State, frozen=True):
    """A state with the place in the log that it belongs to.

    position: last record folded or set aside. set_aside: positions of records that could not be
    folded. effects: JSON of every effect in the order of its sequence number.
    """

    position: int = 0
    set_aside: tuple[int, ...] = ()
    effects: tuple[bytes, ...] = ()


def offline_fold(
    data_dir: Path,
    tenant_key: bytes | None = None,
    *,
    tenant: str = "default",
    after: PlacedState | None = None,
    up_to: int | None = None,
) -> PlacedState:
    """Return the state that the log of a data folder gives, folded in memory.

    tenant_key: that of the folder by default. after: go on from an earlier result over the same log.
    up_to: last position to fold, the whole log by default. Raises FileNotFoundError without a log.
    """
    connection = _open(data_dir / "log.sqlite")
    try:
        log = LogReader(connection)
        key = tenant_key if tenant_key is not None else _tenant_key(data_dir)
        return _Replay(log, Activator(tenant, key), tenant, after or PlacedState()).run(up_to)
    finally:
        connection.close()


def stored_state(data_dir: Path) -> PlacedState:
    """Return what the state file of a data folder holds; raises FileNotFoundError without one."""
    connection = _open(data_dir / "state.sqlite")
    try:
        connection.execute("BEGIN")  # one read transaction: a server may be writing
        return _stored(connection)
    finally:
        connection.close()


def compare(a: State, b: State) -> list[str]:
    """Return in words where two states differ: position, evidence, published half, ledger, effects."""
    found: list[str] = []
    if isinstance(a, PlacedState) and isinstance(b, PlacedState):
        if a.position != b.position:
            found.append(f"position: {a.position} and {b.position}")
        if a.set_aside != b.set_aside:
            found.append(f"set aside: {a.set_aside} and {b.set_aside}")
        found += _effect_differences(a.effects, b.effects)
    if a.evidence_bytes() != b.evidence_bytes():
        found += _learner_differences("evidence half", a, b)
    if a.all_bytes() != b.all_bytes():
        found += _learner_differences("published half", a, b)
    found += _keyed("ledger row", a.rows, b.rows)
    if a.voids != b.voids:
        found.append(
            f"voids: {len(a.voids - b.voids)} only in the first, {len(b.voids - a.voids)} only in the second"
        )
    found += _keyed("registration", a.units, b.units)
    found += _keyed("corrections of", a.amendments, b.amendments)
    found += _keyed("stranger", a.outside, b.outside)
    if a.ends != b.ends:
        found.append(f"retracted or replaced: {len(a.ends ^ b.ends)} events differ")
    if a.gone != b.gone:
        found.append(f"pseudonyms without evidence: {len(a.gone ^ b.gone)} differ")
    surveys = ({at: (s.subject, s.answers) for at, s in state.needs.items()} for state in (a, b))
    found += _keyed("needs survey at", *surveys)
    found += _keyed("answer to an action", a.answered, b.answered)
    found += _keyed("load of rule", a.rule_loads, b.rule_loads)
    if a.set_out != b.set_out:
        found.append(f"contested: {len(a.set_out ^ b.set_out)} pieces differ")
    return found


class _Replay:
    """One pass over the log, holding the versions in force."""

    def __init__(self, log: LogReader, activator: Activator, tenant: str, after: PlacedState) -> None:
        self._log = log
        self._activator = activator
        self._tenant = tenant
        self._in_force: InForce = activator.at(log, after.position)
        self._state = State(**{name: getattr(after, name) for name in State.__struct_fields__})
        self._position = after.position
        self._set_aside = list(after.set_aside)
        self._effects = list(after.effects)

    def run(self, up_to: int | None) -> PlacedState:
        for run in self._runs(up_to):
            for batch in batches(run):
                self._fold(batch)
        return PlacedState(
            **{name: getattr(self._state, name) for name in State.__struct_fields__},
            position=self._position,
            set_aside=tuple(self._set_aside),
            effects=tuple(self._effects),
        )

    def _runs(self, up_to: int | None) -> Iterator[list[Record]]:
        """Yield runs of decoded records; a row that cannot be decoded is set aside in its turn."""
        while rows := self._log.rows(self._position, READ_ROWS):
            run: list[Record] = []
            for row in rows:
                if up_to is not None and row.position > up_to:
                    yield run
                    return
                try:
                    run.append(record_of(row))
                except Exception as error:  # noqa: BLE001 - whatever the bytes were, the fold passes them
                    yield run
                    run = []
                    self._aside(row.position, error)
            yield run

    def _fold(self, batch: list[Record]) -> None:
        if not batch:
            return
        try:
            in_force = self._in_force
            if batch[0].kind in ACTIVATIONS:
                in_force = self._activator.activate(batch[0], in_force)
            self._state, effects = step(self._state, batch, in_force)
        except Exception as error:  # noqa: BLE001 - as the folder does: halve until one record is left
            if len(batch) == 1:
                self._aside(batch[0].position, error)
            else:
                self._fold(batch[: len(batch) // 2])
                self._fold(batch[len(batch) // 2 :])
            return
        self._in_force = in_force
        self._position = batch[-1].position
        self._effects += map(_encode, effects)
        self._set_aside += [effect.position for effect in effects if isinstance(effect, SetAside)]

    def _aside(self, position: int, error: Exception) -> None:
        entry = SetAside(
            id=effect_id("quarantine", self._tenant, position),
            position=position,
            code=getattr(getattr(error, "problem", None), "code", "fold-error"),
            detail=f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS_MAX],
        )
        self._effects.append(_encode(entry))
        self._set_aside.append(position)
        self._position = position


def _encode(effect: Effect) -> bytes:
    return msgspec.json.encode(effect)


def _open(path: Path) -> apsw.Connection:
    if not path.exists():
        raise FileNotFoundError(path)
    return connect(path, readonly=True)


def _tenant_key(data_dir: Path) -> bytes:
    return bytes.fromhex((data_dir / "tenant.key").read_text(encoding="ascii").strip())


def _stored(connection: apsw.Connection) -> PlacedState:
    terms = Terms(connection)
    learners: dict[str, LearnerState] = {}
    numbers: dict[int, str] = {}
    for number, subject, header in connection.execute("SELECT id, subject, header FROM employee"):
        learners[subject] = decode_header(header)
        numbers[number] = subject
    for number, skill, blob in connection.execute("SELECT employee, skill, state FROM pair"):
        learners[numbers[number]].pairs[terms.text(skill)] = decode_pair(blob)
    rows: dict[tuple[str, str, int, bytes], LedgerRow] = {}
    for number, subject in numbers.items():
        rows.update((row.key(), row) for row in read_ledger(connection, terms, subject, number))
    voids = frozenset(bytes(row[0]) for row in connection.execute("SELECT source FROM void"))
    position = connection.execute("SELECT value FROM meta WHERE name='position'").fetchone()
    aside = connection.execute("SELECT position FROM quarantine ORDER BY position")
    effects = connection.execute("SELECT body FROM effect ORDER BY seq")
    return PlacedState(
        learners,
        rows,
        voids,
        frozenset(contested_pieces(connection)),
        _units(connection, terms),
        amendments=_amendments(connection),
        ends=frozenset(bytes(row[0]) for row in connection.execute("SELECT source FROM ended")),
        outside=_strangers(connection),
        gone=frozenset(row[0] for row in connection.execute("SELECT subject FROM vanished")),
        needs=stored_surveys(connection, terms),
        answered=stored_replies(connection),
        rule_loads=stored_loads(connection),
        position=0 if position is None else int(position[0]),
        set_aside=tuple(row[0] for row in aside),
        effects=tuple(bytes(row[0]) for row in effects),
    )


def _amendments(connection: apsw.Connection) -> dict[bytes, tuple[Amendment, ...]]:
    rows = connection.execute(
        "SELECT source, target, revision, t_ms, position FROM amendment ORDER BY position"
    )
    found: dict[bytes, tuple[Amendment, ...]] = {}
    for source, target, *rest in rows:
        found[bytes(target)] = (*found.get(bytes(target), ()), Amendment(bytes(source), bytes(target), *rest))
    return found


def _strangers(connection: apsw.Connection) -> dict[str, Stranger]:
    subjects = [row[0] for row in connection.execute("SELECT subject FROM stranger")]
    known = ((subject, read_stranger(connection, subject)) for subject in subjects)
    return {subject: stranger for subject, stranger in known if stranger is not None}


def _units(connection: apsw.Connection, terms: Terms) -> dict[Home, dict[bytes, PlacedMark]]:
    units: dict[Home, dict[bytes, PlacedMark]] = {}
    for placed in read_placed(connection, terms):
        units.setdefault(placed.home(), {})[placed.mark.source] = placed
    return units


def _learner_differences(part: str, a: State, b: State) -> list[str]:
    encode = encode_learner_evidence if part == "evidence half" else encode_learner
    return _keyed(
        f"{part} of",
        {subject: encode(learner) for subject, learner in a.learners.items()},
        {subject: encode(learner) for subject, learner in b.learners.items()},
    )


def _keyed(what: str, a: Mapping[Any, Any], b: Mapping[Any, Any]) -> list[str]:
    differing = sorted(str(key) for key in a.keys() | b.keys() if a.get(key) != b.get(key))
    words = [f"{what} {key} differs" for key in differing[:DIFFERENCES_SHOWN]]
    if len(differing) > DIFFERENCES_SHOWN:
        words.append(f"{what}: {len(differing) - DIFFERENCES_SHOWN} more differ")
    return words


def _effect_differences(a: Sequence[bytes], b: Sequence[bytes]) -> list[str]:
    if a == b:
        return []
    for number, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return [f"effect {number}: {one[:400]!r} and {other[:400]!r}"]
    return [f"effects: {len(a)} and {len(b)}"]
