"""Tables that fit the terminal: columns that matter less give way before a cell is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from carrythrough.cli.terminal import out, styled

Column = tuple[str, str] | tuple[str, str, int]
"""(heading, kind) or (heading, kind, yields).

kind: "left" (wraps at words), "right" or "ids" (one line, never cut). yields: 0 stays; of the others the
highest is left out first where the terminal is too narrow.
"""
WRAPPED_WIDTH = 22
"""A column that wraps asks for no more than this when columns are left out."""
GAP = 3


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table on stdout; cells are values or texts made by `terminal.styled`."""
    cells = [[cell if isinstance(cell, Text) else styled(cell) for cell in row] for row in rows]
    kept = _fitting(columns, cells, out().width)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number in kept:
        heading, kind = columns[number][:2]
        shown.add_column(
            heading,
            justify="right" if kind == "right" else "left",
            no_wrap=kind != "left",
            overflow="fold",
        )
    for row in cells:
        shown.add_row(*(row[number] for number in kept))
    out().print(shown)


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """Return the numbers of the columns that fit, in order."""
    asked = []
    for number, column in enumerate(columns):
        widest = max((cell_len(row[number].plain) for row in rows), default=0)
        if column[1] == "left":
            widest = min(widest, WRAPPED_WIDTH)
        asked.append(max(widest, cell_len(column[0])) + GAP)
    kept = list(range(len(columns)))
    while sum(asked[number] for number in kept) - GAP > width:
        yielding = max(kept, key=lambda number: _yields(columns[number]))
        if not _yields(columns[yielding]):
            break
        kept.remove(yielding)
    return kept


def _yields(column: Column) -> int:
    return column[2] if len(column) == 3 else 0
