"""Program map text to a checked `ProgramMap`, or a refusal that says where, why and what to write."""

from __future__ import annotations

from carrythrough.authoring.reading import read_as
from carrythrough.authoring.source import Lint, SourceError, read_source, refusal
from carrythrough.program.lint import lint_map
from carrythrough.program.lint_context import ALONE, Surroundings
from carrythrough.program.types import ProgramMap

__all__ = ["Surroundings", "check_program", "load_program"]


def check_program(
    text: str, filename: str, surroundings: Surroundings = ALONE
) -> tuple[ProgramMap | None, list[Lint]]:
    """Read and lint a map without raising: (map or None when any lint is an error, all lints).

    surroundings: installed adapters, roles and teams of the roster, the day; what it leaves out is not looked at.
    """
    try:
        root = read_source(text, filename)
    except SourceError as error:
        return None, [error.lint]
    program, lints = read_as(root, ProgramMap, filename)
    if program is None:
        return None, sorted(lints, key=lambda lint: (lint.line, lint.column))
    lints = lint_map(program, root, filename, surroundings)
    refused = any(lint.severity == "error" for lint in lints)
    return (None if refused else program), lints


def load_program(text: str, filename: str) -> ProgramMap:
    """Return the program map that `text` (YAML or JSON) holds; warnings do not refuse it.

    Raises PermanentError, code "bad-program-map": `where` is "file:line:column" of the first
    error; `detail` lists every finding, one a line, when there are several.
    """
    program, lints = check_program(text, filename)
    if program is None:
        raise refusal(lints, "bad-program-map", "The program map is refused")
    return program
