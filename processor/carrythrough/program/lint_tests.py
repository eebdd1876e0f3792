"""Tests inside a program map: that each has something to begin with and something to expect."""

from __future__ import annotations

from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.types import Expect


def map_tests(context: LintContext) -> None:
    """Check what each test is given, and that it compares anything."""
    for t, test in enumerate(context.program.tests):
        for g, given in enumerate(test.given):
            path: Path = ("tests", t, "given", g)
            if (given.statement is None) is (given.event is None):
                what = (
                    "neither a statement nor an event"
                    if given.statement is None
                    else "a statement and an event"
                )
                message = f'test "{test.id}" is given {what}'
                add_lint(context, path, "test-given", message, 'write "statement: {...}" or "event: {...}"')
        if test.expect == Expect():
            message = f'test "{test.id}" expects nothing'
            fix = 'add "evidence", "actions" or "stages"; "evidence: []" expects none'
            add_lint(context, ("tests", t, "expect"), "test-expects-nothing", message, fix)
