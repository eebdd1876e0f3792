"""The mapping of a table: which column is what, and how its words, numbers and times become ours.

A YAML or JSON file: `columns` (our name: the name in the file), `constants` (our name: one value for all
rows), `filters` (which rows count), and what `events.conversion` does to values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring.reading import did_you_mean, listing, pointer_of, read_as
from carrythrough.authoring.source import Lint, SourceError, read_source, refusal
from carrythrough.events.conversion import Conversion, Scalar, faults_of
from carrythrough.events.rows import COLUMNS

TITLE = "The column mapping is refused"


class ColumnFilter(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"one_of": "in"}
):
    """Which rows count by one column of the file: those whose cell is `in` the list, and is not in `not_in`."""

    column: Annotated[str, Meta(min_length=1, description="Name of a column of the file.")]
    one_of: Annotated[tuple[str, ...], Meta(description="Cells that count; none: all.")] = ()
    not_in: Annotated[tuple[str, ...], Meta(description="Cells that do not count.")] = ()


class Mapping(Conversion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file's columns become ours."""

    columns: Annotated[dict[str, str], Meta(description="Our name: the name of the column in the file.")] = (
        msgspec.field(default_factory=dict)
    )
    constants: Annotated[dict[str, Scalar], Meta(description="Our name: one value for all rows.")] = (
        msgspec.field(default_factory=dict)
    )
    filters: Annotated[tuple[ColumnFilter, ...], Meta(description="Rows that count pass all of them.")] = ()
    encoding: Annotated[
        str, Meta(description='How the file is written: "windows-1252", "iso-8859-15" …; UTF-8 without.')
    ] = "utf-8"
    delimiter: Annotated[
        Literal["", ",", ";", "\t", "|"],
        Meta(description="What stands between cells; without, the first line tells."),
    ] = ""


def load_mapping(path: Path) -> Mapping:
    """Return the mapping that a file holds; raises PermanentError with file:line:column."""
    name = str(path)
    try:
        root = read_source(path.read_text(encoding="utf-8"), name)
    except SourceError as error:
        raise refusal([error.lint], "bad-mapping", TITLE) from None
    except (OSError, UnicodeDecodeError) as error:
        lint = Lint(
            code="unreadable", file=name, line=1, column=1, message=str(error), fix="name a UTF-8 file"
        )
        raise refusal([lint], "bad-mapping", "The column mapping cannot be read") from error
    mapping, lints = read_as(root, Mapping, name)
    if mapping is not None:
        lints = [
            Lint(
                code="bad-mapping",
                file=name,
                line=root.place(*path)[0],
                column=root.place(*path)[1],
                message=message,
                rule=rule,
                fix=fix,
                pointer=pointer_of(path),
            )
            for path, message, rule, fix in _faults(mapping)
        ]
    if mapping is None or lints:
        raise refusal(lints, "bad-mapping", TITLE)
    return mapping


def _faults(mapping: Mapping) -> Iterator[tuple[tuple[str | int, ...], str, str, str]]:
    """Yield (path, message, rule, fix) of whatever cannot work."""
    for part, names in (("columns", mapping.columns), ("constants", mapping.constants)):
        for given in names:
            if given not in COLUMNS:
                fix = did_you_mean(given, COLUMNS) or "write our name on the left and the file's on the right"
                yield (
                    (part, given),
                    f'"{given}" is not a column here',
                    f"columns are: {listing(COLUMNS, 30)}",
                    fix,
                )
    for given in mapping.columns:
        if given in mapping.constants:
            rule, fix = "a column has one value", f"keep {given} in columns or in constants"
            yield ("constants", given), f'"{given}" is mapped and constant', rule, fix
    if not _is_read(mapping.encoding):
        message = f'"{mapping.encoding[:40]}" is no encoding that is read here'
        rule, fix = "UTF-8, or an encoding of one byte a character", 'write for example "windows-1252"'
        yield ("encoding",), message, rule, fix
    # Columns of the file that bear our names need no entry, so any of them may be meant here.
    yield from faults_of(mapping, set(COLUMNS))


def _is_read(encoding: str) -> bool:
    """Say whether an encoding is UTF-8 or one in which ASCII is itself, so that lines and quotes are found."""
    try:
        return 'a,"1"\n'.encode(encoding) == b'a,"1"\n'
    except (LookupError, UnicodeError, TypeError):
        return False
