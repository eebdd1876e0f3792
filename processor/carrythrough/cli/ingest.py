"""`carrythrough ingest`: bring files of statements and performance events in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from cyclopts import Parameter

from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.files.records import Kind, Piece, Refused
from carrythrough.cli.importing.delivery import Delivery, deliver, parcels
from carrythrough.cli.importing.progress import Progress
from carrythrough.cli.importing.report import check_report, report, write_report
from carrythrough.cli.importing.tally import FileTally, Tally
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import note, say_json, show_problem
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import CarrythroughError, PermanentError, Problem
from carrythrough.quarantine_file import QuarantineFile, default_path

EXIT_INTERRUPTED = 130
_GOES_ON = "What was stored stays, and the same command goes on: what is known already counts once."


def ingest(
    *files: Annotated[Path, Parameter(help="Files to bring in, or - for standard input.")],
    kind: Annotated[
        Literal["statements", "events"] | None,
        Parameter(help="What the files hold, where their content leaves it open."),
    ] = None,
    mapping: Annotated[
        Path | None,
        Parameter(help="For CSV: a YAML file that says which column is what (columns, constants)."),
    ] = None,
    program: Annotated[
        str | None, Parameter(help="Program map to put in force first (data folder only).")
    ] = None,
    roster: Annotated[str | None, Parameter(help="Roster to put in force first (data folder only).")] = None,
    quarantine: Annotated[
        Path | None,
        Parameter(
            help="Where refused records are kept with their reasons (default: DATA_DIR.quarantine.jsonl)."
        ),
    ] = None,
    report_file: Annotated[
        Path | None,
        Parameter(name="--report", help="Write the result as JSON into this file, beside what is printed."),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the result as JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Bring files of xAPI statements and performance events in.

    They go into a data folder (--data-dir) or to a running server (--url).

    Statements: a JSON array, one object, an LRS answer ({"statements": [...]}), or one statement a line.
    Performance events: the same, CloudEvents included, or CSV. Each may be packed with gzip. What a file holds is
    told from its content.

    What is known already counts once, so a file may be brought in again, also after an interruption. A refused
    record never holds up the others: it is kept with its reason in the quarantine file, and the exit code is 1.

    For example:

    ```sh
    carrythrough ingest statements.jsonl.gz --data-dir data --program map.yaml --roster roster.csv
    carrythrough ingest *.json --url http://127.0.0.1:8080 --key KEY --secret SECRET
    carrythrough ingest tickets.csv --mapping tickets.yaml --data-dir data
    zcat big.gz | carrythrough ingest - --data-dir data --json
    ```
    """
    target = target or Target()
    _check_arguments(files, target, program, roster, kind, mapping)
    if report_file is not None:
        check_report(report_file)
    mapped = None
    if mapping is not None:
        from carrythrough.cli.files.tables import load_mapping

        mapped = load_mapping(mapping)
    inputs = [InputFile(path) for path in files]
    delivery, folder = open_delivery(target, program, roster)
    kept = QuarantineFile(quarantine or default_path(folder))
    tally = Tally()
    run = _Run(delivery, kept, tally, kind, mapped)
    try:
        with Progress(sum(file.size for file in inputs)) as progress:
            try:
                run.all(inputs, progress)
            except KeyboardInterrupt:
                tally.interrupted = True
            except CarrythroughError as error:
                if not tally.total("records"):
                    raise
                tally.stopped = error.problem
            tally.sent()
            if not tally.interrupted and tally.stopped is None:
                tally.settle(delivery.folded(progress.waiting), tells_known=delivery.tells_known)
    finally:
        kept.close()
        delivery.close()
    if report_file is not None:
        write_report(report_file, tally, kept)
    if json:
        say_json(tally.as_dict(kept))
    else:
        report(tally, kept, target, folder)
    if tally.interrupted:
        note(f"Interrupted. {_GOES_ON}")
        return EXIT_INTERRUPTED
    if tally.stopped is not None:
        show_problem(tally.stopped, as_json=json)
        note(f"It stopped there. {_GOES_ON}")
    return 0 if tally.clean() else 1


class _Run:
    """One run over all files."""

    def __init__(
        self, delivery: Delivery, kept: QuarantineFile, tally: Tally, kind: Kind | None, mapping: Any
    ) -> None:
        self._delivery = delivery
        self._kept = kept
        self._tally = tally
        self._kind = kind
        self._mapping = mapping
        self._bytes_before = 0

    def all(self, inputs: list[InputFile], progress: Progress) -> None:
        """Bring every file in; a file that cannot be read to its end stops no other."""
        for file in inputs:
            with file:
                self._one(file, progress)
            self._bytes_before += file.size

    def _one(self, file: InputFile, progress: Progress) -> None:
        counts = FileTally(
            file.name, self._kind or file.found.kind or "unknown", self._kept, self._tally.stop, progress.tell
        )
        self._tally.files.append(counts)
        try:
            if file.found.layout == "empty":
                progress.tell(f"{file.name} is empty.")
                return
            kind = _kind_of(file, self._kind)
            pieces = self._pieces(file, kind, counts)
            with ThreadPoolExecutor(self._delivery.connections) as pool:
                self._pump(pool, pieces, kind, file, counts, progress)
        except PermanentError as error:
            if error.problem.where.partition(":")[0] != file.name.partition(":")[0]:
                raise
            counts.failure = error.problem

    def _pump(
        self,
        pool: ThreadPoolExecutor,
        pieces: Iterator[Piece],
        kind: Kind,
        file: InputFile,
        counts: FileTally,
        progress: Progress,
    ) -> None:
        under_way: deque[Future[None]] = deque()
        try:
            for parcel in parcels(pieces):
                under_way.append(
                    pool.submit(deliver, self._delivery, kind, file.found.version, parcel, counts)
                )
                if len(under_way) > self._delivery.connections:
                    under_way.popleft().result()
                progress.at(self._tally.total("records"), self._bytes_before + file.position())
        except BaseException as error:
            if not isinstance(error, PermanentError):
                self._tally.stop.set()
            _finish(under_way, quietly=True)
            raise
        _finish(under_way, quietly=False)

    def _pieces(self, file: InputFile, kind: Kind, counts: FileTally) -> Iterator[Piece]:
        """Yield what can be handed on; the rest goes to the quarantine at once."""
        from carrythrough.cli.files.tables import pieces_of

        for piece in pieces_of(file, self._mapping) if kind == "events" else file.records():
            if isinstance(piece, Refused):
                counts.refused(piece, piece.problem)
            else:
                yield piece


def _finish(under_way: Iterable[Future[None]], *, quietly: bool) -> None:
    """Wait for what was handed over, so that it is counted; its faults matter only when there is no other."""
    for future in under_way:
        try:
            future.result()
        except CarrythroughError:
            if not quietly:
                raise


def _kind_of(file: InputFile, forced: Kind | None) -> Kind:
    found = file.found
    if found.layout == "csv" and forced == "statements":
        raise _refusal(
            file, "statements do not come as CSV", "send them as JSON, or leave --kind out for events"
        )
    if forced is not None:
        return forced
    if found.kind == "refused":
        fix = "write the records out with `carrythrough quarantine export`, mend them, and bring that file in"
        raise _refusal(file, "this is a quarantine file", fix)
    if found.kind in ("program", "roster"):
        raise _refusal(file, f"this is a {found.kind}", f"put it in force with --{found.kind} {file.name}")
    if found.kind == "":
        fix = "say what it holds with --kind statements or --kind events; `carrythrough validate` shows what is wrong"
        raise _refusal(file, "its first records are neither statements nor performance events", fix)
    return cast("Kind", found.kind)


def _refusal(file: InputFile, detail: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="file-content-unknown",
            status=400,
            title="What the file holds is not known here",
            detail=f"{file.name}: {detail}",
            where=file.name,
            rule="a statement has actor, verb and object; a performance event has id, source, kind, employee and time",
            fix=fix,
        )
    )


def _check_arguments(
    files: tuple[Path, ...],
    target: Target,
    program: str | None,
    roster: str | None,
    kind: str | None,
    mapping: Path | None,
) -> None:
    if not files:
        raise wrong_usage(
            "no file is named", "carrythrough ingest FILE… (see carrythrough ingest --help)", where="FILE"
        )
    if target.server() is not None and (program or roster):
        raise wrong_usage(
            "a running server keeps the program map and roster that it was started with",
            "leave --program and --roster out, or stop the server and use --data-dir",
            where="--program" if program else "--roster",
        )
    if mapping is not None and kind == "statements":
        raise wrong_usage(
            "--mapping is for CSV files of performance events", "leave it out", where="--mapping"
        )


def open_delivery(target: Target, program: str | None, roster: str | None) -> tuple[Delivery, str | None]:
    """Return the delivery and the data folder (None for a server)."""
    server = target.server()
    if server is not None:
        from carrythrough.cli.importing.server_delivery import ServerDelivery

        return ServerDelivery(server), None
    settings = target.settings(program=program, roster=roster)
    from carrythrough.cli.importing.folder_delivery import FolderDelivery

    try:
        return FolderDelivery(settings), settings.data_dir
    except CarrythroughError as error:
        if error.problem.code == "data-folder-in-use":
            fix = f"send to the running server with --url, --key and --secret; or {error.problem.fix}"
            raise PermanentError(
                Problem(
                    **{**{f: getattr(error.problem, f) for f in error.problem.__struct_fields__}, "fix": fix}
                )
            ) from error
        raise
