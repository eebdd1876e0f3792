"""Writes docs/reference/errors.md: every error code with its meaning, rule and fix."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from carrythrough.authoring.findings import TEXT_FINDINGS
from carrythrough.program.findings import FINDINGS
from reference_pages.error_codes import ErrorCodes, Use

INTRODUCTION = """\
# Error codes

Every error carries a stable `code`, `where` it is (a JSON pointer such as `/3/actor/mbox`, a
`file:line:column`, or a key of the settings), the `rule` it breaks and what fixes it. Over HTTP it is an
`application/problem+json` body (RFC 9457) with the members `code`, `status`, `title`, `detail`,
`where`, `rule` and `fix`; on a terminal it is one line with the same parts. "…" stands for what is
filled in.
"""

LINTS = """\
## Findings in a program map, roster or other file

`carrythrough validate` and the start of the server report them all at once, each with its file, line
and column. An error refuses the file; a warning tells that something is probably missing. Why each finding
about a program map matters stands [with the program map](program-map.md#findings).
"""


def errors_page(root: Path) -> str:
    """Return the page as Markdown, from the source below `root`."""
    codes = ErrorCodes([root / "processor", root / "plugins"])
    problems = _by_code([use for use in codes.uses if use.kind == "Problem"])
    for code in codes.meanings:
        problems.setdefault(code, [])
    lints = _by_code([use for use in codes.uses if use.kind == "Lint"])
    parts = [INTRODUCTION, "## Problems\n"]
    parts += [_entry(code, problems[code], codes.meanings.get(code, "")) for code in sorted(problems)]
    parts.append(LINTS)
    parts += [_entry(code, lints[code], "", taken=code in problems) for code in sorted(lints)]
    return "\n".join(parts)


def _by_code(uses: list[Use]) -> dict[str, list[Use]]:
    return {code: list(group) for code, group in groupby(uses, key=lambda use: use.code)}


def _entry(code: str, uses: list[Use], meaning: str, *, taken: bool = False) -> str:
    """Return one entry; `taken` marks a code that already has a heading above, whose anchor it keeps."""
    lines = [f"**`{code}`**" if taken else f"### `{code}`", ""]
    statuses = sorted({use.status for use in uses if use.status})
    titles = _distinct([meaning] if meaning else [use.title for use in uses])
    said = "; ".join(titles)
    if statuses:
        said = f"{said} (HTTP {', '.join(statuses)})" if said else f"HTTP {', '.join(statuses)}"
    if said:
        lines.append(f"- Meaning: {said}")
    known = FINDINGS.get(code) or TEXT_FINDINGS.get(code)
    about_map = known is not None and any(use.kind == "Lint" for use in uses)
    rules = [use.rule for use in uses] + ([known.rule] if known is not None and about_map else [])
    lines += [f"- Rule: {rule}" for rule in _distinct(rules)]
    lines += [f"- Fix: {fix}" for fix in _distinct([use.fix for use in uses])]
    modules = _distinct([use.module for use in uses])
    if modules:
        lines.append(f"- Raised in: {', '.join(f'`{module}`' for module in modules)}")
    lines.append("")
    return "\n".join(lines)


def _distinct(texts: list[str]) -> list[str]:
    return sorted({text for text in texts if text.strip("… ")})
