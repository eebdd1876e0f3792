"""What a check of one file finds."""

from __future__ import annotations

from typing import Any

import msgspec

from carrythrough.authoring.source import Lint
from carrythrough.errors import Problem

FINDINGS_MAX = 10_000
"""Findings kept of one file; more are counted, since nobody reads them."""


class Checked(msgspec.Struct):
    """The findings of one file.

    kind: "program", "roster", "statements", "events" or "unknown". records: how many it holds.
    value: the map or roster when it is good. uncounted: errors beyond FINDINGS_MAX.
    """

    file: str
    kind: str
    records: int = 0
    findings: list[Lint] = []
    uncounted: int = 0
    value: Any = None
    coverage: Any = None

    @property
    def errors(self) -> int:
        """Return the number of errors."""
        return sum(lint.severity == "error" for lint in self.findings) + self.uncounted

    @property
    def warnings(self) -> int:
        """Return the number of warnings."""
        return sum(lint.severity == "warning" for lint in self.findings)

    def add(self, lint: Lint) -> None:
        """Take a finding."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(lint)
        else:
            self.uncounted += 1


def lint_of(problem: Problem, file: str) -> Lint:
    """Return the finding that a problem of a whole file is; "file:line:column" in `where` is taken apart."""
    line = column = "1"
    parts = problem.where.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        line, column = parts[1], parts[2]
    return Lint(
        code=problem.code,
        file=file,
        line=int(line),
        column=int(column),
        message=problem.detail or problem.title,
        rule=problem.rule,
        fix=problem.fix,
    )
