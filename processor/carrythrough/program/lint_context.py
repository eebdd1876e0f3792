"""What every check of a program map shares: the map, its places in the file, the findings."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.authoring.reading import pointer_of
from carrythrough.authoring.source import Lint, Node, Severity
from carrythrough.program.types import ProgramMap


class LintContext:
    """The map, the nodes behind it (for places) and the lints so far."""

    def __init__(self, program: ProgramMap, root: Node, filename: str) -> None:
        self.program = program
        self.root = root
        self.filename = filename
        self.lints: list[Lint] = []


def add_lint(
    context: LintContext,
    path: Sequence[str | int],
    code: str,
    message: str,
    rule: str,
    fix: str,
    severity: Severity = "error",
) -> None:
    """Add a finding about the value at `path`, placed by the nodes of the file."""
    line, column = context.root.place(*path)
    context.lints.append(
        Lint(
            code=code,
            file=context.filename,
            line=line,
            column=column,
            message=message,
            rule=rule,
            fix=fix,
            severity=severity,
            pointer=pointer_of(tuple(path)),
        )
    )
