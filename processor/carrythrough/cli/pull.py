"""`carrythrough pull`: read statements from an existing Learning Record Store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from carrythrough.cli.moments import span
from carrythrough.cli.table import table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import count, err, note, plural, say, say_json, show_problem
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError

if TYPE_CHECKING:
    from carrythrough.embedded.runtime import Embedded
    from carrythrough.pull.cursor import Cursor
    from carrythrough.pull.puller import Puller

EXIT_INTERRUPTED = 130
TRIES_MAX = 6
"""Tries in a row with --once: about a minute, in which a store that restarts is back."""
TELL_EVERY_S = 2.0
NAME_DEFAULT = "lrs"


def pull(
    *names: Annotated[str, Parameter(help="Sources of the settings to read (default: all of them).")],
    once: Annotated[bool, Parameter(help="End when everything that is there now was read.")] = False,
    status: Annotated[
        bool, Parameter(help="Read nothing; say how far each source was read and what stops it.")
    ] = False,
    endpoint: Annotated[
        str | None, Parameter(help="Address of a store's xAPI that does not stand in the settings.")
    ] = None,
    key: Annotated[str | None, Parameter(help="Key (user name) at that store.")] = None,
    secret_env: Annotated[
        str | None, Parameter(help="Name of the environment variable with the secret.")
    ] = None,
    version: Annotated[
        Literal["1.0.3", "2.0.0"], Parameter(help="Version of xAPI that the store speaks.")
    ] = "1.0.3",
    since: Annotated[str, Parameter(help="Only statements stored after this time (RFC 3339).")] = "",
    verb: Annotated[str, Parameter(help="Only statements with this verb (IRI).")] = "",
    activity: Annotated[str, Parameter(help="Only statements about this activity (IRI).")] = "",
    profile: Annotated[
        str, Parameter(help="Only statements with this activity in the category of their context (IRI).")
    ] = "",
    program: Annotated[str | None, Parameter(help="Program map to put in force first.")] = None,
    roster: Annotated[str | None, Parameter(help="Roster to put in force first.")] = None,
    data_dir: Annotated[str | None, Parameter(help="Data folder to read into (default ./data).")] = None,
    config: Annotated[Path | None, Parameter(help="Settings file (TOML) with the sources.")] = None,
    json: Annotated[bool, Parameter(help="Print the result as JSON.")] = False,
) -> int:
    """Read xAPI statements from an existing Learning Record Store into a data folder.

    Where reading stopped is kept in the data folder, so the same command goes on there, also after a crash; what is
    read twice counts once. A running server reads the sources of its settings by itself ([pull.NAME]); this command
    is for a data folder that no server uses. Refused statements are kept in DATA_DIR/pull/NAME.quarantine.jsonl.

    For example:

    ```sh
    carrythrough pull --once --endpoint https://lrs.example/xapi --key KEY --secret-env LRS_SECRET --program map.yaml
    carrythrough pull campus --config carrythrough.toml
    carrythrough pull --status --data-dir data
    ```
    """
    target = Target(data_dir=data_dir, config=config)
    overrides: dict[str, Any] = {"program": program, "roster": roster}
    if endpoint is not None:
        if names:
            raise wrong_usage(
                "names are those of the settings, and --endpoint is a store that does not stand there",
                "leave one of the two out",
                where="--endpoint",
            )
        wanted = {
            "endpoint": endpoint,
            "key": key or "",
            "secret_env": secret_env or "",
            "version": version,
            "since": since,
            "verb": verb,
            "activity": activity,
            "profile": profile,
        }
        overrides["pull"] = {NAME_DEFAULT: wanted}
    settings = target.settings(**overrides)
    if status:
        return _show_status(Path(settings.data_dir), as_json=json)
    missing = [name for name in names if name not in settings.pull]
    if missing or not settings.pull:
        known = ", ".join(settings.pull) or "none"
        raise wrong_usage(
            f"{missing[0]!r} is no source of the settings" if missing else "no source is named",
            f"name one of the settings ({known}), or give --endpoint",
            where=missing[0] if missing else "NAME",
        )
    with _opened(settings, names) as (runtime, pullers):
        outcome = _Run(pullers, once=once).all()
        runtime.caught_up()
    return _finish(outcome, as_json=json)


class _Outcome:
    """What a run ended with."""

    def __init__(self) -> None:
        self.cursors: dict[str, Cursor] = {}
        self.before: dict[str, Cursor] = {}
        self.problems: dict[str, Problem] = {}
        self.interrupted = False


class _Run:
    """Reads the sources in turn, telling how it goes on stderr."""

    def __init__(self, pullers: list[Puller], *, once: bool) -> None:
        self._pullers = pullers
        self._once = once
        self._outcome = _Outcome()
        self._told_s = time.monotonic()
        self._ended = threading.Event()

    def all(self) -> _Outcome:
        """Read until the end (once) or until interrupted."""
        outcome = self._outcome
        outcome.before = {puller.name: puller.cursor() for puller in self._pullers}
        outcome.cursors = dict(outcome.before)
        try:
            while True:
                for puller in self._pullers:
                    self._one(puller)
                if self._once:
                    break
                self._ended.wait(min(puller.source.every_s for puller in self._pullers))
        except KeyboardInterrupt:
            outcome.interrupted = True
        return outcome

    def _one(self, puller: Puller) -> None:
        from carrythrough.pull.background import backoff_s

        name, failures = puller.name, 0
        while True:
            position = self._outcome.cursors[name].stored_ms
            try:
                self._outcome.cursors[name] = puller.look(lambda cursor: self._tell(name, cursor))
                self._outcome.problems.pop(name, None)
                return
            except CarrythroughError as error:
                puller.fail(error.problem)
                self._outcome.cursors[name] = puller.cursor()
                moved = self._outcome.cursors[name].stored_ms > position
                failures = 1 if moved else failures + 1
                if not isinstance(error, TransientError) or (self._once and failures >= TRIES_MAX):
                    self._outcome.problems[name] = error.problem
                    return
                wait_s = backoff_s(name, failures, error)
                err().print(f"pull: {name}: {error.problem.detail}; next try in {span(wait_s)}")
                self._ended.wait(wait_s)

    def _tell(self, name: str, cursor: Cursor) -> bool:
        self._outcome.cursors[name] = cursor
        if time.monotonic() - self._told_s >= TELL_EVERY_S:
            self._told_s = time.monotonic()
            read = cursor.read - self._outcome.before[name].read
            err().print(f"pull: {name}: {count(read)} read, up to {_when(cursor.stored_ms)}")
        return True


@contextmanager
def _opened(settings: Any, names: tuple[str, ...]) -> Iterator[tuple[Embedded, list[Puller]]]:
    """Open the data folder as an import does: it scores and sends nothing."""
    from carrythrough.cli.importing.folder_delivery import open_for_import

    try:
        runtime = open_for_import(settings)
    except CarrythroughError as error:
        if error.problem.code == "data-folder-in-use":
            fix = "a running server reads by itself: name the source in its settings ([pull.NAME]) and start it again"
            raise PermanentError(
                msgspec.structs.replace(error.problem, fix=f"{fix}; or {error.problem.fix}")
            ) from error
        raise
    try:
        yield runtime, [puller for puller in runtime.pull.pullers if not names or puller.name in names]
    finally:
        runtime.stop()


def _finish(outcome: _Outcome, *, as_json: bool) -> int:
    found = {name: _counts(outcome, name) for name in outcome.cursors}
    if as_json:
        say_json({"sources": found, "interrupted": outcome.interrupted})
    else:
        for name, entry in found.items():
            say(
                f"{name}: {plural(entry['read'], 'statement')} read, {count(entry['accepted'])} new, "
                f"{count(entry['known'])} known, {count(entry['refused'])} refused; up to {entry['position']}"
            )
            if entry["refused"]:
                say(
                    f"  The refused ones, with reasons: carrythrough quarantine list --file …/{name}.quarantine.jsonl"
                )
        for problem in outcome.problems.values():
            show_problem(problem, as_json=False)
    if outcome.interrupted:
        note("Interrupted. The same command goes on where it stopped.")
        return EXIT_INTERRUPTED
    return 1 if outcome.problems or any(entry["refused"] for entry in found.values()) else 0


def _counts(outcome: _Outcome, name: str) -> dict[str, Any]:
    now, before = outcome.cursors[name], outcome.before[name]
    problem = outcome.problems.get(name)
    return {
        "read": now.read - before.read,
        "accepted": now.accepted - before.accepted,
        "known": now.known - before.known,
        "refused": now.refused - before.refused,
        "position": _when(now.stored_ms),
        "problem": msgspec.structs.asdict(problem) if problem else None,
    }


def _show_status(folder: Path, *, as_json: bool) -> int:
    """Show the positions that the data folder keeps; 1 when a fault stops one of them."""
    from carrythrough.embedded.pulling import positions

    found = positions(folder)
    if as_json:
        entries = {
            name: {
                "position": _when(cursor.stored_ms),
                "read": cursor.read,
                "accepted": cursor.accepted,
                "known": cursor.known,
                "refused": cursor.refused,
                "last_success": _when(cursor.success_ms),
                "error_code": cursor.error_code,
                "error": cursor.error,
            }
            for name, cursor in found.items()
        }
        say_json({"sources": entries})
    elif not found:
        say(f"Nothing was read into {folder} from another store yet.")
    else:
        table(
            [
                ("source", "left"), ("read up to (UTC)", "left"), ("last success", "left"), ("read", "right"),
                ("new", "right"), ("refused", "right"), ("stopped by", "left"),
            ],
            (
                [
                    name, _when(c.stored_ms) or "–", _when(c.success_ms) or "never", count(c.read),
                    count(c.accepted), count(c.refused), c.error or "nothing",
                ]
                for name, c in found.items()
            ),
        )  # fmt: skip
    return 1 if any(cursor.error_code for cursor in found.values()) else 0


def _when(ms: int) -> str | None:
    """Return a time as RFC 3339, None for 0."""
    from carrythrough.embedded.presenting import rfc3339

    return rfc3339(ms) if ms else None
