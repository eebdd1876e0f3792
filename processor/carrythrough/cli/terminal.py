"""What every command says goes through here: results to stdout, everything else to stderr.

Names, ids and messages come from statements and files that anybody may have written, so they
are shown as plain text: no markup is interpreted and no control character reaches the terminal.
Colours and bars follow NO_COLOR and whether a terminal is there at all.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

import msgspec

from carrythrough.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PLAIN_WIDTH = 160
"""Columns when the output goes to a file or a pipe: wide enough that no table cell is cut."""
BLOCK_WIDTH_MAX = 110
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """Return the text without control characters, direction overrides and lone surrogates."""
    return _UNSAFE.sub("\ufffd", str(text).replace("\t", " "))


def out() -> Console:
    """Return the console for results."""
    return _console(sys.stdout)


def err() -> Console:
    """Return the console for progress, hints and errors."""
    return _console(sys.stderr)


@lru_cache(maxsize=4)
def _console(file: IO[str]) -> Console:
    """Return the console of a stream: one for each, since a caller may put another in its place."""
    from rich.console import Console

    width = None
    if not file.isatty() and not os.environ.get("COLUMNS", "").isdigit():
        width = PLAIN_WIDTH
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def say(text: object = "", style: str | None = None) -> None:
    """Print a line of the result; long ones wrap at words."""
    out().print(printable(text), style=style)


def say_wrapped(text: object, first: str = "  ") -> None:
    """Print a paragraph of the result wrapped at words, behind `first`; later lines begin as far in."""
    lead = " " * len(first)
    width = min(out().width, BLOCK_WIDTH_MAX)
    for line in textwrap.wrap(printable(text), width, initial_indent=first, subsequent_indent=lead):
        out().print(line, soft_wrap=True)


def note(text: object, style: str | None = None) -> None:
    """Print a line beside the result, on stderr."""
    err().print(printable(text), style=style)


def say_json(value: Any) -> None:
    """Print a value as one JSON document on stdout, indented for a person and for a script."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def styled(text: object, style: str = "") -> Text:
    """Return a table cell that shows `text` as it is."""
    from rich.text import Text

    return Text(printable(text), style=style)


def show_problem(problem: Problem, *, as_json: bool = False) -> None:
    """Print why the command stopped, on stderr: what, where, by which rule, and what fixes it."""
    if as_json:
        text = msgspec.json.encode({"error": problem}).decode()
        sys.stderr.write(text + "\n")
        return
    err().print(styled(f"error: {problem.title}", "bold red"))
    show_parts(
        [
            ("what", problem.detail),
            ("where", problem.where),
            ("rule", problem.rule),
            ("fix", problem.fix),
            ("code", problem.code),
        ]
    )


def show_parts(parts: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Print labelled lines on stderr with a hanging indent; empty ones are left out."""
    for label, text in parts:
        if text:
            for line in hanging(label, text, indent):
                style = "bold" if label == "fix" else "dim" if label == "code" else ""
                err().print(styled(line, style), soft_wrap=True)


def hanging(label: str, text: str, indent: int = 2) -> list[str]:
    """Return "label: text" wrapped at words, with later lines under the text; line breaks are kept."""
    lead = " " * indent + f"{label:<6}"
    width = min(err().width, BLOCK_WIDTH_MAX)
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        lines += textwrap.wrap(
            paragraph,
            width,
            initial_indent=" " * len(lead) if lines else lead,
            subsequent_indent=" " * len(lead),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def count(number: float) -> str:
    """Return a whole number with commas between the thousands."""
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """Return "1 statement", "3 statements"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
