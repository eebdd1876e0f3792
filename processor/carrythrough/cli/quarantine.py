"""`carrythrough quarantine`: records that were refused on their way in, and records that could not be scored.

Refused ones stand in the quarantine file of `ingest`, and are named by the letter f and their line there
("f12"). Ones that a lenient sender sent and ones that broke the scoring stand in the log of the data folder,
and are named by their position.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from cyclopts import Parameter

from carrythrough.cli.table import Column, table
from carrythrough.cli.target import Target, open_reader
from carrythrough.cli.terminal import note, plural, say, say_json, styled
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem
from carrythrough.gateway.pages import words
from carrythrough.pipeline.records import Kind
from carrythrough.quarantine_file import Entry, default_path, read_quarantine

File = Annotated[
    Path | None, Parameter(help="Quarantine file that `ingest` wrote (default: the one of the data folder).")
]
SHOWN = 50


def list_quarantine(
    *,
    file: File = None,
    limit: Annotated[int, Parameter(help="At most this many of each kind, newest first.")] = SHOWN,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """List records that were refused by `ingest`, set aside from lenient senders, or could not be scored.

    For example:

    ```sh
    carrythrough quarantine list --data-dir data
    carrythrough quarantine list --file data.quarantine.jsonl
    carrythrough quarantine list --url http://127.0.0.1:8080
    ```
    """
    with _Both(file, target) as both:
        refused = both.refused()
        set_aside = both.reader.set_aside(limit) if both.reader is not None else []
    newest = refused[::-1][:limit]
    if json:
        say_json(
            {"refused": [_plain(entry) for entry in newest], "set_aside": set_aside, "file": both.file_shown}
        )
        return 0
    if not refused and not set_aside:
        say("The quarantine is empty.")
        return 0
    if refused:
        say(f"Refused on the way in: {plural(len(refused), 'record')} in {both.file_shown}", "bold")
        say()
        columns: list[Column] = [
            ("entry", "ids"),
            ("from", "left"),
            ("reason", "left"),
            ("where", "left", 1),
            ("what", "left"),
        ]
        table(columns, (_refused_row(entry) for entry in newest))
        if len(refused) > len(newest):
            say(f"The newest {limit} are shown (--limit N for more).")
    shown = bool(refused)
    for heading, entries in _by_fault(set_aside):
        if shown:
            say()
        shown = True
        say(heading, "bold")
        say()
        _table_aside(entries)
    say()
    example = f"f{newest[0].number}" if newest else set_aside[0]["position"]
    say(f"One of them in full: carrythrough quarantine show {example} …", "dim")
    return 0


def _by_fault(set_aside: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the entries of the log under headings that say whose fault they are."""
    refused = [e for e in set_aside if e["kind"] == Kind.REFUSED]
    broken = [e for e in set_aside if e["kind"] != Kind.REFUSED]
    headed = [
        (
            "Sent by lenient credentials and beyond repair (export, mend and `ingest` them; or `quarantine replay`):",
            refused,
        ),
        (
            "Accepted, but set aside because scoring failed on them (report these, they are faults of ours):",
            broken,
        ),
    ]
    return [(heading, entries) for heading, entries in headed if entries]


def _table_aside(entries: list[dict[str, Any]]) -> None:
    columns: list[Column] = [
        ("entry", "ids"),
        ("stored (UTC)", "ids"),
        ("from", "left"),
        ("reason", "left"),
        ("what", "left"),
    ]
    table(
        columns,
        ([e["position"], words.when(e["stored"]), e["credential"], e["code"], e["detail"]] for e in entries),
    )


def show(
    entry: Annotated[
        str, Parameter(help="As `quarantine list` names it: f12 (line of the file) or 4711 (position).")
    ],
    /,
    *,
    file: File = None,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Show one record with its reason and its content.

    For example:

    ```sh
    carrythrough quarantine show f12 --data-dir data
    ```
    """
    with _Both(file, target) as both:
        if entry.startswith("f"):
            found = both.one_refused(entry)
            value = _plain(found)
            raw = found.raw()
        else:
            value, raw = both.one_set_aside(entry)
    if json:
        say_json(value | {"record": raw.decode(errors="replace")})
        return 0
    problem = value.get("problem") or {"title": value.get("code"), "detail": value.get("detail")}
    say(problem["title"], "bold")
    for label in ("detail", "where", "rule", "fix", "code"):
        if problem.get(label):
            say(f"  {label:<7}{problem[label]}")
    origin = f"{value['file']}:{value['line']}" if "file" in value else f"position {entry} of the log"
    say(f"  from   {origin}")
    say()
    say(_pretty(raw))
    return 0


def export(
    *entries: Annotated[str, Parameter(help="Entries as `quarantine list` names them (default: all).")],
    file: File = None,
    out: Annotated[Path | None, Parameter(help="Write to this new file (default: standard output).")] = None,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Write records out as JSON lines, to mend them and bring them in again with `ingest`.

    Rows of a CSV file come out with their cells by column: mend them there, or mend the mapping, and bring that file
    in with the same --mapping. What is known counts once.

    For example:

    ```sh
    carrythrough quarantine export --data-dir data --out mend.jsonl
    carrythrough quarantine export f12 f13 --data-dir data
    ```
    """
    with _Both(file, target) as both:
        if entries:
            raws = [
                both.one_refused(e).raw() if e.startswith("f") else both.one_set_aside(e)[1] for e in entries
            ]
        else:
            raws = [entry.raw() for entry in both.refused()]
            if both.reader is not None:
                raws += [both.kept(e)[1] for e in both.reader.set_aside(sys.maxsize)]
    records = [raw for raw in raws if raw.lstrip()[:1] in (b"{", b"[")]
    text = b"".join(_one_line(raw) + b"\n" for raw in records)
    if out is None:
        sys.stdout.buffer.write(text)
    else:
        _write_new(out, text)
        note(
            f"{plural(len(records), 'record')} written to {out}. Mend them, then: carrythrough ingest {out} …"
        )
    if len(records) < len(raws):
        note(
            f"{plural(len(raws) - len(records), 'record')} left out, which are no JSON: mend them in the files."
        )
    return 0


class _Both:
    """The quarantine file and the reader of the log, as far as each is there."""

    def __init__(self, file: Path | None, target: Target | None) -> None:
        self._target = target or Target()
        self._file = file
        self._stack = ExitStack()
        self.reader: Any = None

    def __enter__(self) -> Self:
        alone = self._file is not None and self._target == Target()
        if not alone:
            self.reader = self._stack.enter_context(open_reader(self._target))
            if self._file is None and self._target.server() is None:
                self._file = default_path(self._target.settings().data_dir)
        elif self._file is not None and not self._file.exists():
            raise wrong_usage(
                f"{self._file} does not exist", "name the file that `ingest` printed", where="--file"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def file_shown(self) -> str | None:
        return None if self._file is None else str(self._file)

    def refused(self) -> list[Entry]:
        """Return the entries of the quarantine file, none when there is no file."""
        if self._file is None or not self._file.exists():
            return []
        return list(read_quarantine(self._file))

    def one_refused(self, name: str) -> Entry:
        """Return the entry "f12" of the quarantine file."""
        for entry in self.refused():
            if name == f"f{entry.number}":
                return entry
        raise _no_entry(name)

    def one_set_aside(self, name: str) -> tuple[dict[str, Any], bytes]:
        """Return a record that was set aside, and its bytes from the log as they were sent."""
        self._require_records()
        for entry in self.reader.set_aside(sys.maxsize):
            if name == str(entry["position"]):
                return self.kept(entry)
        raise _no_entry(name)

    def kept(self, entry: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Return an entry of `set_aside` with its problem where one is kept, and its bytes as they were sent."""
        self._require_records()
        row = self.reader.row(entry["position"])
        if row is not None and row.kind == Kind.REFUSED:
            from carrythrough.xapi.lenient import read_kept

            refused = read_kept(row.raw)
            return entry | {"problem": msgspec.to_builtins(refused.problem)}, refused.raw()
        return entry, bytes(row.raw) if row is not None else b""

    def _require_records(self) -> None:
        if not hasattr(self.reader, "row"):
            raise wrong_usage(
                "a server lists what it set aside, but does not hand records out",
                "work on its data folder with --data-dir",
                where="--url" if self.reader is not None else "ENTRY",
            )


def _plain(entry: Entry) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return {"entry": f"f{entry.number}"} | plain


def _refused_row(entry: Entry) -> list[Any]:
    problem = entry.problem
    return [
        f"f{entry.number}",
        f"{Path(entry.file).name}:{entry.line}",
        styled(problem.code, "yellow"),
        problem.where,
        problem.detail.splitlines()[0],
    ]


def _pretty(raw: bytes) -> str:
    try:
        return msgspec.json.format(raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode(errors="replace")


def _one_line(raw: bytes) -> bytes:
    """Return a record on one line; what is not JSON keeps its bytes, line breaks aside."""
    try:
        return msgspec.json.format(raw, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b" ".join(raw.splitlines())


def _write_new(path: Path, text: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise wrong_usage(f"{path} exists already", "name a new file", where="--out") from None
    except OSError as error:
        raise wrong_usage(
            f"{path}: {error.strerror}", "name a file that may be written", where="--out"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


def _no_entry(name: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="entry-unknown",
            status=404,
            title="There is no such entry",
            detail=repr(name[:60]),
            where="ENTRY",
            rule="f12 is line 12 of the quarantine file, 4711 is position 4711 of the log",
            fix="`carrythrough quarantine list` names them",
        )
    )
