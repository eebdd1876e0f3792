"""What every check of a program map shares: the map, its places in the file, what is around it, the findings."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from carrythrough.authoring.reading import SUGGESTIONS_FROM_MAX, did_you_mean, listing, pointer_of
from carrythrough.authoring.source import Lint, Node
from carrythrough.program.findings import FINDINGS
from carrythrough.program.types import ProgramMap

Path = tuple[str | int, ...]
SUGGESTIONS_MAX = 200
"""Unknown names of one map for which the nearest is looked up: each costs milliseconds, and nobody reads more."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a map is held against beyond itself; what is None is not looked at.

    adapters: names of those that are installed or set up. roles, teams, sites, people: what the roster has
    (people: roster ids). today: days since the epoch.
    """

    adapters: Collection[str] | None = None
    roles: Collection[str] | None = None
    teams: Collection[str] | None = None
    sites: Collection[str] | None = None
    people: Collection[str] | None = None
    today: int | None = None


ALONE = Surroundings()
"""A map on its own."""


class LintContext:
    """The map, the nodes behind it (for places), what is around it, and the lints so far."""

    def __init__(
        self, program: ProgramMap, root: Node, filename: str, surroundings: Surroundings = ALONE
    ) -> None:
        self.program = program
        self.root = root
        self.filename = filename
        self.around = surroundings
        self.lints: list[Lint] = []
        self.suggested = 0


def add_lint(context: LintContext, path: Sequence[str | int], code: str, message: str, fix: str) -> None:
    """Add a finding about the value at `path`, placed by the nodes of the file; the rest is in `FINDINGS`."""
    line, column = context.root.place(*path)
    finding = FINDINGS[code]
    context.lints.append(
        Lint(
            code=code,
            file=context.filename,
            line=line,
            column=column,
            message=message,
            rule=finding.rule,
            why=finding.why,
            fix=fix,
            severity=finding.severity,
            pointer=pointer_of(tuple(path)),
        )
    )


def nearest(context: LintContext, name: str, known: Collection[str], otherwise: str) -> str:
    """Return what to write in the place of an unknown name: the nearest known one, or the list of them.

    After SUGGESTIONS_MAX names it is only `otherwise`. Of very many names those are compared that begin alike.
    """
    context.suggested += 1
    if context.suggested > SUGGESTIONS_MAX:
        return otherwise
    if len(known) > SUGGESTIONS_FROM_MAX:
        start = name[:2].casefold()
        return did_you_mean(name, [each for each in known if each[:2].casefold() == start]) or otherwise
    names = sorted(known)
    return did_you_mean(name, names) or (
        f"{otherwise}, or use one of: {listing(names)}" if names else otherwise
    )
